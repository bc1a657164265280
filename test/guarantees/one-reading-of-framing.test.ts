/**
 * Guarantee: Keybrake and the vendor agree where a request begins and ends.
 * What has two readings is refused and nothing of it reaches the vendor; what passes reaches it in
 * the form that was matched and priced. Over a real socket; the vendor's log is the truth.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exchange } from '../support/raw-http.ts';
import { AMBIGUOUS, assertRefused, BODY, FORM, wireStage } from '../support/wire.ts';

const wire = wireStage();
const { send, sendBytes, bytesOf, assertPassed, rowOf } = wire;

const HEAD = (...lines: string[]) =>
  [
    'POST /v1/payment_intents HTTP/1.1',
    'Host: x',
    `Authorization: Bearer ${wire.open}`,
    FORM,
    ...lines,
  ]
    .join('\r\n')
    .concat('\r\n\r\n');
const CHUNKED = `17\r\n${BODY}\r\n0\r\n\r\n`;

test('a body with two lengths, or none that is sure, is refused', async () => {
  const length = `Content-Length: ${BODY.length}`;
  const framed: [string, string][] = [
    ['two lengths', HEAD(length, 'Content-Length: 5') + BODY],
    ['the same length twice', HEAD(length, length) + BODY],
    ['a list of lengths', HEAD('Content-Length: 23, 23') + BODY],
    ['a signed length', HEAD('Content-Length: +23') + BODY],
    ['a length in hexadecimal', HEAD('Content-Length: 0x17') + BODY],
    ['a length and chunks', HEAD(length, 'Transfer-Encoding: chunked') + CHUNKED],
    ['chunks and a length', HEAD('Transfer-Encoding: chunked', length) + CHUNKED],
    ['chunked twice', HEAD('Transfer-Encoding: chunked, chunked') + CHUNKED],
    ['two codings', HEAD('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked') + CHUNKED],
    ['chunked, then another', HEAD('Transfer-Encoding: chunked, identity') + CHUNKED],
    ['compressed chunks', HEAD('Connection: close', 'Transfer-Encoding: gzip, chunked') + CHUNKED],
    ['an unknown coding', HEAD('Transfer-Encoding: xchunked') + CHUNKED],
    ['a coding with a blank before it', HEAD('Transfer-Encoding : chunked') + CHUNKED],
    ['a coding with a tab in it', HEAD('Transfer-Encoding: \x0bchunked') + CHUNKED],
    ['a chunk of no size', `${HEAD('Transfer-Encoding: chunked')}\r\n${BODY}\r\n0\r\n\r\n`],
    ['a chunk longer than said', `${HEAD('Transfer-Encoding: chunked')}5\r\n${BODY}\r\n0\r\n\r\n`],
    ['a folded header', HEAD('X-A: 1\r\n Idempotency-Key: x', length) + BODY],
    ['a folded credential', HEAD(length).replace(FORM, ' x') + BODY],
    ['a bare line feed', HEAD(length).replaceAll('\r\n', '\n') + BODY],
    ['a bare carriage return', HEAD('X-A: 1\rIdempotency-Key: x', length) + BODY],
    ['a NUL in a header', HEAD('X-A: a\0b', length) + BODY],
    ['a header without a name', HEAD(': x', length) + BODY],
    ['a header without a colon', HEAD('Idempotency-Key', length) + BODY],
    ['HTTP/3.0', HEAD(length).replace('HTTP/1.1', 'HTTP/3.0') + BODY],
    ['two versions', HEAD(length).replace('HTTP/1.1', 'HTTP/1.1 HTTP/1.1') + BODY],
    ['a preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ];
  for (const [what, bytes] of framed) assertRefused(await sendBytes(bytes), what, AMBIGUOUS);
});

test('methods that are no calls are refused', async () => {
  for (const method of ['HEAD', 'PUT', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND', 'MKCOL']) {
    const { answer, reached } = await send({ method, body: '', headers: [] });
    assert.deepEqual([answer.status, reached], [400, []], method);
    assert.equal(answer.headers.get('x-keybrake-reason'), 'request_ambiguous');
  }
  const tunnel = `CONNECT api.stripe.com:443 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${wire.open}\r\n\r\n`;
  assertRefused(await sendBytes(tunnel), 'CONNECT', AMBIGUOUS);
  assertRefused(await send({ headers: [FORM, 'Expect: the-impossible'] }), 'Expect', AMBIGUOUS);
});

test('framing with one reading reaches the vendor as one plain body', async () => {
  const chunked = 'Transfer-Encoding: chunked';
  const framed: [string, string][] = [
    ['chunks', HEAD('Connection: close', chunked) + CHUNKED],
    ['many chunks', HEAD('Connection: close', chunked) + chunksOf(BODY)],
    ['chunk extensions', HEAD('Connection: close', chunked) + CHUNKED.replace('17', '17;a=b;c')],
    [
      'trailers',
      HEAD('Connection: close', chunked) +
        CHUNKED.replace(/\r\n$/, 'Idempotency-Key: x\r\nAuthorization: Bearer x\r\n\r\n'),
    ],
    ['HTTP/1.0', HEAD(`Content-Length: ${BODY.length}`).replace('HTTP/1.1', 'HTTP/1.0') + BODY],
    ['Expect', bytesOf({ headers: [FORM, 'Expect: 100-continue'] })],
    ['Upgrade', bytesOf({ headers: [FORM, 'Upgrade: h2c, websocket'] })],
    ['an empty line before', `\r\n${bytesOf({})}`],
  ];
  for (const [what, bytes] of framed) {
    const { received, row } = await assertPassed(await sendBytes(bytes), what);
    assert.equal(received.body, BODY, what);
    assert.equal(received.headers['content-length'], String(BODY.length), what);
    assert.equal(received.headers['transfer-encoding'], undefined, what);
    assert.equal(received.headers.upgrade, undefined, what);
    assert.notEqual(received.idempotencyKey, 'x', `${what}: a trailer was taken for a header`);
    assert.equal(row.amount, 100, what);
  }
});

function chunksOf(text: string): string {
  return `${[...text].map((char) => `1\r\n${char}\r\n`).join('')}0\r\n\r\n`;
}

test('a request inside the body of another is a body, and nothing else', async () => {
  const inner = bytesOf({ body: 'amount=99900&currency=usd' });
  const body = `amount=100&currency=usd&description=${encodeURIComponent(inner.replace(wire.open, 'x'))}`;
  assert.equal((await assertPassed(await send({ body }), 'encoded')).received.body, body);
  assertRefused(await send({ body: `${BODY}\r\n\r\n${inner}` }), 'raw', AMBIGUOUS);
  // Longer than its content-length: the rest is a second request, with a row and a price of its own.
  const { stripe } = wire.server.sandbox;
  const before = stripe.received.length;
  const both = bytesOf({}).replace('Connection: close\r\n', '') + inner;
  const answers = await exchange(wire.server.url, both);
  const reached = stripe.received.slice(before);
  assert.deepEqual(
    reached.map(({ body }) => body),
    [BODY, 'amount=99900&currency=usd'],
  );
  const rows = await Promise.all(answers.map(rowOf));
  assert.deepEqual(
    rows.map(({ amount }) => amount),
    [100, 99900],
  );
});
