/**
 * Twilio's Pricing API: what a country's messages and calls cost this account. It is asked with the
 * account's own credentials when a call goes to a country whose price nobody has said. The dearest
 * carrier and kind of number count, since the request does not say which it will be; what carriers
 * add is in no list of Twilio's, and is a price of its own (`sms-fee`).
 */
import type { Micros } from '../../money.ts';
import { type Json, objectIn, readJson } from '../reply.ts';
import { type LookUp, type Tariff, type VendorReply, whyNoRate } from '../vendor.ts';
import { statedMicros } from './stated.ts';

export type Listed = 'sms' | 'voice';

const PATHS: Readonly<Record<Listed, string>> = {
  sms: '/pricing/v1/Messaging/Countries/',
  voice: '/pricing/v2/Voice/Countries/',
};

/** `country`: ISO 3166. */
export function askFor(listed: Listed, country: string): LookUp {
  return { method: 'GET', path: PATHS[listed] + country, query: '', headers: {}, body: '' };
}

/** `has`: whether Twilio may have a price, and another time says it. */
export interface NoPrices {
  why: string;
  has: boolean;
}

/** The prices in the reply to such a question, by the names of prices.ts, or why there are none. */
export function pricesIn(
  { path }: LookUp,
  reply: VendorReply,
  tariff: Tariff,
): ReadonlyMap<string, Micros> | NoPrices {
  const listed = path.startsWith(PATHS.sms) ? 'sms' : 'voice';
  const country = path.slice(PATHS[listed].length);
  const { status } = reply;
  if (status !== 200) {
    return { why: `its Pricing API answered ${status} for ${country}`, has: status !== 404 };
  }
  const body = readJson(reply);
  if (body?.iso_country !== country) {
    return { why: `its Pricing API did not say what ${country} costs`, has: true };
  }
  const prices = new Map<string, Micros>();
  const put = (name: string, price: Micros | null) => {
    const known = prices.get(name);
    if (price !== null && (known === undefined || price > known)) prices.set(name, price);
  };
  const current = (row: Json) => statedMicros(row.current_price, body.price_unit, tariff);
  if (listed === 'sms') {
    for (const carrier of rowsIn(body.outbound_sms_prices)) {
      for (const row of rowsIn(carrier.prices)) put(`sms/${country}`, current(row));
    }
  } else {
    for (const row of rowsIn(body.outbound_prefix_prices)) {
      for (const prefix of prefixesIn(row)) put(`voice/${country}/+${prefix}`, current(row));
    }
  }
  if (prices.size > 0) return prices;
  const unit = typeof body.price_unit === 'string' ? body.price_unit.toLowerCase() : null;
  if (unit !== null && !tariff.rates.has(unit)) {
    const why = whyNoRate(unit, tariff);
    return { why: `the currency ${unit} needs a rate, and ${why}`, has: true };
  }
  return { why: `its Pricing API lists no price for ${country}`, has: false };
}

function rowsIn(list: unknown): Json[] {
  if (!Array.isArray(list)) return [];
  return list.map(objectIn).filter((row) => row !== null);
}

function prefixesIn({ destination_prefixes: list }: Json): string[] {
  if (!Array.isArray(list)) return [];
  return list.filter((prefix) => typeof prefix === 'string' && /^[1-9]\d{0,14}$/.test(prefix));
}
