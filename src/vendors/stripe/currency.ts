/**
 * Money on Stripe's wire: whole minor units and a three-letter currency, and what they are in
 * dollars by a tariff's rates. No other file of this folder turns minor units into micro-dollars.
 * A currency whose decimals are not known here has no price: a guess would be wrong by a hundred.
 */
import { type Micros, type Picos, timesRate } from '../../money.ts';
import { type Rate, type Tariff, whyNoRate } from '../vendor.ts';

/** The largest amount read, in minor units: ten billion dollars, over any cap that can be set. */
export const MAX_MINOR = 999_999_999_999n;

/**
 * Ten cents in pico-dollars: no currency's minor unit is worth a fifth of it. A rate that says
 * otherwise is wrong, and amounts counted by it would not fit the ledger's 64 bits.
 */
const MAX_UNIT: Picos = 10n ** 11n;

const UNSIGNED = /^(?:0|[1-9][0-9]{0,11})$/;
const SIGNED = /^(?:0|-?[1-9][0-9]{0,11})$/;

/**
 * The currencies that Stripe takes, by the decimals of their minor unit on its wire
 * (docs.stripe.com/currencies). UGX and ISK have none in use and two on the wire: 5 UGX is 500.
 */
const DECIMALS: ReadonlyMap<string, number> = new Map([
  ...withDecimals(0, 'bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf'),
  ...withDecimals(3, 'bhd jod kwd omr tnd'),
  ...withDecimals(2, 'usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl'),
  ...withDecimals(2, 'bsd bwp byn bzd cad cdf chf cny cop crc cve czk dkk dop dzd egp etb eur fjd'),
  ...withDecimals(2, 'fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr isk jmd kes kgs khr'),
  ...withDecimals(2, 'kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mro mur mvr mwk mxn myr'),
  ...withDecimals(2, 'mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd'),
  ...withDecimals(2, 'scr sek sgd shp sle sll sos srd std svc szl thb tjs top try ttd twd tzs uah'),
  ...withDecimals(2, 'ugx uyu uzs wst xcd xcg yer zar zmw'),
]);

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

/**
 * What is wrong with an amount of this currency, or null. Of three decimals Stripe takes those that
 * end in 0 and tells to round; refusing says so before anybody counts an amount that it may change.
 */
export function faultInMinor(minor: bigint, currency: string): string | null {
  if (DECIMALS.get(currency) !== 3 || minor % 10n === 0n) return null;
  const down = (minor / 10n) * 10n;
  const up = down + (minor < 0n ? -10n : 10n);
  return `an amount in ${currency} must end in 0, its third decimal is not used; send ${down} or ${up}`;
}

/** Pico-dollars of a minor unit, rounded up, and the rate's day; null when there is no rate. */
export function minorUnit(currency: string, { rates }: Tariff): { unit: Picos; rate: Rate } | null {
  const rate = rates.get(currency);
  const decimals = DECIMALS.get(currency);
  if (rate === undefined || decimals === undefined) return null;
  const parts = 10n ** BigInt(decimals);
  const unit = (rate.unit + parts - 1n) / parts;
  return unit > MAX_UNIT ? null : { unit, rate };
}

/** Why a currency has no minor unit by this tariff, for the person who sent it. */
export function whyNoUnit(currency: string, tariff: Tariff): string {
  if (!DECIMALS.has(currency)) {
    return `${currency} is no currency that Stripe is known to take, so its decimals are not known`;
  }
  const rate = tariff.rates.get(currency);
  const why = rate
    ? `that of ${rate.date} makes its smallest unit worth more than $0.10, which no currency's is`
    : whyNoRate(currency, tariff);
  return `the currency ${currency} needs a rate, and ${why}; KEYBRAKE_RATES says where rates are`;
}

/** What the amount counts for, in micro-dollars, rounded up; null when its currency has no rate. */
export function toMicros(minor: bigint, currency: string, tariff: Tariff): Micros | null {
  const found = minorUnit(currency, tariff);
  return found === null ? null : timesRate(minor, found.unit);
}

/** The tariff with `unit` for a minor unit of the currency, which is a rate of the day `date`. */
export function withUnit(
  currency: string,
  unit: Picos,
  date: string | null,
  tariff: Tariff,
): Tariff {
  const decimals = DECIMALS.get(currency);
  if (decimals === undefined) return tariff;
  const rate = { unit: unit * 10n ** BigInt(decimals), date };
  return { ...tariff, rates: new Map([...tariff.rates, [currency, rate]]) };
}

function withDecimals(decimals: number, codes: string): [string, number][] {
  return codes.split(' ').map((code) => [code, decimals]);
}
