/** Keys under a parent: narrower, never wider, each rule by its field. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KEY, openHouse } from './house.ts';

const house = await openHouse();

const parent = await house.issue({
  daily_usd_cap: 50,
  total_usd_cap: 100,
  per_call_usd_cap: 10,
  max_calls: 100,
  rate_limit: '10/1s',
  allowed_endpoints: [
    'POST /v1/payment_intents',
    '/v1/customers/{id}',
    'refunds.*',
    'POST /v1/charges/**',
  ],
  params: { currency: { in: ['usd', 'eur'] }, amount: { max: 500, min: 10 } },
  expires_in: '2h',
});

/** A child that is narrower in everything. */
const CHILD = {
  ...KEY,
  total_usd_cap: 20,
  parent: parent.id,
  allowed_endpoints: ['POST /v1/payment_intents'],
  params: { currency: { in: ['usd'] }, amount: { max: 500, min: 10 } },
};

async function wider(change: object): Promise<string[]> {
  const before = await house.keyCount();
  const answer = await house.ask('POST', '/vault/keys', { ...CHILD, ...change });
  assert.equal(answer.status, 400, answer.text);
  assert.equal(await house.keyCount(), before);
  return Object.keys(answer.fields);
}

test('a narrower key is issued, names its parent and ends with it at the latest', async () => {
  const child = await house.issue(CHILD);
  assert.equal(child.parent, parent.id);
  assert.equal(child.expires_at, parent.expires_at, 'a day would outlive the parent');
  assert.equal(child.remaining_usd, 20);
});

test('a key that is wider in anything is refused under that field', async () => {
  assert.deepEqual(await wider({ vendor: undefined, vendors: ['stripe', 'second'] }), ['vendors']);
  assert.deepEqual(await wider({ account: 'sandbox' }), ['account']);
  assert.deepEqual(await wider({ total_usd_cap: 100.000001 }), ['total_usd_cap']);
  assert.deepEqual(await wider({ daily_usd_cap: 51 }), ['daily_usd_cap']);
  assert.deepEqual(await wider({ per_call_usd_cap: 11 }), ['per_call_usd_cap']);
  assert.deepEqual(await wider({ max_calls: 101 }), ['max_calls']);
  assert.deepEqual(await wider({ rate_limit: '11/1s' }), ['rate_limit']);
  assert.deepEqual(await wider({ expires_in: '3h' }), ['expires_at']);
  assert.deepEqual(await wider({ mode: 'shadow' }), ['mode']);
  assert.deepEqual(await wider({ params: {} }), ['params.currency', 'params.amount']);
  assert.deepEqual(await wider({ may_delegate: true }), ['may_delegate']);
});

test('a key that says nothing of vendors, endpoints, rules, prices or mode is as its parent is', async () => {
  const above = await house.issue({
    ...{ mode: 'shadow', params: { currency: { in: ['usd'] } }, may_delegate: true },
    ...{
      allowed_endpoints: ['subscriptions.*'],
      prices: [{ endpoint: 'subscriptions.create', price_usd: 5 }],
    },
  });
  const below = await house.issue({ vendor: undefined, parent: above.id });
  for (const field of ['vendors', 'account', 'allowed_endpoints', 'params', 'prices', 'mode']) {
    assert.deepEqual(below[field], above[field], field);
  }
  assert.equal(below.may_delegate, false, 'that one has to be said');
});

test('a child acts for its parent’s accounts, for fewer of them, or for none', async () => {
  const above = await house.issue({ on_behalf_of: ['acct_1', 'acct_2'] });
  const under = (fields: object) =>
    house.ask('POST', '/vault/keys', { ...KEY, parent: above.id, ...fields });
  for (const [fields, expected] of [
    [{}, ['acct_1', 'acct_2']],
    [{ on_behalf_of: ['acct_2'] }, ['acct_2']],
    [{ on_behalf_of: [] }, []],
  ] as const) {
    assert.deepEqual((await under(fields)).json.on_behalf_of, expected);
  }
  const wide = await under({ on_behalf_of: ['acct_2', 'acct_3'] });
  assert.deepEqual([wide.status, Object.keys(wide.fields)], [400, ['on_behalf_of[1]']]);
  const plain = await house.issue();
  assert.deepEqual(plain.on_behalf_of, []);
  const more = await under({ parent: plain.id, on_behalf_of: ['acct_1'] });
  assert.deepEqual(Object.keys(more.fields), ['on_behalf_of[0]']);
});

test('a price below the parent’s, or of another endpoint, is refused', async () => {
  const above = await house.issue({ prices: [{ endpoint: 'subscriptions.create', price_usd: 5 }] });
  const under = (prices: Record<string, number>) => {
    const list = Object.entries(prices).map(([endpoint, price_usd]) => ({ endpoint, price_usd }));
    return house.ask('POST', '/vault/keys', { ...KEY, parent: above.id, prices: list });
  };
  assert.equal((await under({ 'subscriptions.create': 5.5 })).status, 201);
  const lower = await under({ 'subscriptions.create': 4.99, 'quotes.accept': 1 });
  assert.deepEqual(Object.keys(lower.fields).sort(), ['prices[0]', 'prices[1]']);
});

test('a key that says prices keeps all of the parent’s: to leave out the dearest would lower what counts', async () => {
  const [wide, dear] = [
    { endpoint: 'subscriptions.*', price_usd: 5 },
    { endpoint: 'subscriptions.create', price_usd: 50 },
  ];
  const above = await house.issue({ prices: [wide, dear] });
  const under = (prices: object[]) =>
    house.ask('POST', '/vault/keys', { ...KEY, parent: above.id, prices });
  const cheap = await under([wide]);
  assert.deepEqual([cheap.status, Object.keys(cheap.fields)], [400, ['prices']]);
  assert.equal((await under([dear, wide])).status, 201);
  assert.equal((await under([])).status, 201, 'without prices such calls are refused');
});

test('a request field keeps every bound of the parent', async () => {
  const { params } = CHILD;
  const amount = ['params.amount'];
  assert.deepEqual(await wider({ params: { ...params, amount: { max: 501, min: 10 } } }), amount);
  assert.deepEqual(await wider({ params: { ...params, amount: { max: 500, min: 9 } } }), amount);
  assert.deepEqual(await wider({ params: { ...params, amount: { max: 500 } } }), amount);
  const currency = { in: ['usd', 'gbp'] };
  assert.deepEqual(await wider({ params: { ...params, currency } }), ['params.currency']);
  await house.issue({
    ...CHILD,
    params: { ...params, amount: { max: 20, min: 20 }, extra: { max: 1 } },
  });
});

test('what a field begins with, and the domain it is at, is kept or narrowed', async () => {
  const wide = { To: { prefix: ['+1', '+44'] }, to: { domain: ['a.io', '*.b.io'] } };
  const above = await house.issue({ params: wide });
  const child = (params: object) =>
    house.ask('POST', '/vault/keys', { ...KEY, parent: above.id, params: { ...wide, ...params } });
  for (const to of [['a.io'], ['*.b.io'], ['x.b.io', 'a.io'], ['*.x.b.io'], ['y.x.b.io']]) {
    assert.equal((await child({ to: { domain: to } })).status, 201, to.join());
  }
  for (const to of [['b.io'], ['*.a.io'], ['c.io'], ['a.io', 'c.io'], ['xb.io']]) {
    assert.deepEqual(Object.keys((await child({ to: { domain: to } })).fields), ['params.to']);
  }
  assert.deepEqual(Object.keys((await child({ to: { in: ['x@a.io'] } })).fields), ['params.to']);
  for (const To of [['+1'], ['+1555', '+447']]) {
    assert.equal((await child({ To: { prefix: To } })).status, 201, To.join());
  }
  for (const To of [['+'], ['+4'], ['1'], ['+1', '+33']]) {
    assert.deepEqual(Object.keys((await child({ To: { prefix: To } })).fields), ['params.To']);
  }
});

test('an endpoint must stand in the parent’s list or be matched by it', async () => {
  const allowed = ['/v1/customers/cus_1', 'GET /v1/customers/cus_1', 'refunds.create', 'refunds.*'];
  await house.issue({ ...CHILD, allowed_endpoints: [...allowed, 'POST /v1/charges/ch_1/capture'] });
  const refused = [
    'GET /v1/payment_intents',
    '/v1/payment_intents',
    '/v1/charges/ch_1',
    '/v1/customers/**',
    '/v1/customers',
    'POST /v1/**',
    'charges.create',
  ];
  assert.deepEqual(
    await wider({ allowed_endpoints: refused }),
    refused.map((_, index) => `allowed_endpoints[${index}]`),
  );
});

test('the rate of another window is compared as a rate', async () => {
  assert.deepEqual(await wider({ rate_limit: '601/1m' }), ['rate_limit']);
  await house.issue({ ...CHILD, rate_limit: '600/1m' });
});

test('nothing is issued under a key that has ended', async () => {
  const ended = await house.issue();
  await house.ask('DELETE', `/vault/keys/${ended.id}`);
  const under = { ...KEY, parent: ended.id };
  const answer = await house.ask('POST', '/vault/keys', under);
  assert.equal(answer.fields.parent, 'is revoked');
  const short = await house.issue({ expires_in: '1s' });
  house.clock.ms += 1_000;
  const late = await house.ask('POST', '/vault/keys', { ...KEY, parent: short.id });
  assert.equal(late.fields.parent, 'is expired');
});

test('a change cannot make a key wider than its parent either', async () => {
  const child = await house.issue(CHILD);
  const change = { total_usd_cap: 101, expires_in: '9h', allowed_endpoints: null };
  const answer = await house.ask('PATCH', `/vault/keys/${child.id}`, change);
  assert.equal(answer.status, 400);
  const fields = ['allowed_endpoints', 'expires_at', 'total_usd_cap'];
  assert.deepEqual(Object.keys(answer.fields).sort(), fields);
});
