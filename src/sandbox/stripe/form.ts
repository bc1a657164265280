/**
 * Reads a Stripe v1 request the way a lenient vendor would: of a parameter given twice the last
 * value wins, query and body are one list, `%5B` is a bracket, `amount[]` can stand for `amount`.
 * On purpose: a proxy that reads a request more strictly or in another order is found out by the
 * money that moves here. Never throws; what cannot be decoded is taken as it stands.
 */
import { decode } from '../path.ts';

export class Form {
  readonly #values = new Map<string, string>();

  /** `query` without the `?`; `contentType` matters only for multipart bodies. */
  constructor(query: string, body: string, contentType = '') {
    if (query) this.#readUrlencoded(query);
    if (!body) return;
    if (contentType.includes('multipart/form-data')) this.#readMultipart(body, contentType);
    else this.#readUrlencoded(body);
  }

  /**
   * A JSON body by the names that a form gives the same fields: `{"amount": {"value": 7}}` is
   * `amount[value]=7`. Undefined: no JSON object.
   */
  static ofJson(query: string, body: string): Form | undefined {
    const form = new Form(query, '');
    if (!body) return form;
    try {
      const fields: unknown = JSON.parse(body);
      if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) return undefined;
      form.#addFields('', fields);
      return form;
    } catch {
      return undefined;
    }
  }

  text(name: string): string | undefined {
    return this.#values.get(name);
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** What stands in `name[...]`: `metadata[run]=7` gives `{ run: '7' }`; undefined when none does. */
  map(name: string): Record<string, string> | undefined {
    let found: Record<string, string> | undefined;
    for (const [key, value] of this.#values) {
      if (!key.startsWith(`${name}[`) || !key.endsWith(']')) continue;
      found ??= Object.create(null) as Record<string, string>;
      found[key.slice(name.length + 1, -1)] = value;
    }
    return found;
  }

  list(name: string): string[] {
    const values: string[] = [];
    for (const [key, value] of this.#values) if (key.startsWith(`${name}[`)) values.push(value);
    return values;
  }

  /** The items of a list of objects: `items[0][price]=…` gives `['items[0]']`. */
  groups(name: string): string[] {
    const found = new Set<string>();
    for (const key of this.#values.keys()) {
      const end = key.startsWith(`${name}[`) ? key.indexOf(']', name.length) : -1;
      if (end > 0 && key[end + 1] === '[') found.add(key.slice(0, end + 1));
    }
    return [...found];
  }

  /** Equal for two requests that mean the same, whatever their order and encoding. */
  canonical(): string {
    return JSON.stringify([...this.#values].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  }

  #readUrlencoded(text: string): void {
    for (let start = 0; start < text.length; ) {
      let end = text.indexOf('&', start);
      if (end < 0) end = text.length;
      const equals = text.indexOf('=', start);
      const split = equals < 0 || equals > end ? end : equals;
      if (split > start) {
        this.#add(decode(text.slice(start, split)), decode(text.slice(split + 1, end)));
      }
      start = end + 1;
    }
  }

  #readMultipart(body: string, contentType: string): void {
    const boundary = /boundary="?([^";]+)"?/.exec(contentType)?.[1];
    if (!boundary) return;
    for (const part of body.split(`--${boundary}`)) {
      const split = part.indexOf('\r\n\r\n');
      const name = /\bname="([^"]*)"/.exec(part.slice(0, split))?.[1];
      if (split > 0 && name) this.#add(name, part.slice(split + 4).replace(/\r\n$/, ''));
    }
  }

  #addFields(prefix: string, fields: object): void {
    for (const [key, value] of Object.entries(fields)) {
      const name = prefix ? `${prefix}[${key}]` : key;
      if (typeof value === 'object' && value !== null) this.#addFields(name, value);
      else this.#values.set(name, value === null ? '' : String(value));
    }
  }

  #add(name: string, value: string): void {
    if (!name.endsWith(']')) {
      this.#values.set(name, value);
      return;
    }
    const open = name.lastIndexOf('[');
    const index = name.slice(open + 1, -1);
    const base = name.slice(0, open);
    if (index === '') {
      let next = 0;
      while (this.#values.has(`${base}[${next}]`)) next++;
      this.#values.set(`${base}[${next}]`, value);
      this.#values.set(base, value);
    } else {
      this.#values.set(name, value);
      if (/^\d+$/.test(index)) this.#values.set(base, value);
    }
  }
}

/** A parameter's name inside another: `items[0]`, `price` gives `items[0][price]`. */
export function inside(prefix: string, name: string): string {
  if (!prefix) return name;
  const bracket = name.indexOf('[');
  if (bracket < 0) return `${prefix}[${name}]`;
  return `${prefix}[${name.slice(0, bracket)}]${name.slice(bracket)}`;
}
