/**
 * The vendor's own books: every request that was received, every event, and every cent that moved
 * or can move, of all accounts. Tests and the demo hold Keybrake's ledger against them, so nothing here asks Keybrake anything,
 * and every total changes in `save` alone. Sums are bigint minor units.
 */
import { Books, type BooksOptions } from '../books.ts';
import { Recent } from '../recent.ts';
import type { EventRecord } from './objects/event.ts';
import type { Bucket } from './objects/kept.ts';
import { type MoneyRecord, type RecordOf, type StripeRecord, standing } from './records.ts';

export type { ReceivedRequest } from '../books.ts';

type Totals = Partial<Record<Bucket, bigint>>;

const MOVED: readonly Bucket[] = [
  'payments',
  'payouts',
  'transfers',
  'topups',
  'outbound_payments',
  'outbound_transfers',
  'inbound_transfers',
];
const RETURNED: readonly Bucket[] = [
  'refunds',
  'transfer_reversals',
  'fee_refunds',
  'payout_reversals',
];
const UNDER_WAY: readonly Bucket[] = ['authorised', 'open', 'collecting'];
const INTO_BALANCE: readonly Bucket[] = [
  'payments',
  'topups',
  'application_fees',
  'inbound_transfers',
  'transfer_reversals',
  'payout_reversals',
];
const OUT_OF_BALANCE: readonly Bucket[] = [
  'payouts',
  'transfers',
  'outbound_payments',
  'outbound_transfers',
  'refunds',
  'fee_refunds',
];

export class StripeBooks extends Books {
  /** How old an event is before a list shows it: the real one's are late now and then. */
  eventDelaySeconds = 0;
  readonly #records: Recent<StripeRecord>;
  #events: EventRecord[] = [];
  /** By account ('' is the platform), then by currency. */
  #totals = new Map<string, Map<string, Totals>>();

  constructor(options: BooksOptions) {
    super(options);
    this.#records = new Recent(options.keepObjects);
  }

  /**
   * Minor units that stand in one place, in one currency: of all accounts, of one connected account
   * (`acct_…`), or of the platform's own (null).
   */
  total(bucket: Bucket, currency = 'usd', account?: string | null): bigint {
    let sum = 0n;
    for (const [owner, currencies] of this.#totals) {
      if (account !== undefined && owner !== (account ?? '')) continue;
      sum += currencies.get(currency)?.[bucket] ?? 0n;
    }
    return sum;
  }

  /** What moved, gross: payments, payouts, transfers, topups. What went back is apart. */
  movedCents(currency = 'usd', account?: string | null): bigint {
    return this.#sum(MOVED, currency, account);
  }

  refundedCents(currency = 'usd', account?: string | null): bigint {
    return this.total('refunds', currency, account);
  }

  /** All that went back: refunds, and reversals of transfers, payouts and application fees. */
  returnedCents(currency = 'usd', account?: string | null): bigint {
    return this.#sum(RETURNED, currency, account);
  }

  /** What may still move without another call: authorised, open, or being collected. */
  underWayCents(currency = 'usd', account?: string | null): bigint {
    return this.#sum(UNDER_WAY, currency, account);
  }

  /** What an account has, were all of it settled at once. */
  balanceCents(currency: string, account: string | null): bigint {
    return (
      this.#sum(INTO_BALANCE, currency, account) - this.#sum(OUT_OF_BALANCE, currency, account)
    );
  }

  #sum(buckets: readonly Bucket[], currency: string, account?: string | null): bigint {
    return buckets.reduce((sum, bucket) => sum + this.total(bucket, currency, account), 0n);
  }

  /** Authorised and not captured. */
  authorisedCents(currency = 'usd'): bigint {
    return this.total('authorised', currency);
  }

  /** PaymentIntents that can still be confirmed or are under way, without those last declined. */
  openCents(currency = 'usd'): bigint {
    return this.total('open', currency);
  }

  /** PaymentIntents whose last attempt was declined: nothing moved, another attempt could. */
  declinedCents(currency = 'usd'): bigint {
    return this.total('declined', currency);
  }

  /** Plain values for JSON; money as text of minor units. */
  override summary(): Record<string, unknown> {
    const currencies: Record<string, Record<string, string>> = {};
    for (const ofAccount of this.#totals.values()) {
      for (const [currency, totals] of ofAccount) {
        currencies[currency] ??= {};
        for (const bucket of Object.keys(totals) as Bucket[]) {
          currencies[currency][bucket] = this.total(bucket, currency).toString();
        }
      }
    }
    return {
      requests: this.requests,
      executions: this.executions,
      replays: this.replays,
      moved_cents: this.movedCents().toString(),
      refunded_cents: this.refundedCents().toString(),
      authorised_cents: this.authorisedCents().toString(),
      open_cents: this.openCents().toString(),
      declined_cents: this.declinedCents().toString(),
      currencies,
    };
  }

  override reset(): void {
    super.reset();
    this.#records.clear();
    this.#events = [];
    this.#totals = new Map();
  }

  find<Kind extends StripeRecord['object']>(kind: Kind, id: string): RecordOf<Kind> | undefined {
    const record = this.#records.get(id);
    return record?.object === kind ? (record as RecordOf<Kind>) : undefined;
  }

  get(id: string): StripeRecord | undefined {
    return this.#records.get(id);
  }

  /** All of a kind, newest first. */
  all<Kind extends StripeRecord['object']>(kind: Kind): RecordOf<Kind>[] {
    const found: RecordOf<Kind>[] = [];
    for (const record of this.#records.values()) {
      if (record.object === kind) found.push(record as RecordOf<Kind>);
    }
    return found.reverse();
  }

  /** Keeps a new or changed object and moves its money to where it stands now. */
  save(record: StripeRecord): void {
    if ('counted' in record) this.#count(record);
    this.#records.set(record.id, record);
  }

  /** What objects were costs a payment half as much again, which no benchmark is to measure. */
  get keepsEvents(): boolean {
    return this.options.keepLog > 0;
  }

  /** Writes an event down; as many of the newest are kept as objects. */
  record(event: EventRecord): void {
    const { keepObjects } = this.options;
    this.#events.push(event);
    if (this.#events.length >= 2 * keepObjects) this.#events = this.#events.slice(-keepObjects);
  }

  /** Oldest first. */
  get events(): readonly EventRecord[] {
    return this.#events;
  }

  #count(record: MoneyRecord): void {
    const { counted, currency } = record;
    const now = standing(record);
    if (counted) {
      const totals = this.#totalsOf(record.account, counted.currency);
      for (const [bucket, minor] of counted.standing) totals[bucket]! -= BigInt(minor);
    }
    const totals = this.#totalsOf(record.account, currency);
    for (const [bucket, minor] of now) totals[bucket] = (totals[bucket] ?? 0n) + BigInt(minor);
    record.counted = { currency, standing: now };
  }

  #totalsOf(account: string | null, currency: string): Totals {
    const owner = account ?? '';
    const currencies = this.#totals.get(owner) ?? new Map<string, Totals>();
    const totals = currencies.get(currency) ?? {};
    this.#totals.set(owner, currencies.set(currency, totals));
    return totals;
  }
}
