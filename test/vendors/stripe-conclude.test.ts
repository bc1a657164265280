/** What a reply proves of its call: settled, released, or nothing, as all recorded traffic is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { stripe } from '../../src/vendors/stripe/stripe.ts';
import { isRefusal } from '../../src/vendors/vendor.ts';
import { intent, paid } from './stripe-objects.ts';
import {
  CENT,
  conclude,
  DOLLARS,
  data,
  type Exchange,
  PI,
  reading,
  reply,
  request,
  USD,
  withoutData,
} from './stripe-requests.ts';

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

test('only a 4xx proves that nothing moved; a 3xx, a 5xx or a strange status proves nothing', () => {
  const wrong = { error: { type: 'invalid_request_error', message: 'no' } };
  for (const status of [400, 401, 403, 404, 409, 429, 499]) {
    const found = conclude('POST', PI, USD, reply(status, wrong));
    assert.deepEqual([found.outcome, found.repeatable], ['released', false], String(status));
  }
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

test('a reply that the vendor gave from its store says so, and keeps its facts', () => {
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
