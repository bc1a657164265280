/**
 * Sets the ledger beside the vendor's own books, and both beside what the callers were told. Pure:
 * three sets of records in, lines out. A line is equal or it is not; nothing is rounded or excused.
 */
import type { Micros } from '../../money.ts';

export interface LedgerCall {
  id: string;
  state: string;
  cost: Micros | null;
  quote: Micros;
  idempotencyKey: string | null;
  objectId: string | null;
}

export interface VendorBooks {
  /** Every request that arrived at the vendor. */
  received: readonly { idempotencyKey: string | null; executed: boolean }[];
  intents: readonly { id: string; status: string; receivedCents: bigint }[];
  /** The vendor's own total of money moved. */
  movedCents: bigint;
}

export interface Told {
  attempted: number;
  /** Idempotency key to PaymentIntent. */
  paid: ReadonlyMap<string, string>;
  paidCents: bigint;
  declined: number;
  refused: number;
}

export interface Line {
  what: string;
  told: string;
  ledger: string;
  vendor: string;
  equal: boolean;
  /** The records that differ, when they can be named; at most ten. */
  differing: string[];
}

const MICROS_PER_CENT = 10_000n;
const SENT = new Set(['settled', 'released', 'held', 'unknown']);

/**
 * `plantCents` is added to one payment in the vendor's books: for the test that this comparison
 * finds what differs.
 */
export function compareBooks(
  told: Told,
  ledger: readonly LedgerCall[],
  booksAsKept: VendorBooks,
  options: { plantCents?: bigint } = {},
): Line[] {
  const books = planted(booksAsKept, options.plantCents ?? 0n);
  const inState = (state: string) => ledger.filter((call) => call.state === state);
  const paidIntents = books.intents.filter(({ status }) => status === 'succeeded');
  const refused = inState('refused');
  return [
    counts('charges tried', [told.attempted, ledger.length, null]),
    counts('paid', [told.paid.size, inState('settled').length, paidIntents.length]),
    counts('declined by card', [
      told.declined,
      inState('released').length,
      books.intents.filter(({ status }) => status === 'requires_payment_method').length,
    ]),
    refusedLine(told, refused, books),
    counts('held or unknown', [
      null,
      inState('held').length + inState('unknown').length,
      books.intents.length - paidIntents.length - declinedCount(books),
    ]),
    counts('requests at Stripe', [
      null,
      ledger.filter(({ state }) => SENT.has(state)).length,
      books.received.length,
    ]),
    counts('executed there', [
      null,
      ledger.filter(({ state }) => SENT.has(state)).length,
      books.received.filter(({ executed }) => executed).length,
    ]),
    moneyLine(told, ledger, books),
    idLine(told, inState('settled'), paidIntents),
    keyLine(ledger, books),
  ];
}

function planted(books: VendorBooks, cents: bigint): VendorBooks {
  if (cents === 0n) return books;
  const intents = books.intents.map((intent, i) =>
    i === 0 ? { ...intent, receivedCents: intent.receivedCents + cents } : intent,
  );
  return { ...books, intents, movedCents: books.movedCents + cents };
}

function declinedCount(books: VendorBooks): number {
  return books.intents.filter(({ status }) => status === 'requires_payment_method').length;
}

/** A line of three counts; null is a place that does not know. */
function counts(what: string, values: readonly (number | null)[]): Line {
  const known = values.filter((value) => value !== null);
  const [told, ledger, vendor] = values.map((value) => (value === null ? '' : grouped(value)));
  return {
    what,
    told: told!,
    ledger: ledger!,
    vendor: vendor!,
    equal: known.every((value) => value === known[0]),
    differing: [],
  };
}

/** A refused call must not have arrived: what the vendor shows is how many of them did. */
function refusedLine(told: Told, refused: readonly LedgerCall[], books: VendorBooks): Line {
  const arrived = new Set(books.received.map(({ idempotencyKey }) => idempotencyKey));
  const leaked = refused.filter(({ idempotencyKey }) => arrived.has(idempotencyKey));
  return {
    what: 'refused, never sent',
    told: grouped(told.refused),
    ledger: grouped(refused.length),
    vendor: `${grouped(leaked.length)} arrived`,
    equal: told.refused === refused.length && leaked.length === 0,
    differing: leaked.slice(0, 10).map(({ id }) => `${id} was refused, and arrived`),
  };
}

function moneyLine(told: Told, ledger: readonly LedgerCall[], books: VendorBooks): Line {
  const cost = ledger.reduce((sum, call) => sum + (call.cost ?? 0n), 0n);
  const equal = cost === books.movedCents * MICROS_PER_CENT && told.paidCents === books.movedCents;
  return {
    what: 'money moved',
    told: centsText(told.paidCents),
    ledger: microsText(cost),
    vendor: centsText(books.movedCents),
    equal,
    differing: [],
  };
}

/** Every paid PaymentIntent: in all three, with one and the same amount. */
function idLine(told: Told, settled: readonly LedgerCall[], intents: VendorBooks['intents']): Line {
  const costOf = new Map(settled.map((call) => [call.objectId, call.cost]));
  const toldIds = new Set(told.paid.values());
  const differing: string[] = [];
  for (const { id, receivedCents } of intents) {
    const cost = costOf.get(id);
    if (cost === undefined) differing.push(`${id} is not in the ledger`);
    else if (cost !== receivedCents * MICROS_PER_CENT) {
      differing.push(
        `${id} is ${centsText(receivedCents)} at Stripe and ${microsText(cost ?? 0n)} in the ledger`,
      );
    } else if (!toldIds.has(id)) differing.push(`${id} was paid, and its caller was not told`);
  }
  const atVendor = new Set(intents.map(({ id }) => id));
  for (const { id, objectId } of settled) {
    if (!objectId || !atVendor.has(objectId)) differing.push(`${id} has no payment at Stripe`);
  }
  const matched = intents.length - differing.filter((text) => text.startsWith('pi_')).length;
  return {
    what: 'same id and amount',
    told: grouped(toldIds.size),
    ledger: grouped(costOf.size),
    vendor: `${grouped(matched)} of ${grouped(intents.length)}`,
    equal: differing.length === 0 && toldIds.size === intents.length,
    differing: differing.slice(0, 10),
  };
}

/** One request at the vendor has one row, and the reverse, by idempotency key. */
function keyLine(ledger: readonly LedgerCall[], books: VendorBooks): Line {
  const sent = ledger.filter(({ state }) => SENT.has(state));
  const sentKeys = new Set(sent.map(({ idempotencyKey }) => idempotencyKey));
  const arrived = new Set(books.received.map(({ idempotencyKey }) => idempotencyKey));
  const differing = [
    ...[...arrived].filter((key) => !sentKeys.has(key)).map((key) => `${key} has no row`),
    ...[...sentKeys].filter((key) => !arrived.has(key)).map((key) => `${key} did not arrive`),
  ];
  return {
    what: 'idempotency keys',
    told: '',
    ledger: grouped(sentKeys.size),
    vendor: grouped(arrived.size),
    equal: differing.length === 0,
    differing: differing.slice(0, 10),
  };
}

export function grouped(count: number | bigint): string {
  return count.toString().replace(/\B(?=(\d{3})+$)/g, ',');
}

export function centsText(cents: bigint): string {
  return `$${grouped(cents / 100n)}.${(cents % 100n).toString().padStart(2, '0')}`;
}

/** Whole cents as cents; what is finer keeps every digit, so that a difference is seen. */
function microsText(micros: Micros): string {
  if (micros % MICROS_PER_CENT === 0n) return centsText(micros / MICROS_PER_CENT);
  return `$${micros / 1_000_000n}.${(micros % 1_000_000n).toString().padStart(6, '0')}`;
}
