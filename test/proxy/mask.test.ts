import assert from 'node:assert/strict';
import test from 'node:test';
import { withoutSecrets } from '../../src/proxy/mask.ts';
import { Secret } from '../../src/seal.ts';

const SECRET = 'sk_test_0123456789abcdef';
const credentials = { secret: new Secret(SECRET) };

test('a vendor that repeats the real secret does not tell it to the run', () => {
  const text = `{"error":{"message":"bad key ${SECRET} (${SECRET})"}}`;
  const headers = new Map([['www-authenticate', `Bearer realm="${SECRET}"`]]);
  const masked = withoutSecrets(
    { status: 401, headers, body: Buffer.from(text) },
    {},
    credentials,
    { headers: {} },
  );
  assert.equal(Buffer.from(masked.body).toString(), text.replaceAll(SECRET, '*'.repeat(24)));
  assert.equal(masked.headers.get('www-authenticate'), `Bearer realm="${'*'.repeat(24)}"`);
});

test('a reply without the secret is passed as it is', () => {
  const reply = { status: 200, headers: new Map([['a', 'b']]), body: Buffer.from('{"id":"pi_1"}') };
  assert.equal(withoutSecrets(reply, {}, credentials, { headers: {} }), reply);
});

test('of an account in two parts the public one stays, and neither form of the secret is told', () => {
  const account = { account_sid: new Secret('AC01'), auth_token: new Secret(SECRET) };
  const pair = Buffer.from(`AC01:${SECRET}`).toString('base64');
  const body = Buffer.from(`{"sid":"AC01","sent":"Basic ${pair}"}`);
  const masked = withoutSecrets(
    { status: 200, headers: new Map(), body },
    { publicFields: ['account_sid'] },
    account,
    { headers: { authorization: `Basic ${pair}` } },
  );
  const stars = '*'.repeat(pair.length);
  assert.equal(Buffer.from(masked.body).toString(), `{"sid":"AC01","sent":"Basic ${stars}"}`);
});
