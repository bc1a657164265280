/**
 * Amounts as Twilio states them: decimal text in a currency, and what that is in micro-dollars. A
 * resource's price is negative, `-0.00750`; a list's is not. No floating point number on the way.
 */
import { type Micros, type Picos, timesRate } from '../../money.ts';
import type { Rate, Tariff } from '../vendor.ts';

/** Finer than any price is. */
const DECIMALS = 12;
const AMOUNT = new RegExp(`^-?(\\d{1,9})(?:\\.(\\d{1,${DECIMALS}}))?$`);

export interface Stated {
  /** Millionths of the currency, rounded up, without the sign. */
  readonly millionths: bigint;
  /** Lower case. */
  readonly currency: string;
  /** Pico-dollars of a millionth. */
  readonly unit: Picos;
  readonly rate: Rate;
}

/** Null when it is no amount, or its currency has no rate. */
export function statedAmount(amount: unknown, unit: unknown, { rates }: Tariff): Stated | null {
  const digits = typeof amount === 'string' ? AMOUNT.exec(amount) : null;
  const currency = typeof unit === 'string' ? unit.toLowerCase() : '';
  const rate = rates.get(currency);
  if (digits === null || rate === undefined) return null;
  const [, whole = '', fraction = ''] = digits;
  const finest = BigInt(whole + fraction.padEnd(DECIMALS, '0'));
  const step = 10n ** BigInt(DECIMALS - 6);
  return {
    millionths: (finest + step - 1n) / step,
    currency,
    unit: (rate.unit + 999_999n) / 1_000_000n,
    rate,
  };
}

/** In micro-dollars, rounded up; null like statedAmount. */
export function statedMicros(amount: unknown, unit: unknown, tariff: Tariff): Micros | null {
  const stated = statedAmount(amount, unit, tariff);
  return stated === null ? null : timesRate(stated.millionths, stated.unit);
}
