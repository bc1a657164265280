/**
 * Guarantee: Keybrake and the vendor read the same kind of body and the same headers.
 * What has two readings is refused and nothing of it reaches the vendor; what passes reaches it in
 * the form that was matched and priced. Over a real socket; the vendor's log is the truth.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { AMBIGUOUS, assertRefused, BODY, FORM, wireStage } from '../support/wire.ts';

const wire = wireStage();
const { send, sendBytes, bytesOf, assertPassed } = wire;

test('a body that is not one plain form is refused', async () => {
  const multipart = '--x\r\nContent-Disposition: form-data; name="amount"\r\n\r\n5\r\n--x--\r\n';
  const types = [
    ...['application/json', 'text/plain', 'multipart/form-data; boundary=x', 'application/xml'],
    ...['application/x-www-form-urlencoded; charset=utf-16', 'application/x-www-form-urlencoded;x'],
    ...['application/x-www-form-urlencoded, multipart/form-data; boundary=x', 'x', ''],
    ...['application/x-www-form-urlencodedx', 'application/x-www-form-urlencoded; charset=utf-7'],
    ...['multipart/form-data; boundary=x; application/x-www-form-urlencoded'],
  ];
  for (const type of types) {
    for (const body of [BODY, '{"amount":100,"currency":"usd"}', multipart]) {
      const outcome = await send({ headers: [`Content-Type: ${type}`], body });
      assertRefused(outcome, `${type}: ${body}`, AMBIGUOUS);
    }
  }
  assertRefused(await send({ headers: [] }), 'no content type', AMBIGUOUS);
  const zipped = gzipSync(BODY).toString('latin1');
  for (const coding of ['gzip', 'br', 'deflate', 'identity, gzip', 'x-unknown']) {
    for (const body of [BODY, zipped]) {
      const outcome = await send({ headers: [FORM, `Content-Encoding: ${coding}`], body });
      assertRefused(outcome, coding, AMBIGUOUS);
    }
  }
  const get = { method: 'GET', target: '/v1/customers', headers: [FORM] };
  assertRefused(await send({ ...get, body: 'limit=1' }), 'a GET with a body', AMBIGUOUS);
});

test('a header that came twice, or that names a second method, is refused', async () => {
  const twice = [
    ...['Authorization: Bearer x', 'authorization: Basic x', 'Content-Type: text/plain', FORM],
    ...['Host: other', 'Content-Encoding: identity\r\nContent-Encoding: gzip'],
    ...['Idempotency-Key: a\r\nIdempotency-Key: b', 'Idempotency-Key: a\r\nidempotency-key: a'],
    ...['Stripe-Version: 2020-08-27\r\nStripe-Version: 2026-10-28.endive'],
    ...['X-Keybrake-Task-Id: a\r\nX-Keybrake-Task-Id: b', 'User-Agent: a\r\nUser-Agent: b'],
    ...['X-HTTP-Method-Override: DELETE', 'X-Method-Override: GET', 'X-HTTP-Method: PUT'],
  ];
  for (const header of twice) {
    assertRefused(await send({ headers: [FORM, header] }), header, AMBIGUOUS);
  }
});

test('headers that choose whose money it is are refused', async () => {
  for (const header of ['Stripe-Account: acct_1', 'stripe-account:', 'STRIPE-CONTEXT: acct_1/x']) {
    const outcome = await send({ headers: [FORM, header] });
    assertRefused(outcome, header, ['scope_not_allowed']);
  }
});

test('no Connection header takes away the secret, the idempotency key or the content type', async () => {
  const names =
    'authorization, Idempotency-Key, content-type, content-length, host, stripe-version';
  for (const name of ['Connection', 'Proxy-Connection', 'Keep-Alive']) {
    const key = `one-reading-${name}`;
    const headers = [FORM, `Idempotency-Key: ${key}`, 'Stripe-Version: 2026-10-28.endive'];
    const bytes = bytesOf({ headers: [...headers, 'TE: trailers', `${name}: ${names}`] });
    const lines = name === 'Connection' ? bytes.replace('Connection: close\r\n', '') : bytes;
    const closing = lines.replace(`Connection: ${names}`, `Connection: close, ${names}`);
    const { received } = await assertPassed(await sendBytes(closing), name);
    assert.equal(received.authorization, `Bearer ${wire.server.sandbox.secret}`);
    assert.equal(received.idempotencyKey, key);
    assert.equal(received.headers['content-type'], 'application/x-www-form-urlencoded');
    assert.equal(received.body, BODY);
    for (const hop of ['te', 'keep-alive', 'proxy-connection', 'upgrade']) {
      assert.equal(received.headers[hop], undefined, `${hop} was forwarded`);
    }
  }
});

test('what belongs to the run or its network is not forwarded', async () => {
  const stays = [
    ...['X-Keybrake-Task-Id: t', 'X-Keybrake-Anything: x', 'X-Agent-Run-Id: r', 'Cookie: a=1'],
    ...['X-Forwarded-For: 10.0.0.1', 'X-Forwarded-Host: evil', 'Forwarded: for=x', 'Via: 1.1 x'],
    ...['Proxy-Authorization: Basic x', 'X-Stripe-Client-Telemetry: {}', 'Accept-Encoding: gzip'],
    ...[`traceparent: 00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, 'X-Real-IP: 10.0.0.1'],
  ];
  const { received } = await assertPassed(await send({ headers: [FORM, ...stays] }), 'the call');
  const names = Object.keys(received.headers).sort();
  const own = ['accept-encoding', 'authorization', 'connection', 'content-length', 'content-type'];
  assert.deepEqual(names, [...own, 'host', 'idempotency-key']);
  assert.equal(received.headers['accept-encoding'], 'identity');
  assert.equal(received.headers.host, new URL(wire.server.sandbox.stripeUrl).host);
  assert.equal(received.rawHeaders.filter((name) => /^authorization$/i.test(name)).length, 1);
});
