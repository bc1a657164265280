/**
 * Holds what came in (a body or a query) against a shape, field by field, and gathers every fault:
 * a caller corrects all of them at once. No message ever repeats a value, for it may be a secret.
 */
import type { z } from 'zod';
import { shown } from '../secrecy.ts';
import { type FieldError, invalidFields } from './problem.ts';

export type Shape = Readonly<Record<string, z.ZodType>>;
export type Read<S extends Shape> = z.output<z.ZodObject<S>>;

/** The faults of one request so far. */
export class Faults {
  readonly #list: FieldError[] = [];

  add(field: string, message: string): void {
    this.#list.push({ field, message });
  }

  get isEmpty(): boolean {
    return this.#list.length === 0;
  }

  /** Whether the field itself, or something in it, is faulty. */
  has(field: string): boolean {
    return this.#list.some(
      (fault) =>
        fault.field === field ||
        fault.field.startsWith(`${field}.`) ||
        fault.field.startsWith(`${field}[`),
    );
  }

  /** Throws Problem when there is any. */
  throwIfAny(): void {
    if (this.#list.length > 0) throw invalidFields(this.#list);
  }
}

/** The fields that are right, converted; what is wrong goes to `faults`. */
export function readFields<S extends Shape>(
  shape: S,
  given: Readonly<Record<string, unknown>>,
  faults: Faults,
): Partial<Read<S>> {
  const read: Record<string, unknown> = {};
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(shape, name)) faults.add(fieldName(name), unknownField(name, shape));
  }
  for (const [name, schema] of Object.entries(shape)) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    const result = schema.safeParse(value);
    if (!result.success) addIssues(name, value, result.error.issues, faults);
    else if (result.data !== undefined) read[name] = result.data;
  }
  return read as Partial<Read<S>>;
}

function addIssues(
  name: string,
  value: unknown,
  issues: readonly z.core.$ZodIssue[],
  faults: Faults,
): void {
  if (value === undefined) {
    faults.add(name, 'is required');
    return;
  }
  if (value === null && issues[0]?.path.length === 0) {
    faults.add(name, 'must not be null; leave it out instead');
    return;
  }
  for (const issue of issues) {
    const path = issue.path.map(pathStep).join('');
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) faults.add(`${name}${path}.${fieldName(key)}`, 'is not known');
    } else {
      faults.add(`${name}${path}`, messageOf(issue));
    }
  }
}

function pathStep(step: PropertyKey): string {
  return typeof step === 'number' ? `[${step}]` : `.${fieldName(String(step))}`;
}

/** A name that the caller made up, safe to repeat. */
function fieldName(name: string): string {
  const text = shown(name);
  return text.startsWith('"') ? name : '(a name that is not shown)';
}

function messageOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${TYPES[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `must be ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`;
    case 'too_small':
      return bound('at least', issue.origin, issue.minimum);
    case 'too_big':
      return bound('at most', issue.origin, issue.maximum);
    case 'custom':
      return issue.message;
    default:
      return 'is not valid';
  }
}

const TYPES: Record<string, string> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

function bound(which: string, origin: string, limit: number | bigint): string {
  if (origin === 'string') return `must have ${which} ${limit} characters`;
  if (origin === 'array') return `must have ${which} ${limit} entries`;
  return `must be ${which} ${limit}`;
}

function unknownField(name: string, shape: Shape): string {
  const known = Object.keys(shape);
  const nearest = known
    .map((candidate) => ({ candidate, distance: editDistance(name.slice(0, 60), candidate) }))
    .sort((a, b) => a.distance - b.distance)[0];
  if (nearest && nearest.distance <= Math.max(2, nearest.candidate.length / 3)) {
    return `is not known; did you mean "${nearest.candidate}"?`;
  }
  return known.length > 0
    ? `is not known; known are ${known.join(', ')}`
    : 'is not known; nothing can be given here';
}

/** Levenshtein's: how many characters to insert, delete or replace. */
function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = previous[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, previous[j]! + 1, row[j - 1]! + 1));
    }
    previous = row;
  }
  return previous[to.length]!;
}
