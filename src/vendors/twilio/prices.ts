/**
 * The names of Twilio's prices in a tariff, and how a destination finds its own. All are dollars:
 *
 *   sms        a segment                        sms-fee    the carrier's fee on top of it
 *   mms        a message with media             mms-fee    the carrier's fee on top of it
 *   content    a message of a template, whole   voice      a minute of a call
 *   whatsapp, rcs, messenger                    a message in that channel
 *   verify     a verification                   verify/sms, verify/call, …   its sending
 *   lookup/caller_name, …                       a field of a lookup
 *   message-failed                              a message that fails
 *   machine-detection, voice-recording          of a call: once, and a minute
 *   shorten-urls                                a message whose links are shortened
 *
 * Those that depend on the destination may say it: `sms/GB`, a country; `sms/+4477`, the beginning
 * of a number; `voice/CA/+1`, of the numbers of a country. The longest beginning wins, then the
 * country, then the name alone. A beginning that is a whole calling code is its main country's:
 * `+1` says nothing of Jamaica.
 */
import type { Micros } from '../../money.ts';
import { isCountry, isMainCountry, type PhoneNumber } from './phone.ts';

export type Prices = ReadonlyMap<string, Micros>;

/** Channels other than SMS: `To=whatsapp:+15552229999`. */
export const CHANNELS: ReadonlySet<string> = new Set(['whatsapp', 'rcs', 'messenger']);

const BY_DESTINATION = new Set([
  'sms',
  'sms-fee',
  'mms',
  'mms-fee',
  'content',
  'voice',
  ...CHANNELS,
]);
const VERIFICATION = /^verify\/[a-z]+$/;
const ALONE =
  /^(?:verify|lookup\/[a-z_]+|message-failed|machine-detection|voice-recording|shorten-urls|voice\/(?:sip|client))$/;

/** What is wrong with the name of a price, or null. */
export function checkPriceName(name: string): string | null {
  if (ALONE.test(name)) return null;
  const [, kind = '', country] =
    /^([a-z-]+(?:\/[a-z]+)?)(?:\/([A-Z]{2}))?(?:\/\+[1-9]\d{0,14})?$/.exec(name) ?? [];
  if (!BY_DESTINATION.has(kind) && !VERIFICATION.test(kind)) {
    return 'is no price of Twilio; it is one such as `sms/US`, `voice/+44`, `verify` or `lookup/caller_name`';
  }
  if (country !== undefined && !isCountry(country)) return `names no country: ${country}`;
  return null;
}

/** The price of a kind at a destination, null: no entry covers it. `to` null: it is no number. */
export function priceAt(prices: Prices, kind: string, to: PhoneNumber | null): Micros | null {
  return (to === null ? null : ofNumber(prices, kind, to)) ?? prices.get(kind) ?? null;
}

function ofNumber(prices: Prices, kind: string, to: PhoneNumber): Micros | null {
  const { digits, country, callingCode } = to;
  const code = callingCode?.length ?? 0;
  const shortest = isMainCountry(to) ? code : code + 1;
  const own = longest(prices, kind, digits, shortest);
  if (own !== null || country === null) return own;
  return (
    longest(prices, `${kind}/${country}`, digits, 1) ?? prices.get(`${kind}/${country}`) ?? null
  );
}

function longest(prices: Prices, kind: string, digits: string, shortest: number): Micros | null {
  for (let length = digits.length; length >= shortest; length--) {
    const price = prices.get(`${kind}/+${digits.slice(0, length)}`);
    if (price !== undefined) return price;
  }
  return null;
}
