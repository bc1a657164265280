/**
 * What every reader of shapes in zod has in common, of requests and of files: fields that are texts
 * with a form of their own, and what is said of a fault. No message repeats a value, for it may be a
 * secret.
 */
import { z } from 'zod';

export type Shape = Readonly<Record<string, z.ZodType>>;

/** A string that `read` turns into a value; `read` throws Error with the message for the caller. */
export function parsed<T>(read: (text: string) => T, meta: Record<string, unknown>) {
  return z
    .string()
    .transform((text, context): T => {
      try {
        return read(text);
      } catch (cause) {
        if (!(cause instanceof Error)) throw cause;
        context.addIssue({ code: 'custom', message: cause.message });
        return z.NEVER;
      }
    })
    .meta(meta);
}

/** What is wrong, for whoever wrote it; never repeats a value. */
export function issueMessage(issue: z.core.$ZodIssue): string {
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

/** What is wrong with a name that is none of those known, and which of them was meant. */
export function unknownName(name: string, known: readonly string[]): string {
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
