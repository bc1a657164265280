import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { stripe } from '../../src/vendors/stripe/stripe.ts';
import type { Conclusion, ObjectFact, VendorReply } from '../../src/vendors/vendor.ts';
import { isRefusal } from '../../src/vendors/vendor.ts';
import {
  DOLLARS,
  data,
  type Exchange,
  reading,
  reply,
  request,
  withoutData,
} from './stripe-requests.ts';

const CENT = 10_000n;
const PI = '/v1/payment_intents';
const USD = 'amount=2900&currency=usd';

const intent = (status: string, more: object = {}) => ({
  id: 'pi_1',
  object: 'payment_intent',
  amount: 2900,
  amount_received: 0,
  amount_capturable: 0,
  currency: 'usd',
  latest_charge: null,
  status,
  ...more,
});
const charge = (more: object = {}) => ({
  id: 'ch_1',
  object: 'charge',
  amount: 2900,
  amount_captured: 2900,
  captured: true,
  currency: 'usd',
  payment_intent: null,
  refunded: false,
  status: 'succeeded',
  ...more,
});
const small = (object: string, id: string, status: string | null, more: object = {}) => ({
  id,
  object,
  amount: 500,
  currency: 'usd',
  status,
  ...more,
});

function conclude(method: string, path: string, body: string, answer: VendorReply): Conclusion {
  return stripe.conclude(reading(method, path, body), answer, DOLLARS);
}

function fact(state: ObjectFact['state'], moved: bigint | null, more: Partial<ObjectFact> = {}) {
  return {
    ...{ id: 'pi_1', aliases: [], currency: 'usd', amount: 2900n },
    ...{ unit: CENT * 1_000_000n, rateDate: null, refunded: null },
    state,
    moved,
    ...more,
  };
}

test('a PaymentIntent says by its status whether its money moved, may move, or comes back', () => {
  const table: [object: object, fact: object][] = [
    [intent('succeeded', { amount_received: 2900 }), fact('final', 2900n)],
    [intent('succeeded', { amount_received: 1000 }), fact('final', 1000n)],
    [intent('succeeded', { amount_received: undefined }), fact('final', 2900n)],
    [intent('canceled'), fact('final', 0n)],
    [intent('canceled', { amount_received: undefined }), fact('final', 0n)],
    [intent('canceled', { amount_received: 900 }), fact('final', 900n)],
    [intent('requires_capture', { amount_capturable: 2900 }), fact('open', null)],
    [intent('processing'), fact('open', null)],
    [intent('requires_action'), fact('open', null)],
    [intent('requires_confirmation'), fact('open', null)],
    [intent('requires_payment_method'), fact('open', null)],
    [intent('a_status_of_next_year'), fact('open', null)],
    [intent('succeeded', { status: null }), fact('open', null)],
    [
      intent('succeeded', { amount_received: 2900, latest_charge: 'ch_9' }),
      fact('final', 2900n, { aliases: ['ch_9'] }),
    ],
    [
      intent('processing', { latest_charge: { id: 'ch_9' } }),
      fact('open', null, { aliases: ['ch_9'] }),
    ],
  ];
  const calls: [path: string, body: string][] = [
    [PI, USD],
    [`${PI}/pi_1/confirm`, ''],
    [`${PI}/pi_1/capture`, 'amount_to_capture=1000'],
    [`${PI}/pi_1`, 'amount=2900'],
  ];
  for (const [object, expected] of table) {
    for (const [path, body] of calls) {
      const found = conclude('POST', path, body, reply(200, object, { 'request-id': 'req_1' }));
      assert.deepEqual(found, {
        outcome: 'held',
        cost: null,
        repeatable: true,
        replayedByVendor: false,
        vendorRequestId: 'req_1',
        vendorObjectId: 'pi_1',
        objects: [expected],
      });
    }
    const looked = conclude('GET', `${PI}/pi_1`, '', reply(200, object));
    assert.deepEqual([looked.outcome, looked.cost, looked.objects], ['settled', 0n, [expected]]);
    assert.equal(looked.repeatable, false);
  }
});

test('a charge of its own is resolved by its own fact', () => {
  const table: [object: object, fact: object[]][] = [
    [charge(), [fact('final', 2900n, { id: 'ch_1' })]],
    [charge({ amount_captured: 1000 }), [fact('final', 1000n, { id: 'ch_1' })]],
    [charge({ amount_captured: undefined }), [fact('final', 2900n, { id: 'ch_1' })]],
    [charge({ captured: false, amount_captured: 0 }), [fact('open', null, { id: 'ch_1' })]],
    [charge({ captured: false, amount_captured: 900 }), [fact('open', 900n, { id: 'ch_1' })]],
    [
      charge({ captured: false, amount_captured: 0, refunded: true }),
      [fact('final', 0n, { id: 'ch_1' })],
    ],
    [charge({ status: 'pending', captured: false }), [fact('open', null, { id: 'ch_1' })]],
    [charge({ status: 'failed', captured: false }), [fact('declined', null, { id: 'ch_1' })]],
    [charge({ amount_refunded: 500 }), [fact('final', 2900n, { id: 'ch_1', refunded: 500n })]],
  ];
  for (const [object, objects] of table) {
    for (const [path, body] of [
      ['/v1/charges', USD],
      ['/v1/charges/ch_1/capture', ''],
    ] as const) {
      const found = conclude('POST', path, body, reply(200, object));
      assert.deepEqual([found.outcome, found.objects], ['held', objects], JSON.stringify(object));
      assert.equal(found.vendorObjectId, 'ch_1');
    }
    const looked = conclude('GET', '/v1/charges/ch_1', '', reply(200, object));
    assert.deepEqual([looked.outcome, looked.cost, looked.objects], ['settled', 0n, objects]);
  }
});

test('a charge of a PaymentIntent is that one’s money, under that one’s name', () => {
  const paid = intent('succeeded', { amount_received: 2900 });
  const alias = { aliases: ['ch_1'] };
  const named = charge({ payment_intent: 'pi_1' });
  const shown = charge({ payment_intent: paid, amount_refunded: 700 });
  const capture = (object: object) =>
    conclude('POST', '/v1/charges/ch_1/capture', '', reply(200, object));
  // Captured by us, it says itself how the PaymentIntent ended.
  for (const [object, moved] of [
    [named, 2900n],
    [charge({ payment_intent: 'pi_1', amount_captured: 1000 }), 1000n],
  ] as const) {
    const found = capture(object);
    assert.deepEqual([found.outcome, found.vendorObjectId], ['held', 'pi_1']);
    assert.deepEqual(found.objects, [fact('final', moved, alias)]);
  }
  const byIntent = [fact('final', 2900n, { ...alias, refunded: 700n })];
  assert.deepEqual(capture(shown).objects, byIntent);
  assert.equal(capture({ ...named, captured: false }).outcome, 'unknown', 'not what it should be');
  // Only looked at, it may have been captured in part.
  const look = (object: object) => conclude('GET', '/v1/charges/ch_1', '', reply(200, object));
  assert.deepEqual(look(named).objects, []);
  assert.deepEqual(look(shown).objects, byIntent);
});

test('refunds, payouts, top-ups and transfers cost what they moved, once that is final', () => {
  type End = number | 'open';
  const table: [resource: string, type: string, id: string, ends: Record<string, End>][] = [
    [
      'refunds',
      'refund',
      're_1',
      { succeeded: 500, failed: 0, canceled: 0, pending: 'open', requires_action: 'open' },
    ],
    [
      'payouts',
      'payout',
      'po_1',
      { paid: 500, failed: 0, canceled: 0, pending: 'open', in_transit: 'open' },
    ],
    [
      'topups',
      'topup',
      'tu_1',
      {
        succeeded: 500,
        reversed: 500,
        failed: 0,
        canceled: 0,
        pending: 'open',
      },
    ],
    ['transfers', 'transfer', 'tr_1', { anything: 500 }],
  ];
  for (const [resource, type, id, ends] of table) {
    const body = resource === 'refunds' ? 'charge=ch_1&amount=500' : 'amount=500&currency=usd';
    for (const [status, end] of Object.entries(ends)) {
      const answer = reply(200, small(type, id, status));
      const moved = end === 'open' ? null : BigInt(end);
      const state = end === 'open' ? 'open' : 'final';
      const refunded = resource === 'payouts' ? 0n : null;
      const expected = [fact(state, moved, { id, amount: 500n, refunded })];
      const made = conclude('POST', `/v1/${resource}`, body, answer);
      assert.equal(made.outcome, end === 'open' ? 'held' : 'settled', `${type} ${status}`);
      assert.equal(made.cost, moved === null ? null : moved * CENT);
      assert.deepEqual(made.objects, expected);
      assert.equal(made.vendorObjectId, id);
      const looked = conclude('GET', `/v1/${resource}/${id}`, '', answer);
      assert.deepEqual([looked.outcome, looked.cost, looked.objects], ['settled', 0n, expected]);
    }
  }
  for (const status of [null, 'constructor']) {
    const answer = reply(200, small('refund', 're_1', status));
    assert.equal(conclude('POST', '/v1/refunds', 'charge=ch_1', answer).outcome, 'held');
  }
});

test('what has nothing to wait for is settled at what the reply says', () => {
  const credit = {
    id: 'cbtxn_1',
    object: 'customer_balance_transaction',
    amount: -500,
    currency: 'usd',
  };
  const path = '/v1/customers/cus_1/balance_transactions';
  const found = conclude('POST', path, 'amount=-500&currency=usd', reply(200, credit));
  assert.deepEqual([found.outcome, found.cost, found.objects], ['settled', 500n * CENT, []]);
  const order = { id: 'climorder_1', object: 'climate.order', amount_total: 550, currency: 'usd' };
  const ordered = conclude(
    'POST',
    '/v1/climate/orders',
    'amount=500&currency=usd',
    reply(200, order),
  );
  assert.deepEqual([ordered.outcome, ordered.cost], ['settled', 550n * CENT]);
});

test('a decline gives the money back, and the amount stays known for the next attempt', () => {
  const error = (payment_intent: object) => ({
    error: { type: 'card_error', code: 'card_declined', payment_intent, charge: 'ch_2' },
  });
  const declined = intent('requires_payment_method', { latest_charge: 'ch_2' });
  for (const [path, body] of [
    [PI, `${USD}&confirm=true`],
    [`${PI}/pi_1/confirm`, ''],
  ] as const) {
    const found = conclude('POST', path, body, reply(402, error(declined)));
    assert.deepEqual(found, {
      outcome: 'released',
      cost: null,
      repeatable: true,
      replayedByVendor: false,
      vendorRequestId: null,
      vendorObjectId: 'pi_1',
      objects: [fact('declined', null, { aliases: ['ch_2'] })],
    });
  }
  const stateOf = (object: object, status = 402) =>
    conclude('POST', `${PI}/pi_1/confirm`, '', reply(status, error(object))).objects[0]?.state;
  assert.equal(stateOf(intent('requires_source')), 'declined', 'its name before 2019');
  assert.equal(stateOf(intent('requires_action')), 'open');
  assert.equal(stateOf(intent('succeeded', { amount_received: 2900 }), 400), 'final');
  assert.equal(stateOf(intent('requires_payment_method'), 400), 'open', 'only a 402 is a decline');
  const legacy = conclude('POST', '/v1/charges', USD, reply(402, { error: { charge: 'ch_2' } }));
  assert.deepEqual(
    [legacy.outcome, legacy.vendorObjectId, legacy.objects],
    ['released', 'ch_2', []],
  );
});

test('a declined raise leaves the authorisation that stands held', () => {
  const stands = intent('requires_capture', { amount_capturable: 2900 });
  const answer = reply(402, { error: { code: 'card_declined', payment_intent: stands } });
  const found = conclude('POST', `${PI}/pi_1/increment_authorization`, 'amount=5000', answer);
  assert.equal(found.outcome, 'released');
  assert.deepEqual(found.objects, [fact('open', null)]);
  const partly = intent('requires_payment_method', { amount_received: 100 });
  const later = reply(402, { error: { payment_intent: partly } });
  assert.equal(conclude('POST', `${PI}/pi_1/confirm`, '', later).objects[0]?.state, 'open');
});

test('only a 4xx proves that nothing moved; a 3xx, a 5xx or a strange status proves nothing', () => {
  const wrong = { error: { type: 'invalid_request_error', message: 'no' } };
  for (const status of [400, 401, 403, 404, 409, 429, 499]) {
    const found = conclude('POST', PI, USD, reply(status, wrong));
    assert.deepEqual([found.outcome, found.repeatable], ['released', false], String(status));
  }
  const paid = intent('succeeded', { amount_received: 2900 });
  for (const status of [100, 199, 301, 304, 399, 408, 500, 502, 503, 504, 599, 600, 0, -1]) {
    for (const body of [wrong, paid]) {
      const found = conclude('POST', PI, USD, reply(status, body));
      assert.deepEqual([found.outcome, found.repeatable, found.objects], ['unknown', false, []]);
      const looked = conclude('GET', `${PI}/pi_1`, '', reply(status, body));
      assert.deepEqual([looked.outcome, looked.cost, looked.objects], ['settled', 0n, []]);
    }
  }
});

test('a priced call whose 2xx is not the object that was asked for is of unknown outcome', () => {
  const paid = intent('succeeded', { amount_received: 2900 });
  const bodies: [name: string, body: unknown][] = [
    ['nothing', Buffer.alloc(0)],
    ['garbage', Buffer.from('<html>ok</html>')],
    ['half of it', Buffer.from(JSON.stringify(paid).slice(0, 60))],
    ['not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['a list', [paid]],
    ['null', null],
    ['a page of it', { object: 'list', data: [paid] }],
    ['another type', { ...paid, object: 'charge' }],
    ['no type', { ...paid, object: undefined }],
    ['no id', { ...paid, id: undefined }],
    ['an id that is a number', { ...paid, id: 1 }],
    ['an amount in text', { ...paid, amount: '2900' }],
    ['a broken amount', { ...paid, amount: 2900.5 }],
    ['a negative amount', { ...paid, amount: -2900 }],
    ['an amount beyond a double', { ...paid, amount: 2 ** 60 }],
    ['an amount beyond 64 bits in micro-dollars', { ...paid, amount: 2 ** 50 }],
    ['a received amount beyond them', { ...paid, amount_received: 2 ** 50 }],
    ['no amount', { ...paid, amount: undefined }],
    ['a received amount in text', { ...paid, amount_received: '2900' }],
    ['a received amount of null', { ...paid, amount_received: null }],
    ['no currency', { ...paid, currency: undefined }],
    ['an error', { error: { payment_intent: paid } }],
  ];
  for (const [name, body] of bodies) {
    const found = conclude('POST', PI, USD, reply(200, body));
    assert.deepEqual(
      [found.outcome, found.repeatable, found.objects],
      ['unknown', false, []],
      name,
    );
    const looked = conclude('GET', `${PI}/pi_1`, '', reply(200, body));
    assert.deepEqual([looked.outcome, looked.cost, looked.objects], ['settled', 0n, []], name);
  }
  const other = conclude('POST', `${PI}/pi_2/capture`, '', reply(200, paid));
  assert.deepEqual([other.outcome, other.objects], ['unknown', []], 'another one than captured');
  const looked = conclude('GET', `${PI}/pi_2`, '', reply(200, paid));
  assert.deepEqual(looked.objects, []);
  const forced = conclude('POST', '/v1/invoices/in_1/pay', '', reply(200, { object: 'invoice' }));
  assert.equal(forced.outcome, 'unknown', 'an unpriced call that shadow mode let through');
});

test('a list teaches nothing, and a cancelled or updated object its fact', () => {
  const page = { object: 'list', data: [intent('succeeded', { amount_received: 2900 })] };
  assert.deepEqual(conclude('GET', PI, '', reply(200, page)).objects, []);
  const canceled = conclude('POST', `${PI}/pi_1/cancel`, '', reply(200, intent('canceled')));
  assert.deepEqual(
    [canceled.outcome, canceled.cost, canceled.repeatable, canceled.objects],
    ['settled', 0n, true, [fact('final', 0n)]],
  );
});

test('a reply that the vendor gave from its store says so, and keeps its facts', () => {
  const paid = intent('succeeded', { amount_received: 2900 });
  const found = conclude('POST', PI, USD, reply(200, paid, { 'idempotent-replayed': 'true' }));
  assert.equal(found.replayedByVendor, true);
  assert.equal(found.objects.length, 1);
});

test('a compressed reply is read, within bounds', () => {
  const body = Buffer.from(JSON.stringify(intent('succeeded', { amount_received: 2900 })));
  const outcome = (encoding: string, bytes: Buffer) =>
    conclude('POST', PI, USD, reply(200, bytes, { 'content-encoding': encoding })).outcome;
  assert.equal(outcome('gzip', gzipSync(body)), 'held');
  assert.equal(outcome('deflate', deflateSync(body)), 'held');
  assert.equal(outcome('br', brotliCompressSync(body)), 'held');
  assert.equal(outcome('identity', body), 'held');
  assert.equal(outcome('gzip', body), 'unknown', 'not what it says');
  assert.equal(outcome('gzip, br', gzipSync(body)), 'unknown');
  assert.equal(outcome('toString', body), 'unknown');
  const bomb = gzipSync(Buffer.concat([body, Buffer.alloc(17 << 20, ' ')]));
  assert.equal(outcome('gzip', bomb), 'unknown', 'more than 16 MiB when unpacked');
});

test('no reply makes it throw, and none gives back a hold without a 4xx', () => {
  const calls = fc.constantFrom(
    ...[reading('POST', PI, USD), reading('POST', `${PI}/pi_1/confirm`), reading('GET', '/v1/x')],
    ...[reading('POST', '/v1/refunds', 'charge=ch_1'), reading('POST', '/v1/charges', USD)],
    reading('POST', '/v1/invoiceitems', USD),
  );
  const types = ['payment_intent', 'charge', 'refund', 'invoiceitem', 'list'];
  const near = fc.record(
    {
      id: fc.oneof(fc.constantFrom('pi_1', 'ch_1'), fc.jsonValue()),
      object: fc.constantFrom(...types),
      amount: fc.oneof(fc.constant(2900), fc.jsonValue()),
      amount_received: fc.oneof(fc.constant(2900), fc.jsonValue()),
      currency: fc.constantFrom('usd', 'eur', null),
      status: fc.oneof(fc.constantFrom('succeeded', 'canceled', 'failed'), fc.jsonValue()),
      captured: fc.boolean(),
      latest_charge: fc.jsonValue(),
      error: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
    fc.jsonValue(),
    near,
    near.map((object) => ({ error: { payment_intent: object, charge: object } })),
  );
  const headers = fc.dictionary(
    fc.constantFrom('content-encoding', 'request-id', 'idempotent-replayed'),
    fc.constantFrom('gzip', 'br', 'true', '', '__proto__'),
  );
  fc.assert(
    fc.property(
      calls,
      fc.integer({ min: 0, max: 700 }),
      body,
      headers,
      (call, status, value, set) => {
        const found = stripe.conclude(call, reply(status, value, set), DOLLARS);
        if (found.outcome === 'released') assert.ok(status >= 400 && status < 500);
        if (found.outcome === 'settled') assert.ok(found.cost !== null && found.cost >= 0n);
        for (const { state, moved, amount } of found.objects) {
          assert.ok(state !== 'final' || moved !== null);
          assert.ok(state !== 'declined' || moved === null);
          assert.ok(amount !== null && amount >= 0n);
        }
      },
    ),
    { numRuns: 3000 },
  );
});

// ---------------------------------------------------------------- recorded traffic

function replayed({ request: sent, response }: Exchange) {
  const read = stripe.read(request(sent.method, sent.path, sent.body ?? '', sent.headers), DOLLARS);
  assert.ok(!isRefusal(read), `${sent.method} ${sent.path}: ${'code' in read ? read.message : ''}`);
  return {
    read,
    found: stripe.conclude(read, reply(response.status, response.body, response.headers), DOLLARS),
  };
}

test('all recorded traffic is read and concluded, and nothing stays unknown', {
  skip: withoutData,
}, () => {
  const { interactions } = data<{ interactions: Exchange[] }>('recorded.json');
  assert.equal(interactions.length, 141);
  for (const exchange of interactions) {
    const { read, found } = replayed(exchange);
    const line = `${exchange.request.method} ${exchange.request.path}`;
    assert.ok(read.operation, line);
    assert.notEqual(found.outcome, 'unknown', line);
    if (exchange.response.status >= 400) assert.equal(found.outcome, 'released', line);
  }
});
