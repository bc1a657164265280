/**
 * Guarantee: a call that is wrong is refused in the vendor's own error shape, with what is wrong and
 * what to do; nothing of it reaches the vendor, and nothing is counted. The management API's bad
 * input is in test/control/.
 */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import Stripe from 'stripe';
import { newVaultKey } from '../../src/ids.ts';
import { type Keybrake, startKeybrake } from '../support/keybrake.ts';
import { type AuditRow, auditRows, issueKey, keySpend } from '../support/management.ts';
import { exchange, type Piece, type RawAnswer } from '../support/raw-http.ts';

/** Short times, so that a slow request is given up soon. */
const LIMITS = { headerBytes: 16 * 1024, headersMs: 250, requestMs: 500, keepAliveMs: 250 };

let server: Keybrake;
let key: { id: string; vault_key: string };
before(async () => {
  server = await startKeybrake({ serverLimits: LIMITS });
  key = await issueKey(server, { total_usd_cap: 1_000 });
});
after(() => server.close());

const FORM = 'Content-Type: application/x-www-form-urlencoded';
const BODY = 'amount=100&currency=usd';

function call(
  authorization: string | null,
  more: { line?: string; headers?: string[]; body?: string; length?: number } = {},
): string {
  const { line = 'POST /v1/payment_intents HTTP/1.1', headers = [], body = BODY } = more;
  const head = [
    ...[line, 'Host: keybrake', 'Connection: close', FORM, ...headers],
    ...(authorization === null ? [] : [`Authorization: ${authorization}`]),
    `Content-Length: ${more.length ?? body.length}`,
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

const bearer = () => `Bearer ${key.vault_key}`;
const basic = (text: string) => `Basic ${Buffer.from(text, 'latin1').toString('base64')}`;

/** Sends it, and requires that the vendor saw nothing of it and that the key owes nothing for it. */
async function refusedBy(pieces: Piece | Piece[]): Promise<RawAnswer> {
  const { stripe } = server.sandbox;
  const [requests, spend] = [stripe.requests, await keySpend(server, key.id)];
  const [answer, ...more] = await exchange(server.url, pieces);
  assert.ok(answer, 'there is no answer');
  assert.deepEqual(more, []);
  assert.equal(stripe.requests, requests, `it reached the vendor: ${answer.body}`);
  const { spent_usd, held_usd } = await keySpend(server, key.id);
  assert.deepEqual([spent_usd, held_usd], [spend.spent_usd, spend.held_usd]);
  return answer;
}

/** As Stripe's SDKs need it: an `error` object, its code, and no retry. */
function assertRefusal(answer: RawAnswer, status: number, code: string, says: RegExp): void {
  assert.equal(answer.status, status, answer.body);
  const error = answer.json?.error as { code?: string; message?: string; type?: string };
  assert.equal(error?.code, code, answer.body);
  assert.equal(answer.headers.get('x-keybrake-reason'), code);
  assert.equal(answer.headers.get('content-type'), 'application/json');
  assert.equal(answer.headers.get('stripe-should-retry'), 'false');
  assert.match(error.message ?? '', says);
  assert.equal(typeof error.type, 'string');
}

async function newestRow(): Promise<AuditRow | undefined> {
  return (await auditRows(server, { key: key.id })).at(-1);
}

async function rowCount(): Promise<number> {
  return (await auditRows(server, {})).length;
}

// ---------------------------------------------------------------- credentials

test('a vault key that was cut off, altered or never issued is named as that', async () => {
  const whole = key.vault_key;
  const altered = whole.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
  const rows = await rowCount();
  for (const text of [
    ...[whole.slice(0, -1), whole.slice(0, 30), `${whole}x`, altered, whole.toUpperCase()],
    ...['vault_key_', 'vault_key_sandbox_', whole.replace('sandbox_', ''), `${whole}%20`],
  ].filter((text) => text.startsWith('vault_key_'))) {
    for (const authorization of [`Bearer ${text}`, basic(`${text}:`), basic(`AC1:${text}`)]) {
      const answer = await refusedBy(call(authorization));
      assertRefusal(answer, 401, 'key_unknown', /checksum does not match/);
    }
  }
  const answer = await refusedBy(call(`Bearer ${newVaultKey(true)}`));
  assertRefusal(answer, 401, 'key_unknown', /No such vault key was issued/);
  assert.equal(await rowCount(), rows, 'a row was written for nobody');
});

test('an Authorization without a vault key opens nothing', async () => {
  const whole = key.vault_key;
  for (const authorization of [
    ...[null, 'Bearer', 'Bearer ', whole, `Token ${whole}`, `Digest ${whole}`, `Bearer: ${whole}`],
    ...[`Bearer"${whole}"`, `Bearer "${whole}"`, `Bearer x ${whole}`, `Bearer Bearer ${whole}`],
    ...['Basic', 'Basic !!!', basic(''), basic(':'), basic('x:y'), `Basic ${whole}`, 'Bearer \xff'],
    ...[basic(`x:y:${whole}`), basic(` ${whole}:`), `Bearer sk_test_${'a'.repeat(24)}`],
    ...[`Bearer ${server.apiKey}`, `Bearer ${whole.replace('vault_key_', 'VAULT_KEY_')}`],
  ]) {
    const { status, json, body } = await refusedBy(call(authorization));
    assert.ok(status === 401 || status === 404, `${authorization}: ${status} ${body}`);
    assert.equal(json?.status, status, body);
    assert.ok(!body.includes(whole), 'the credential is written back');
  }
});

test('an SDK that was left without a vault key raises, and does not take the answer for a charge', async () => {
  const { hostname: host, port } = new URL(server.url);
  for (const apiKey of [`sk_${'live'}_51HabcDEFghiJKLmno`, 'x', server.apiKey]) {
    const stripe = new Stripe(apiKey, { host, port, protocol: 'http', maxNetworkRetries: 0 });
    for (const prefix of ['', '/stripe']) {
      const charge = stripe.rawRequest('POST', `${prefix}/v1/payment_intents`, { amount: 100 });
      await assert.rejects(charge, (error: Stripe.errors.StripeError) => {
        assert.ok(error instanceof Stripe.errors.StripeInvalidRequestError, String(error));
        assert.match(error.message, /needs a vault key/);
        assert.ok(!error.message.includes(apiKey));
        return true;
      });
    }
  }
});

test('with a vault key every path but /vault/self is a vendor call, those of the management API too', async () => {
  for (const path of [
    '/healthz',
    '/readyz',
    '/metrics',
    '/vault/openapi.json',
    '/vault/keys',
    '/',
  ]) {
    const line = `GET ${path} HTTP/1.1`;
    const answer = await refusedBy(call(bearer(), { line, body: '' }));
    // Stripe has no such path, so nobody has read what it would do.
    assertRefusal(answer, 403, 'endpoint_not_allowed', /not known to Keybrake/);
    assert.equal((await newestRow())?.path, path);
  }
  const [own] = await exchange(
    server.url,
    call(bearer(), { line: 'GET /vault/self HTTP/1.1', body: '' }),
  );
  assert.equal(own?.json?.id, key.id);
});

test('a vault key is taken as Bearer and as either half of Basic, and nothing else of it counts', async () => {
  const whole = key.vault_key;
  for (const authorization of [
    ...[`Bearer ${whole}`, `bearer ${whole}`, `BEARER  ${whole}`, `Bearer ${whole}~task 7`],
    ...[basic(`${whole}:`), basic(`${whole}:x`), basic(`AC1:${whole}`), basic(whole)],
    ...[basic(`${whole}~task 7:`), `Bearer ${whole}~`, `Bearer ${whole}~~`],
  ]) {
    const line = 'GET /v1/balance HTTP/1.1';
    const [answer] = await exchange(server.url, call(authorization, { line, body: '' }));
    assert.equal(answer?.status, 200, `${authorization}: ${answer?.body}`);
    const row = await newestRow();
    const task = /~(.+?):?$/.exec(decoded(authorization))?.[1] ?? null;
    assert.equal(row?.task_id, task, authorization);
  }
});

function decoded(authorization: string): string {
  const [scheme, rest = ''] = authorization.split(/ +(.*)/);
  return scheme === 'Basic' ? Buffer.from(rest, 'base64').toString() : rest;
}

// ---------------------------------------------------------------- size and time

test('a body over the limit is refused, whether its length is said or not', async () => {
  const limit = 1 << 20;
  const large = `amount=100&currency=usd&description=${'x'.repeat(limit)}`;
  const said = await refusedBy(call(bearer(), { body: large }));
  assertRefusal(said, 413, 'body_too_large', /over 1048576 bytes/);
  const chunk = `${large.length.toString(16)}\r\n${large}\r\n0\r\n\r\n`;
  const unsaid = call(bearer(), { body: chunk }).replace(
    /Content-Length: \d+/,
    'Transfer-Encoding: chunked',
  );
  assertRefusal(await refusedBy(unsaid), 413, 'body_too_large', /over 1048576 bytes/);
  // A length that is never sent: refused at once, without waiting for it.
  const promised = await refusedBy(call(bearer(), { length: 2 ** 40 }));
  assertRefusal(promised, 413, 'body_too_large', /over 1048576 bytes/);
  const row = await newestRow();
  assert.deepEqual(
    [row?.state, row?.verdict_reason, row?.amount],
    ['refused', 'body_too_large', null],
  );

  const exact = `${BODY}&description=`;
  const fits = exact + 'x'.repeat(limit - exact.length);
  const [answer] = await exchange(server.url, call(bearer(), { body: fits }));
  assert.equal(answer?.status, 200, 'a body of exactly the limit');
});

test('headers over the limit are refused before anything is read', async () => {
  const rows = await rowCount();
  for (const headers of [
    [`X-Filler: ${'x'.repeat(LIMITS.headerBytes)}`],
    Array.from({ length: 2_000 }, (_, i) => `X-${i}: filler`),
    [`X-Keybrake-Task-Id: ${'x'.repeat(LIMITS.headerBytes)}`],
  ]) {
    const answer = await refusedBy(call(bearer(), { headers }));
    assertRefusal(answer, 431, 'request_ambiguous', /headers are over 16384 bytes/);
  }
  const target = `/v1/customers/${'x'.repeat(9_000)}`;
  const long = await refusedBy(call(bearer(), { line: `GET ${target} HTTP/1.1`, body: '' }));
  assertRefusal(long, 400, 'request_ambiguous', /over 8,192 characters/);
  const [row, ...more] = (await auditRows(server, {})).slice(rows);
  assert.deepEqual(more, []);
  assert.ok(row!.path.length <= 256, 'the row keeps the whole of it');
});

test('headers that never end, and bodies that never come, are given up', async () => {
  const whole = call(bearer());
  const rows = await rowCount();
  const drops = (text: string): Piece[] => [...text].flatMap((char) => [char, { pauseMs: 40 }]);
  const head = whole.slice(0, whole.indexOf('\r\n\r\n'));
  const slow: [what: string, pieces: Piece[]][] = [
    ['headers that stop', [whole.slice(0, 60)]],
    ['headers that drip', drops(head.slice(0, 40))],
    ['nothing after a line', ['POST /v1/payment_intents HTTP/1.1\r\n']],
    ['a body that does not come', [`${head}\r\n\r\n`]],
    ['a body that stops', [whole.slice(0, -3)]],
    ['a body that drips', [`${head}\r\n\r\n`, ...drops(BODY)]],
  ];
  const { requests } = server.sandbox.stripe;
  await Promise.all(
    slow.map(async ([what, pieces]) => {
      const [answer] = await exchange(server.url, pieces);
      assert.ok(answer, `${what}: no answer`);
      assertRefusal(answer, 408, 'request_ambiguous', /took too long/);
    }),
  );
  assert.equal(server.sandbox.stripe.requests, requests, 'half a request reached the vendor');
  assert.equal(await rowCount(), rows, 'half a request has a row');
});

test('a client that hangs up inside its body leaves nothing behind', async () => {
  const [requests, rows] = [server.sandbox.stripe.requests, await rowCount()];
  const { hostname, port } = new URL(server.url);
  for (const reset of [false, true]) {
    const socket = connect(Number(port), hostname).on('error', () => undefined);
    const gone = new Promise((resolve) => socket.on('close', resolve));
    await new Promise((resolve) => socket.write(call(bearer()).slice(0, -3), resolve));
    if (reset) socket.resetAndDestroy();
    else socket.destroy();
    await gone;
  }
  // Another call after them: whatever the two did to the server has been done by its end.
  const line = 'GET /v1/balance HTTP/1.1';
  const [answer] = await exchange(server.url, call(bearer(), { line, body: '' }));
  assert.equal(answer?.status, 200);
  assert.equal(server.sandbox.stripe.requests, requests + 1);
  assert.equal(await rowCount(), rows + 1);
});

// ---------------------------------------------------------------- the address

test('a vendor that does not exist, and a path without one, are refused with what there is', async () => {
  for (const path of [
    '/twillio/2010-04-01/Accounts',
    '/paypal/v1/payments',
    '/',
    '/stripe',
    '/v3/x',
  ]) {
    const answer = await refusedBy(call(bearer(), { line: `POST ${path} HTTP/1.1` }));
    assertRefusal(answer, 403, 'endpoint_not_allowed', /not known to Keybrake/);
  }
  // The planes are told apart by the credential, so a vault key opens no management route.
  for (const path of ['/vault/keys', '/vault/calls', '/vault/self/', '/VAULT/self', '/metrics']) {
    const answer = await refusedBy(call(bearer(), { line: `POST ${path} HTTP/1.1`, body: '' }));
    assert.ok(answer.status === 400 || answer.status === 403, `${path}: ${answer.status}`);
    assert.ok(answer.json?.error, answer.body);
  }
});

test('methods that Stripe does not have are named', async () => {
  for (const method of ['PUT', 'PATCH', 'OPTIONS', 'TRACE', 'QUERY']) {
    const line = `${method} /v1/payment_intents HTTP/1.1`;
    const answer = await refusedBy(call(bearer(), { line }));
    assertRefusal(answer, 400, 'request_ambiguous', /no such method; use GET, POST, DELETE/);
  }
});

// ---------------------------------------------------------------- keys and tasks

test('an idempotency key that the vendor would not take is refused', async () => {
  for (const value of ['', ' ', 'x'.repeat(256), 'x'.repeat(300), 'a\tb', 'k\xe9y', '\xff']) {
    const answer = await refusedBy(call(bearer(), { headers: [`Idempotency-Key: ${value}`] }));
    assertRefusal(answer, 400, 'request_ambiguous', /Idempotency-Key must be 1 to 255 printable/);
    const row = await newestRow();
    assert.ok((row?.idempotency_key?.length ?? 0) <= 300);
  }
  const longest = 'x'.repeat(255);
  const [answer] = await exchange(
    server.url,
    call(bearer(), { headers: [`Idempotency-Key: ${longest}`] }),
  );
  assert.equal(answer?.status, 200);
  assert.equal(server.sandbox.stripe.received.at(-1)?.idempotencyKey, longest);
});

test('what a client says of its task is kept bounded and printable, and never refuses a call', async () => {
  const said: [header: string, field: keyof AuditRow, kept: unknown][] = [
    ['X-Keybrake-Task-Id: a\tb', 'task_id', 'a?b'],
    ['X-Keybrake-Task-Id: a\x85b', 'task_id', 'a?b'],
    [`X-Keybrake-Task-Id: ${'t'.repeat(5_000)}`, 'task_id', 't'.repeat(256)],
    ['X-Keybrake-Task-Id:', 'task_id', null],
    ['X-Keybrake-Task-Name: =cmd|x', 'task_name', '=cmd|x'],
    ['X-Agent-Run-Id: run 7', 'agent_run_id', 'run 7'],
    ['X-Keybrake-Attempt: 3', 'attempt', 3],
    ['X-Keybrake-Attempt: 0', 'attempt', 0],
    ['X-Keybrake-Attempt: -1', 'attempt', null],
    ['X-Keybrake-Attempt: 99999999999999999999', 'attempt', null],
    ['X-Keybrake-Attempt: 1e9', 'attempt', null],
    ['X-Keybrake-Attempt: NaN', 'attempt', null],
    ['traceparent: 00-zz', 'trace_id', null],
    [`traceparent: 00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, 'trace_id', 'a'.repeat(32)],
  ];
  for (const [header, field, kept] of said) {
    const options = { line: 'GET /v1/balance HTTP/1.1', headers: [header], body: '' };
    const [answer] = await exchange(server.url, call(bearer(), options));
    assert.equal(answer?.status, 200, header);
    assert.equal((await newestRow())?.[field], kept, header);
  }
});

test('what is no text is refused, or stays what it was', async () => {
  const bodies = [
    'amount=100&currency=usd&description=\xff',
    'amount=100&currency=usd&x=%ff',
    '\x00',
  ];
  for (const body of bodies) {
    assertRefusal(await refusedBy(call(bearer(), { body })), 400, 'request_ambiguous', /./);
  }
  const nested = `${BODY}&a${'[b]'.repeat(500)}=1`;
  assertRefusal(
    await refusedBy(call(bearer(), { body: nested })),
    400,
    'request_ambiguous',
    /deep/,
  );
  const prototype = `${BODY}&metadata[__proto__]=1&metadata[constructor]=2&constructor=3`;
  const [answer] = await exchange(server.url, call(bearer(), { body: prototype }));
  assert.equal(answer?.status, 200, answer?.body);
  assert.equal(server.sandbox.stripe.received.at(-1)?.body, prototype);
});
