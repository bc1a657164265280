/**
 * Reads an e-mail as a request describes it, by Resend's rules. Throws Resend's errors; changes
 * nothing.
 */
import { randomUUID } from 'node:crypto';
import type { EmailRecord } from './email.ts';
import { invalid, missing, ResendError } from './errors.ts';

export type Json = Record<string, unknown>;

const MAX_RECIPIENTS = 50;
const LATEST_MS = 30 * 24 * 60 * 60 * 1000;
const UNIT_MS: Readonly<Record<string, number>> = {
  sec: 1000,
  min: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
};

/** One address of the form `a@b.c` or `Name <a@b.c>`; a list in one text is none. */
const ADDRESS = /^(?:[^<>]*<[^\s<>@,]+@[^\s<>@,]+\.[^\s<>@,]+>|[^\s<>@,]+@[^\s<>@,]+\.[^\s<>@,]+)$/;

export function readEmail(given: unknown, now: number): EmailRecord {
  if (!isObject(given)) throw invalid('The email must be an object.');
  const from = text(given, 'from');
  if (!from) throw missing('from');
  if (!ADDRESS.test(from.trim())) {
    throw new ResendError(422, 'invalid_from_address', wrongAddress('from'));
  }
  const to = addresses(given, 'to');
  if (to.length === 0) throw missing('to');
  const template = given.template;
  const subject = text(given, 'subject') ?? (template ? 'A template’s subject' : null);
  if (!subject) throw missing('subject');
  const html = text(given, 'html');
  const plain = text(given, 'text');
  if (html === null && plain === null && !template) {
    throw new ResendError(422, 'missing_required_field', 'Missing `html` or `text` field.');
  }
  return {
    id: randomUUID(),
    standing: null,
    from,
    to,
    cc: addresses(given, 'cc'),
    bcc: addresses(given, 'bcc'),
    replyTo: addresses(given, 'reply_to'),
    subject,
    html,
    text: plain,
    createdAt: now,
    scheduledAt: readScheduledAt(given.scheduled_at, now),
    canceledAt: null,
  };
}

/** ISO 8601, or `in 5 min` in words. Null: not given. At most 30 days ahead, never in the past. */
export function readScheduledAt(given: unknown, now: number): number | null {
  if (given === undefined || given === null) return null;
  const [, count, unit] =
    /^in (\d{1,6}) (sec|min|hour|day)(?:ond|ute)?s?$/i.exec(String(given).trim()) ?? [];
  const at = unit ? now + Number(count) * UNIT_MS[unit.toLowerCase()]! : Date.parse(String(given));
  if (Number.isNaN(at)) throw invalid('The `scheduled_at` field is not a date that we understand.');
  if (at <= now) throw invalid('The `scheduled_at` field must be in the future.');
  if (at > now + LATEST_MS) throw invalid('The `scheduled_at` field is more than 30 days ahead.');
  return at;
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(given: Json, field: string): string | null {
  const value = given[field];
  if (value === undefined || value === null) return null;
  if (typeof value !== 'string') throw invalid(`The \`${field}\` field must be a \`string\`.`);
  return value;
}

/** One text or a list of texts; null and absent are the empty list. */
function addresses(given: Json, field: string): string[] {
  const value = given[field] ?? [];
  const list: unknown[] = Array.isArray(value) ? value : [value];
  if (list.length > MAX_RECIPIENTS) {
    throw invalid(`The \`${field}\` field must not have more than ${MAX_RECIPIENTS} items.`);
  }
  for (const address of list) {
    if (typeof address !== 'string' || !ADDRESS.test(address.trim())) {
      throw invalid(wrongAddress(field));
    }
  }
  return list as string[];
}

function wrongAddress(field: string): string {
  return `Invalid \`${field}\` field. Write \`email@example.com\` or \`Name <email@example.com>\`.`;
}
