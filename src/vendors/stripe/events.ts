/**
 * The search for what a lost call did: each of Stripe's events names the idempotency key of the
 * request that caused it. Finds traces, or shows that there are none in the whole time in which the
 * call can have been carried out. A page that cannot be read through and through shows nothing:
 * what follows from an absence is money given back.
 */

import { type Json, objectIn, readJson, textIn } from '../reply.ts';
import type { LookUp, OpenCall, VendorReply } from '../vendor.ts';
import { ID } from './rule.ts';

/** An event of the call: its name, and the object as it was then. */
export interface Trace {
  readonly id: string;
  readonly type: string;
  readonly object: Json;
}

export type Search =
  /** The next page to read. */
  | { kind: 'page'; lookUp: LookUp }
  /** Of one page; `used` replies told it. */
  | { kind: 'found'; traces: readonly Trace[]; used: number }
  /** Every page was read, and none has an event of the call, from a time to a time. */
  | { kind: 'absent'; when: string }
  /** Nothing can be said: a page was not as it should be, or there are too many. */
  | { kind: 'blind'; why: string };

const PER_PAGE = 100;
/** With the objects' own looks it stays below a dozen questions in one go. */
const MAX_PAGES = 10;
/** Seconds before a call's time in which it may have been carried out, by two clocks. */
const BEFORE_S = 60;
/**
 * Seconds after its last sending: 15 may pass until a connection is free, and the vendor may go on
 * for a while after the 60 in which an answer was awaited.
 */
const AFTER_S = 180;
/** Most calls are carried out within seconds: these are looked through first. */
const NEAR_S = 8;
/** How far the two clocks may differ, in milliseconds; beyond it another time was looked through. */
const MAX_SKEW_MS = 30_000;

/**
 * `filter`: a query that narrows the events down (`type=payout.created`); empty: all of them.
 * `now`: when the last of `replies` had come.
 */
export function searchEvents(
  call: OpenCall,
  filter: string,
  replies: readonly VendorReply[],
  now: number,
): Search {
  const at = Math.floor(call.at / 1000);
  const end = Math.floor(call.sentAt / 1000) + AFTER_S;
  const slices = [
    [at - 2, at + NEAR_S],
    [at + NEAR_S + 1, end],
    [at - BEFORE_S, at - 3],
  ] as const;
  let used = 0;
  for (const [from, to] of slices) {
    let after: string | null = null;
    do {
      if (used === MAX_PAGES) {
        return blind(`there are more than ${MAX_PAGES * PER_PAGE} events of its time`);
      }
      const reply = replies[used];
      if (!reply) return { kind: 'page', lookUp: pageOf(call, filter, from, to, after) };
      used++;
      const page = readPage(reply, from, to);
      if (typeof page === 'string') return blind(page);
      const traces = page.events.flatMap((event) => traceIn(event, call.idempotencyKey));
      if (traces.length > 0) return { kind: 'found', traces, used };
      after = page.next;
    } while (after !== null);
  }
  const skew = skewOf(replies[used - 1]!, now);
  if (skew === null) return blind('Stripe did not say what time it is there');
  if (Math.abs(skew) > MAX_SKEW_MS) {
    return blind(`the clock here and Stripe's differ by ${Math.round(skew / 1000)} s`);
  }
  return { kind: 'absent', when: `from ${time(at - BEFORE_S)} to ${time(end)}` };
}

/** A GET for the account that the call acted for. */
export function lookAt(call: OpenCall, path: string, query = ''): LookUp {
  const headers: Record<string, string> =
    call.onBehalfOf === null ? {} : { 'stripe-account': call.onBehalfOf };
  return { method: 'GET', path, query, headers, body: '' };
}

function pageOf(
  call: OpenCall,
  filter: string,
  from: number,
  to: number,
  after: string | null,
): LookUp {
  const parts = [`limit=${PER_PAGE}`, `created[gte]=${from}`, `created[lte]=${to}`];
  if (filter !== '') parts.push(filter);
  if (after !== null) parts.push(`starting_after=${after}`);
  const query = parts.join('&').replaceAll('[', '%5B').replaceAll(']', '%5D');
  return lookAt(call, '/v1/events', query);
}

interface Page {
  events: readonly Json[];
  /** The id after which the next page begins; null: this was the last. */
  next: string | null;
}

/** Or what is wrong with it. */
function readPage(reply: VendorReply, from: number, to: number): Page | string {
  if (reply.status !== 200) return `Stripe answered ${reply.status} when asked for its events`;
  const body = readJson(reply);
  if (body?.object !== 'list' || !Array.isArray(body.data)) return UNREADABLE;
  const events = body.data.map((each) => eventIn(each, from, to));
  if (!events.every((each) => each !== null)) return UNREADABLE;
  if (body.has_more === false) return { events, next: null };
  const last = textIn(events.at(-1)?.id);
  return body.has_more === true && last !== null ? { events, next: last } : UNREADABLE;
}

const UNREADABLE = 'Stripe answered with something else than its events';

/** An event of the time that was asked for, whose request can be compared; else null. */
function eventIn(value: unknown, from: number, to: number): Json | null {
  const event = objectIn(value);
  if (event?.object !== 'event' || !ID.test(textIn(event.id) ?? '')) return null;
  const { created, request } = event;
  if (typeof created !== 'number' || created < from || created > to) return null;
  if (request === null) return event;
  const key = objectIn(request)?.idempotency_key;
  return key === null || typeof key === 'string' ? event : null;
}

function traceIn(event: Json, idempotencyKey: string | null): Trace[] {
  const key = objectIn(event.request)?.idempotency_key;
  const object = objectIn(objectIn(event.data)?.object);
  if (idempotencyKey === null || key !== idempotencyKey) return [];
  return [{ id: String(event.id), type: String(event.type), object: object ?? {} }];
}

/** By how much Stripe's clock is ahead of `now`, in milliseconds. */
function skewOf({ headers }: VendorReply, now: number): number | null {
  const skew = Date.parse(headers.get('date') ?? '') - now;
  return Number.isNaN(skew) ? null : skew;
}

function time(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, -5)}Z`;
}

function blind(why: string): Search {
  return { kind: 'blind', why };
}
