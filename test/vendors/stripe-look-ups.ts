/**
 * Asks Stripe what a call costs, as the proxy does, with the answers a test gives; and tables of
 * calls, answers, questions and what was learned.
 */
import assert from 'node:assert/strict';
import { stripe } from '../../src/vendors/stripe/stripe.ts';
import type { Learned, LookUp, Quote, VendorReply } from '../../src/vendors/vendor.ts';
import { CENT, DOLLARS, reading, reply } from './stripe-requests.ts';

/** An invoice of which this is not paid yet. */
export const invoice = (status: string, remaining: number, more: object = {}) => ({
  ...{ id: 'in_1', object: 'invoice', amount_due: remaining, amount_paid: 0, currency: 'usd' },
  ...{ amount_remaining: remaining, auto_advance: false, status, lines: { data: [] } },
  ...more,
});

/** What Stripe answers to a look-up: an object, or a status and a body. */
export type Told = object | readonly [status: number, body: unknown];

export interface Asked {
  /** `GET /v1/…?…`, or `POST /v1/… body`, decoded. */
  asked: string[];
  learned: Exclude<Learned, { lookUp: LookUp }>;
  /** As it was learned, else as it was read. */
  quote: Quote;
}

/** Asks as the proxy does, until there is no further question. */
export function ask(method: string, target: string, body: string, answers: readonly Told[]): Asked {
  const read = reading(method, target, body);
  assert.ok(read.lookUp, `${method} ${target} ${body} asks nothing`);
  const asked: string[] = [];
  const replies: VendorReply[] = [];
  let learned: Learned = { lookUp: read.lookUp };
  while ('lookUp' in learned) {
    asked.push(lineOf(learned.lookUp));
    const told: Told | undefined = answers[replies.length];
    assert.ok(told, `nobody said what ${asked.at(-1)} is answered with`);
    replies.push(Array.isArray(told) ? reply(told[0], told[1]) : reply(200, told));
    assert.ok(replies.length <= 4, 'the proxy would not go on');
    learned = stripe.learn(read, replies, DOLLARS);
  }
  return { asked, learned, quote: 'quote' in learned ? learned.quote : read.quote };
}

function lineOf({ method, path, query, body }: LookUp): string {
  const text = decodeURIComponent(query || body);
  return `${method} ${path}${text && (method === 'GET' ? `?${text}` : ` ${text}`)}`;
}

/** `exact 2900`, `object pi_1 amount`, `object pi_1 refundable 500`, `free`, `unpriced: …`. */
export function shown({ quote }: Asked): string {
  switch (quote.kind) {
    case 'object':
      return `object ${quote.objectId} ${quote.of}${quote.limit ? ` ${quote.limit.minor}` : ''}`;
    case 'unpriced':
    case 'ask':
      return `unpriced: ${quote.reason}`;
    case 'free':
      return 'free';
    default:
      return `${quote.kind} ${quote.micros / CENT}`;
  }
}

/** `pi_1=ch_1 open 2900 moved 0 refunded 0` */
function facts({ learned }: Asked): string[] {
  return (learned.facts ?? []).map(({ id, aliases, state, amount, moved, refunded }) =>
    [[id, ...aliases].join('='), state, amount, moved ?? '-', refunded ?? '-'].join(' '),
  );
}

type Row = [
  what: readonly [method: string, target: string, body?: string],
  told: readonly Told[],
  asked: readonly string[],
  quote: string,
  facts?: readonly string[],
];

export function assertRows(rows: readonly Row[]): void {
  for (const [[method, target, body = ''], told, asked, quote, known = []] of rows) {
    const line = `${method} ${target} ${body}`;
    const found = ask(method, target, body, told);
    assert.deepEqual(found.asked, asked, line);
    assert.equal(shown(found), quote, line);
    assert.deepEqual(facts(found), known, line);
  }
}
