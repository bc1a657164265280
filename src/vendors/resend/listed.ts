/**
 * The mails of a call in Resend's list of all mails, newest first: which of them are there. A mail
 * is known by whom it goes to, whom it is from and what it is about, and is one call's alone.
 */
import { type Json, objectIn, readJson, textIn } from '../reply.ts';
import type { OpenCall, VendorReply } from '../vendor.ts';
import { type Standing, standingOf, timeIn } from './facts.ts';
import { clueOf } from './mail.ts';

/** How far Resend's clock may be from ours. */
const SKEW_MS = 5 * 60_000;
/** How long after it was sent a call may have been carried out. */
const CARRIED_OUT_MS = 15 * 60_000;
/** Pages of 100 mails that are read in one go. */
const MAX_PAGES = 10;

/** What a call's clue says of its mails. */
export interface Wanted {
  readonly batch: boolean;
  readonly permissive: boolean;
  readonly mails: readonly { readonly parts: readonly string[]; readonly recipients: number }[];
}

export interface Found {
  readonly id: string;
  readonly standing: Standing;
}

export interface Listed {
  /** For each mail of the call, in order; null: not there. */
  readonly found: readonly (Found | null)[];
  /** Every mail since the call is in the pages that were read. */
  readonly complete: boolean;
  /** The query of the next page; null when there is none, or enough were read. */
  readonly nextPage: string | null;
  /** A mail that nobody answers for goes to the recipients of one that was not found. */
  readonly alike: boolean;
}

/** `one`, `batch` or `permissive`, and each mail's clue and number of recipients. */
export function clueOfCall(
  kind: 'one' | 'batch' | 'permissive',
  mails: readonly { clue: string; recipients: readonly string[] }[],
): string {
  return [kind, ...mails.map(({ clue, recipients }) => `${clue}.${recipients.length}`)].join(' ');
}

export function wantedIn(clue: string): Wanted {
  const [kind, ...mails] = clue.split(' ');
  return {
    batch: kind !== 'one',
    permissive: kind === 'permissive',
    mails: mails.map((each) => {
      const parts = each.split('.');
      return { parts: parts.slice(0, -1), recipients: Number(parts.at(-1)) };
    }),
  };
}

interface Entry extends Found {
  readonly parts: readonly string[];
}

/** Null: a page that cannot be read. */
export function readList(
  call: OpenCall,
  { mails }: Wanted,
  replies: readonly VendorReply[],
): Listed | null {
  const from = call.at - SKEW_MS;
  const until = call.sentAt + CARRIED_OUT_MS;
  const entries: Entry[] = [];
  let nextPage: string | null = 'limit=100';
  for (const reply of replies) {
    const page = pageIn(reply);
    if (page === null) return null;
    for (const mail of page.mails) {
      const at = timeIn(mail.created_at);
      const entry = entryOf(mail);
      const meanwhile = at === null || (at >= from && at <= until);
      if (meanwhile && !call.taken.has(entry.id)) entries.push(entry);
    }
    const last = page.mails.at(-1);
    const oldest = timeIn(last?.created_at);
    const ends = !page.more || last === undefined || (oldest !== null && oldest < from);
    nextPage = ends ? null : `limit=100&after=${encodeURIComponent(textIn(last.id) ?? '')}`;
  }
  const found = mails.map(({ parts }) => take(entries, (entry) => isSame(parts, entry.parts)));
  const alike = mails.some(
    ({ parts }, at) => found[at] === null && entries.some((entry) => entry.parts[0] === parts[0]),
  );
  const complete = nextPage === null;
  return { found, complete, alike, nextPage: replies.length < MAX_PAGES ? nextPage : null };
}

/** A mail without an id makes a page unreadable: it might be the one that is looked for. */
function pageIn(reply: VendorReply): { mails: readonly Json[]; more: boolean } | null {
  const body = reply.status === 200 ? readJson(reply) : null;
  if (!Array.isArray(body?.data)) return null;
  const mails = body.data.map(objectIn).filter((mail) => textIn(mail?.id) !== null);
  if (mails.length < body.data.length) return null;
  return { mails: mails as Json[], more: body.has_more !== false };
}

function entryOf(mail: Json): Entry {
  const standing = standingOf(mail) ?? 'gone';
  return { id: textIn(mail.id)!, standing, parts: clueOf(mail).split('.') };
}

/** Takes the first of them out. */
function take(entries: Entry[], isIt: (entry: Entry) => boolean): Found | null {
  const at = entries.findIndex(isIt);
  return at < 0 ? null : entries.splice(at, 1)[0]!;
}

/** What the request left to its template is in the list as the template has it. */
function isSame(wanted: readonly string[], listed: readonly string[]): boolean {
  return wanted.every((part, at) => part === '-' || part === listed[at]);
}
