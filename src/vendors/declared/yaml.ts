/**
 * YAML text to plain values, each with the line it stands on. The only file that knows the library.
 * Takes the part of YAML that has one reading: no anchors, no tags, no second document; a number
 * stays the text that it was written as, so that no price passes through a floating point number.
 */
import { type ErrorCode, isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import { NumberText } from '../../json-scan.ts';

/** Something wrong in a file, for the person who wrote it. */
export interface Fault {
  /** From 1. */
  readonly line: number;
  /** `endpoints[0].quote`; empty for the whole file. */
  readonly path: string;
  /** Without a full stop. */
  readonly reason: string;
}

export type Plain = null | boolean | string | NumberText | Plain[] | { [name: string]: Plain };

export interface Source {
  readonly value: Plain;
  /** The line of the value there, or of the nearest one around it. */
  lineOf(path: readonly PropertyKey[]): number;
}

/** Characters: the longest description there may be. */
const LONGEST = 256 * 1024;
const DEEPEST = 24;
/** What follows the first errors of syntax is mostly theirs. */
const MOST_ERRORS = 3;

/** What is behind the library's errors in a description, where its own words do not say. */
const PLAINER: Readonly<Partial<Record<ErrorCode, string>>> = {
  DUPLICATE_KEY: 'a field of this name is above already: it is given twice',
  NON_STRING_KEY: "a field's name must be a text; a value in braces needs quotes: '{{secret}}'",
};

/** The values, or why there are none. */
export function readYaml(text: string): Source | readonly Fault[] {
  if (text.length > LONGEST) {
    return [{ line: 1, path: '', reason: `the file is longer than ${LONGEST} characters` }];
  }
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    version: '1.2',
    schema: 'core',
  });
  const { errors, warnings } = document;
  const lineAt = (offset: number) => Math.max(1, lines.linePos(offset).line);
  if (errors.length + warnings.length > 0) {
    return [...errors, ...warnings].slice(0, MOST_ERRORS).map(({ pos, code, message }) => ({
      line: lineAt(pos[0]),
      path: '',
      reason: PLAINER[code] ?? sentence(message),
    }));
  }
  const walk = new Walk(lineAt);
  const value = walk.visit(document.contents, []);
  if (walk.faults.length > 0) return walk.faults;
  return { value, lineOf: (path) => walk.lineOf(path) };
}

class Walk {
  readonly faults: Fault[] = [];
  readonly #lineAt: (offset: number) => number;
  readonly #lines = new Map<string, number>();

  constructor(lineAt: (offset: number) => number) {
    this.#lineAt = lineAt;
  }

  lineOf(path: readonly PropertyKey[]): number {
    for (let length = path.length; length > 0; length--) {
      const line = this.#lines.get(pathText(path.slice(0, length)));
      if (line !== undefined) return line;
    }
    return 1;
  }

  visit(node: unknown, path: readonly PropertyKey[]): Plain {
    if (node === null || node === undefined) return null;
    if (path.length > DEEPEST) return this.#fault(path, 'is nested too deep');
    if (isAlias(node)) return this.#fault(path, 'must be written out, not be an alias (`*`)');
    if (!isScalar(node) && !isMap(node) && !isSeq(node)) return this.#fault(path, 'is no value');
    if (node.anchor) return this.#fault(path, 'must have no anchor (`&`)');
    if (node.tag) return this.#fault(path, 'must have no tag (`!`)');
    if (isScalar(node)) return this.#scalar(node.value, node.source, path);
    if (isSeq(node)) return node.items.map((item, index) => this.#placed(item, [...path, index]));
    const object: { [name: string]: Plain } = {};
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : '';
      const inside = [...path, name];
      const range = isScalar(key) ? key.range : null;
      if (range) this.#lines.set(pathText(inside), this.#lineAt(range[0]));
      // No field has this name, and as a name of ours it would be the object's prototype.
      if (name === '__proto__') this.#fault(inside, 'is not known');
      else object[name] = this.visit(value, inside);
    }
    return object;
  }

  #placed(node: unknown, path: readonly PropertyKey[]): Plain {
    const range = isScalar(node) || isMap(node) || isSeq(node) ? node.range : null;
    if (range) this.#lines.set(pathText(path), this.#lineAt(range[0]));
    return this.visit(node, path);
  }

  #scalar(value: unknown, source: string | undefined, path: readonly PropertyKey[]): Plain {
    if (typeof value === 'number' || typeof value === 'bigint') return new NumberText(source ?? '');
    if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
    return this.#fault(path, 'is no value');
  }

  #fault(path: readonly PropertyKey[], reason: string): null {
    this.faults.push({ line: this.lineOf(path), path: pathText(path), reason });
    return null;
  }
}

/** `endpoints[0].quote.price` */
export function pathText(path: readonly PropertyKey[]): string {
  const parts = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`));
  return parts.join('').replace(/^\./, '');
}

/** The library's words in the form of ours. */
function sentence(message: string): string {
  const [first = ''] = message.split('\n');
  return first.charAt(0).toLowerCase() + first.slice(1).replace(/[.:]$/, '');
}
