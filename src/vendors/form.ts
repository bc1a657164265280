/**
 * Reads a form-encoded body or query so strictly that no two parsers can differ over it: a proxy
 * that reads the first `amount` in front of a vendor that reads the last has no cap. Whatever has a
 * second reading is refused, with the plain way to write it; nothing is repaired. How a vendor names
 * its fields, and which of them it takes again and again, is for that vendor to say.
 */
import type { Refusal } from '../errors.ts';
import { ambiguous } from './one-reading.ts';

/** Every field by its flat name; `expand[]` counts as `expand[0]`, `expand[1]`, and so on. */
export type Fields = ReadonlyMap<string, string>;

const TYPE = /^application\/x-www-form-urlencoded(?:\s*;\s*charset="?utf-8"?)?$/i;
const MAX_PAIRS = 1000;
const MAX_DEPTH = 16;

/** How a vendor's forms are written. */
export interface Dialect {
  /** A field's whole name, decoded. */
  readonly name: RegExp;
  /** The plain way to write one, for whoever wrote another. */
  readonly plain: string;
  /** Fields that are lists by being given again: `MediaUrl` counts as `MediaUrl[0]`, and so on. */
  readonly lists: ReadonlySet<string>;
}

/** Why a body is not announced as a form, or null. */
export function faultInFormType(headers: ReadonlyMap<string, string>): string | null {
  if (TYPE.test(headers.get('content-type')?.trim() ?? '')) return null;
  return 'the body must be form-encoded; send `content-type: application/x-www-form-urlencoded`';
}

/** The fields of these texts (a query, a body) taken together. */
export function parseForm(texts: readonly string[], dialect: Dialect): Fields | Refusal {
  const form = new Form(dialect);
  for (const text of texts) {
    if (text === '') continue;
    if (text.includes(';')) {
      return ambiguous('a raw `;` separates fields for some readers; write %3B');
    }
    for (const pair of text.split('&')) {
      const fault = form.add(pair);
      if (fault !== null) return ambiguous(fault);
    }
  }
  return form.fields;
}

/** The fields sorted and encoded anew: one text for all spellings of one request. */
export function canonicalForm(fields: Fields): string {
  const names = [...fields.keys()].sort();
  return names.map((name) => `${encode(name)}=${encode(fields.get(name)!)}`).join('&');
}

const encode = encodeURIComponent;

class Form {
  readonly fields = new Map<string, string>();
  readonly #dialect: Dialect;
  /** What each name or beginning of a name is: `items[0]` of `items[0][price]` is a parent. */
  readonly #kinds = new Map<string, 'value' | 'list' | 'parent'>();
  /** How many elements an `x[]` list has so far. */
  readonly #lengths = new Map<string, number>();
  #pairs = 0;

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
  }

  /** Returns what is wrong, or null. */
  add(pair: string): string | null {
    if (++this.#pairs > MAX_PAIRS) return `more than ${MAX_PAIRS} fields; send fewer`;
    if (pair === '') return 'an `&` without a field beside it; leave it out';
    const equals = pair.indexOf('=');
    if (equals < 0) return `${shown(pair)} has no \`=\`; write it with one`;
    const name = decode(pair.slice(0, equals));
    if (name === null) return `${shown(pair)} is not percent-encoded UTF-8; encode it anew`;
    if (!this.#dialect.name.test(name)) {
      return `${shown(name)} is not a field name; write ${this.#dialect.plain}`;
    }
    const value = decode(pair.slice(equals + 1));
    if (value === null) {
      return `the value of ${shown(name)} is not percent-encoded UTF-8; encode it anew`;
    }
    return this.#put(name, value);
  }

  #put(name: string, value: string): string | null {
    if (this.#dialect.lists.has(name)) {
      return this.#set(name, `${name}[${this.#append(name)}]`, value);
    }
    if (!name.includes('[')) return this.#set(name, name, value);
    const [top, ...rest] = name.split('[');
    if (rest.length > MAX_DEPTH) return `${shown(name)} is nested deeper than ${MAX_DEPTH} levels`;
    let flat = top!;
    for (const [depth, part] of rest.entries()) {
      const listed = part === ']';
      if (!this.#is(flat, listed ? 'list' : 'parent')) return twoKinds(name);
      const last = depth === rest.length - 1;
      flat += listed ? `[${last ? this.#append(flat) : 0}]` : `[${part}`;
    }
    return this.#set(name, flat, value);
  }

  #set(name: string, flat: string, value: string): string | null {
    if (this.fields.has(flat)) {
      return `the field ${shown(name)} is given twice; give it once, or number the elements`;
    }
    if (!this.#is(flat, 'value')) return twoKinds(name);
    this.fields.set(flat, value);
    return null;
  }

  #is(name: string, kind: 'value' | 'list' | 'parent'): boolean {
    const known = this.#kinds.get(name);
    if (known === undefined) this.#kinds.set(name, kind);
    return known === undefined || known === kind;
  }

  #append(list: string): number {
    const index = this.#lengths.get(list) ?? 0;
    this.#lengths.set(list, index + 1);
    return index;
  }
}

function twoKinds(name: string): string {
  return (
    `${shown(name)} makes one field a value, a list and a parent of others at once; ` +
    'write it in one of these ways'
  );
}

function decode(text: string): string | null {
  if (!/[%+]/.test(text)) return text;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return null;
  }
}

/** A name for a message. A long one is not repeated: it may be a body that is no form at all. */
function shown(name: string): string {
  const text = name.split('=', 1)[0]!;
  return text.length > 40 ? `a name of ${text.length} characters` : JSON.stringify(text);
}
