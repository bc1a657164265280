/**
 * Amounts as descriptions name them: whole or minor units of a currency, exactly as they were
 * written, and what they are in dollars by a tariff's rates.
 */
import { NumberText } from '../../json-scan.ts';
import type { Micros } from '../../money.ts';
import type { Json } from '../json-body.ts';
import type { Rate } from '../vendor.ts';

/** Digits after the point by ISO 4217, where they are not two. */
const DIGITS: ReadonlyMap<string, number> = new Map([
  ...words('bif clp djf gnf isk jpy kmf krw pyg rwf ugx uyi vnd vuv xaf xof xpf', 0),
  ...words('bhd iqd jod kwd lyd omr tnd', 3),
  ...words('clf uyw', 4),
]);

function words(codes: string, digits: number): [string, number][] {
  return codes.split(' ').map((code) => [code, digits]);
}

/** A number as it was written: `units` of 10^-`scale`. */
export interface Amount {
  readonly units: bigint;
  readonly scale: number;
}

/** Twelve digits are a trillion; no sign, exponent, leading zero or blank has one reading. */
const NUMBER = /^(-?)(0|[1-9]\d{0,11})(?:\.(\d{1,12}))?$/;

/** The amount, not negative but where `negative` says that the vendor writes costs so; else null. */
export function readAmount(value: Json, negative: boolean): Amount | null {
  const text = value instanceof NumberText ? value.source : value;
  const match = typeof text === 'string' ? NUMBER.exec(text) : null;
  if (!match) return null;
  const [, sign, whole, fraction = ''] = match;
  if (sign && !negative) return null;
  return { units: BigInt(`${whole}${fraction}`), scale: fraction.length };
}

/** In minor units of the currency by ISO 4217; null when there is a rest. */
export function toMinor({ units, scale }: Amount, currency: string): bigint | null {
  const shift = digitsOf(currency) - scale;
  if (shift >= 0) return units * 10n ** BigInt(shift);
  const parts = 10n ** BigInt(-shift);
  return units % parts === 0n ? units / parts : null;
}

/** An amount of minor units in whole ones. */
export function ofMinor({ units, scale }: Amount, currency: string): Amount {
  return { units, scale: scale + digitsOf(currency) };
}

/** Whole units of a currency in micro-dollars, rounded up. */
export function inMicros({ units, scale }: Amount, rate: Rate): Micros {
  const parts = 1_000_000n * 10n ** BigInt(scale);
  return (units * rate.unit + parts - 1n) / parts;
}

function digitsOf(currency: string): number {
  return DIGITS.get(currency) ?? 2;
}
