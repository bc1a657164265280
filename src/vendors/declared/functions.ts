/**
 * What data cannot say, by name: functions that count something in one value of a request or reply.
 * Each is pure, and refuses a value that two programs could count differently.
 */
import { asList, type Json } from '../json-body.ts';

/** The count, or why there is no single one. */
type Counting = (value: Json) => bigint | { fault: string };

export interface NamedFunction {
  /** For the documentation and for `keybrake vendors check`. */
  readonly what: string;
  readonly count: Counting;
}

export const FUNCTIONS: ReadonlyMap<string, NamedFunction> = new Map([
  ['email_addresses', { what: 'addresses', count: emailAddresses }],
  ['one_or_many', { what: 'entries', count: oneOrMany }],
  ['characters', { what: 'characters', count: characters }],
]);

/** `"Doe, Jane" <jane@shop.example>, joe@shop.example` are two. */
function emailAddresses(value: Json): bigint | { fault: string } {
  if (typeof value !== 'string') return { fault: 'addresses are one text, separated by commas' };
  const count = countAddresses(value, true);
  // With `\"` some programs end the quotes and others do not.
  if (value.includes('\\') && countAddresses(value, false) !== count) return NO_LIST;
  return count === null ? NO_LIST : BigInt(count);
}

const NO_LIST = {
  fault:
    'addresses must be plain, as in `"Doe, Jane" <jane@shop.example>, joe@shop.example`: without ' +
    'groups, comments or semicolons, and with one @ each',
};

/** Null when it is no plain list. `escapes`: a backslash in quotes takes the next character in. */
function countAddresses(text: string, escapes: boolean): number | null {
  let [count, ats, quoted, blank] = [0, 0, false, true];
  for (let index = 0; index <= text.length; index++) {
    const char = text.charAt(index);
    if (quoted) {
      if (char === '') return null;
      if (char === '\\' && escapes) index++;
      else if (char === '"') quoted = false;
      continue;
    }
    if (char === '' || char === ',') {
      if (!blank && ats !== 1) return null;
      if (!blank) count++;
      [ats, blank] = [0, true];
      continue;
    }
    if (/[;:()\x00-\x1f\x7f]/.test(char)) return null;
    if (char === '@') ats++;
    if (char === '"') quoted = true;
    if (char !== ' ') blank = false;
  }
  return count;
}

/** A list's length; anything else is one. */
function oneOrMany(value: Json): bigint {
  return BigInt(asList(value)?.length ?? 1);
}

/** As code points: an emoji of one is one. */
function characters(value: Json): bigint | { fault: string } {
  return typeof value === 'string' ? BigInt([...value].length) : { fault: 'a text was expected' };
}
