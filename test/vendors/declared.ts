/**
 * The worked example of docs/vendors/declare.md as a vendor, and requests and replies for it. What
 * the page shows is what these tests run.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Refusal } from '../../src/errors.ts';
import type { Micros } from '../../src/money.ts';
import { compile } from '../../src/vendors/declared/compile.ts';
import { type Fault, readDescription } from '../../src/vendors/declared/definition.ts';
import {
  isRefusal,
  type Reading,
  type Tariff,
  type Vendor,
  type VendorReply,
  type VendorRequest,
} from '../../src/vendors/vendor.ts';

const ROOT = join(import.meta.dirname, '../..');
const PAGE = readFileSync(join(ROOT, 'docs/vendors/declare.md'), 'utf8');

/** The example as it stands on the page. */
export const EXAMPLE = /^```yaml\n(.*?)^```$/ms.exec(PAGE)![1]!;

/** The faults of a file; none when it is right. */
export function faultsOf(text: string): readonly Fault[] {
  const read = readDescription(text);
  return 'faults' in read ? read.faults : [];
}

/** The vendor that a text describes; throws with its faults. */
export function vendorOf(text: string): Vendor {
  const read = readDescription(text);
  if ('description' in read) return compile(read.description);
  if ('priceList' in read) throw new Error('it is a list of prices');
  throw new Error(
    read.faults.map(({ line, path, reason }) => `${line}: ${path} ${reason}`).join('\n'),
  );
}

/** One that comes with Keybrake. */
export function shipped(name: string): Vendor {
  return vendorOf(readFileSync(join(ROOT, 'vendors', `${name}.yaml`), 'utf8'));
}

/** The example with some of its text replaced; throws when that is not there. */
export function changed(from: string | RegExp, to: string): string {
  const text = EXAMPLE.replace(from, to);
  assert.notEqual(text, EXAMPLE, `the example has no ${from}`);
  return text;
}

export const PRINTSHOP = vendorOf(EXAMPLE);

/** Dollars at par, euros at $1.10, yen at $0.007. */
export const TARIFF: Tariff = {
  rates: new Map([
    ['usd', { unit: 10n ** 12n, date: null }],
    ['eur', { unit: 1_100_000_000_000n, date: '2026-11-23' }],
    ['jpy', { unit: 7_000_000_000n, date: '2026-11-23' }],
  ]),
  missing: new Map([['gbp', 'its rate is of 2026-11-01, which is too old']]),
  prices: new Map(),
};

export interface Ask {
  method?: string;
  query?: string;
  headers?: Record<string, string>;
  /** Sent as JSON; a text as it is. */
  body?: unknown;
}

export function request(path: string, ask: Ask = {}): VendorRequest {
  const { method = 'POST', query = '', headers = {}, body } = ask;
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  return {
    ...{ method, path, query },
    headers: new Map(Object.entries({ 'content-type': 'application/json', ...headers })),
    body: Buffer.from(text),
  };
}

export function read(vendor: Vendor, path: string, ask: Ask = {}, tariff = TARIFF): Reading {
  const reading = vendor.read(request(path, ask), tariff);
  if (isRefusal(reading)) throw new Error(reading.message);
  return reading;
}

/** The quote in a line: `exact 890000`, `unpriced …`; a refusal's code and message. */
export function quoteOf(vendor: Vendor, path: string, ask: Ask = {}, tariff = TARIFF): string {
  const reading: Reading | Refusal = vendor.read(request(path, ask), tariff);
  if (isRefusal(reading)) return `${reading.code}: ${reading.message}`;
  const { quote } = reading;
  if ('micros' in quote) return `${quote.kind} ${quote.micros}`;
  return 'reason' in quote ? `${quote.kind} ${quote.reason}` : quote.kind;
}

export function reply(
  status: number,
  body?: unknown,
  headers: Record<string, string> = {},
): VendorReply {
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  return { status, headers: new Map(Object.entries(headers)), body: Buffer.from(text) };
}

/** What a reply comes to: `settled 890000`, `released`, `unknown`, `held`. */
export function endOf(vendor: Vendor, reading: Reading, answer: VendorReply): string {
  const { outcome, cost } = vendor.conclude(reading, answer, TARIFF);
  return cost === null ? outcome : `${outcome} ${cost}`;
}

export function withPrices(prices: Record<string, Micros>): Tariff {
  return { ...TARIFF, prices: new Map(Object.entries(prices)) };
}
