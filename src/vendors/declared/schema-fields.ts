/**
 * The kinds of fields that a description is made of: names, prices, paths, durations, headers. Each
 * knows its own form and says what it must be.
 */
import { z } from 'zod';
import { IN_AUTHORIZATION } from '../../credential.ts';
import { readDuration } from '../../duration.ts';
import { NumberText } from '../../json-scan.ts';
import { MoneyError, parseUsd } from '../../money.ts';
import { issueMessage, parsed, type Shape, unknownName } from '../../shape.ts';
import { type Path, readPath } from './path.ts';

/** An object with these names and no others; a name that is not known is told what was meant. */
export function closed<S extends Shape>(shape: S) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((name) => unknownName(name, known)).join('\n')
        : undefined,
  });
}

/** What zod found wrong in `given`, one by one, each where it is. */
export function faultsIn(
  issues: readonly z.core.$ZodIssue[],
  given: unknown,
): { path: PropertyKey[]; message: string }[] {
  return issues.flatMap((issue) => {
    const { path, message } = issue;
    if (issue.code === 'unrecognized_keys') {
      const messages = message.split('\n');
      return issue.keys.map((key, i) => ({ path: [...path, key], message: messages[i]! }));
    }
    return [{ path, message: isThere(given, path) ? messageOf(issue) : 'is required' }];
  });
}

/** Forms have words of their own here, which repeat nothing. */
function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? 'is not a name';
  const own = issue.code === 'invalid_format' || issue.code === 'invalid_union';
  return own ? issue.message : issueMessage(issue);
}

function isThere(given: unknown, path: readonly PropertyKey[]): boolean {
  let value = given;
  for (const step of path) {
    value = (value as Readonly<Record<PropertyKey, unknown>> | null | undefined)?.[step];
  }
  return value !== undefined;
}

/** What another shape makes of the value; its faults become the field's own, each where it is. */
export function readAs<T>(
  shape: z.ZodType<T>,
  given: unknown,
  context: { addIssue(issue: { code: 'custom'; path: PropertyKey[]; message: string }): void },
): T {
  const read = shape.safeParse(given);
  if (read.success) return read.data;
  for (const fault of faultsIn(read.error.issues, given)) {
    context.addIssue({ code: 'custom', ...fault });
  }
  return z.NEVER;
}

/**
 * One of a few words, or something longer. A union of zod's would say of a fault deep inside only
 * that the whole is neither.
 */
export function wordOr<const W extends string, T>(words: readonly W[], other: z.ZodType<T>) {
  const must = `must be ${words.map((word) => `\`${word}\``).join(', ')} or its fields`;
  return z.unknown().transform((given, context): W | T => {
    if (typeof given !== 'string') return readAs(other, given, context);
    if (words.includes(given as W)) return given as W;
    context.addIssue({ code: 'custom', message: must });
    return z.NEVER;
  });
}

/** One value or a list of them; gives a list. */
export function oneOrList<T>(of: z.ZodType<T>) {
  const several = z.array(of).min(1).max(200);
  return z
    .unknown()
    .transform((given, context): T[] =>
      Array.isArray(given) ? readAs(several, given, context) : [readAs(of, given, context)],
    );
}

/** A number in the file; what it is a number of is the caller's to read. */
const number = z.custom<NumberText>((value) => value instanceof NumberText, {
  error: 'must be a number',
});

export function whole(least: number, most: number) {
  return number.transform(({ source }, context) => {
    const value = /^\d{1,15}$/.test(source) ? Number(source) : -1;
    if (value >= least && value <= most) return value;
    context.addIssue({
      code: 'custom',
      message: `must be a whole number from ${least} to ${most}`,
    });
    return z.NEVER;
  });
}

/** Dollars, exactly as written, as a number or a text; gives micro-dollars. */
export const usd = z
  .union([number, z.string()], { error: 'must be dollars such as 0.0009' })
  .transform((given, context): bigint => {
    try {
      return parseUsd(typeof given === 'string' ? given : given.source);
    } catch (fault) {
      if (!(fault instanceof MoneyError)) throw fault;
      context.addIssue({ code: 'custom', message: fault.message });
      return z.NEVER;
    }
  });

/** Text that `pattern` matches whole. */
function named(pattern: RegExp, must: string) {
  return z.string({ error: must }).regex(pattern, must);
}

export const priceName = named(
  /^[a-z][a-z0-9_+/-]{0,62}$/,
  'must be a price by its name: lower-case letters, digits and _+/-',
);

/** A price by its name, or in dollars. */
export const price = z.unknown().transform((given, context): string | bigint => {
  const isName = typeof given === 'string' && /^[a-z]/i.test(given);
  return isName ? readAs(priceName, given, context) : readAs(usd, given, context);
});

export const credentialName = named(
  /^[a-z][a-z0-9_]{0,30}$/,
  'must be the name of a credential: lower-case letters, digits and _',
);

export const path: z.ZodType<Path> = parsed(readPath, {});
export const duration = parsed(readDuration, {});

/** `10MB`, `512KB`; gives bytes. */
export const size = parsed((text) => {
  const match = /^([1-9]\d{0,4})(KB|MB)$/.exec(text);
  const bytes = match ? Number(match[1]) * (match[2] === 'MB' ? 1 << 20 : 1 << 10) : 0;
  if (bytes > 0 && bytes <= 50 << 20) return bytes;
  throw new Error('must be a size such as 512KB or 10MB, and at most 50MB');
}, {});

/**
 * Of the connection, of Keybrake or of the body: none that a description may give a meaning to.
 * Authorization is not among them, for `auth_out` writes it by `bearer` and `basic`.
 */
const OURS =
  /^(?:authorization|cookie|set-cookie|host|connection|content-.*|transfer-encoding|accept-encoding|te|upgrade|expect|trailer|keep-alive|proxy-.*|x-keybrake-.*|x-forwarded-.*|retry-after)$/;

/** A header's name; gives it in lower case. */
export const header = parsed((text) => {
  const name = text.toLowerCase();
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(name)) {
    throw new Error('must be the name of a header: letters, digits and -');
  }
  if (OURS.test(name))
    throw new Error('must be a header of the vendor, not one that Keybrake writes');
  return name;
}, {});

/** Where a vault key may come: a form of Authorization, or a header's name in lower case. */
export const place = z.union([z.enum(IN_AUTHORIZATION as [string, ...string[]]), header], {
  error: `must be ${IN_AUTHORIZATION.join(', ')} or the name of a header`,
});
