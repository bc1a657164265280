/**
 * What a message or a call says of itself in a reply: whether more will become of it, and the price
 * that Twilio states for it, which comes minutes to a day after it was sent.
 */
import { type Micros, timesRate } from '../../money.ts';
import { type Json, textIn } from '../reply.ts';
import type { ObjectFact, Tariff } from '../vendor.ts';
import { type Stated, statedAmount } from './stated.ts';

export type Kind = 'message' | 'call';

/** `SM…` and `MM…` are messages, `CA…` is a call. */
const SIDS: Readonly<Record<Kind, RegExp>> = {
  message: /^(?:SM|MM)[0-9a-fA-F]{32}$/,
  call: /^CA[0-9a-fA-F]{32}$/,
};

export interface Resource {
  readonly sid: string;
  readonly status: string;
  /** Null while Twilio has not stated it, or in a currency without a rate. */
  readonly price: Stated | null;
  /** Why a price that is stated cannot be read; null: it can, or there is none. */
  readonly unreadable: string | null;
}

/** The resource that a reply shows; null when it shows none of this kind. */
export function resourceIn(body: Json | null, kind: Kind, tariff: Tariff): Resource | null {
  const sid = textIn(body?.sid);
  const status = textIn(body?.status);
  if (body === null || sid === null || status === null || !SIDS[kind].test(sid)) return null;
  const price = statedAmount(body.price, body.price_unit, tariff);
  const stated = body.price !== null && body.price !== undefined;
  return { sid, status, price, unreadable: stated && price === null ? whyNot(body, tariff) : null };
}

export function kindOf(sid: string | null): Kind | null {
  if (sid === null) return null;
  return SIDS.message.test(sid) ? 'message' : SIDS.call.test(sid) ? 'call' : null;
}

export function microsOf({ millionths, unit }: Stated): Micros {
  return timesRate(millionths, unit);
}

/**
 * What the reply means for the hold of the call that made the resource: the price is final once it
 * is stated; one that was cancelled costs nothing; of all others the money may still move.
 */
export function factOf({ sid, status, price }: Resource): ObjectFact {
  const money = price ?? { currency: 'usd', unit: 1_000_000n, rate: { date: null } };
  const state = price !== null ? 'final' : status === 'canceled' ? 'declined' : 'open';
  const { currency, unit, rate } = money;
  const amount = price?.millionths ?? 0n;
  return {
    ...{ id: sid, aliases: [], currency, unit, rateDate: rate.date, amount, state },
    moved: price?.millionths ?? null,
    refunded: null,
  };
}

function whyNot(body: Json, { missing }: Tariff): string {
  const unit = textIn(body.price_unit)?.toLowerCase() ?? '';
  return missing.get(unit) ?? `there is no rate for the currency ${unit || 'of its price'}`;
}
