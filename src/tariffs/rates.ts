/**
 * Reads a table of exchange rates: `1 base = rate units`, as central banks' feeds give them. Exact:
 * a rate is the text it was written in, and what it comes to in dollars is rounded up once, so that
 * a hold by it is never too small.
 *
 *   { "date": "2026-11-23", "base": "USD", "rates": { "EUR": 0.92, "JPY": 154.31 } }
 */
import { NumberText } from '../json-scan.ts';
import type { Picos } from '../money.ts';
import type { RateTable } from './book.ts';
import { JsonTable, objectOf } from './json-table.ts';

/** A decimal number: `digits` times ten to the power of `-scale`. */
interface Decimal {
  digits: bigint;
  scale: number;
}

const ONE: Decimal = { digits: 1n, scale: 0 };
const PICOS_PER_USD = 12;
const DAY_MS = 86_400_000;

/**
 * `where`: what a fault begins with. Other fields than the three are let be: feeds have licences and
 * time stamps. Throws ConfigError with every fault, field by field.
 */
export function readRates(text: string, where: string, now: number): RateTable {
  const table = new JsonTable(text, where);
  const { date, base, amount, rates: given } = table.fields;
  const day = dayIn(date);
  if (day === null) table.fault('date', 'must be the day of the rates, such as "2026-11-23"');
  // The day begins up to 14 hours earlier elsewhere. A later one would keep the rates too long.
  else if (day > now + DAY_MS) table.fault('date', `must not lie ahead, and ${date} does`);
  if (!isCode(base)) table.fault('base', 'must be a currency of three letters, such as "USD"');
  if (amount !== undefined && !isOne(decimalIn(amount))) {
    table.fault('amount', 'must be 1 where it is given: the rates are for one unit of the base');
  }
  const rates = ratesIn(given, table);
  const own = isCode(base) ? base.toLowerCase() : '';
  if (rates.has(own) && !isOne(rates.get(own)!)) table.fault('base', 'has a rate other than 1');
  rates.set(own, ONE);
  const dollars = rates.get('usd');
  if (!dollars && isCode(base)) table.fault('rates', 'must have USD, or be for the base USD');
  table.check();
  const units = new Map<string, Picos>();
  for (const [code, rate] of rates) units.set(code, picosOf(dollars!, rate));
  return { date: date as string, units };
}

function ratesIn(given: unknown, table: JsonTable): Map<string, Decimal> {
  const rates = new Map<string, Decimal>();
  const named = objectOf(given);
  if (named === null) table.fault('rates', 'must be an object of currencies and numbers');
  for (const name in named) {
    const code = name.toLowerCase();
    const rate = decimalIn(named[name]);
    if (!isCode(name)) table.fault(name, 'is no currency: one has three letters');
    else if (rates.has(code)) table.fault(name, 'is given twice');
    else if (rate === null) table.fault(name, 'must be a number above 0, such as 0.92');
    else rates.set(code, rate);
  }
  return rates;
}

/** What one unit is worth, rounded up, when one base is `rate` units and `dollars` dollars. */
function picosOf(dollars: Decimal, rate: Decimal): Picos {
  const shift = PICOS_PER_USD + rate.scale - dollars.scale;
  const above = dollars.digits * 10n ** BigInt(Math.max(shift, 0));
  const below = rate.digits * 10n ** BigInt(Math.max(-shift, 0));
  return (above + below - 1n) / below;
}

/** Digits on either side of the point. */
const MAX_DIGITS = 40;

/** Above 0, of a size that a rate can have; null when it is anything else. */
function decimalIn(value: unknown): Decimal | null {
  const text = value instanceof NumberText ? value.source : value;
  if (typeof text !== 'string') return null;
  const match = /^(\d{1,20})(?:\.(\d{1,30}))?(?:[eE]([+-]?\d{1,2}))?$/.exec(text);
  if (!match) return null;
  const [, whole = '', fraction = '', exponent = '0'] = match;
  const scale = fraction.length - Number(exponent);
  const digits = BigInt(whole + fraction);
  if (digits === 0n || Math.abs(scale) > MAX_DIGITS) return null;
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}

function isOne(decimal: Decimal | null): boolean {
  return decimal !== null && decimal.digits === 10n ** BigInt(decimal.scale);
}

function isCode(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z]{3}$/.test(value);
}

/** Milliseconds since 1970 of a day that the calendar has, at its beginning in UTC. */
function dayIn(value: unknown): number | null {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(value)) return null;
  const day = Date.parse(`${value}T00:00:00Z`);
  return !Number.isNaN(day) && new Date(day).toISOString().startsWith(value) ? day : null;
}
