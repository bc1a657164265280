/**
 * Reads JSON text once, strictly, before JSON.parse builds values from it: what clients send to the
 * control plane and, through the proxy, to vendors. It owns what JSON.parse does not tell: where the
 * text is wrong (V8's own message quotes the text, and the text may hold a secret), a name given
 * twice, which another parser may resolve the other way, and numbers as they were written. It never
 * quotes the text.
 */

/** Enough for every request there is; 64 KiB of `[` would otherwise overflow the stack. */
const MAX_DEPTH = 16;

export class JsonFault extends Error {
  /** Characters from the start, beginning with 1. */
  readonly position: number;
  constructor(what: string, index: number) {
    super(what);
    this.position = index + 1;
  }
}

/** A number as it stood in the text, which never became a floating point value. */
export class NumberText {
  readonly source: string;
  constructor(source: string) {
    this.source = source;
  }
}

/** JSON.parse of Node 24; TypeScript's library does not know the third argument yet. */
type ParseWithSource = (
  text: string,
  reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
) => unknown;

/** The scanned text's value; numbers under the names that `exact` says are NumberText. */
export function parseJson(text: string, exact: (name: string) => boolean): unknown {
  scanJson(text);
  return exactJson(text, exact);
}

/** The same of a text that nobody else reads, as JSON.parse takes it. Throws SyntaxError. */
export function exactJson(text: string, exact: (name: string) => boolean): unknown {
  return (JSON.parse as ParseWithSource)(text, (name, value, context) =>
    typeof value === 'number' && exact(name) ? new NumberText(context.source!) : value,
  );
}

/** Returns when the text is one JSON value (RFC 8259) without a repeated name; throws JsonFault. */
export function scanJson(text: string): void {
  const end = value(text, space(text, 0), 0);
  const rest = space(text, end);
  if (rest < text.length) throw new JsonFault('there is more after the end of the value', rest);
}

function space(text: string, at: number): number {
  let index = at;
  while (/^[ \t\n\r]$/.test(text.charAt(index))) index++;
  return index;
}

function value(text: string, at: number, depth: number): number {
  const first = text.charAt(at);
  if (first === '{') return members(text, at, depth + 1);
  if (first === '[') return elements(text, at, depth + 1);
  if (first === '"') return string(text, at);
  const plain = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
  plain.lastIndex = at;
  if (plain.test(text)) return plain.lastIndex;
  if (at >= text.length) throw new JsonFault('the text ends too early', at);
  throw new JsonFault('a value was expected', at);
}

function string(text: string, at: number): number {
  const special = /["\\\x00-\x1f]/g;
  const escaped = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
  for (let index = at + 1; ; ) {
    // In one go: an e-mail's attachment is one string of megabytes.
    special.lastIndex = index;
    const found = special.exec(text);
    if (!found) throw new JsonFault('a string is not closed', at);
    index = found.index;
    const [char] = found;
    if (char === '"') return index + 1;
    if (char !== '\\') {
      throw new JsonFault('a control character must be written as an escape', index);
    }
    escaped.lastIndex = index;
    if (!escaped.test(text)) throw new JsonFault('an escape is not valid', index);
    index = escaped.lastIndex;
  }
}

function members(text: string, at: number, depth: number): number {
  if (depth > MAX_DEPTH) throw new JsonFault(`nested deeper than ${MAX_DEPTH} levels`, at);
  const names = new Set<string>();
  let index = space(text, at + 1);
  if (text.charAt(index) === '}') return index + 1;
  for (;;) {
    if (text.charAt(index) !== '"') throw new JsonFault('a name in quotes was expected', index);
    const end = string(text, index);
    const name: string = JSON.parse(text.slice(index, end));
    if (names.has(name)) throw new JsonFault('a name is given twice in one object', index);
    // An object's prototype is no field: libraries drop it silently, and a rule with it.
    if (name === '__proto__') throw new JsonFault('the name __proto__ is not allowed', index);
    names.add(name);
    index = space(text, end);
    if (text.charAt(index) !== ':') throw new JsonFault('a colon was expected', index);
    index = space(text, value(text, space(text, index + 1), depth));
    if (text.charAt(index) === '}') return index + 1;
    if (text.charAt(index) !== ',') throw new JsonFault('a comma or } was expected', index);
    index = space(text, index + 1);
  }
}

function elements(text: string, at: number, depth: number): number {
  if (depth > MAX_DEPTH) throw new JsonFault(`nested deeper than ${MAX_DEPTH} levels`, at);
  let index = space(text, at + 1);
  if (text.charAt(index) === ']') return index + 1;
  for (;;) {
    index = space(text, value(text, index, depth));
    if (text.charAt(index) === ']') return index + 1;
    if (text.charAt(index) !== ',') throw new JsonFault('a comma or ] was expected', index);
    index = space(text, index + 1);
  }
}
