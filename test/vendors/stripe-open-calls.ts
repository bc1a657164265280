/**
 * Open calls and a Stripe that answers looks, for the tests of what becomes of them: events as the
 * API lists them, by time, type and page, and objects by their paths.
 */
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { stripe } from '../../src/vendors/stripe/stripe.ts';
import type {
  Conclusion,
  Investigation,
  LookUp,
  OpenCall,
  Tariff,
  VendorReply,
} from '../../src/vendors/vendor.ts';
import { intent } from './stripe-objects.ts';
import { DOLLARS, reply } from './stripe-requests.ts';

/** Seconds since 1970, of the open call and what it made. */
export const T = 1_795_000_000;
export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
/** Two seconds after the call. */
export const NOW = T * 1000 + 2 * SECOND;
/** When an event that is not there yet never comes. */
export const SAFE = T * 1000 + 10 * MINUTE;

export const KEY = 'run-7';

/** A payment of $29 whose answer was lost. */
export function lost(fields: Partial<OpenCall> = {}): OpenCall {
  const at = fields.at ?? T * 1000;
  return {
    ...{ id: 1n, at, sentAt: at, account: 'default', state: 'unknown', method: 'POST' },
    ...{ path: '/v1/payment_intents', operation: 'payment_intents.create' },
    ...{ quote: 29_000_000n, amount: 2900n, currency: 'usd', rateDate: null },
    ...{ idempotencyKey: KEY, onBehalfOf: null, vendorObjectId: null, clue: null },
    ...{ looks: 0, taken: new Set() },
    ...fields,
  };
}

/** The same, answered, and its money open: held for `id`. */
export function held(id: string, fields: Partial<OpenCall> = {}): OpenCall {
  return lost({ state: 'held', vendorObjectId: id, ...fields });
}

/** A call on an object whose answer was lost: `payment_intents.capture` of `pi_1`. */
export function lostOn(id: string, operation: string, fields: Partial<OpenCall> = {}): OpenCall {
  const [resource, verb] = operation.split('.');
  const path = verb === 'update' ? `/v1/${resource}/${id}` : `/v1/${resource}/${id}/${verb}`;
  return lost({ path, operation, amount: null, currency: null, ...fields });
}

let made = 0;

/** An event as Stripe lists it; `key` null: of no request. */
export function event(
  type: string,
  object: object,
  { key = KEY as string | null, created = T } = {},
): { id: string; created: number; type: string } & Record<string, unknown> {
  return {
    id: `evt_${++made}`,
    ...{ object: 'event', api_version: '2026-10-28.endive', created, livemode: false },
    ...{ pending_webhooks: 0, type, data: { object } },
    request: key === null ? null : { id: 'req_1', idempotency_key: key },
  };
}

/** What `lost()` made. */
export const created = event('payment_intent.created', intent('requires_confirmation'));

type Listed = ReturnType<typeof event>;

export interface World {
  events?: readonly Listed[];
  /** By id. */
  objects?: Readonly<Record<string, object>>;
  /** Milliseconds since 1970, as its replies are dated; null: not dated. Default: `now`. */
  clock?: number | null;
  /** Instead of the normal reply to this look. */
  instead?: (lookUp: LookUp) => VendorReply | undefined;
  tariff?: Tariff;
}

export interface Outcome {
  /** How it ended: `wait`, `give_up`, or `conclude`; null: nothing tells. */
  end: Exclude<Investigation, { next: 'look' }> | null;
  looks: LookUp[];
}

/** Looks until the investigation ends, as the resolver does. */
export function investigate(call: OpenCall, now: number, world: World = {}): Outcome {
  const replies: VendorReply[] = [];
  const looks: LookUp[] = [];
  for (;;) {
    const next = stripe.investigate(call, replies, world.tariff ?? DOLLARS, now);
    if (next?.next !== 'look') return { end: next, looks };
    assert.equal(next.lookUp.method, 'GET');
    assert.equal(next.lookUp.body, '');
    looks.push(next.lookUp);
    assert.ok(looks.length <= 12, 'the resolver would not go on');
    replies.push(world.instead?.(next.lookUp) ?? answer(next.lookUp, world, now));
  }
}

/** What it concluded; fails when it did not. */
export function concluded(
  call: OpenCall,
  now: number,
  world: World = {},
): Conclusion & { why: string } {
  const { end } = investigate(call, now, world);
  assert.ok(end?.next === 'conclude', inspect(end));
  assert.equal(end.reply, null, 'the caller is given Stripe’s own stored reply');
  return { ...end.conclusion, why: end.why };
}

function answer({ path, query }: LookUp, { events = [], objects = {}, clock }: World, now: number) {
  const date = clock === undefined ? now : clock;
  const headers: Record<string, string> =
    date === null ? {} : { date: new Date(date).toUTCString() };
  if (path !== '/v1/events') {
    const object = objects[path.slice(path.lastIndexOf('/') + 1)];
    return reply(object ? 200 : 404, object ?? { error: {} }, headers);
  }
  const asked = new URLSearchParams(query);
  const [from, to] = ['gte', 'lte'].map((name) => Number(asked.get(`created[${name}]`)));
  const types = [...asked].filter(([name]) => /^types?\b/.test(name)).map(([, type]) => type);
  const fits = ({ type }: Listed) =>
    types.length === 0 || types.some((each) => wildcard(each).test(type));
  const listed = events
    .filter((each) => each.created >= from! && each.created <= to! && fits(each))
    .toSorted((a, b) => b.created - a.created);
  const after = asked.get('starting_after');
  const start = after === null ? 0 : listed.findIndex(({ id }) => id === after) + 1;
  const limit = Number(asked.get('limit'));
  const data = listed.slice(start, start + limit);
  const has_more = listed.length > start + limit;
  return reply(200, { object: 'list', url: '/v1/events', data, has_more }, headers);
}

function wildcard(type: string): RegExp {
  return new RegExp(`^${type.replaceAll('.', '\\.').replaceAll('*', '.*')}$`);
}
