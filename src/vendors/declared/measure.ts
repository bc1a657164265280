/**
 * What something costs by a description: constants, counts, numbers and amounts of a document,
 * added up. One language for quotes, of the request, and for settlements, of the reply. Rounds up,
 * guesses nothing, never throws.
 */
import { NumberText } from '../../json-scan.ts';
import { MAX_MICROS, type Micros } from '../../money.ts';
import { asList, type Json } from '../json-body.ts';
import type { Rate, Tariff } from '../vendor.ts';
import { inMicros, ofMinor, readAmount, toMinor } from './currency.ts';
import { FUNCTIONS } from './functions.ts';
import { type Path, select } from './path.ts';

/** A price by its name, which an account may have its own of, or micro-dollars. */
export type Price = string | Micros;

/** So many of something, at a price for each `per` of them; never fewer than `atLeast`. */
interface Each {
  readonly price: Price;
  readonly per: bigint;
  readonly atLeast: bigint;
}

export type Measure =
  | { readonly by: 'price'; readonly price: Price }
  /** How many values there are. */
  | ({ readonly by: 'count'; readonly of: readonly Path[] } & Each)
  /** What a named function counts in them. */
  | ({ readonly by: 'function'; readonly name: string; readonly of: readonly Path[] } & Each)
  /** A whole number; `absent` where there is none, null: then nobody knows. */
  | ({ readonly by: 'number'; readonly of: Path; readonly absent: bigint | null } & Each)
  | {
      readonly by: 'amount';
      readonly of: Path;
      readonly unit: 'major' | 'minor';
      /** Lower case, or where it stands. */
      readonly currency: string | Path;
      readonly negative: boolean;
    }
  | { readonly by: 'sum'; readonly parts: readonly Measure[] };

/** An amount that the document states, for the row. */
export interface Stated {
  readonly amount: bigint | null;
  readonly currency: string;
  readonly rate: Rate;
}

export type Measured =
  | { readonly micros: Micros; readonly stated?: Stated }
  /** The cost cannot be known. */
  | { readonly unknown: string }
  /** The document has two readings. */
  | { readonly ambiguous: string };

/** Prices by name: the description's own, where the account's tariff has none. */
export type Prices = ReadonlyMap<string, Micros>;

export function measure(rule: Measure, document: Json, tariff: Tariff, prices: Prices): Measured {
  const measured = byRule(rule, document, tariff, prices);
  if ('micros' in measured && measured.micros > MAX_MICROS) {
    return { unknown: 'it would be more than a billion dollars' };
  }
  return measured;
}

function byRule(rule: Measure, document: Json, tariff: Tariff, prices: Prices): Measured {
  switch (rule.by) {
    case 'price':
      return { micros: priceOf(rule.price, tariff, prices) };
    case 'count':
    case 'function':
      return counted(rule, document, tariff, prices);
    case 'number':
      return numbered(rule, document, tariff, prices);
    case 'amount':
      return stated(rule, document, tariff);
    case 'sum': {
      let micros = 0n;
      for (const part of rule.parts) {
        const measured = byRule(part, document, tariff, prices);
        if (!('micros' in measured)) return measured;
        micros += measured.micros;
      }
      return { micros };
    }
  }
}

function counted(
  rule: Extract<Measure, { by: 'count' | 'function' }>,
  document: Json,
  tariff: Tariff,
  prices: Prices,
): Measured {
  let count = 0n;
  for (const path of rule.of) {
    const found = select(path, document);
    if ('fault' in found) return { ambiguous: found.fault };
    for (const value of found.values) {
      // The whole of it would be one: whoever wrote the file left out that its elements count.
      if (rule.by === 'count' && asList(value) !== null) return { unknown: whyNotOne(path) };
      const one = rule.by === 'count' ? 1n : FUNCTIONS.get(rule.name)!.count(value);
      if (typeof one !== 'bigint') return { ambiguous: `${one.fault} (\`${path.text}\`)` };
      count += one;
    }
  }
  return { micros: times(count, rule, tariff, prices) };
}

function whyNotOne({ text }: Path): string {
  return `\`${text}\` is a list: to count its elements the description must say \`${text}[*]\``;
}

function numbered(
  rule: Extract<Measure, { by: 'number' }>,
  document: Json,
  tariff: Tariff,
  prices: Prices,
): Measured {
  const { text } = rule.of;
  const found = select(rule.of, document);
  if ('fault' in found) return { ambiguous: found.fault };
  const [value, ...more] = found.values;
  if (more.length > 0) return { ambiguous: `\`${text}\` is there several times` };
  if (value === undefined && rule.absent === null) return { unknown: `\`${text}\` is missing` };
  const number = value === undefined ? rule.absent! : wholeIn(value);
  if (number === null) {
    return { ambiguous: `\`${text}\` must be a plain whole number of at most 12 digits` };
  }
  return { micros: times(number, rule, tariff, prices) };
}

function stated(
  rule: Extract<Measure, { by: 'amount' }>,
  document: Json,
  tariff: Tariff,
): Measured {
  const currency = currencyOf(rule.currency, document);
  if (typeof currency !== 'string') return currency;
  const { text } = rule.of;
  const found = select(rule.of, document);
  if ('fault' in found) return { ambiguous: found.fault };
  const [value, ...more] = found.values;
  if (more.length > 0) return { ambiguous: `\`${text}\` is there several times` };
  if (value === undefined) return { unknown: `\`${text}\` is missing` };
  const written = readAmount(value, rule.negative);
  if (written === null || (rule.unit === 'minor' && written.scale > 0)) {
    const what = rule.unit === 'minor' ? 'whole number of minor units' : 'decimal number';
    return { ambiguous: `\`${text}\` must be a plain ${what} of at most 12 digits` };
  }
  const rate = tariff.rates.get(currency);
  if (rate === undefined) {
    const why = tariff.missing.get(currency) ?? 'none is configured';
    return { unknown: `the currency ${currency} needs a rate, and ${why}` };
  }
  const whole = rule.unit === 'minor' ? ofMinor(written, currency) : written;
  if (whole === null) return { unknown: `${currency} has no minor unit that is known` };
  const amount = rule.unit === 'minor' ? written.units : toMinor(written, currency);
  return { micros: inMicros(whole, rate), stated: { amount, currency, rate } };
}

function currencyOf(currency: string | Path, document: Json): string | Measured {
  if (typeof currency === 'string') return currency;
  const found = select(currency, document);
  if ('fault' in found) return { ambiguous: found.fault };
  const [value, ...more] = found.values;
  if (value === undefined) return { unknown: `\`${currency.text}\` is missing` };
  if (more.length === 0 && typeof value === 'string' && /^[A-Za-z]{3}$/.test(value)) {
    return value.toLowerCase();
  }
  return { ambiguous: `\`${currency.text}\` must be three letters, as in \`usd\`` };
}

function wholeIn(value: Json): bigint | null {
  const text = value instanceof NumberText ? value.source : value;
  return typeof text === 'string' && /^(?:0|[1-9]\d{0,11})$/.test(text) ? BigInt(text) : null;
}

function times(count: bigint, { price, per, atLeast }: Each, tariff: Tariff, prices: Prices) {
  const counting = count < atLeast ? atLeast : count;
  return (counting * priceOf(price, tariff, prices) + per - 1n) / per;
}

function priceOf(price: Price, tariff: Tariff, prices: Prices): Micros {
  return typeof price === 'bigint' ? price : (tariff.prices.get(price) ?? prices.get(price)!);
}
