/** POST /vault/keys: what a good request stores and answers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { credentialHash, isVaultKey } from '../../src/ids.ts';
import { KEY, openHouse } from './house.ts';

const house = await openHouse();

test('the request of celery.txt issues a key as it stands', async () => {
  // As httpx writes it: a Python float, and Python's separators.
  const body =
    '{"vendor": "stripe", "daily_usd_cap": 500.0, "allowed_endpoints": ["POST /v1/payment_intents"], ' +
    '"expires_in": "2h", "agent_run_label": "celery-billing/7b1e"}';
  const { status, json, headers } = await house.ask('POST', '/vault/keys', body);
  assert.equal(status, 201);
  assert.equal(headers.get('cache-control'), 'no-store');
  assert.ok(isVaultKey(json.vault_key as string));
  assert.match(json.id as string, /^key_/);
  assert.equal(json.vendor, 'stripe');
  assert.equal(json.daily_usd_cap, 500);
  assert.deepEqual(json.allowed_endpoints, ['POST /v1/payment_intents']);
  assert.equal(json.expires_at, '2026-11-22T11:00:00.000Z');
  assert.equal(json.agent_run_label, 'celery-billing/7b1e');
  assert.equal(json.account, 'default');
});

test('the request of luigi.txt issues a key as it stands', async () => {
  const body = {
    vendor: 'stripe',
    daily_usd_cap: 300.0,
    allowed_endpoints: ['POST /v1/payment_intents'],
    expires_in: '4h',
    agent_run_label: 'luigi/1f0a77b2',
  };
  const { status, json } = await house.ask('POST', '/vault/keys', body);
  assert.equal(status, 201);
  assert.equal(json.expires_at, '2026-11-22T13:00:00.000Z');
});

test('every field of a key comes back as it was given', async () => {
  const given = {
    vendors: ['stripe', 'second'],
    account: 'default',
    daily_usd_cap: 12.5,
    total_usd_cap: 0.0083,
    per_call_usd_cap: 1,
    max_calls: 7,
    rate_limit: '100/1m',
    allowed_endpoints: ['payment_intents.*', '/v1/charges', 'GET /v1/customers/{id}'],
    params: {
      customer: { in: ['cus_1'] },
      amount: { max: 5000, min: 1 },
      'personalizations[*][to][*][email]': {
        domain: ['a.io', '*.b-c.a.io', 'xn--bcher-kva.example'],
      },
      To: { prefix: ['+1', 'Order '] },
    },
    on_behalf_of: ['acct_1', 'org_1/acct_2', 'customer-7'],
    expires_at: '2026-11-23T10:00:00+01:00',
    agent_run_label: 'run with spaces · ünïcode',
    mode: 'shadow',
    metadata: { team: 'billing' },
  };
  const key = await house.issue({ ...given, vendor: undefined });
  const { json } = await house.ask('GET', `/vault/keys/${key.id}`);
  for (const [name, value] of Object.entries({
    ...given,
    expires_at: '2026-11-23T09:00:00.000Z',
  })) {
    assert.deepEqual(json[name], value, name);
  }
  assert.equal(json.vendor, null);
  assert.equal(json.vault_key, undefined, 'the credential is shown once');
});

test('an amount is stored as it was written, not as a floating point number', async () => {
  // 0.1 + 0.2 in floats; 29.30 * 1e6 is 29299999.999999996; 9007199.254740993 needs 54 bits.
  for (const text of ['0.300000', '29.30', '9007199.254741', '999999999.999999', '0']) {
    const body = `{"vendor":"stripe","agent_run_label":"exact","total_usd_cap":${text}}`;
    const answer = await house.ask('POST', '/vault/keys', body);
    assert.equal(answer.status, 201, answer.text);
    const [, written] = /"total_usd_cap":([0-9.]+)/.exec(answer.text)!;
    const [whole = '0', fraction = ''] = text.split('.');
    const micros = BigInt(whole) * 1_000_000n + BigInt(fraction.padEnd(6, '0'));
    const [shownWhole = '0', shownFraction = ''] = written!.split('.');
    assert.equal(BigInt(shownWhole) * 1_000_000n + BigInt(shownFraction.padEnd(6, '0')), micros);
  }
});

test('only the hash of the credential is stored', async () => {
  const key = await house.issue();
  const found = await house.deps.ledger.findKey(credentialHash(key.vault_key));
  assert.equal(found?.label, 'run-1');
  const shown = await house.ask('GET', '/vault/keys?limit=200');
  assert.ok(!shown.text.includes(key.vault_key));
});

test('a key lives a day when no expiry is given', async () => {
  const key = await house.issue();
  assert.equal(key.expires_at, '2026-11-23T09:00:00.000Z');
});

test('on a server with nothing but the sandbox, a key without an account is a sandbox key', async () => {
  const fresh = await openHouse();
  await fresh.deps.accounts.remove('stripe', 'default');
  const key = await fresh.issue();
  assert.equal(key.account, 'sandbox');
  assert.match(key.vault_key, /^vault_key_sandbox_/);
  const named = await fresh.ask('POST', '/vault/keys', { ...KEY, account: 'default' });
  assert.match(named.fields.account!, /"default" is not stored for stripe; stored are: sandbox/);
});

test('a key for a vendor of which no account is stored is told how to store one', async () => {
  const fresh = await openHouse();
  await fresh.deps.accounts.remove('second', 'default');
  const { fields } = await fresh.ask('POST', '/vault/keys', { ...KEY, vendor: 'second' });
  assert.equal(
    fields.account,
    '"default" is not stored for second; none is; store one with `keybrake accounts add second`',
  );
});

test('a stored default account is never passed over for the sandbox', async () => {
  const key = await house.issue();
  assert.equal(key.account, 'default');
  assert.doesNotMatch(key.vault_key, /sandbox/);
});

test('rates are read in every unit', async () => {
  for (const [given, shown] of [
    ['10/s', '10/1s'],
    ['100/60s', '100/1m'],
    ['5/90m', '5/90m'],
    ['1/1d', '1/1d'],
  ]) {
    const key = await house.issue({ rate_limit: given });
    assert.equal(key.rate_limit, shown);
  }
});
