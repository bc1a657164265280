/**
 * Money on Stripe's wire: whole minor units and a three-letter currency. Dollars only, until rates
 * can be configured. No other file of this folder turns minor units into micro-dollars.
 */
import type { Micros } from '../../money.ts';

/** Micro-dollars in a cent. */
export const CENT: Micros = 10_000n;

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

/** What the amount counts for, in micro-dollars; null when its currency has no rate. */
export function toMicros(minor: bigint, currency: string): Micros | null {
  return currency === 'usd' ? minor * CENT : null;
}
