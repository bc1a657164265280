/**
 * What things really cost here, in micro-dollars: the list of countries.ts, unless the sandbox was
 * given other prices. A test sets them apart from the list to see a quote miss the bill.
 */
import { countryOf, longestPrefix, type NumberType } from './countries.ts';

/** Micro-dollars by the digits a destination begins with, such as `{ '4477': 60_000n }`. */
export type ByPrefix = Readonly<Record<string, bigint>>;

export interface TwilioPrices {
  /** A segment. What no prefix covers costs what the Pricing API lists. */
  segments: ByPrefix;
  /** Added to every segment and once to an MMS; part of the price, in no list. */
  carrierFee: bigint;
  mms: bigint;
  /** A message that fails, whatever its length. */
  failed: bigint;
  /** A minute of a call. What no prefix covers costs what the Pricing API lists. */
  minutes: ByPrefix;
  /** A verification that succeeds. */
  verification: bigint;
  /** Each time that its code is sent. */
  verificationMessage: bigint;
  /** By field of a lookup; what is not here is free. */
  lookups: Readonly<Record<string, bigint>>;
}

export const DEFAULT_PRICES: TwilioPrices = {
  segments: {},
  carrierFee: 0n,
  mms: 22_000n,
  failed: 1_000n,
  minutes: {},
  verification: 50_000n,
  verificationMessage: 8_300n,
  lookups: {
    caller_name: 10_000n,
    line_type_intelligence: 8_000n,
    line_status: 8_000n,
    sim_swap: 40_000n,
    call_forwarding: 40_000n,
    identity_match: 100_000n,
    reassigned_number: 20_000n,
    sms_pumping_risk: 25_000n,
    phone_number_quality_score: 20_000n,
    pre_fill: 150_000n,
  },
};

/** One segment to `to`, the carrier's fee included. `from`: null when Twilio picks the sender. */
export function segmentPrice(prices: TwilioPrices, to: string, from: string | null): bigint {
  return (given(prices.segments, to) ?? listedSegment(to, from)) + prices.carrierFee;
}

export function minutePrice(prices: TwilioPrices, to: string): bigint {
  return given(prices.minutes, to) ?? listedMinute(to);
}

export function listedMinute(to: string): bigint {
  const voice = countryOf(to)?.voice ?? [];
  return longestPrefix(voice, to.slice(1))?.micros ?? 0n;
}

/** The number's last digit says which carrier it is with. */
function listedSegment(to: string, from: string | null): bigint {
  const carriers = countryOf(to)?.carriers ?? [];
  const prices = carriers[Number(to.at(-1)) % carriers.length]?.prices;
  return prices?.[senderType(from)] ?? prices?.local ?? 0n;
}

function senderType(from: string | null): NumberType {
  if (from && /^\d{5,6}$/.test(from)) return 'shortcode';
  return from && /^\+18(?:00|33|44|55|66|77|88)/.test(from) ? 'toll free' : 'local';
}

function given(prices: ByPrefix, to: string): bigint | undefined {
  const rows = Object.entries(prices).map(([prefix, micros]) => ({ prefixes: [prefix], micros }));
  return longestPrefix(rows, to.slice(1))?.micros;
}

/** As a resource states what it cost: negative, at least five decimals, `-0.00830`. */
export function statedPrice(micros: bigint): string {
  return micros === 0n ? '0' : `-${decimal(micros, 5)}`;
}

/** As the Pricing API lists it: `0.0083`. */
export function listedPrice(micros: bigint): string {
  return decimal(micros, 2);
}

function decimal(micros: bigint, decimals: number): string {
  const fraction = (micros % 1_000_000n).toString().padStart(6, '0');
  return `${micros / 1_000_000n}.${fraction.replace(new RegExp(`0{0,${6 - decimals}}$`), '')}`;
}
