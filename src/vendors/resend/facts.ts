/**
 * What Resend says of a mail it knows, as the ledger takes it. A mail is an object whose amount is
 * its recipients and whose unit is the price of one; only whether it goes out may be open.
 */
import { PICOS_PER_MICRO } from '../../money.ts';
import { type Json, textIn } from '../reply.ts';
import type { ObjectFact, Tariff } from '../vendor.ts';
import { PRICE } from './quote.ts';

/** `scheduled`: may still be cancelled · `gone`: went out, whatever came of it · `cancelled`. */
export type Standing = 'scheduled' | 'gone' | 'cancelled';

/** `queued` is open too: the mail's time has come, and it has not left. */
const STANDINGS: ReadonlyMap<string, Standing> = new Map([
  ['scheduled', 'scheduled'],
  ['queued', 'scheduled'],
  ['canceled', 'cancelled'],
]);

/** By `last_event`; null when it is not told. What is not in the table went out: bounces count too. */
export function standingOf({ last_event }: Json): Standing | null {
  const event = textIn(last_event);
  // Its events are named so too: `email.canceled`.
  return event === null ? null : (STANDINGS.get(event.replace(/^email\./, '')) ?? 'gone');
}

/** `open`: it is scheduled · `declined`: it was cancelled, so nothing moved. */
export function factOf(
  id: string,
  state: 'open' | 'declined',
  recipients: number,
  { prices }: Tariff,
): ObjectFact {
  const price = prices.get(PRICE);
  return {
    ...{ id, aliases: [], currency: 'usd', rateDate: null, moved: null, refunded: null, state },
    amount: BigInt(recipients),
    unit: price === undefined ? null : price * PICOS_PER_MICRO,
  };
}

/** Milliseconds since 1970 of `2023-04-03 22:13:42.674981+00` or of ISO 8601; null: of neither. */
export function timeIn(value: unknown): number | null {
  const text =
    textIn(value)
      ?.replace(' ', 'T')
      .replace(/([+-]\d\d)$/, '$1:00') ?? '';
  const ms = /^\d{4}-\d\d-\d\dT.*(?:Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? null : ms;
}
