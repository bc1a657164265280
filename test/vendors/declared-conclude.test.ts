/** What a described vendor's reply means for the money, and what a later look tells. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Investigation, OpenCall, VendorReply } from '../../src/vendors/vendor.ts';
import { changed, endOf, PRINTSHOP, read, reply, shipped, TARIFF, vendorOf } from './declared.ts';

const LETTER = read(PRINTSHOP, '/v1/letters', { body: { pages: 1, recipients: ['a'] } });
const VOUCHER = read(PRINTSHOP, '/v1/vouchers', {
  body: { value: { amount: 500, currency: 'usd' } },
});
const PARCEL = read(PRINTSHOP, '/v1/parcels', { body: {} });
const PROOF = read(PRINTSHOP, '/v1/proofs/pr_1', { method: 'GET' });
const FREE = read(PRINTSHOP, '/v1/letters/l_1', { method: 'GET' });
const UNPRICED = read(PRINTSHOP, '/v1/subscriptions', { body: {} });

const ENDS: readonly [what: string, reading: typeof LETTER, answer: VendorReply, end: string][] = [
  ['accepted as the file says', LETTER, reply(201, { state: 'queued' }), 'settled 890000'],
  ['accepted, the other value', LETTER, reply(201, { state: 'printed' }), 'settled 890000'],
  ['a 2xx of another status', LETTER, reply(200, { state: 'queued' }), 'unknown'],
  ['a 2xx that says something else', LETTER, reply(201, { state: 'maybe' }), 'unknown'],
  ['a 2xx without the field', LETTER, reply(201, {}), 'unknown'],
  ['a 2xx with the field in other letters', LETTER, reply(201, { State: 'queued' }), 'unknown'],
  ['a 2xx with the field as a list', LETTER, reply(201, { state: ['queued'] }), 'unknown'],
  ['a 2xx that is no JSON', LETTER, reply(201, 'queued'), 'unknown'],
  ['a 2xx without a body', LETTER, reply(201), 'unknown'],
  ['a rejection', LETTER, reply(422, { ok: false }), 'released'],
  ['a rate limit', LETTER, reply(429), 'released'],
  ['a time-out of what stands in front', LETTER, reply(408), 'unknown'],
  ['a redirect', LETTER, reply(302), 'unknown'],
  ['a failure', LETTER, reply(500, { state: 'queued' }), 'unknown'],
  ['unavailable', LETTER, reply(503), 'unknown'],
  // A cost of the reply, more or less than what was quoted.
  ['a cost that the reply says', VOUCHER, reply(200, { charged: '4.85' }), 'settled 4850000'],
  ['a cost of a part of a micro-dollar', VOUCHER, reply(200, '{"charged":0.0000001}'), 'settled 1'],
  ['more than was quoted', VOUCHER, reply(200, { charged: 7 }), 'settled 7000000'],
  ['a cost in a failure', VOUCHER, reply(500, { charged: 7 }), 'unknown'],
  ['a cost in a redirect', VOUCHER, reply(303, { charged: 7 }), 'unknown'],
  ['no cost', VOUCHER, reply(200, { charged: null }), 'unknown'],
  ['a cost below zero', VOUCHER, reply(200, { charged: -1 }), 'unknown'],
  ['a cost that is no plain number', VOUCHER, reply(200, '{"charged":1e9}'), 'unknown'],
  ['a cost that is known later', PARCEL, reply(200, { id: 'pc_1' }), 'held'],
  ['… of something without an id', PARCEL, reply(200, {}), 'unknown'],
  // What is not said to settle otherwise costs its quote.
  ['a call without a rule', PROOF, reply(200, 'x'), 'settled 500'],
  ['… that fails', PROOF, reply(500), 'unknown'],
  ['… that is not there', PROOF, reply(404), 'released'],
  // What costs nothing.
  ['a free call', FREE, reply(200, {}), 'settled 0'],
  ['a free call that fails', FREE, reply(500), 'settled 0'],
  ['a free call that is rejected', FREE, reply(404), 'released'],
  ['what only the key prices', UNPRICED, reply(200, {}), 'unknown'],
  ['… when it is rejected', UNPRICED, reply(400, {}), 'released'],
];

for (const [what, reading, answer, end] of ENDS) {
  test(`${what} is ${end}`, () => {
    assert.equal(endOf(PRINTSHOP, reading, answer), end);
  });
}

test('of a batch only what the reply accepts is counted, one for one', () => {
  const orders = [{ copies: [1, 2, 3] }, { copies: [4] }, { copies: [] }];
  const batch = read(PRINTSHOP, '/v1/orders/batch', { body: { orders } });
  const end = (...results: unknown[]) => endOf(PRINTSHOP, batch, reply(200, { results }));
  const [yes, no] = [{ ok: true }, { ok: false, why: 'no paper' }];
  assert.equal(end(yes, yes, yes), 'settled 160000');
  assert.equal(end(no, yes, yes), 'settled 40000');
  assert.equal(end(yes, no, no), 'settled 120000');
  assert.equal(end(no, no, no), 'settled 0');
  // An answer that says neither is no proof of a rejection, nor is a list of another length.
  assert.equal(end(no, {}, null), 'settled 40000');
  assert.equal(end({ OK: false }, { ok: [false] }, no), 'settled 160000');
  assert.equal(end(yes, yes), 'unknown');
  assert.equal(end(), 'unknown');
  assert.equal(endOf(PRINTSHOP, batch, reply(200, [yes, yes, yes])), 'unknown');
});

test('a body that is a list is counted by the replies to its elements', () => {
  const postmark = shipped('postmark');
  const mail = (To: string) => ({ To });
  const body = [mail('a@a.example, b@b.example'), mail('c@c.example'), mail('d@d.example')];
  const batch = read(postmark, '/email/batch', { body });
  const end = (...codes: number[]) =>
    endOf(
      postmark,
      batch,
      reply(
        200,
        codes.map((ErrorCode) => ({ ErrorCode, MessageID: 'm' })),
      ),
    );
  assert.equal(end(0, 0, 0), 'settled 7200');
  assert.equal(end(406, 0, 0), 'settled 3600');
  assert.equal(end(0, 406, 300), 'settled 3600');
  assert.equal(end(406, 406, 406), 'settled 0');
  assert.equal(end(0, 0), 'unknown');
});

test('the row gets the vendor’s ids, and whether it was a stored reply', () => {
  const answer = reply(
    201,
    { id: 'l_1', state: 'queued' },
    {
      'x-print-request-id': 'req_1',
      'x-print-replayed': 'true',
    },
  );
  const made = PRINTSHOP.conclude(LETTER, answer, TARIFF);
  assert.deepEqual(
    [made.vendorObjectId, made.vendorRequestId, made.replayedByVendor, made.repeatable],
    ['l_1', 'req_1', true, true],
  );
  const refused = PRINTSHOP.conclude(LETTER, reply(422, { id: 'l_1' }), TARIFF);
  assert.deepEqual([refused.vendorObjectId, refused.repeatable], [null, false]);
  const numbered = PRINTSHOP.conclude(LETTER, reply(201, { id: 12, state: 'queued' }), TARIFF);
  assert.equal(numbered.vendorObjectId, '12');
  const accepted = read(shipped('sendgrid'), '/v3/mail/send', { body: {} });
  const sent = shipped('sendgrid').conclude(
    accepted,
    reply(202, '', { 'x-message-id': 'm_1' }),
    TARIFF,
  );
  assert.deepEqual([sent.outcome, sent.cost, sent.vendorObjectId], ['settled', 1300n, 'm_1']);
});

// ---------------------------------------------------------------- a price that is known later

const HOUR = 3_600_000;
const CALL: OpenCall = {
  ...{ id: 1n, at: 0, sentAt: 0, account: 'default', state: 'held', method: 'POST' },
  ...{ path: '/v1/parcels', operation: 'parcels.create', quote: 30_000_000n, amount: null },
  ...{ currency: null, rateDate: null, idempotencyKey: null, onBehalfOf: null },
  ...{ vendorObjectId: 'pc_1', clue: null, looks: 0, taken: new Set() },
};

function look(
  replies: VendorReply[],
  call: Partial<OpenCall> = {},
  now = HOUR,
): Investigation | null {
  return PRINTSHOP.investigate({ ...CALL, ...call }, replies, TARIFF, now);
}

test('the object is read until the vendor says what it cost', () => {
  const first = look([]);
  assert.ok(first?.next === 'look');
  assert.deepEqual([first.lookUp.method, first.lookUp.path], ['GET', '/v1/parcels/pc_1']);
  for (const [answer, next] of [
    [reply(200, { state: 'sorting' }), 'wait 600000'],
    [reply(200, { state: 'sorting', postage: '-1' }), 'wait 600000'],
    [reply(404), 'wait 600000'],
    [reply(500), 'wait 600000'],
    [reply(200, 'x'), 'wait 600000'],
    [reply(200, { state: 'weighed' }), 'wait 600000'],
    [reply(200, { state: 'weighed', postage: '-12.40' }), 'settled 12400000'],
    [reply(200, { state: 'weighed', postage: 12.4 }), 'settled 12400000'],
    [reply(200, { state: 'returned' }), 'released null'],
  ] as const) {
    const found = look([answer]);
    const text =
      found?.next === 'conclude'
        ? `${found.conclusion.outcome} ${found.conclusion.cost}`
        : found?.next === 'wait'
          ? `wait ${found.ms}`
          : JSON.stringify(found);
    assert.equal(text, next, answer.body.toString());
  }
});

test('after its time a call is left to an operator, and one of unknown outcome at once', () => {
  assert.equal(look([reply(200, {})], {}, 72 * HOUR - 1)?.next, 'wait');
  assert.equal(look([reply(200, {})], {}, 72 * HOUR)?.next, 'give_up');
  assert.equal(look([], { state: 'unknown' }), null);
  assert.equal(look([], { operation: 'letters.create' }), null);
  assert.equal(look([], { vendorObjectId: null }), null);
});

test('an id of the vendor’s cannot become another path', () => {
  const found = look([], { vendorObjectId: '../keys?x=1' });
  assert.ok(found?.next === 'look');
  assert.equal(found.lookUp.path, '/v1/parcels/..%2Fkeys%3Fx%3D1');
});

test('answered calls are looked for as soon as the first of the endpoints says', () => {
  assert.deepEqual(PRINTSHOP.firstLookMs, { held: 60_000, unknown: null });
  assert.deepEqual(shipped('sendgrid').firstLookMs, { held: null, unknown: null });
});

// ---------------------------------------------------------------- whatever comes

test('no reply makes concluding fail, and a 5xx or a lost field never gives money back', () => {
  const readings = [LETTER, VOUCHER, PARCEL, FREE, UNPRICED];
  fc.assert(
    fc.property(
      fc.constantFrom(...readings),
      fc.integer({ min: 100, max: 599 }),
      fc.oneof(
        fc.jsonValue().map((value) => JSON.stringify(value)),
        fc.string({ unit: 'binary' }),
      ),
      fc.constantFrom<Record<string, string>>({}, { 'content-encoding': 'gzip' }),
      (reading, status, body, headers) => {
        const { outcome, cost } = PRINTSHOP.conclude(reading, reply(status, body, headers), TARIFF);
        const rejected = status >= 400 && status < 500;
        assert.equal(outcome === 'released', rejected);
        assert.equal(cost !== null, outcome === 'settled');
        if (cost === 0n && reading.quote.kind !== 'free') assert.ok(status < 300);
      },
    ),
    { seed: 11 },
  );
});

test('a reply nested a hundred thousand deep is none', () => {
  const deep = '['.repeat(100_000) + ']'.repeat(100_000);
  assert.equal(endOf(PRINTSHOP, LETTER, reply(201, deep)), 'unknown');
  const wide = vendorOf(changed('where: { state: [queued, printed] }', 'cost: quote'));
  assert.equal(endOf(wide, LETTER, reply(201, deep)), 'settled 890000');
});
