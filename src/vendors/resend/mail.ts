/**
 * Mails as requests describe them: to whom each goes, which is what it costs, and by what it is
 * known again in Resend's list of mails. Whatever might make another number of recipients of it than
 * is counted here is refused.
 */
import { hash } from 'node:crypto';
import { parseMailAddress } from '../../mail-address.ts';
import { asList, asObject, type Json, type JsonObject } from '../json-body.ts';

export interface Mail {
  /** To, cc and bcc, as they were written: each counts as one mail. */
  readonly recipients: readonly string[];
  /** By what it is known again; see clueOf. */
  readonly clue: string;
}

/** A mail that cannot be counted. `unpriced`: it is plain what it says, but not to how many it goes. */
export type MailFault = { ambiguous: string } | { unpriced: string };

const RECIPIENTS = ['to', 'cc', 'bcc'] as const;

/** Header lines that some mailers take recipients from. */
const RECIPIENT_LINE = /^(?:apparently-|resent-)?(?:to|cc|bcc)$/i;

/** RFC 5322: with a colon in it, the line would be another's. */
const HEADER_NAME = /^[!-9;-~]+$/;
const NO_LINES: JsonObject = new Map();
const WRONG_HEADERS: MailFault = {
  ambiguous: '`headers` must be an object of names and texts, as in {"X-Order": "7"}',
};

/** Fields of no mail today that would send it to many by their name. */
const OTHER_RECIPIENTS = /audience|segment|contact|recipient/i;

/** Fields that become lines of the mail's head, where a line break begins another line. */
const LINES = ['from', 'subject', 'reply_to'];

/** The mail in a body, or in one place of a batch. */
export function readMail(value: Json): Mail | MailFault {
  const mail = asObject(value);
  if (mail === null) return { ambiguous: 'a mail must be a JSON object' };
  const fault = faultInNames(mail) ?? faultInLines(mail);
  if (fault !== null) return fault;
  const recipients: string[] = [];
  for (const field of RECIPIENTS) {
    const read = textsIn(mail.get(field));
    const wrong = read === null || read.some((text) => parseMailAddress(text) === null);
    if (wrong) return { ambiguous: whyNoAddress(field) };
    recipients.push(...read);
  }
  if (recipients.length === 0) return { unpriced: 'the mail names no recipient' };
  const [to, from, subject] = ['to', 'from', 'subject'].map((name) => mail.get(name));
  return { recipients, clue: clueOf({ to, from, subject }) };
}

function whyNoAddress(field: string): string {
  return (
    `\`${field}\` must be one address, as a@example.com or Name <a@example.com>, or a list of them; ` +
    'write several as a list'
  );
}

/** Absent is no text. Null: neither a text nor a list of texts. */
function textsIn(value: unknown): readonly string[] | null {
  if (value === undefined || value === null) return [];
  if (typeof value === 'string') return [value];
  return Array.isArray(value) && value.every((each) => typeof each === 'string') ? value : null;
}

function faultInNames(mail: JsonObject): MailFault | null {
  for (const name of mail.keys()) {
    const plain = name.toLowerCase();
    if (plain !== name && RECIPIENTS.some((each) => each === plain)) {
      return { ambiguous: `\`${plain}\` is written in lower case` };
    }
    if (plain === 'recipients') return { ambiguous: 'recipients stand in `to`, `cc` and `bcc`' };
    if (OTHER_RECIPIENTS.test(name)) {
      return { unpriced: `to how many \`${name}\` sends the mail is known to Resend alone` };
    }
  }
  return null;
}

function faultInLines(mail: JsonObject): MailFault | null {
  const lines = LINES.flatMap((name) => textsIn(mail.get(name)) ?? []);
  const headers = asObject(mail.get('headers') ?? NO_LINES);
  if (headers === null) return WRONG_HEADERS;
  for (const [name, value] of headers) {
    if (asObject(value) !== null || asList(value) !== null) return WRONG_HEADERS;
    if (RECIPIENT_LINE.test(name.trim())) {
      return { ambiguous: 'a header line names recipients; put them into `to`, `cc` and `bcc`' };
    }
    if (!HEADER_NAME.test(name)) {
      return { ambiguous: 'the name of a header line has only letters, digits and signs like -' };
    }
    if (typeof value === 'string') lines.push(value);
  }
  if (!lines.some((text) => /[\r\n]/.test(text))) return null;
  return { ambiguous: 'a line break in the head of a mail begins another line; leave it out' };
}

/**
 * Short hashes of whom the mail goes to, whom it is from and what it is about, so that a look for it
 * finds it and the ledger holds neither addresses nor subjects. `-`: the request does not say it (a
 * template does). Of a mail in Resend's list it is the same but for what that one is silent on.
 */
export function clueOf({ to, from, subject }: Readonly<Record<string, unknown>>): string {
  return [addresses(to), addresses(from), textsIn(subject) ?? []].map(digest).join('.');
}

/** Addresses without their names, in one order: Resend may give them back in another form. */
function addresses(value: unknown): string[] {
  return (textsIn(value) ?? []).map((text) => parseMailAddress(text)?.address ?? text).sort();
}

/** 72 bits: among a million mails two are alike by chance once in ten thousand years. */
function digest(texts: readonly string[]): string {
  if (texts.length === 0) return '-';
  return hash('sha256', texts.map((text) => text.trim()).join('\n'), 'base64url').slice(0, 12);
}
