/**
 * What a call costs at the prices of a tariff, or what is missing to say so. The price of a country
 * that has none yet is Twilio's to tell.
 */
import type { Micros } from '../../money.ts';
import type { LookUp } from '../vendor.ts';
import type { PhoneNumber } from './phone.ts';
import { type Prices, priceAt } from './prices.ts';
import { askFor, type Listed } from './pricing-api.ts';

export type Priced =
  | { kind: 'bounded' | 'estimated'; micros: Micros }
  | { kind: 'free' }
  | { kind: 'ask'; lookUp: LookUp; what: string }
  /** Why it has no price, as the rest of a sentence. */
  | { kind: 'unpriced'; why: string };

/** A price alone, or why there is none yet or at all. */
export type Found = { micros: Micros } | Extract<Priced, { kind: 'ask' | 'unpriced' }>;

export function estimated(micros: Micros): Priced {
  return { kind: 'estimated', micros };
}

export function unpriced(why: string): Extract<Priced, { kind: 'unpriced' }> {
  return { kind: 'unpriced', why };
}

/** A price that stands in no list of Twilio's: the operator says it. */
export function configured(prices: Prices, kind: string, to: PhoneNumber | null = null): Found {
  const micros = priceAt(prices, kind, to);
  if (micros !== null) return { micros };
  return unpriced(`no price \`${nameAt(kind, to)}\` is configured`);
}

/** A price that Twilio lists by country: of a segment to `to`, of a minute with it. */
export function listedPrice(prices: Prices, listed: Listed, to: PhoneNumber): Found {
  const micros = priceAt(prices, listed, to);
  if (micros !== null) return { micros };
  const { country, digits } = to;
  const what = `no price \`${nameAt(listed, to)}\` is known`;
  if (country === null) return unpriced(`+${digits} is no number of a known country, and ${what}`);
  return { kind: 'ask', lookUp: askFor(listed, country), what };
}

function nameAt(kind: string, to: PhoneNumber | null): string {
  if (to === null) return kind;
  return `${kind}/${to.country ?? `+${to.digits}`}`;
}
