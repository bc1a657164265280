/**
 * The kinds of fields that requests are made of: amounts, times, durations, labels, endpoints.
 * Each knows its own limits and says what it must be; none repeats what it was given.
 */
import { z } from 'zod';
import { MAX_DURATION_MS, readDuration, UNIT_MS } from '../duration.ts';
import { NumberText } from '../json-scan.ts';
import { MoneyError, parseUsd } from '../money.ts';
import { holdsCredential } from '../secrecy.ts';
import { parsed } from '../shape.ts';

/** The longest life of a key. */
export const MAX_LIFE_MS = MAX_DURATION_MS;
/** A rate over more than a day is a cap on calls: max_calls. */
const MAX_RATE_WINDOW_MS = UNIT_MS.d!;
const MAX_RATE_CALLS = 1_000_000;

/** An amount of dollars, read exactly as it was written; gives micro-dollars. */
export const usd = z
  .custom<NumberText>((value) => value instanceof NumberText, {
    error: 'must be a number of dollars such as 500 or 12.50',
  })
  .transform((amount, context): bigint => {
    try {
      return parseUsd(amount.source);
    } catch (cause) {
      if (!(cause instanceof MoneyError)) throw cause;
      context.addIssue({ code: 'custom', message: cause.message });
      return z.NEVER;
    }
  })
  .meta({
    type: 'number',
    minimum: 0,
    maximum: 1_000_000_000,
    description: 'Dollars, with at most six decimals; read exactly as written.',
  });

/** `90s`, `15m`, `2h`, `7d`; gives milliseconds. */
export const duration = parsed(readDuration, {
  pattern: '^[0-9]{1,9}[smhd]$',
  examples: ['90s', '15m', '2h', '7d'],
});

/** RFC 3339 with a zone; gives milliseconds since 1970. */
export const time = parsed(
  (text) => {
    if (!z.iso.datetime({ offset: true }).safeParse(text).success) {
      throw new Error(
        'must be a time with its zone, such as 2026-11-22T09:00:00Z (in a query, write + as %2B)',
      );
    }
    return Date.parse(text);
  },
  { format: 'date-time' },
);

/** `100/1m`, `10/s`: calls in a window. */
export const rateLimit = parsed(
  (text) => {
    const match = /^(\d{1,9})\/(\d{0,9})([smhd])$/.exec(text);
    const calls = Number(match?.[1] ?? 0);
    const windowMs = match ? Number(match[2] || 1) * UNIT_MS[match[3]!]! : 0;
    if (calls < 1 || windowMs < 1) throw new Error('must be calls in a time, such as 100/1m');
    if (calls > MAX_RATE_CALLS) throw new Error(`must not exceed ${MAX_RATE_CALLS} calls`);
    if (windowMs > MAX_RATE_WINDOW_MS) throw new Error('must not count over more than 1d');
    return { calls, windowMs };
  },
  { pattern: '^[0-9]{1,9}/[0-9]{0,9}[smhd]$', examples: ['100/1m'] },
);

/** A rate limit as it is read: in the largest unit that gives a whole number. */
export function rateLimitText(limit: { calls: number; windowMs: number }): string {
  const unit = ['d', 'h', 'm', 's'].find((name) => limit.windowMs % UNIT_MS[name]! === 0) ?? 's';
  return `${limit.calls}/${limit.windowMs / UNIT_MS[unit]!}${unit}`;
}

/** Text for people and for searching: nothing invisible in it, and no credential. */
export function plainText(max: number, options: { trimmed: boolean } = { trimmed: true }) {
  return parsed(
    (text) => {
      const length = [...text].length;
      if (length < 1 || length > max) throw new Error(`must have 1 to ${max} characters`);
      if (/[\p{C}\p{Zl}\p{Zp}]/u.test(text)) throw new Error('must have printable characters only');
      if (options.trimmed && text.trim() !== text) {
        throw new Error('must not begin or end with a space');
      }
      if (holdsCredential(text)) throw new Error('must not hold a credential');
      return text;
    },
    { minLength: 1, maxLength: max },
  );
}

export const label = plainText(200);
/** May end in a space, as a prefix of a label can. Never empty: that would be everything. */
export const labelPrefix = plainText(200, { trimmed: false });
export const reason = plainText(500);

/** The name of a vendor account; a path segment. */
export const accountName = parsed(
  (text) => {
    if (!/^[a-z0-9][a-z0-9_-]{0,62}$/.test(text)) {
      throw new Error('must have 1 to 63 of a-z, 0-9, _ and -, beginning with a letter or digit');
    }
    if (holdsCredential(text)) throw new Error('must not hold a credential');
    return text;
  },
  { pattern: '^[a-z0-9][a-z0-9_-]{0,62}$' },
);

/** One of the vendors that there are. */
export function vendorName(vendors: readonly string[]) {
  return parsed(
    (text) => {
      if (!vendors.includes(text))
        throw new Error(`must be a vendor; there are: ${vendors.join(', ')}`);
      return text;
    },
    { enum: [...vendors] },
  );
}

/** A whole number of at least one. */
export const count = z.int().min(1).max(1_000_000_000_000);

/** How many rows a page has. A query's parameters are text. */
export const pageLimit = parsed(
  (text) => {
    const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
    if (limit < 1 || limit > 200) throw new Error('must be a whole number from 1 to 200');
    return limit;
  },
  { pattern: '^[0-9]{1,3}$', description: '1 to 200; 50 when it is not given.' },
);
