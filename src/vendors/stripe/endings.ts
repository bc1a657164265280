/**
 * What a success means for the money of the call it answers, by operation: what it cost, or which
 * object the money is held for. Objects with a life of their own (a refund on its way, an open
 * invoice) are held for until they are final; the ledger ends the hold by what is told of them then.
 * Never throws: what is not the object that was asked for proves nothing.
 */
import { type Micros, timesRate } from '../../money.ts';
import { idIn, integerIn, type Json, objectIn, textIn } from '../reply.ts';
import type { ObjectFact, Reading, Tariff } from '../vendor.ts';
import { givenBack } from './credit-notes.ts';
import { MAX_MINOR, toMicros } from './currency.ts';
import { billedIn, captureOf, findingIn, invoicesOf, paymentIn } from './facts.ts';

export interface End {
  readonly outcome: 'settled' | 'held' | 'unknown';
  /** With `settled`: what it cost; null: what was held for it. */
  readonly cost: Micros | null;
  readonly objects: readonly ObjectFact[];
  /** The object whose money it is, when that is not the reply's own. */
  readonly objectId?: string;
}

type Ending = (reading: Reading, body: Json, tariff: Tariff) => End;

export const UNKNOWN: End = { outcome: 'unknown', cost: null, objects: [] };
const AS_HELD: End = { outcome: 'settled', cost: null, objects: [] };

/** By operation, else by resource. */
const ENDINGS: Readonly<Record<string, Ending>> = {
  payment_intents: payment('payment_intent'),
  charges: payment('charge'),
  'charges.capture': captured,
  refunds: object('refund'),
  payouts: object('payout'),
  topups: object('topup'),
  transfers: object('transfer'),
  'transfers.reversals': object('transfer_reversal'),
  'application_fees.refunds': object('fee_refund'),
  credit_notes: creditNote,
  invoiceitems: invoiceItem,
  invoices: invoice,
  subscriptions: subscription,
  subscription_items: (_, body) => (body.object === 'subscription_item' ? AS_HELD : UNKNOWN),
  'quotes.accept': acceptedQuote,
  'terminal.readers': reader,
  'terminal.readers.refund_payment': refundingReader,
  'customers.balance_transactions': cost('customer_balance_transaction'),
  'billing.credit_grants': cost('billing.credit_grant', ({ amount }) => {
    const { value, currency } = objectIn(objectIn(amount)?.monetary) ?? {};
    return { amount: value, currency };
  }),
  'climate.orders': cost('climate.order', ({ amount_total, currency }) => {
    return { amount: amount_total, currency };
  }),
  'treasury.outbound_payments': object('treasury.outbound_payment'),
  'treasury.outbound_transfers': object('treasury.outbound_transfer'),
  'treasury.inbound_transfers': object('treasury.inbound_transfer'),
  'treasury.credit_reversals': object('treasury.credit_reversal'),
  'treasury.debit_reversals': object('treasury.debit_reversal'),
  'v2.money_management.outbound_payments': object('v2.money_management.outbound_payment'),
  'v2.money_management.outbound_transfers': object('v2.money_management.outbound_transfer'),
  'v2.money_management.inbound_transfers': object('v2.money_management.inbound_transfer'),
  'v2.money_management.payout_intents': payment('v2.money_management.payout_intent'),
};

/** A call that costs something was carried out. */
export function endOf(reading: Reading, body: Json, tariff: Tariff): End {
  const ending = named(ENDINGS, reading.operation);
  return ending === undefined ? UNKNOWN : ending(reading, body, tariff);
}

/** The entry of an operation, else of its resource. */
export function named<Entry>(
  table: Readonly<Record<string, Entry>>,
  operation: string | null,
): Entry | undefined {
  if (operation === null) return undefined;
  if (Object.hasOwn(table, operation)) return table[operation];
  const resource = operation.slice(0, operation.lastIndexOf('.'));
  return Object.hasOwn(table, resource) ? table[resource] : undefined;
}

/** What was made, or else the very object that the call acted on. */
export function isAnswerOf({ operation, objectId }: Reading, { id }: Json): boolean {
  return /\.(?:create|reverse)$/.test(operation ?? '') || id === objectId;
}

/** Several calls count for one payment: the ledger settles them from its fact. */
function payment(type: string): Ending {
  return (reading, body, tariff) => {
    const fact = factIn(reading, body, type, tariff);
    if (fact === 'attached') return held([], idIn(body.payment_intent));
    // Quoted in one currency, answered in another that has no rate: it proves nothing.
    if (fact === null || (fact.unit === null && reading.quote.kind !== 'object')) return UNKNOWN;
    return held([fact]);
  };
}

/** Settled as soon as it is final. */
function object(type: string): Ending {
  return (reading, body, tariff) => {
    const fact = factIn(reading, body, type, tariff);
    if (fact === null || fact === 'attached') return UNKNOWN;
    // Of what is made of another object, the ledger knows by which rate it was held for.
    if (fact.unit === null && reading.quote.kind !== 'object') return UNKNOWN;
    if (fact.state !== 'final') return held([fact]);
    const cost = fact.unit === null ? null : timesRate(fact.moved ?? 0n, fact.unit);
    return { outcome: 'settled', cost, objects: [fact] };
  };
}

function factIn(reading: Reading, body: Json, type: string, tariff: Tariff) {
  return isAnswerOf(reading, body) ? findingIn(body, type, tariff) : null;
}

/** Nothing to wait for: the reply says what it costs, by its size. */
function cost(type: string, of: (body: Json) => Json = (body) => body): Ending {
  return (_, body, tariff) => {
    if (body.object !== type) return UNKNOWN;
    const { amount, currency } = of(body);
    return settledAt(integerIn(amount), textIn(currency), tariff);
  };
}

function settled(cost: Micros, objects: readonly ObjectFact[]): End {
  return { outcome: 'settled', cost, objects };
}

function held(objects: readonly ObjectFact[], objectId: string | null = null): End {
  return { outcome: 'held', cost: null, objects, ...(objectId !== null && { objectId }) };
}

function settledAt(amount: bigint | null, currency: string | null, tariff: Tariff): End {
  if (amount === null || currency === null) return UNKNOWN;
  const size = amount < 0n ? -amount : amount;
  const micros = size > MAX_MINOR ? null : toMicros(size, currency, tariff);
  return micros === null ? UNKNOWN : settled(micros, []);
}

/** A charge that belongs to a PaymentIntent says how that one's money ended. */
function captured(reading: Reading, body: Json, tariff: Tariff): End {
  if (body.object !== 'charge' || !isAnswerOf(reading, body) || body.payment_intent == null) {
    return payment('charge')(reading, body, tariff);
  }
  const fact = paymentIn(body, tariff) ?? captureOf(body, tariff);
  return fact === null ? UNKNOWN : held([fact], fact.id);
}

/** Of versions that do not say so, what the request stated is what was held for it. */
function creditNote({ fields }: Reading, body: Json, tariff: Tariff): End {
  if (body.object !== 'credit_note') return UNKNOWN;
  const back = givenBack(body, fields);
  return back === null ? AS_HELD : settledAt(back, textIn(body.currency), tariff);
}

/** An item of an invoice counts for that invoice, else for itself until it is on one. */
function invoiceItem(reading: Reading, body: Json, tariff: Tariff): End {
  if (body.object !== 'invoiceitem' || !isAnswerOf(reading, body)) return UNKNOWN;
  const amount = integerIn(body.amount);
  if (amount !== null && amount < 0n) return settledAt(amount, textIn(body.currency), tariff);
  const fact = findingIn(body, 'invoiceitem', tariff);
  if (fact === null || fact === 'attached' || fact.unit === null) return UNKNOWN;
  const id = idIn(body.invoice) ?? fact.id;
  return held([{ ...fact, id }], id);
}

function invoice(reading: Reading, body: Json, tariff: Tariff): End {
  const id = textIn(body.id);
  if (body.object !== 'invoice' || id === null || !isAnswerOf(reading, body)) return UNKNOWN;
  return held(billedIn(body, tariff), id);
}

/**
 * Its last invoice tells what was billed, if the call made it: after a change that bills nothing at
 * once it is the one before, long paid. What such a change owes comes with the next invoice, which
 * no call shows; so does what a new item owes: both count as the preview had them.
 */
function subscription({ operation, before, quote }: Reading, body: Json, tariff: Tariff): End {
  if (body.object !== 'subscription') return UNKNOWN;
  const id = idIn(body.latest_invoice);
  const isNew = operation === 'subscriptions.create' || (before !== undefined && before !== id);
  if (id === null || !isNew) return AS_HELD;
  const [fact, ...items] = invoicesOf(body, tariff);
  if (fact === undefined) return held([], id);
  if (fact.unit === null) return UNKNOWN;
  if (fact.state === 'final') {
    return { ...settled(timesRate(fact.moved ?? 0n, fact.unit), [fact, ...items]), objectId: id };
  }
  // Nothing is held that could wait for it.
  const free = quote.kind === 'estimated' && quote.micros === 0n;
  if (free) return { ...settled(timesRate(fact.amount, fact.unit), []), objectId: id };
  return held([fact, ...items], id);
}

/** It makes an invoice, or a subscription whose first invoice it does not show. */
function acceptedQuote(reading: Reading, body: Json): End {
  if (body.object !== 'quote' || !isAnswerOf(reading, body)) return UNKNOWN;
  const id = idIn(body.invoice);
  return id === null ? AS_HELD : held([], id);
}

/** The customer is asked for a card in a shop: the PaymentIntent tells what came of it. */
function reader({ fields }: Reading, body: Json): End {
  const id = fields.get('payment_intent');
  return body.object === 'terminal.reader' && id ? held([], id) : UNKNOWN;
}

/** The refund tells, once there is one; the payment itself does not. */
function refundingReader(_: Reading, body: Json): End {
  if (body.object !== 'terminal.reader') return UNKNOWN;
  const refund = idIn(objectIn(objectIn(body.action)?.refund_payment)?.refund);
  return refund === null ? { ...UNKNOWN, outcome: 'held' } : held([], refund);
}
