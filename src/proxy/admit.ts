/**
 * Step 5, admit: asks the ledger until it has decided. On the way it waits for the first call with
 * the same identity, for a price that only the vendor knows, and for holds that may come back. The
 * ledger decides; what happens here is asking again.
 */
import type { Account } from '../accounts.ts';
import type { Clock } from '../clock.ts';
import {
  type Admission,
  type KeyIdentity,
  type Ledger,
  LedgerUnavailable,
  type Verdict,
} from '../ledger/ledger.ts';
import type { PriceTable, TariffBook } from '../tariffs/book.ts';
import type { Learned, Quote, Vendor, VendorReply } from '../vendors/vendor.ts';
import type { Sender } from './forward.ts';
import { lookUp } from './look-up.ts';
import type { RunningCall, RunningCalls } from './running.ts';
import { pricedByKey, type Understood } from './understand.ts';
import type { Ticket, WaitingRoom } from './waiting.ts';

/** How long a caller waits for the first call with its idempotency key, inside the SDKs' 80 s. */
export const COALESCE_MS = 30_000;
/** How often a first call that runs elsewhere is asked for. */
const ASK_AGAIN_MS = 50;
/** How long a call waits for holds in front of it to come back. */
export const HOLDS_MS = 5_000;
/** Questions to the vendor about one price: an object, and what it belongs to. */
const MAX_LOOK_UPS = 4;

export interface AdmitDeps {
  ledger: Ledger;
  tariffs: TariffBook;
  upstream: Sender;
  running: RunningCalls;
  waiting: WaitingRoom;
  clock: Clock;
  coalesceMs?: number;
  holdsMs?: number;
}

export interface Applicant {
  readonly running: RunningCall;
  readonly key: KeyIdentity;
  readonly vendor: Vendor;
  /** As it is when the vendor is asked. */
  readonly account: () => Account | undefined;
  readonly understood: Understood;
}

export type FinalVerdict = Exclude<Verdict, { kind: 'in_flight' | 'look_up' | 'wait' }>;

export interface Admitted {
  verdict: FinalVerdict;
  /** With what a look-up told of the price. */
  understood: Understood;
}

/** The verdict; null: no ledger, no call. */
export async function admit(deps: AdmitDeps, applicant: Applicant): Promise<Admitted | null> {
  const ticket = deps.waiting.ticket();
  try {
    return await new Admitting(deps, applicant, ticket).run();
  } catch (error) {
    if (error instanceof LedgerUnavailable) return null;
    throw error;
  } finally {
    deps.waiting.leave(ticket);
  }
}

class Admitting {
  readonly #deps: AdmitDeps;
  readonly #applicant: Applicant;
  readonly #ticket: Ticket;
  readonly #coalesceUntil: number;
  #holdsUntil: number | null = null;
  #understood: Understood;

  constructor(deps: AdmitDeps, applicant: Applicant, ticket: Ticket) {
    this.#deps = deps;
    this.#applicant = applicant;
    this.#ticket = ticket;
    this.#understood = applicant.understood;
    this.#coalesceUntil = deps.clock.monotonic() + (deps.coalesceMs ?? COALESCE_MS);
  }

  async run(): Promise<Admitted> {
    const { ledger, clock, waiting } = this.#deps;
    const { chain } = this.#applicant.key;
    for (;;) {
      waiting.asks(this.#ticket);
      if (this.#understood.admission.holds !== 'refuse') {
        const others = waiting.before(this.#ticket, chain) !== null;
        this.#change({ holds: others ? 'queue' : 'wait' });
      }
      const verdict = await ledger.admit(this.#understood.admission);
      switch (verdict.kind) {
        case 'in_flight':
          await this.#waitForFirst(verdict.firstId);
          break;
        case 'look_up':
          await this.#lookUp();
          break;
        case 'wait':
          await this.#waitForHolds(verdict.keyId);
          break;
        default:
          return { verdict, understood: this.#understood };
      }
      this.#change({ at: clock.now() });
    }
  }

  #change(changes: Partial<Admission>): void {
    const { admission } = this.#understood;
    this.#understood = { ...this.#understood, admission: { ...admission, ...changes } };
  }

  async #waitForFirst(firstId: bigint): Promise<void> {
    const { running, clock } = this.#deps;
    // The place in a queue is for those who could go; this one has nothing to send yet.
    this.#deps.waiting.leave(this.#ticket);
    const left = this.#coalesceUntil - clock.monotonic();
    if (left > 0) await running.ended(firstId, left, ASK_AGAIN_MS);
    else this.#change({ waited: true });
  }

  async #waitForHolds(keyId: bigint | null): Promise<void> {
    const { waiting, clock, holdsMs = HOLDS_MS } = this.#deps;
    const { chain } = this.#applicant.key;
    this.#holdsUntil ??= clock.monotonic() + holdsMs;
    const left = this.#holdsUntil - clock.monotonic();
    const queue = keyId ?? waiting.before(this.#ticket, chain);
    if (left <= 0) this.#change({ holds: 'refuse' });
    else if (queue !== null) await waiting.wait(this.#ticket, queue, left);
  }

  /** Puts what the vendor says of the price where the ledger's next answer finds it. */
  async #lookUp(): Promise<void> {
    const { vendor, key } = this.#applicant;
    const { reading, request, tariff } = this.#understood;
    const replies: VendorReply[] = [];
    let learned: Learned = { lookUp: reading.lookUp! };
    while ('lookUp' in learned) {
      const reply = replies.length < MAX_LOOK_UPS ? await this.#ask(learned.lookUp) : 'no end';
      if (typeof reply === 'string') {
        learned = { quote: unknownPrice(reply) };
        break;
      }
      replies.push(reply);
      learned = vendor.learn(reading, replies, tariff);
    }
    const told: Extract<Learned, { quote: Quote }> =
      'quote' in learned ? learned : { ...learned, quote: reading.quote };
    const { quote, facts = [], before, prices } = told;
    if (prices) this.#remember(prices);
    const byKey = pricedByKey(key, request, { operation: reading.operation, quote });
    this.#change({
      ...{ canAsk: false, facts, quote: byKey ?? quote },
      amount: told.amount ?? reading.amount,
      currency: told.currency ?? reading.currency,
      rateDate: (told.rate ?? reading.rate)?.date ?? null,
    });
    this.#understood = {
      ...this.#understood,
      reading: { ...reading, quote, ...(before !== undefined && { before }) },
      pricedByKey: byKey !== null,
    };
  }

  /** What the vendor said of its prices serves later calls too. */
  #remember(prices: PriceTable): void {
    const { tariffs, clock } = this.#deps;
    const { vendor, understood } = this.#applicant;
    tariffs.learn(vendor.name, understood.admission.account, prices, clock.now());
  }

  async #ask(
    question: NonNullable<Understood['reading']['lookUp']>,
  ): Promise<VendorReply | string> {
    const { vendor, account: accountNow, running } = this.#applicant;
    const account = accountNow();
    if (!account) return 'the account is gone';
    const { upstream } = this.#deps;
    return lookUp(upstream, vendor, account, question, () => running.stopped === null);
  }
}

function unknownPrice(why: string): Quote {
  return {
    kind: 'unpriced',
    reason: `The vendor was asked what the call costs, and did not say: ${why}.`,
    noKeyPrice: true,
  };
}
