/**
 * Where the money of each type of Stripe's objects stands, by its status: what it comes to, what has
 * moved, what was given back. In minor units as on the wire. A status that is in no table leaves
 * the money where it is: counted. The statuses that a reader will miss stay open: a PaymentIntent
 * that requires anything (confirmation, an action, capture, another payment method) or is
 * processing; a refund that is pending or requires an action; a payout in transit; an open invoice.
 */
import { integerIn, type Json, objectIn, textIn } from '../reply.ts';
import type { ObjectFact } from '../vendor.ts';
import { MAX_MINOR } from './currency.ts';

export type Standing = Pick<ObjectFact, 'amount' | 'state' | 'moved' | 'refunded'> & {
  /** Lower case. */
  currency: string;
};

type End = Pick<Standing, 'state' | 'moved'>;

const OPEN: End = { state: 'open', moved: null };
const DECLINED: End = { state: 'declined', moved: null };
const final = (moved: bigint): End => ({ state: 'final', moved });
const openAfter = (moved: bigint): End => ({ state: 'open', moved: moved > 0n ? moved : null });

/** Null: a number that should be there is not one. */
export const STANDINGS: Readonly<Record<string, (object: Json) => Standing | null>> = {
  payment_intent: plain((intent, amount) => {
    // A server that does not state amount_received (localstripe) may have moved all of it.
    const received = optional(intent.amount_received, amount);
    if (received === null) return null;
    const stated = intent.amount_received === undefined ? 0n : received;
    if (intent.status === 'succeeded') return final(received);
    return intent.status === 'canceled' ? final(stated) : openAfter(stated);
  }, refundedOfIntent),
  charge: plain((charge, amount) => {
    const captured = optional(charge.amount_captured, amount);
    if (captured === null) return null;
    if (charge.status === 'failed') return DECLINED;
    if (charge.status !== 'succeeded') return OPEN;
    if (charge.captured === true) return final(captured);
    // An authorisation that was let go shows as a refund of what was never captured.
    if (charge.captured === false && charge.refunded === true) return final(0n);
    return charge.amount_captured === undefined ? OPEN : openAfter(captured);
  }, refundedOf),
  refund: plain(byStatus('succeeded', 'failed canceled')),
  // One that reverses another has its amount with a minus.
  payout: (payout) => {
    const size = payout.original_payout == null ? payout.amount : negated(payout.amount);
    const refunded = payout.reversed_by == null ? 0n : positive(size);
    return of({ ...payout, amount: size }, byStatus('paid', 'failed canceled'), () => refunded);
  },
  // A reversed top-up came in before it went out again.
  topup: plain(byStatus('succeeded reversed', 'failed canceled')),
  transfer: plain(
    (_, amount) => final(amount),
    ({ amount_reversed }) => positive(amount_reversed),
  ),
  application_fee: plain(
    (_, amount) => final(amount),
    ({ amount_refunded }) => positive(amount_refunded),
  ),
  transfer_reversal: plain((_, amount) => final(amount)),
  fee_refund: plain((_, amount) => final(amount)),
  invoice,
  invoiceitem: plain(({ invoice: billed }, amount) => {
    const status = objectIn(billed)?.status;
    if (status === 'paid') return final(amount);
    return status === 'void' ? final(0n) : OPEN;
  }),
  'treasury.outbound_payment': plain(byStatus('posted', 'failed canceled returned')),
  'treasury.outbound_transfer': plain(byStatus('posted', 'failed canceled returned')),
  'treasury.credit_reversal': plain(byStatus('posted', 'canceled')),
  'treasury.debit_reversal': plain(byStatus('succeeded', 'failed')),
  'treasury.inbound_transfer': plain(byStatus('succeeded', 'failed canceled')),
  'v2.money_management.outbound_payment': inV2(byStatus('posted', 'failed canceled returned')),
  'v2.money_management.outbound_transfer': inV2(byStatus('posted', 'failed canceled returned')),
  'v2.money_management.payout_intent': inV2(byStatus('posted', 'canceled')),
  'v2.money_management.inbound_transfer': inV2(({ transfer_history }, amount) => {
    const entries = Array.isArray(transfer_history) ? transfer_history : [];
    const types = new Set(entries.map((entry) => objectIn(entry)?.type));
    if (types.has('bank_debit_failed') || types.has('bank_debit_returned')) return final(0n);
    return types.has('bank_debit_succeeded') ? final(amount) : OPEN;
  }),
};

/**
 * What an invoice asks for in all: paid and still to be paid. A draft has no standing, because
 * anybody may change what it asks until it is finalized.
 */
function invoice(object: Json): Standing | null {
  const currency = textIn(object.currency);
  const [paid, remaining] = [positive(object.amount_paid), positive(object.amount_remaining)];
  if (currency === null || paid === null || remaining === null) return null;
  if (object.status === 'draft') return null;
  return { amount: paid + remaining, currency, refunded: null, ...endOfInvoice(object, paid) };
}

function endOfInvoice({ status, paid_out_of_band }: Json, paid: bigint): End {
  if (status === 'paid') return final(paid_out_of_band === true ? 0n : paid);
  if (status === 'void') return final(paid);
  // Nobody collects it any more; who pays it all the same pays anew.
  return status === 'uncollectible' && paid === 0n ? DECLINED : openAfter(paid);
}

/**
 * What was given back of a charge. Before version 2025-03-31 a partial capture lets the rest go as a
 * refund, which is no money that was received: it is taken off, in newer versions for nothing, so
 * that there rather too much counts as still refundable.
 */
export function refundedOf(charge: Json): bigint | null {
  const amount = positive(charge.amount);
  const refunded = positive(charge.amount_refunded);
  if (amount === null || refunded === null || charge.captured === false) return null;
  const captured = optional(charge.amount_captured, amount);
  if (captured === null) return null;
  const back = refunded - (amount - captured);
  return back > 0n ? back : 0n;
}

function refundedOfIntent(intent: Json): bigint | null {
  const charge = objectIn(intent.latest_charge) ?? latestCharge(intent);
  return charge === null ? null : refundedOf(charge);
}

/** Versions before 2022-11-15 show a PaymentIntent's charges, the newest first. */
export function latestCharge({ charges }: Json): Json | null {
  const list = objectIn(charges)?.data;
  return Array.isArray(list) ? objectIn(list[0]) : null;
}

type EndOf = (object: Json, amount: bigint) => End | null;
type RefundedOf = (object: Json) => bigint | null;

function plain(endOf: EndOf, refunded: RefundedOf = () => null) {
  return (object: Json): Standing | null => of(object, endOf, refunded);
}

/** v2 has amount and currency in one. */
function inV2(endOf: EndOf) {
  return (object: Json): Standing | null => {
    const { value: amount, currency } = objectIn(object.amount) ?? {};
    return of({ ...object, amount, currency }, endOf, () => null);
  };
}

function of(object: Json, endOf: EndOf, refunded: RefundedOf): Standing | null {
  const currency = textIn(object.currency);
  const amount = positive(object.amount);
  const end = amount === null ? null : endOf(object, amount);
  if (currency === null || amount === null || end === null) return null;
  return { amount, currency, refunded: refunded(object), ...end };
}

function byStatus(moved: string, nothing: string): EndOf {
  const [all, none] = [new Set(moved.split(' ')), new Set(nothing.split(' '))];
  return ({ status }, amount) => {
    if (typeof status !== 'string') return OPEN;
    if (all.has(status)) return final(amount);
    return none.has(status) ? final(0n) : OPEN;
  };
}

/** An amount that no payment has is not read: in micro-dollars it would not fit the ledger's 64 bits. */
export function positive(value: unknown): bigint | null {
  const minor = integerIn(value);
  return minor === null || minor < 0n || minor > MAX_MINOR ? null : minor;
}

function optional(value: unknown, absent: bigint): bigint | null {
  return value === undefined ? absent : positive(value);
}

function negated(value: unknown): unknown {
  return typeof value === 'number' ? -value : value;
}
