/**
 * Reads a JSON request body so strictly that no two parsers can differ over it, as form.ts does
 * for forms: a proxy that counts the first `to` in front of a vendor that mails the last has no
 * cap. Gives the fields by flat names, one text for all spellings of one request, and the value for
 * the vendor's own reading. What has a second reading is refused; nothing is repaired, and no number
 * becomes a floating point value.
 */
import type { Refusal } from '../errors.ts';
import { JsonFault, NumberText, parseJson } from '../json-scan.ts';
import { ambiguous, faultInEncoding, textOf } from './one-reading.ts';
import type { VendorRequest } from './vendor.ts';

/**
 * A value without prototypes: an object is a Map, so that no name (`constructor`) finds what the
 * request does not say.
 */
export type Json = string | boolean | null | NumberText | readonly Json[] | JsonObject;
export type JsonObject = ReadonlyMap<string, Json>;

export interface JsonContent {
  /**
   * By bracket names: `to[0]`, `amount[value]`, `personalizations[0][to][0][email]`; `[0][to]` in a
   * body that is a list. Text as it is, numbers as they were written (`1.0`), else `true`, `false`,
   * `null`, and `[]` or `{}` for what is empty. In a name, `%`, `[` and `]` are `%25`, `%5B`, `%5D`.
   */
  readonly fields: ReadonlyMap<string, string>;
  /**
   * Names sorted, no blanks, one spelling of each text. Numbers stay as written: `1` and `1.0` are
   * two requests, since some programs tell them apart. Empty when there is no body.
   */
  readonly canonical: string;
  /** A list or an object; null when there is no body. */
  readonly value: readonly Json[] | JsonObject | null;
}

/** Values, lists and objects: 1,000 recipients of 20 fields each. */
const MAX_VALUES = 20_000;
/** Of a flat name, in characters: with MAX_VALUES it bounds what the names may take to 20 MB. */
const LONGEST_NAME = 1_000;

/** Each program makes another character of it, or fails. */
const HALF = 'a text has half of a surrogate pair in it; send whole characters';

const TYPE = /^application\/json(?:\s*;\s*charset="?utf-8"?)?$/i;

/** Refuses with `request_ambiguous`, which says the plain way to write it. */
export function readJsonBody({
  headers,
  body,
}: Pick<VendorRequest, 'headers' | 'body'>): JsonContent | Refusal {
  if (body.length === 0) return { fields: new Map(), canonical: '', value: null };
  const encoding = faultInEncoding(headers);
  if (encoding !== null) return ambiguous(encoding);
  if (!TYPE.test(headers.get('content-type')?.trim() ?? '')) {
    return ambiguous('the body must be JSON; send `content-type: application/json`');
  }
  const text = textOf(body);
  if (text === null) return ambiguous('the body is not UTF-8; encode it anew');
  try {
    return contentOf(parseJson(text, () => true));
  } catch (fault) {
    if (!(fault instanceof JsonFault)) throw fault;
    const { message, position } = fault;
    return ambiguous(`the body is not plain JSON: ${message}, at character ${position}`);
  }
}

/** The object in a value, or null. */
export function asObject(value: Json | undefined): JsonObject | null {
  return value instanceof Map ? value : null;
}

/** The list in a value, or null. */
export function asList(value: Json | undefined): readonly Json[] | null {
  return Array.isArray(value) ? value : null;
}

function contentOf(parsed: unknown): JsonContent | Refusal {
  const walk = new Walk();
  const [value, canonical] = walk.visit(parsed, '');
  if (walk.fault !== null) return ambiguous(walk.fault);
  const whole = asObject(value) ?? asList(value);
  if (whole === null) return ambiguous('the body is a bare value; send a JSON object');
  return { fields: walk.fields, canonical, value: whole };
}

class Walk {
  readonly fields = new Map<string, string>();
  /** The first that was found; nothing is read after it. */
  fault: string | null = null;
  #values = 0;

  /** The value and its canonical text. */
  visit(value: unknown, flat: string): [Json, string] {
    if (++this.#values > MAX_VALUES) {
      this.fault ??= `the body has more than ${MAX_VALUES} values; send fewer`;
    }
    if (flat.length > LONGEST_NAME) {
      this.fault ??= `a field's whole name is longer than ${LONGEST_NAME} characters; shorten it`;
    }
    if (this.fault !== null) return [null, ''];
    if (typeof value === 'string') {
      if (!value.isWellFormed()) this.fault ??= HALF;
      return this.#leaf(flat, value, value, JSON.stringify(value));
    }
    if (value instanceof NumberText) return this.#leaf(flat, value, value.source, value.source);
    if (typeof value === 'boolean') return this.#leaf(flat, value, `${value}`, `${value}`);
    if (value === null) return this.#leaf(flat, null, 'null', 'null');
    if (Array.isArray(value)) return this.#list(value, flat);
    return this.#object(value as Record<string, unknown>, flat);
  }

  #leaf(flat: string, value: Json, field: string, canonical: string): [Json, string] {
    this.fields.set(flat, field);
    return [value, canonical];
  }

  #list(values: readonly unknown[], flat: string): [Json, string] {
    if (values.length === 0) return this.#leaf(flat, [], '[]', '[]');
    const read = values.map((value, index) => this.visit(value, `${flat}[${index}]`));
    return [read.map(([value]) => value), `[${read.map(([, text]) => text).join(',')}]`];
  }

  #object(object: Record<string, unknown>, flat: string): [Json, string] {
    const names = Object.keys(object).sort();
    if (names.length === 0) return this.#leaf(flat, new Map(), '{}', '{}');
    this.fault ??= faultInNames(names);
    const read = new Map<string, Json>();
    const texts: string[] = [];
    for (const name of names) {
      const part = flatName(name);
      const [value, text] = this.visit(object[name], flat === '' ? part : `${flat}[${part}]`);
      if (this.fault !== null) break;
      read.set(name, value);
      texts.push(`${JSON.stringify(name)}:${text}`);
    }
    return [read, `{${texts.join(',')}}`];
  }
}

/**
 * Names that one program tells apart and another does not: readers in Go and C# take `TO` for `to`,
 * those in C end a name at a NUL.
 */
function faultInNames(names: readonly string[]): string | null {
  if (!names.every((name) => name.isWellFormed())) return HALF;
  if (names.includes('')) return 'a name is empty; give the field its name';
  const folded = new Set(names.map((name) => name.toLowerCase().toUpperCase()));
  if (folded.size < names.length) {
    return 'two names of one object differ only in case; give the field once';
  }
  const controlled = names.some((name) => /[\x00-\x1f\x7f]/.test(name));
  return controlled ? 'a name has a control character in it; leave it out' : null;
}

/** So that `{"a[b]": 1}` is not `{"a": {"b": 1}}`. */
function flatName(name: string): string {
  return /[%[\]]/.test(name) ? name.replace(/[%[\]]/g, encodeURIComponent) : name;
}
