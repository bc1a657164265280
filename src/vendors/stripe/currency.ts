/**
 * Money on Stripe's wire: whole minor units and a three-letter currency, and what they are in
 * dollars by a tariff's rates. No other file of this folder turns minor units into micro-dollars.
 */
import { type Micros, type Picos, timesRate } from '../../money.ts';
import type { Rate, Tariff } from '../vendor.ts';

/** The largest amount read, in minor units: ten billion dollars, over any cap that can be set. */
export const MAX_MINOR = 999_999_999_999n;

const UNSIGNED = /^(?:0|[1-9][0-9]{0,11})$/;
const SIGNED = /^(?:0|-?[1-9][0-9]{0,11})$/;

/**
 * Minor units as a client wrote them, or null. A sign, leading zeros, decimals, exponents, blanks
 * and digits of other scripts are not read: another reader might take them for another number.
 */
export function readMinor(text: string, signed: boolean): bigint | null {
  return (signed ? SIGNED : UNSIGNED).test(text) ? BigInt(text) : null;
}

/** A currency in lower case, or null when the text is not three plain letters. */
export function readCurrency(text: string): string | null {
  return /^[A-Za-z]{3}$/.test(text) ? text.toLowerCase() : null;
}

/** Pico-dollars of a minor unit, rounded up, and the rate's day; null when there is no rate. */
export function minorUnit(currency: string, { rates }: Tariff): { unit: Picos; rate: Rate } | null {
  const rate = rates.get(currency);
  if (rate === undefined) return null;
  const parts = 10n ** BigInt(decimalsOf(currency));
  return { unit: (rate.unit + parts - 1n) / parts, rate };
}

/** What the amount counts for, in micro-dollars, rounded up; null when its currency has no rate. */
export function toMicros(minor: bigint, currency: string, tariff: Tariff): Micros | null {
  const found = minorUnit(currency, tariff);
  return found === null ? null : timesRate(minor, found.unit);
}

function decimalsOf(_currency: string): number {
  return 2;
}
