/**
 * Money is a whole number of micro-dollars in a bigint, from the wire to the database:
 * Twilio's $0.0083 and Resend's $0.0009 have no cents. Text becomes Micros here and Micros become
 * text here; no amount ever passes through a floating point number.
 */
export type Micros = bigint;

/**
 * A rate: millionths of a micro-dollar, for one unit of something. An Indonesian rupiah's
 * hundredth is 0.6 micro-dollars, so a rate in whole micro-dollars would be wrong by half.
 */
export type Picos = bigint;

export const PICOS_PER_MICRO = 1_000_000n;

/** What `count` units cost, in whole micro-dollars, rounded up: a hold is never too small. */
export function timesRate(count: bigint, unit: Picos): Micros {
  const picos = count * unit;
  const up = picos > 0n ? PICOS_PER_MICRO - 1n : 0n;
  return (picos + up) / PICOS_PER_MICRO;
}

/** The same rounded down, for what is taken off a hold: what is left of it is never too little. */
export function timesRateDown(count: bigint, unit: Picos): Micros {
  return (count * unit) / PICOS_PER_MICRO;
}

/** One dollar. */
export const USD: Micros = 1_000_000n;

/** The largest amount accepted anywhere: a billion dollars. Sums of many still fit 64 bits. */
export const MAX_MICROS: Micros = 1_000_000_000n * USD;

export class MoneyError extends Error {}

/**
 * Reads an amount of dollars as it was written: `500`, `500.0`, `0.0083`, `5e2` is refused.
 * Returns micro-dollars. Throws MoneyError when the text is not a plain decimal number, is negative,
 * is finer than a micro-dollar, or exceeds a billion dollars.
 */
export function parseUsd(text: string): Micros {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (!match) throw new MoneyError(`must be a plain number of dollars such as 500 or 12.50`);
  const [, sign, whole = '0', fraction = ''] = match;
  if (sign) throw new MoneyError('must not be negative');
  const significant = fraction.replace(/0+$/, '');
  if (significant.length > 6) {
    throw new MoneyError('must not be finer than a micro-dollar (six decimals); round it first');
  }
  if (whole.length > 12) throw new MoneyError('must not exceed 1000000000 (a billion dollars)');
  const micros = BigInt(whole) * USD + BigInt(significant.padEnd(6, '0'));
  if (micros > MAX_MICROS) throw new MoneyError('must not exceed 1000000000 (a billion dollars)');
  return micros;
}

/** Writes micro-dollars as dollars, exactly, with two to six decimals: `29.00`, `0.0083`. */
export function formatUsd(micros: Micros): string {
  const sign = micros < 0n ? '-' : '';
  const absolute = micros < 0n ? -micros : micros;
  const fraction = (absolute % USD)
    .toString()
    .padStart(6, '0')
    .replace(/0{1,4}$/, '');
  return `${sign}${absolute / USD}.${fraction}`;
}

/** An amount as a JSON number, written exactly; for objects that go to JSON.stringify. */
export function usdJson(micros: Micros): unknown {
  return JSON.rawJSON(formatUsd(micros));
}
