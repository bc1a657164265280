/**
 * What a Stripe object says about money: by its status, whether the money has moved, may still
 * move, or has not. A status that is not in the tables leaves the money where it is: counted.
 */
import type { Micros } from '../../money.ts';
import { idIn, integerIn, type Json, textIn } from '../reply.ts';
import type { ObjectFact, Tariff } from '../vendor.ts';
import { MAX_MINOR, minorUnit, toMicros } from './currency.ts';

/** `attached`: the money is another object's, so this one has no fact of its own. */
export type Finding = ObjectFact | 'attached' | null;

type State = ObjectFact['state'];

/** `moved` is in minor units; null unless the state is `final`. */
interface Standing {
  state: State;
  moved: bigint | null;
}

const OPEN: Standing = { state: 'open', moved: null };
const DECLINED: Standing = { state: 'declined', moved: null };
const moved = (minor: bigint): Standing => ({ state: 'final', moved: minor });

/**
 * How each object stands, given its amount. Null: a number that should be there is not one.
 * The statuses that a reader will miss stay open: a PaymentIntent that requires anything
 * (confirmation, an action, capture, another payment method) or is processing; a refund that is
 * pending or requires an action; a payout in transit.
 */
const STANDINGS: Readonly<Record<string, (object: Json, amount: bigint) => Standing | null>> = {
  payment_intent(intent, amount) {
    // A server that does not state amount_received (localstripe) may have moved all of it.
    const received = optional(intent.amount_received, amount);
    if (received === null) return null;
    if (intent.status === 'succeeded') return moved(received);
    if (intent.status !== 'canceled') return OPEN;
    return moved(intent.amount_received === undefined ? 0n : received);
  },
  charge(charge, amount) {
    const captured = optional(charge.amount_captured, amount);
    if (captured === null) return null;
    if (charge.status === 'failed') return DECLINED;
    if (charge.status !== 'succeeded') return OPEN;
    if (charge.captured === true) return moved(captured);
    // An authorisation that was let go shows as a refund of what was never captured.
    return charge.captured === false && charge.refunded === true ? moved(0n) : OPEN;
  },
  refund: byStatus({ succeeded: 'all', failed: 'none', canceled: 'none' }),
  payout: byStatus({ paid: 'all', failed: 'none', canceled: 'none' }),
  // A reversed top-up came in before it went out again.
  topup: byStatus({ succeeded: 'all', reversed: 'all', failed: 'none', canceled: 'none' }),
  transfer: (_, amount) => moved(amount),
};

function byStatus(ends: Readonly<Record<string, 'all' | 'none'>>) {
  return ({ status }: Json, amount: bigint): Standing => {
    const end = typeof status === 'string' && Object.hasOwn(ends, status) ? ends[status] : null;
    if (end === 'all') return moved(amount);
    return end === 'none' ? moved(0n) : OPEN;
  };
}

/** The fact in an object of this type; null when any part that it rests on is not as it should be. */
export function findingIn(object: Json, type: string, tariff: Tariff): Finding {
  if (object.object !== type || !Object.hasOwn(STANDINGS, type)) return null;
  const id = textIn(object.id);
  const currency = textIn(object.currency);
  const amount = positive(object.amount);
  if (id === null || currency === null || amount === null) return null;
  if (type === 'charge' && object.payment_intent != null) return 'attached';
  const standing = STANDINGS[type]!(object, amount);
  if (standing === null) return null;
  const found = minorUnit(currency, tariff);
  return {
    ...{ id, aliases: aliasesOf(object, type), currency, amount, ...standing },
    unit: found?.unit ?? null,
    rateDate: found?.rate.date ?? null,
    refunded: null,
  };
}

/**
 * The PaymentIntent that an error carries. After a decline it waits for another payment method:
 * nothing moved, and the next confirmation is priced anew. An authorisation that stands (a raise of
 * it was declined) still requires capture, and stays open.
 */
export function findingInError(intent: Json, status: number, tariff: Tariff): Finding {
  const finding = findingIn(intent, 'payment_intent', tariff);
  if (finding === null || finding === 'attached' || status !== 402) return finding;
  const waits = AWAITS_METHOD.has(String(intent.status));
  const untouched = !intent.amount_received && !intent.amount_capturable;
  return waits && untouched ? { ...finding, state: 'declined' } : finding;
}

/** By today's name, and by the one of versions before 2019. */
const AWAITS_METHOD = new Set(['requires_payment_method', 'requires_source']);

/** What a reply that has no further life says it cost: an invoice item, a credit. */
export function costIn(object: Json, type: string, field: string, tariff: Tariff): Micros | null {
  const amount = integerIn(object[field]);
  const currency = textIn(object.currency);
  if (object.object !== type || amount === null || currency === null) return null;
  const size = amount < 0n ? -amount : amount;
  return size > MAX_MINOR ? null : toMicros(size, currency, tariff);
}

function aliasesOf(object: Json, type: string): string[] {
  const charge = type === 'payment_intent' ? idIn(object.latest_charge) : null;
  return charge === null ? [] : [charge];
}

/** An amount that no payment has is not read: in micro-dollars it would not fit the ledger's 64 bits. */
function positive(value: unknown): bigint | null {
  const minor = integerIn(value);
  return minor === null || minor < 0n || minor > MAX_MINOR ? null : minor;
}

function optional(value: unknown, absent: bigint): bigint | null {
  return value === undefined ? absent : positive(value);
}
