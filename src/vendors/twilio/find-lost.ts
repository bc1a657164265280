/**
 * A message or a call that was sent and whose answer was lost: it is looked for in Twilio's list, by
 * whom it went to, what it said and when. It is another's when another row answers for it. None
 * there, long after, in a list of a number that is complete: it was never made, and its hold comes
 * back.
 *
 * The list is asked for by its destination alone. Its filter by date leaves out what has not gone
 * out yet, and by sender what a service sent: both would prove too much.
 */
import { type Json, objectIn, readJson, textIn } from '../reply.ts';
import type { Investigation, LookUp, OpenCall, VendorReply } from '../vendor.ts';
import { type Clue, hashOf, readClue } from './clue.ts';
import { readPhone } from './phone.ts';
import { listOf, pageAt } from './places.ts';
import { factOf, type Kind, kindOf } from './resources.ts';

const MINUTE_MS = 60_000;
/** How far Twilio's clock and ours may differ, and how long a request may have been on its way. */
const WINDOW_MS = 14 * MINUTE_MS;
/** Twilio lists what it accepts at once; after this long, what is not there was not accepted. */
const SAFE_MS = 10 * MINUTE_MS;
const GIVE_UP_MS = 48 * 60 * MINUTE_MS;
/** Of a thousand each; a destination with more is nobody's phone. */
const MAX_PAGES = 5;

const MADE: Readonly<Record<string, Kind>> = {
  'messages.create': 'message',
  'calls.create': 'call',
};

export function findLost(
  call: OpenCall,
  replies: readonly VendorReply[],
  now: number,
): Investigation | null {
  const kind = MADE[call.operation ?? ''];
  if (kind === undefined || call.clue === null) return null;
  const clue = readClue(call.clue);
  if (replies.length === 0) return { next: 'look', lookUp: listOf(kind, { To: clue.to }) };
  const pages = replies.map((reply) => (reply.status === 200 ? readJson(reply) : null));
  const near = pages.flatMap((page) => itemsIn(page, kind)).filter((item) => isNear(item, call));
  const ours = near.filter((item) => agrees(item, clue));
  const found = pick(ours, kind, clue);
  if (found !== undefined) return conclude(found);
  const more = nextPage(pages, kind);
  if (more !== null && more !== 'end') return { next: 'look', lookUp: more };
  const nothing = more === 'end' && near.length === 0 && isListedSo(clue.to);
  if (nothing && now - call.sentAt >= SAFE_MS) return notThere();
  if (now - call.sentAt < GIVE_UP_MS) return { next: 'wait', ms: waitMs(call) };
  return { next: 'give_up', why: whyNot(more, near, ours) };
}

/**
 * Whether Twilio lists the destination as the request wrote it. Other forms of a number it may read as
 * one, of an address it may leave something out: nothing under such a name proves nothing.
 */
function isListedSo(to: string): boolean {
  return readPhone(to) !== null;
}

function whyNot(more: 'end' | null, near: readonly Item[], ours: readonly Item[]): string {
  if (more === null) return 'Twilio gave no complete list of what went to this destination';
  if (near.length === 0) return 'Twilio may list this destination in another form';
  const sids = (ours.length > 0 ? ours : near).map(({ sid }) => sid).join(', ');
  return `it may be one of ${sids}, or none of them`;
}

interface Item {
  readonly sid: string;
  readonly createdAt: number;
  readonly json: Json;
}

function itemsIn(page: Json | null, kind: Kind): Item[] {
  const list = page?.[`${kind}s`];
  if (!Array.isArray(list)) return [];
  return list.flatMap((each) => {
    const json = objectIn(each);
    const sid = textIn(json?.sid);
    if (json === null || sid === null || kindOf(sid) !== kind) return [];
    return [{ sid, json, createdAt: Date.parse(textIn(json.date_created) ?? '') }];
  });
}

/** What may be the call: made at its time, by a request, and no other row's. */
function isNear({ sid, createdAt, json }: Item, { sentAt, taken }: OpenCall): boolean {
  if (taken.has(sid)) return false;
  // A time that cannot be read may be this one, which is enough to prove nothing.
  if (Math.abs(createdAt - sentAt) > WINDOW_MS) return false;
  const direction = textIn(json.direction);
  return direction === null || direction === 'outbound-api';
}

function agrees({ json, createdAt }: Item, clue: Clue): boolean {
  if (Number.isNaN(createdAt) || plain(json.to) !== plain(clue.to)) return false;
  if (clue.from !== undefined && plain(json.from) !== plain(clue.from)) return false;
  if (clue.service !== undefined && json.messaging_service_sid !== clue.service) return false;
  return clue.body === undefined || hashOf(textIn(json.body) ?? '') === clue.body;
}

/** `(415) 555-2671` and `4155552671` are one number, as Twilio takes them. */
function plain(address: unknown): string {
  return typeof address === 'string' ? address.replace(/[\s().-]/g, '') : '';
}

/**
 * Of several that agree in everything any will do, and the oldest is taken: the others are those of
 * calls that were lost as well. Of a message whose text is not known, several may differ in it.
 */
function pick(ours: readonly Item[], kind: Kind, clue: Clue): Item | undefined {
  const alike = kind === 'call' || clue.body !== undefined;
  if (ours.length > 1 && !alike) return undefined;
  return [...ours].sort((a, b) => a.createdAt - b.createdAt)[0];
}

/** Null: there is more, and it cannot be had. */
function nextPage(pages: readonly (Json | null)[], kind: Kind): LookUp | 'end' | null {
  if (pages.some((page) => !Array.isArray(page?.[`${kind}s`]))) return null;
  const uri = textIn(pages.at(-1)!.next_page_uri);
  if (uri === null) return 'end';
  return pages.length < MAX_PAGES ? pageAt(kind, uri) : null;
}

function waitMs({ looks }: OpenCall): number {
  return Math.min(15_000 * 2 ** Math.min(looks, 6), 10 * MINUTE_MS);
}

/** It is held from now on, until its price is stated; the caller's answer is what Twilio shows. */
function conclude({ sid, json }: Item): Investigation {
  const fact = factOf({ sid, status: '', price: null, unreadable: null });
  return {
    next: 'conclude',
    conclusion: {
      ...{ outcome: 'held', cost: null, repeatable: true, replayedByVendor: false },
      ...{ vendorRequestId: null, vendorObjectId: sid, objects: [fact] },
    },
    why: `it is ${sid} in Twilio's list`,
    reply: {
      status: 201,
      headers: new Map([['content-type', 'application/json']]),
      body: Buffer.from(JSON.stringify(json)),
    },
  };
}

function notThere(): Investigation {
  return {
    next: 'conclude',
    conclusion: {
      ...{ outcome: 'released', cost: null, repeatable: false, replayedByVendor: false },
      ...{ vendorRequestId: null, vendorObjectId: null, objects: [] },
    },
    why: 'nothing in Twilio’s list of this destination is it',
    reply: null,
  };
}
