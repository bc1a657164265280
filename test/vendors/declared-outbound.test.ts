/** What goes out to a described vendor and what comes back from Keybrake in its place. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CATALOGUE, type ErrorCode, refusal } from '../../src/errors.ts';
import { Secret } from '../../src/seal.ts';
import { keyHeaders } from '../../src/vendors/headers.ts';
import { changed, PRINTSHOP, request, shipped, vendorOf } from './declared.ts';

const KEY = 'vault_key_0123456789abcdefghjkmnpq';
const secrets = (fields: Record<string, string>) =>
  Object.fromEntries(Object.entries(fields).map(([name, text]) => [name, new Secret(text)]));
const CREDENTIALS = secrets({ secret: 'ps_real12345', shop_id: '77' });
const HOME = { baseUrl: PRINTSHOP.baseUrl, credentials: CREDENTIALS };

const sent = (path: string, headers: Record<string, string> = {}, key: string | null = null) =>
  PRINTSHOP.outbound(request(path, { headers, body: {} }), HOME, key);

test('the real credentials go where the file says, and the vault key goes nowhere', () => {
  const basic = `Basic ${Buffer.from('77:ps_real12345').toString('base64')}`;
  for (const [name, value] of [
    ['x-print-key', KEY],
    ['authorization', `Bearer ${KEY}`],
  ] as const) {
    const { headers } = sent('/v1/letters', { [name]: value, 'x-other': 'kept' });
    assert.equal(headers.authorization, basic);
    assert.equal(headers['x-other'], 'kept');
    assert.ok(!JSON.stringify(headers).includes(KEY));
  }
});

test('credentials go as Bearer or into headers of the vendor', () => {
  const to = (name: string) => {
    const { baseUrl } = shipped(name);
    const home = { baseUrl, credentials: secrets({ secret: 'real-secret' }) };
    const headers = { 'x-postmark-server-token': KEY, authorization: `Bearer ${KEY}` };
    return shipped(name).outbound(request('/x', { headers, body: {} }), home, null).headers;
  };
  assert.equal(to('sendgrid').authorization, 'Bearer real-secret');
  assert.equal(to('postmark')['x-postmark-server-token'], 'real-secret');
  assert.equal(to('postmark').authorization, undefined);
});

test('headers that stay here do not go on, and the idempotency key goes under the vendor’s name', () => {
  const came = {
    'x-print-trace': 't',
    'x-print-request': 'the-client’s',
    'idempotency-key': 'the-client’s',
    'x-print-customer': 'acme',
  };
  const { headers } = sent('/v1/letters', came, 'own-key');
  assert.equal(headers['x-print-trace'], undefined);
  assert.equal(headers['idempotency-key'], undefined);
  assert.equal(headers['x-print-request'], 'own-key');
  assert.equal(headers['x-print-customer'], 'acme');
  assert.equal(sent('/v1/letters', came).headers['x-print-request'], undefined);
});

test('a host’s segment becomes the host, and a path that only begins like it does not', () => {
  const to = (path: string) => {
    const { baseUrl, path: rest } = sent(path);
    return baseUrl + rest;
  };
  assert.equal(to('/files/v1/documents/d'), 'https://files.printshop.example/v1/documents/d');
  assert.equal(to('/v1/files'), 'https://api.printshop.example/v1/files');
  assert.equal(to('/filesystem/v1'), 'https://api.printshop.example/filesystem/v1');
  assert.equal(to('/files'), 'https://files.printshop.example/');
  assert.equal(to('/constructor/v1'), 'https://api.printshop.example/constructor/v1');
});

test('an account with an address of its own sends everything there', () => {
  const elsewhere = { ...HOME, baseUrl: 'http://127.0.0.1:1' };
  const { baseUrl, path } = PRINTSHOP.outbound(
    request('/files/v1/documents/d', { query: 'a=1', body: {} }),
    elsewhere,
    null,
  );
  assert.equal(baseUrl + path, 'http://127.0.0.1:1/files/v1/documents/d?a=1');
});

test('the headers in which keys may come are those that the files name', () => {
  assert.deepEqual(keyHeaders([PRINTSHOP, shipped('postmark'), shipped('sendgrid')]), [
    'x-print-key',
    'x-postmark-server-token',
  ]);
});

test('an account is stored only with credentials of the form that the file says', () => {
  const check = (fields: Record<string, string>) => PRINTSHOP.checkCredentials(fields);
  assert.equal(check({ secret: 'ps_real12345', shop_id: '77' }), null);
  const says = 'a key of the print shop, ps_ and the rest of it';
  assert.equal(check({ shop_id: '77' }), `secret is missing: ${says}`);
  assert.equal(check({ secret: 'ps_real12345' }), 'shop_id is missing');
  assert.equal(check({ secret: 'xps_real12345', shop_id: '77' }), `secret must be ${says}`);
  assert.equal(
    check({ secret: 'ps_real12345x\n', shop_id: '77' })?.slice(0, 16),
    'secret has a bla',
  );
  assert.match(check({ secret: 'ps_real12345', shop_id: '7x' })!, /^shop_id must be of the form/);
  // A short secret would be struck out of replies where it stands by chance; a public field is not.
  assert.deepEqual(PRINTSHOP.publicFields, ['shop_id']);
  const secretive = vendorOf(changed('    public: true\n', ''));
  const short = secretive.checkCredentials({ secret: 'ps_real12345', shop_id: '77' });
  assert.match(short!, /^shop_id has fewer than 8 characters/);
  for (const wrong of [{ secret: 'wrong-secret', shop_id: '77' }]) {
    assert.ok(!check(wrong)!.includes('wrong-secret'));
  }
});

// ---------------------------------------------------------------- refusals

const CODES = Object.keys(CATALOGUE) as ErrorCode[];

test('every refusal is whole JSON in the vendor’s shape, with its code and its text', () => {
  for (const vendor of [PRINTSHOP, shipped('sendgrid'), shipped('postmark')]) {
    for (const code of CODES) {
      const message = 'It has "quotes", {{code}} and a \\ in it.';
      const { headers, body } = vendor.renderRefusal(refusal(code, message), 'call_1');
      assert.equal(headers['content-type'], 'application/json');
      const text = JSON.stringify(JSON.parse(body));
      assert.ok(text.includes(code), `${vendor.name} ${code}: ${text}`);
      // What stands in a message is not filled in again.
      assert.ok(text.includes(JSON.stringify(message).slice(1, -1)), text);
    }
  }
});

test('a class of refusals may have its own body or headers, and a status is a number', () => {
  const shown = (code: ErrorCode) => {
    const { headers, body } = PRINTSHOP.renderRefusal(refusal(code, 'no'), '');
    return { ...JSON.parse(body), headers };
  };
  assert.deepEqual(shown('key_unknown'), {
    ok: false,
    error: { code: 'key_unknown', text: 'no', status: 401 },
    headers: { 'content-type': 'application/json' },
  });
  for (const code of ['cap_exceeded', 'call_cap_exceeded', 'call_limit_reached'] as const) {
    assert.equal(shown(code).headers['x-print-retry'], 'no');
    assert.equal(shown(code).error.status, 429);
  }
  assert.equal(shown('rate_limited').headers['x-print-retry'], undefined);
  const classes = ['auth', 'policy', 'cap', 'rate', 'request', 'conflict', 'unavailable'];
  const each = classes.map((name) => `  ${name}: { body: { kind: ${name} } }`).join('\n');
  const told = vendorOf(changed(/ {2}cap:\n.*\n/, `${each}\n`));
  const kindOf = (code: ErrorCode) =>
    JSON.parse(told.renderRefusal(refusal(code, ''), '').body).kind;
  for (const [code, kind] of [
    ['key_revoked', 'auth'],
    ['endpoint_not_allowed', 'policy'],
    ['unpriced', 'policy'],
    ['cap_exceeded', 'cap'],
    ['rate_limited', 'rate'],
    ['request_ambiguous', 'request'],
    ['body_too_large', 'request'],
    ['idempotency_in_flight', 'conflict'],
    ['outcome_unknown', 'unavailable'],
    ['ledger_unavailable', 'unavailable'],
  ] as const) {
    assert.equal(kindOf(code), kind, code);
  }
});

test('a body may be another text than JSON, and a template’s own numbers stay as written', () => {
  const text = vendorOf(
    changed(
      / {4}body: \{ ok: false.*\n/,
      '    body: \'<e c="{{code}}"/>\'\n    content_type: text/xml\n',
    ),
  ).renderRefusal(refusal('frozen', 'no'), '');
  assert.deepEqual(text, { headers: { 'content-type': 'text/xml' }, body: '<e c="frozen"/>' });
  const numbers = vendorOf(changed('{ ok: false,', '{ ok: 1.50, big: 12345678901234567890,'));
  assert.match(
    numbers.renderRefusal(refusal('frozen', 'no'), '').body,
    /"ok":1\.50,"big":12345678901234567890/,
  );
});
