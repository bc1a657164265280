/**
 * Holds what came in (a body or a query) against a shape, field by field, and gathers every fault:
 * a caller corrects all of them at once. No message ever repeats a value, for it may be a secret.
 */
import type { z } from 'zod';
import { shown } from '../secrecy.ts';
import { issueMessage, type Shape, unknownName } from '../shape.ts';
import { type FieldError, invalidFields } from './problem.ts';

export type { Shape } from '../shape.ts';
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
    if (!Object.hasOwn(shape, name))
      faults.add(fieldName(name), unknownName(name, Object.keys(shape)));
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
      faults.add(`${name}${path}`, issueMessage(issue));
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
