/**
 * A table that an operator or a source of rates gave as JSON text: read exactly, every number as it
 * is written, every fault named with its line. Ends in a value or in a ConfigError, never in half.
 */
import { readFileSync } from 'node:fs';
import { ConfigError } from '../config.ts';
import { JsonFault, NumberText, parseJson } from '../json-scan.ts';

export class JsonTable {
  readonly #text: string;
  readonly #where: string;
  readonly #faults: string[] = [];
  /** The fields of its one object; numbers are NumberText. */
  readonly fields: Readonly<Record<string, unknown>>;

  /** `where`: what every fault begins with. Throws ConfigError when it is not one JSON object. */
  constructor(text: string, where: string) {
    this.#text = text;
    this.#where = where;
    const fields = objectOf(this.#parsed());
    if (fields === null) throw new ConfigError(`${where}, line 1: must be a JSON object`);
    this.fields = fields;
  }

  /** Names are not given twice, so the first place where one stands is its own. */
  fault(name: string, what: string): void {
    const at = this.#text.indexOf(JSON.stringify(name));
    this.#faults.push(`${this.#where}, line ${this.#lineAt(Math.max(at, 0))}: ${name} ${what}`);
  }

  /** Throws ConfigError with every fault, if there is one. */
  check(): void {
    if (this.#faults.length > 0) throw new ConfigError(this.#faults.join('\n'));
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

  #lineAt(index: number): number {
    return this.#text.slice(0, index).split('\n').length;
  }
}

/** The file's text. Throws ConfigError when there is none or it is not UTF-8. */
export function readTextFile(path: string, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (cause) {
    const why = cause instanceof TypeError ? 'it is not UTF-8' : (cause as Error).message;
    throw new ConfigError(`${where} cannot be read: ${why}`, { cause });
  }
}

export function objectOf(value: unknown): Record<string, unknown> | null {
  const plain = typeof value === 'object' && value !== null && !Array.isArray(value);
  return plain && !(value instanceof NumberText) ? (value as Record<string, unknown>) : null;
}
