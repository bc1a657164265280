/**
 * The vendor's own books: every request that was received, and every cent that moved or can move.
 * Tests and the demo hold Keybrake's ledger against them, so nothing here asks Keybrake anything,
 * and every total changes in `save` alone. Sums are bigint minor units.
 */
import { Books, type BooksOptions } from '../books.ts';
import { Recent } from '../recent.ts';
import type { Bucket, Fund, MoneyRecord, RecordOf, StripeRecord } from './records.ts';

export type { ReceivedRequest } from '../books.ts';

type Totals = Record<Bucket, bigint>;

const noMoney = (): Totals => ({
  open: 0n,
  declined: 0n,
  authorised: 0n,
  payments: 0n,
  refunds: 0n,
  payouts: 0n,
  transfers: 0n,
  topups: 0n,
  credits: 0n,
});

export class StripeBooks extends Books {
  readonly #records: Recent<StripeRecord>;
  #totals = new Map<string, Totals>();

  constructor(options: BooksOptions) {
    super(options);
    this.#records = new Recent(options.keepObjects);
  }

  /** Minor units that stand in one place, in one currency. */
  total(bucket: Bucket, currency = 'usd'): bigint {
    return this.#totals.get(currency)?.[bucket] ?? 0n;
  }

  /** What moved, gross: captured payments, payouts, transfers and topups. Refunds are apart. */
  movedCents(currency = 'usd'): bigint {
    return (['payments', 'payouts', 'transfers', 'topups'] as const).reduce(
      (sum, bucket) => sum + this.total(bucket, currency),
      0n,
    );
  }

  refundedCents(currency = 'usd'): bigint {
    return this.total('refunds', currency);
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
    for (const [currency, totals] of this.#totals) {
      currencies[currency] = Object.fromEntries(
        Object.entries(totals).map(([bucket, minor]) => [bucket, minor.toString()]),
      );
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
    if ('bucket' in record) this.#count(record);
    this.#records.set(record.id, record);
  }

  #count(record: MoneyRecord): void {
    const [bucket, amount] = standing(record);
    if (bucket === record.bucket && amount === record.counted) return;
    let totals = this.#totals.get(record.currency);
    if (!totals) {
      totals = noMoney();
      this.#totals.set(record.currency, totals);
    }
    if (record.bucket) totals[record.bucket] -= BigInt(record.counted);
    if (bucket) totals[bucket] += BigInt(amount);
    record.bucket = bucket;
    record.counted = amount;
  }
}

const FUNDS = {
  payout: 'payouts',
  topup: 'topups',
  transfer: 'transfers',
} as const satisfies Record<Fund['object'], Bucket>;

/** The one place an object's money stands, and how much of it. */
function standing(record: MoneyRecord): [Bucket | null, number] {
  switch (record.object) {
    case 'payment_intent':
      switch (record.status) {
        case 'requires_capture':
        case 'succeeded':
        case 'canceled':
          return [null, 0];
        case 'requires_payment_method':
          return [record.lastRefusal ? 'declined' : 'open', record.amount];
        default:
          return ['open', record.amount];
      }
    case 'charge':
      if (record.state === 'authorised') return ['authorised', record.amount];
      return record.state === 'captured' ? ['payments', record.amountCaptured] : [null, 0];
    case 'refund':
      return ['refunds', record.moved];
    case 'customer_balance_transaction':
      return ['credits', record.amount];
    default:
      return record.status === 'canceled' ? [null, 0] : [FUNDS[record.object], record.amount];
  }
}
