/**
 * Amounts as descriptions name them: whole or minor units of a currency, exactly as they were
 * written, and what they are in dollars by a tariff's rates.
 */
import { NumberText } from '../../json-scan.ts';
import type { Micros } from '../../money.ts';
import type { Json } from '../json-body.ts';
import type { Rate } from '../vendor.ts';

/**
 * Digits after the point by ISO 4217. A code that is not here has no minor unit: a guess would be
 * wrong by a hundred.
 */
const DIGITS: ReadonlyMap<string, number> = new Map([
  ...words(0, 'bif clp djf gnf isk jpy kmf krw pyg rwf ugx vnd vuv xaf xof xpf'),
  ...words(3, 'bhd iqd jod kwd lyd omr tnd'),
  ...words(
    2,
    'usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd btn',
  ),
  ...words(
    2,
    'bwp byn bzd cad cdf chf cny cop crc cup cve czk dkk dop dzd egp ern etb eur fjd fkp',
  ),
  ...words(
    2,
    'gbp gel ghs gip gmd gtq gyd hkd hnl htg huf idr ils inr irr jmd kes kgs khr kpw kyd',
  ),
  ...words(
    2,
    'kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mru mur mvr mwk mxn myr mzn nad',
  ),
  ...words(
    2,
    'ngn nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sdg sek sgd',
  ),
  ...words(
    2,
    'shp sle sos srd ssp stn svc syp szl thb tjs tmt top try ttd twd tzs uah uyu uzs ved',
  ),
  ...words(2, 'ves wst xcd xcg yer zar zmw zwg'),
]);

function words(digits: number, codes: string): [string, number][] {
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

/** In minor units by ISO 4217; null when there is a rest, or when the currency has none. */
export function toMinor({ units, scale }: Amount, currency: string): bigint | null {
  const digits = DIGITS.get(currency);
  if (digits === undefined) return null;
  const shift = digits - scale;
  if (shift >= 0) return units * 10n ** BigInt(shift);
  const parts = 10n ** BigInt(-shift);
  return units % parts === 0n ? units / parts : null;
}

/** An amount of minor units in whole ones; null when nobody knows how many make one. */
export function ofMinor({ units, scale }: Amount, currency: string): Amount | null {
  const digits = DIGITS.get(currency);
  return digits === undefined ? null : { units, scale: scale + digits };
}

/** Whole units of a currency in micro-dollars, rounded up. */
export function inMicros({ units, scale }: Amount, rate: Rate): Micros {
  const parts = 1_000_000n * 10n ** BigInt(scale);
  return (units * rate.unit + parts - 1n) / parts;
}
