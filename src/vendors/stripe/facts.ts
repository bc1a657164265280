/**
 * What the ledger learns from a Stripe object: its money, by the name under which that counts, in
 * the rates of a tariff. Whose money a charge is (its PaymentIntent's) and what a declined error
 * shows is decided here; how each type stands, in standings.ts.
 */
import { idIn, type Json, objectIn, textIn } from '../reply.ts';
import type { ObjectFact, Tariff } from '../vendor.ts';
import { minorUnit } from './currency.ts';
import { latestCharge, positive, refundedOf, STANDINGS, type Standing } from './standings.ts';

/** `attached`: the money is another object's, so this one has no fact of its own. */
export type Finding = ObjectFact | 'attached' | null;

/** The fact in an object of this type; null when any part that it rests on is not as it should be. */
export function findingIn(object: Json, type: string, tariff: Tariff): Finding {
  if (object.object !== type || !Object.hasOwn(STANDINGS, type)) return null;
  const standing = STANDINGS[type]!(object);
  if (standing === null) return null;
  return type === 'charge' && object.payment_intent != null
    ? 'attached'
    : factOf(object, standing, tariff);
}

/**
 * The payment in a PaymentIntent or a charge: a charge that shows its PaymentIntent is that one's.
 * Null also for one that only names it.
 */
export function paymentIn(object: Json, tariff: Tariff): ObjectFact | null {
  const intent = object.object === 'charge' ? objectIn(object.payment_intent) : null;
  const finding = findingIn(intent ?? object, intent ? 'payment_intent' : typeOf(object), tariff);
  if (finding === null || finding === 'attached') return null;
  const charge = textIn(object.id);
  if (intent === null || charge === null) return finding;
  const aliases = [...new Set([...finding.aliases, charge])];
  return { ...finding, aliases, refunded: refundedOf(object) ?? finding.refunded };
}

/** What a charge that was just captured says of its PaymentIntent, which it only names. */
export function captureOf(charge: Json, tariff: Tariff): ObjectFact | null {
  const [id, name] = [idIn(charge.payment_intent), textIn(charge.id)];
  const standing = STANDINGS.charge!(charge);
  if (id === null || name === null || standing?.state !== 'final') return null;
  const fact = factOf({ id }, standing, tariff);
  return fact && { ...fact, aliases: [name] };
}

/** The last invoice that a subscription shows, and the items that it bills; empty: it shows none. */
export function invoicesOf({ latest_invoice }: Json, tariff: Tariff): ObjectFact[] {
  const invoice = objectIn(latest_invoice);
  const fact = invoice === null ? null : findingIn(invoice, 'invoice', tariff);
  return fact === null || fact === 'attached' ? [] : [fact, ...itemsOf(invoice!, tariff)];
}

/** What an invoice asks for, unless it is a draft, and the items that it bills. */
export function billedIn(invoice: Json, tariff: Tariff): ObjectFact[] {
  const fact = findingIn(invoice, 'invoice', tariff);
  const own = fact === null || fact === 'attached' ? [] : [fact];
  return [...own, ...itemsOf(invoice, tariff)];
}

/**
 * The items on an invoice, also on a draft: from now on their money is the invoice's, and what is
 * held for each of them is held for that.
 */
export function itemsOf({ id, lines, currency }: Json, tariff: Tariff): ObjectFact[] {
  const listed = objectIn(lines)?.data;
  const [partOf, code] = [textIn(id), textIn(currency)];
  if (!Array.isArray(listed) || partOf === null || code === null) return [];
  return listed.flatMap((each) => {
    const line = objectIn(each);
    const named = idIn(objectIn(objectIn(line?.parent)?.invoice_item_details)?.invoice_item);
    const item = { id: named ?? idIn(line?.invoice_item) };
    const standing: Standing = {
      ...{ amount: positive(line?.amount) ?? 0n, currency: code },
      ...{ state: 'open', moved: null, refunded: null },
    };
    const fact = factOf(item, standing, tariff);
    return fact === null ? [] : [{ ...fact, partOf }];
  });
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

function typeOf({ object }: Json): string {
  return object === 'charge' || object === 'payment_intent' ? object : '';
}

function factOf(object: Json, standing: Standing, tariff: Tariff): ObjectFact | null {
  const id = textIn(object.id);
  const { currency, amount, state, moved, refunded } = standing;
  if (id === null) return null;
  const found = minorUnit(currency, tariff);
  return {
    ...{ id, aliases: aliasesOf(object), currency, amount, state, moved, refunded },
    unit: found?.unit ?? null,
    rateDate: found?.rate.date ?? null,
  };
}

/** Other names of a PaymentIntent's money: its charge, by today's name and by that before 2022-11-15. */
function aliasesOf(object: Json): string[] {
  if (object.object !== 'payment_intent') return [];
  const charge = idIn(object.latest_charge) ?? idIn(latestCharge(object));
  return charge === null ? [] : [charge];
}
