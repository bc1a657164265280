/** Vendor accounts: stored, rotated, removed, never shown; and where their secrets may be sent. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openHouse, REAL_SECRET } from './house.ts';

const house = await openHouse();
const SECRET = 'sk_live_51AbCdEfGhIjKlMnOpQrStUv';

test('an account is stored, used and never shown', async () => {
  const answer = await house.ask('POST', '/vault/accounts', {
    vendor: 'stripe',
    account: 'eu',
    secret: SECRET,
  });
  assert.equal(answer.status, 201, answer.text);
  assert.deepEqual(answer.json, {
    vendor: 'stripe',
    account: 'eu',
    base_url: 'https://api.stripe.com',
    built_in: false,
    created_at: '2026-11-22T09:00:00.000Z',
    rotated_at: null,
  });
  assert.equal(house.deps.accounts.get('stripe', 'eu')?.credentials.secret?.reveal(), SECRET);
  const list = await house.ask('GET', '/vault/accounts');
  for (const text of [answer.text, list.text, ...house.logged]) {
    assert.ok(!text.includes(SECRET) && !text.includes(REAL_SECRET));
  }
  const names = (list.json.data as { vendor: string; account: string }[]).map(
    ({ vendor, account }) => `${vendor}/${account}`,
  );
  assert.deepEqual(names, ['second/default', 'stripe/default', 'stripe/eu', 'stripe/sandbox']);
});

test('an account that exists is not overwritten by POST', async () => {
  const body = { vendor: 'stripe', secret: SECRET };
  const answer = await house.ask('POST', '/vault/accounts', body);
  assert.equal(answer.status, 409);
  assert.match(answer.json.detail as string, /PUT \/vault\/accounts\/stripe\/default/);
  assert.equal(
    house.deps.accounts.get('stripe', 'default')?.credentials.secret?.reveal(),
    REAL_SECRET,
  );
  const twice = await Promise.all(
    [1, 2].map(() => house.ask('POST', '/vault/accounts', { ...body, account: 'race' })),
  );
  assert.deepEqual(twice.map(({ status }) => status).sort(), [201, 409]);
});

test('PUT rotates the credentials and keeps the address', async () => {
  const base_url = 'https://eu.example.com/stripe/';
  const body = { vendor: 'stripe', account: 'rotated', base_url, secret: SECRET };
  assert.equal((await house.ask('POST', '/vault/accounts', body)).status, 201);
  house.clock.ms += 1_000;
  const secret = 'rk_live_51ZyXwVuTsRqPoNmLkJiHgFe';
  const answer = await house.ask('PUT', '/vault/accounts/stripe/rotated', { secret });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json.base_url, 'https://eu.example.com/stripe');
  assert.equal(answer.json.rotated_at, '2026-11-22T09:00:01.000Z');
  assert.ok(!answer.text.includes(secret));
  assert.equal(house.deps.accounts.get('stripe', 'rotated')?.credentials.secret?.reveal(), secret);
  const none = await house.ask('PUT', '/vault/accounts/stripe/none', { secret });
  assert.equal(none.status, 404);
});

test('a removed account is gone, and is not found again', async () => {
  await house.ask('POST', '/vault/accounts', { vendor: 'stripe', account: 'gone', secret: SECRET });
  assert.equal((await house.ask('DELETE', '/vault/accounts/stripe/gone')).status, 204);
  assert.equal(house.deps.accounts.get('stripe', 'gone'), undefined);
  assert.equal((await house.ask('DELETE', '/vault/accounts/stripe/gone')).status, 404);
});

test('what the configuration gave is not the API’s to change', async () => {
  const put = await house.ask('PUT', '/vault/accounts/stripe/sandbox', { secret: SECRET });
  const removed = await house.ask('DELETE', '/vault/accounts/stripe/sandbox');
  assert.deepEqual([put.status, removed.status], [409, 409]);
  assert.ok(house.deps.accounts.get('stripe', 'sandbox')?.builtIn);
  const body = { vendor: 'second', account: 'sandbox', user: 'u', password: 'p' };
  const post = await house.ask('POST', '/vault/accounts', body);
  assert.match(post.fields.account!, /built-in/);
});

test('faulty credentials are refused under their field, and not repeated', async () => {
  const before = house.deps.accounts.list().length;
  const cases: [body: object, field: string][] = [
    [{ vendor: 'stripe', account: 'x' }, 'secret'],
    [{ vendor: 'stripe', account: 'x', secret: '' }, 'secret'],
    [{ vendor: 'stripe', account: 'x', secret: 'pk_live_51AbCdEfGhIjKl' }, 'secret'],
    [{ vendor: 'stripe', account: 'x', secret: `${SECRET}\n` }, 'secret'],
    [{ vendor: 'stripe', account: 'x', secret: 'x'.repeat(501) }, 'secret'],
    [{ vendor: 'stripe', account: 'x', secret: { a: SECRET } }, 'secret'],
    [{ vendor: 'stripe', account: 'x', secret: SECRET, password: 'hunter2hunter2' }, 'password'],
    [{ vendor: 'second', account: 'x', user: 'u' }, 'password'],
    [{ vendor: 'nobody', account: 'x', secret: SECRET }, 'vendor'],
    [{ vendor: 'stripe', account: 'A/b', secret: SECRET }, 'account'],
    [{ vendor: 'stripe', account: SECRET.toLowerCase(), secret: SECRET }, 'account'],
    [{ vendor: SECRET, account: 'x', secret: SECRET }, 'vendor'],
    [{ vendor: 'stripe', account: 'x', secret: SECRET, [SECRET]: 1 }, '(a name that is not shown)'],
  ];
  for (const [body, field] of cases) {
    const answer = await house.ask('POST', '/vault/accounts', body);
    assert.equal(answer.status, 400, JSON.stringify(body));
    assert.ok(field in answer.fields, answer.text);
    for (const secret of [SECRET, SECRET.toLowerCase(), 'pk_live_51AbC', 'hunter2']) {
      assert.ok(!answer.text.includes(secret), answer.text);
    }
  }
  assert.equal(house.deps.accounts.list().length, before);
});

const PUBLIC = [
  'https://api.stripe.com',
  'https://8.8.8.8',
  'https://[2606:4700::1111]/x',
  'http://127.0.0.1:9000',
  'http://localhost:9000/base',
  'https://localhost',
  'http://[::1]:9000',
];
const REFUSED = [
  'api.stripe.com',
  'ftp://api.stripe.com',
  'javascript:alert(1)',
  'https://user:hunter2@api.stripe.com',
  'https://api.stripe.com?x=hunter2',
  'https://api.stripe.com/?',
  'https://api.stripe.com/#hunter2',
  'http://api.stripe.com',
  'http://10.0.0.1',
  'https://10.0.0.1',
  'https://172.31.255.1',
  'https://192.168.1.1',
  'https://100.64.0.1',
  'https://169.254.169.254/latest',
  'https://0.0.0.0',
  'https://255.255.255.255',
  'https://0xa9fea9fe',
  'https://2852039166',
  'https://0251.0376.0251.0376',
  'https://169.254.43518',
  'https://[::]',
  'https://[fd00:ec2::254]',
  'https://[fe80::1]',
  'https://[::ffff:169.254.169.254]',
  'https://[::ffff:a9fe:a9fe]',
  'https://[::169.254.169.254]',
  'https://[64:ff9b::a9fe:a9fe]',
  'https://[2002:a9fe:a9fe::]',
  'https://[2001:0:a9fe:a9fe::]',
  'https://metadata.google.internal',
  'https://metadata.google.internal.',
  'https://METADATA.GOOGLE.INTERNAL',
  'https://metadata',
  'https://printer.local',
  'http://localhost.example.com',
  'http://127.0.0.1.example.com',
];

test('an address is https and public, or this machine', async () => {
  for (const [index, base_url] of PUBLIC.entries()) {
    const body = { vendor: 'stripe', account: `public-${index}`, base_url, secret: SECRET };
    const answer = await house.ask('POST', '/vault/accounts', body);
    assert.equal(answer.status, 201, `${base_url}: ${answer.text}`);
  }
});

for (const base_url of REFUSED) {
  test(`a secret is not sent to ${base_url}`, async () => {
    const body = { vendor: 'stripe', account: 'nowhere', base_url, secret: SECRET };
    const answer = await house.ask('POST', '/vault/accounts', body);
    assert.equal(answer.status, 400);
    assert.deepEqual(Object.keys(answer.fields), ['base_url']);
    assert.ok(!answer.text.includes('hunter2'));
    assert.equal(house.deps.accounts.get('stripe', 'nowhere'), undefined);
  });
}
