/**
 * How to find out at Resend what became of an open call: of a scheduled mail by its id, of a call
 * that was never answered by its mails in the list of all mails (listed.ts). Only looks. Resend's
 * store of replies cannot be asked: to a key that it does not know it would send the mail.
 */
import { readJson } from '../reply.ts';
import type { Conclusion, Investigation, OpenCall, Tariff, VendorReply } from '../vendor.ts';
import { factOf, standingOf, timeIn } from './facts.ts';
import { type Found, type Listed, readList, type Wanted, wantedIn } from './listed.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** A mail that Resend made is in its list by then; before, its absence proves nothing. */
const LISTED_MS = 10 * MINUTE_MS;
/** After that a call that was not found waits for an operator. */
const GIVE_UP_MS = 24 * HOUR_MS;
/** A scheduled mail is looked at this often at least: it may be cancelled without Keybrake. */
const LONGEST_WAIT_MS = 6 * HOUR_MS;

export function investigate(
  call: OpenCall,
  replies: readonly VendorReply[],
  tariff: Tariff,
  now: number,
): Investigation | null {
  const reply = replies.at(-1);
  if (reply?.status === 401 || reply?.status === 403) {
    // A key of the kind "sending access" answers so to every read.
    return { next: 'give_up', why: `the API key may not read mails (${reply.status})` };
  }
  if (call.state === 'held') {
    const { vendorObjectId: id } = call;
    return id === null ? null : reply ? scheduledMail(call, id, reply, now) : look(pathOf(id), '');
  }
  return call.clue === null ? null : lostCall(call, wantedIn(call.clue), replies, tariff, now);
}

function scheduledMail(call: OpenCall, id: string, reply: VendorReply, now: number): Investigation {
  if (reply.status === 404)
    return { next: 'give_up', why: 'Resend does not know the mail any more' };
  const body = reply.status === 200 ? readJson(reply) : null;
  const standing = body?.id === id ? standingOf(body) : null;
  switch (standing) {
    case null:
      return { next: 'wait', ms: 10 * MINUTE_MS };
    case 'scheduled':
      return { next: 'wait', ms: untilItGoes(timeIn(body?.scheduled_at), call, now) };
    case 'cancelled':
      return ended('the scheduled mail was cancelled', released(id), null);
    case 'gone':
      return ended('the scheduled mail went out', settled(call.quote, id), null);
  }
}

/** After its time a mail is looked for soon, and then less and less often. */
function untilItGoes(at: number | null, { looks }: OpenCall, now: number): number {
  const ms =
    at === null
      ? 10 * MINUTE_MS * 2 ** Math.min(looks, 6)
      : at > now
        ? at - now + MINUTE_MS
        : Math.max(now - at, MINUTE_MS);
  return Math.min(ms, LONGEST_WAIT_MS);
}

function lostCall(
  call: OpenCall,
  wanted: Wanted,
  replies: readonly VendorReply[],
  tariff: Tariff,
  now: number,
): Investigation {
  const list = readList(call, wanted, replies);
  if (list === null) return later(call, now, MINUTE_MS, 'the list of mails could not be read');
  if (list.found.every((each) => each !== null)) return foundAll(call, wanted, list.found, tariff);
  if (list.nextPage !== null) return look('/emails', list.nextPage);
  return notAllFound(call, wanted, list, now);
}

function foundAll(
  call: OpenCall,
  wanted: Wanted,
  found: readonly Found[],
  tariff: Tariff,
): Investigation {
  const [{ id, standing }] = found as [Found];
  if (wanted.batch) {
    const data = found.map((each) => ({ id: each.id }));
    const body = wanted.permissive ? { data, errors: [] } : { data };
    return ended('its mails are in the list', settled(call.quote, id), body);
  }
  const why = `its mail is in the list: ${standing}`;
  if (standing === 'cancelled') return ended(why, released(id), { id });
  if (standing === 'gone') return ended(why, settled(call.quote, id), { id });
  const fact = factOf(id, 'open', wanted.mails[0]!.recipients, tariff);
  return ended(why, { ...released(id), outcome: 'held', objects: [fact] }, { id });
}

function notAllFound(call: OpenCall, wanted: Wanted, list: Listed, now: number): Investigation {
  const age = now - call.sentAt;
  if (age < 2 * MINUTE_MS) return { next: 'wait', ms: 2 * MINUTE_MS };
  if (age < LISTED_MS) return { next: 'wait', ms: LISTED_MS - age };
  if (!list.complete) return later(call, now, HOUR_MS, 'the list of mails since then is too long');
  if (list.alike) {
    return later(call, now, HOUR_MS, 'a mail to the same recipients is there, not as it was sent');
  }
  const found = list.found.filter((each) => each !== null);
  const why = `${found.length} of its ${wanted.mails.length} mails are in the list`;
  if (found.length === 0) return ended(why, released(null), null);
  // All or none of a batch is sent, unless its header asks for those that are valid.
  if (!wanted.permissive) return later(call, now, HOUR_MS, why);
  const count = (at: number) => BigInt(wanted.mails[at]!.recipients);
  const all = wanted.mails.reduce((sum, _, at) => sum + count(at), 0n);
  const sent = list.found.reduce((sum, each, at) => sum + (each === null ? 0n : count(at)), 0n);
  return ended(why, settled((call.quote * sent) / all, found[0]!.id), null);
}

/** Looked for again, until a day after it was sent. */
function later({ sentAt }: OpenCall, now: number, ms: number, why: string): Investigation {
  return now - sentAt < GIVE_UP_MS ? { next: 'wait', ms } : { next: 'give_up', why };
}

function look(path: string, query: string): Investigation {
  return { next: 'look', lookUp: { method: 'GET', path, query, headers: {}, body: '' } };
}

function pathOf(id: string): string {
  return `/emails/${encodeURIComponent(id)}`;
}

const ENDED = { repeatable: true, replayedByVendor: false, vendorRequestId: null, objects: [] };

function settled(cost: bigint, vendorObjectId: string): Conclusion {
  return { ...ENDED, outcome: 'settled', cost, vendorObjectId };
}

function released(vendorObjectId: string | null): Conclusion {
  return { ...ENDED, outcome: 'released', cost: null, vendorObjectId };
}

/** `body`: of the answer that the caller never got; null: it was answered, or is not known whole. */
function ended(why: string, conclusion: Conclusion, body: object | null): Investigation {
  const headers = new Map([['content-type', 'application/json']]);
  const reply =
    body === null ? null : { status: 200, headers, body: Buffer.from(JSON.stringify(body)) };
  return { next: 'conclude', conclusion, why, reply };
}
