/**
 * Reads an operator's file of prices: JSON, amounts of dollars as they are written, and every fault
 * named with its line. Nothing in it is ignored, for a misspelt price is found out by the bill.
 *
 *   { "prices": { "sms/US": 0.0079, "sms/GB": "0.0524" }, "list_prices": false }
 */
import { NumberText } from '../json-scan.ts';
import { type Micros, MoneyError, parseUsd } from '../money.ts';
import type { PriceTable } from './book.ts';
import { JsonTable, objectOf, readTextFile } from './json-table.ts';

export interface PriceFile {
  readonly prices: PriceTable;
  /** Whether the list prices hold where the file says nothing; true unless it says otherwise. */
  readonly listPrices: boolean;
}

/**
 * `checkName`: what is wrong with a price's name, or null. Throws ConfigError with every fault, each
 * beginning with `where` and the line.
 */
export function readPriceFile(
  path: string,
  where: string,
  checkName: (name: string) => string | null,
): PriceFile {
  const table = new JsonTable(readTextFile(path, where), `${where} ${path}`);
  const { prices: given, list_prices: listPrices = true, ...others } = table.fields;
  for (const name in others) table.fault(name, 'is not a field; there are prices, list_prices');
  if (typeof listPrices !== 'boolean') table.fault('list_prices', 'must be true or false');
  const named = objectOf(given);
  if (named === null) table.fault('prices', 'must be an object of names and dollars');
  const prices = new Map<string, Micros>();
  for (const name in named) {
    const wrong = checkName(name);
    const price = priceIn(named[name]);
    if (wrong !== null) table.fault(name, wrong);
    if (typeof price === 'string') table.fault(name, price);
    else prices.set(name, price);
  }
  table.check();
  return { prices, listPrices: listPrices !== false };
}

/** Or what is wrong with it. */
function priceIn(value: unknown): Micros | string {
  const text = value instanceof NumberText ? value.source : value;
  if (typeof text !== 'string') return 'must be a number of dollars such as 0.0083';
  try {
    return parseUsd(text);
  } catch (error) {
    if (!(error instanceof MoneyError)) throw error;
    return error.message;
  }
}
