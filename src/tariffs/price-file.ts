/**
 * Reads an operator's file of prices: JSON, amounts of dollars as they are written, and every fault
 * named with its line. Nothing in it is ignored, for a misspelt price is found out by the bill.
 *
 *   { "prices": { "sms/US": 0.0079, "sms/GB": "0.0524" }, "list_prices": false }
 */
import { readFileSync } from 'node:fs';
import { ConfigError } from '../config.ts';
import { JsonFault, NumberText, parseJson } from '../json-scan.ts';
import { type Micros, MoneyError, parseUsd } from '../money.ts';
import type { PriceTable } from './book.ts';

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
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (cause) {
    const why = cause instanceof TypeError ? 'it is not UTF-8' : (cause as Error).message;
    throw new ConfigError(`${where} cannot be read: ${why}`, { cause });
  }
  return new Reading(text, `${where} ${path}`, checkName).file();
}

class Reading {
  readonly #text: string;
  readonly #where: string;
  readonly #checkName: (name: string) => string | null;
  readonly #faults: string[] = [];

  constructor(text: string, where: string, checkName: (name: string) => string | null) {
    this.#text = text;
    this.#where = where;
    this.#checkName = checkName;
  }

  file(): PriceFile {
    const root = objectOf(this.#parsed());
    if (root === null) throw new ConfigError(`${this.#where}, line 1: must be a JSON object`);
    const { prices: given, list_prices: listPrices = true, ...others } = root;
    for (const name in others) this.#fault(name, 'is not a field; there are prices, list_prices');
    if (typeof listPrices !== 'boolean') this.#fault('list_prices', 'must be true or false');
    const prices = new Map<string, Micros>();
    const table = objectOf(given);
    if (table === null) this.#fault('prices', 'must be an object of names and dollars');
    for (const name in table) {
      const price = this.#price(name, table[name]);
      if (price !== null) prices.set(name, price);
    }
    if (this.#faults.length > 0) throw new ConfigError(this.#faults.join('\n'));
    return { prices, listPrices: listPrices !== false };
  }

  #parsed(): unknown {
    try {
      return parseJson(this.#text, () => true);
    } catch (fault) {
      if (!(fault instanceof JsonFault)) throw fault;
      const line = this.#lineAt(fault.position - 1);
      throw new ConfigError(`${this.#where}, line ${line}: ${fault.message}`);
    }
  }

  #price(name: string, value: unknown): Micros | null {
    const wrong = this.#checkName(name);
    if (wrong !== null) this.#fault(name, wrong);
    const text = value instanceof NumberText ? value.source : value;
    if (typeof text !== 'string') {
      this.#fault(name, 'must be a number of dollars such as 0.0083');
      return null;
    }
    try {
      return parseUsd(text);
    } catch (error) {
      if (!(error instanceof MoneyError)) throw error;
      this.#fault(name, error.message);
      return null;
    }
  }

  /** Names are not given twice, so the first place where one stands is its own. */
  #fault(name: string, what: string): void {
    const at = this.#text.indexOf(JSON.stringify(name));
    this.#faults.push(`${this.#where}, line ${this.#lineAt(Math.max(at, 0))}: ${name} ${what}`);
  }

  #lineAt(index: number): number {
    return this.#text.slice(0, index).split('\n').length;
  }
}

function objectOf(value: unknown): Record<string, unknown> | null {
  const plain = typeof value === 'object' && value !== null && !Array.isArray(value);
  return plain && !(value instanceof NumberText) ? (value as Record<string, unknown>) : null;
}
