/**
 * What Stripe's answers to the look-ups of a call mean for its price. An answer that is no success,
 * or that cannot be read, is no price: the call is refused as unpriced, and nothing was sent.
 */
import { type Json, objectIn, readJson, textIn } from '../reply.ts';
import type { Learned, LookUp, Reading, Tariff, VendorReply } from '../vendor.ts';
import { priceByName } from './prices.ts';
import { type Asked, notUnderstood, unanswered } from './rule.ts';

export function learn(reading: Reading, replies: readonly VendorReply[], tariff: Tariff): Learned {
  const { operation, lookUp, fields, quote } = reading;
  const rule = operation === null ? undefined : priceByName(operation);
  const last = replies.at(-1);
  if (!rule?.learn || !lookUp || !last) return { quote };
  // Old versions cannot expand a PaymentIntent's latest charge; they show it unasked.
  if (last.status === 400 && replies.length === 1 && lookUp.query.startsWith('expand')) {
    return { lookUp: { ...lookUp, query: '' } };
  }
  if (last.status < 200 || last.status >= 300) {
    return unanswered(`Stripe was asked, and answered ${last.status}${messageIn(last)}`);
  }
  const told = replies.filter(({ status }) => status < 300).map(readJson);
  if (!told.every((each): each is Json => each !== null)) return notUnderstood('JSON');
  const asked: Asked = { subject: reading.objectId, fields, tariff, headers: carriedBy(lookUp) };
  return rule.learn(asked, told, quote);
}

/** The first look-up has them from the call. */
function carriedBy({ headers }: LookUp): Record<string, string> {
  return forLookUps(new Map(Object.entries(headers)));
}

/** Whose money it is, and the version that decides how Stripe answers. */
const CARRIED = ['stripe-account', 'stripe-context', 'stripe-version'];

export function forLookUps(headers: ReadonlyMap<string, string>): Record<string, string> {
  const named = CARRIED.flatMap((name) => {
    const value = headers.get(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(named);
}

function messageIn(reply: VendorReply): string {
  const message = textIn(objectIn(readJson(reply)?.error)?.message);
  return message === null ? '' : ` (${message.replace(/[\s.]+$/, '')})`;
}
