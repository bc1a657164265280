/** Each fault does what it says to the caller, and to the money. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { Fault } from '../../src/sandbox/faults.ts';
import { failure, paying, raw, start } from './client.ts';

const PATH = '/v1/payment_intents';
const BODY = 'amount=2900&currency=usd&confirm=true&payment_method=pm_card_visa';
const KEY = { 'idempotency-key': 'k' };

/** Sends one payment under a fault; `moved` tells whether the vendor executed it. */
async function struck(t: Parameters<typeof start>[0], fault: Fault) {
  const { sandbox } = await start(t);
  const handle = sandbox.faults.next({ do: fault });
  const outcome = await raw(sandbox, 'POST', PATH, BODY, KEY).catch((error: Error) => error);
  assert.equal(handle.hits, 1);
  assert.equal(sandbox.stripe.received[0]!.fault, fault.kind);
  return { sandbox, outcome, moved: sandbox.stripe.movedCents() };
}

function replied<Outcome>(outcome: Outcome | Error): Outcome {
  assert.ok(!(outcome instanceof Error), String(outcome));
  return outcome;
}

test('a status in front of the vendor: nothing executed, the key stays free', async (t) => {
  const { sandbox, outcome, moved } = await struck(t, { kind: 'status', status: 503 });
  assert.equal(replied(outcome).status, 503);
  assert.equal(JSON.parse(replied(outcome).body).error.type, 'api_error');
  assert.equal(moved, 0n);
  assert.equal((await raw(sandbox, 'POST', PATH, BODY, KEY)).status, 200);
  assert.equal(sandbox.stripe.movedCents(), 2900n);
});

test('a status after execution: the money moved, and a retry is told so', async (t) => {
  const { sandbox, outcome, moved } = await struck(t, {
    kind: 'status',
    status: 502,
    executes: true,
  });
  assert.equal(replied(outcome).status, 502);
  assert.equal(moved, 2900n);
  const retry = await raw(sandbox, 'POST', PATH, BODY, KEY);
  assert.equal(retry.headers['idempotent-replayed'], 'true');
  assert.equal(sandbox.stripe.movedCents(), 2900n);
});

test('a rate limit is one to the SDK', async (t) => {
  const { sandbox, stripe } = await start(t);
  sandbox.faults.next({ do: { kind: 'status', status: 429 } });
  const error = await failure(stripe.paymentIntents.create(paying(100)));
  assert.equal(error.type, 'StripeRateLimitError');
  assert.equal(error.headers?.['stripe-rate-limited-reason'], 'global-rate');
  assert.equal(sandbox.stripe.executions, 0);
});

for (const reset of [false, true]) {
  test(`a hang-up before execution moves nothing, after it everything (reset ${reset})`, async (t) => {
    const before = await struck(t, { kind: 'hangup', at: 'before', reset });
    assert.ok(before.outcome instanceof Error);
    assert.equal(before.moved, 0n);
    const after = await struck(t, { kind: 'hangup', at: 'after', reset });
    assert.ok(after.outcome instanceof Error);
    assert.equal(after.moved, 2900n);
    assert.equal(after.sandbox.stripe.received[0]!.status, null);
    const retry = await raw(after.sandbox, 'POST', PATH, BODY, KEY);
    assert.equal(retry.headers['idempotent-replayed'], 'true');
  });
}

/** A request over fetch whose reply can be read piece by piece. */
async function open(sandbox: { stripeUrl: string; secret: string }, signal?: AbortSignal) {
  const headers = {
    authorization: `Bearer ${sandbox.secret}`,
    'content-type': 'application/x-www-form-urlencoded',
  };
  return fetch(sandbox.stripeUrl + PATH, {
    method: 'POST',
    headers,
    body: BODY,
    redirect: 'manual',
    signal: signal ?? null,
  });
}

test('a hang-up half-way: the head and half of the promised body arrive', async (t) => {
  const { sandbox } = await start(t);
  sandbox.faults.next({ do: { kind: 'hangup', at: 'midway' } });
  const reply = await open(sandbox);
  assert.equal(reply.status, 200);
  let bytes = 0;
  await assert.rejects(async () => {
    for await (const chunk of reply.body!) bytes += chunk.length;
  });
  assert.equal(bytes, Math.floor(Number(reply.headers.get('content-length')) / 2));
  assert.equal(sandbox.stripe.movedCents(), 2900n);
});

test('a stall never answers: before execution no money, after it the money has moved', async (t) => {
  for (const [at, cents] of [
    ['before', 0n],
    ['after', 2900n],
  ] as const) {
    const { sandbox } = await start(t);
    const stall = sandbox.faults.next({ match: { method: 'POST' }, do: { kind: 'stall', at } });
    const abort = new AbortController();
    let ended = false;
    const call = open(sandbox, abort.signal).finally(() => {
      ended = true;
    });
    while (stall.hits === 0) await new Promise(setImmediate);
    // Others are served while the first hangs.
    assert.equal((await raw(sandbox, 'GET', '/v1/balance')).status, 200);
    assert.equal(ended, false);
    assert.equal(sandbox.stripe.movedCents(), cents);
    abort.abort();
    await assert.rejects(call);
  }
});

test('a slow body arrives whole, in pieces', async (t) => {
  const { sandbox } = await start(t);
  sandbox.faults.next({ do: { kind: 'slowBody', bytes: 200, everyMs: 5 } });
  const reply = await open(sandbox);
  const pieces: Uint8Array[] = [];
  for await (const chunk of reply.body!) pieces.push(chunk);
  assert.ok(pieces.length > 1);
  const text = Buffer.concat(pieces).toString();
  assert.equal(JSON.parse(text).status, 'succeeded');
});

test('garbage of each kind, after the money has moved', async (t) => {
  const text = await struck(t, { kind: 'garbage', as: 'text' });
  assert.equal(replied(text.outcome).status, 200);
  assert.throws(() => JSON.parse(replied(text.outcome).body));
  const empty = await struck(t, { kind: 'garbage', as: 'empty' });
  assert.equal(replied(empty.outcome).body, '');
  const wrong = await struck(t, { kind: 'garbage', as: 'wrong_type' });
  assert.equal(JSON.parse(replied(wrong.outcome).body).amount, 'much');
  const broken = await struck(t, { kind: 'garbage', as: 'broken_http' });
  assert.match(String(broken.outcome), /Parse Error/);
  const header = await struck(t, { kind: 'garbage', as: 'huge_header' });
  assert.match(String(header.outcome), /Header overflow/);
  for (const { moved } of [text, empty, wrong, broken, header]) assert.equal(moved, 2900n);
  const spared = await struck(t, { kind: 'garbage', as: 'text', executes: false });
  assert.equal(spared.moved, 0n);
});

test('an absurd length: the body comes, the end never does', async (t) => {
  const { sandbox } = await start(t);
  sandbox.faults.next({ do: { kind: 'garbage', as: 'absurd_length' } });
  const reply = await open(sandbox);
  assert.equal(reply.headers.get('content-length'), '1099511627776');
  const reader = reply.body!.getReader();
  const { value } = await reader.read();
  assert.match(Buffer.from(value!).toString(), /"succeeded"/);
  await reader.cancel();
});

test('a redirect, a cookie and an unasked compression', async (t) => {
  const redirect = await struck(t, { kind: 'redirect', location: 'http://127.0.0.1:9/elsewhere' });
  assert.equal(replied(redirect.outcome).status, 302);
  assert.equal(replied(redirect.outcome).headers.location, 'http://127.0.0.1:9/elsewhere');
  assert.equal(redirect.moved, 0n);
  const headers = { 'Set-Cookie': ['a=1', 'b=2'] };
  const cookie = await struck(t, { kind: 'headers', headers });
  assert.deepEqual(replied(cookie.outcome).headers['set-cookie'], ['a=1', 'b=2']);
  const gzip = await struck(t, { kind: 'gzip' });
  assert.equal(replied(gzip.outcome).headers['content-encoding'], 'gzip');
  const plain = gunzipSync(Buffer.from(replied(gzip.outcome).body, 'latin1')).toString();
  assert.equal(JSON.parse(plain).status, 'succeeded');
});

test('a fault strikes what it matches, as often as it was asked to', async (t) => {
  const { sandbox } = await start(t);
  const rule = sandbox.faults.next({
    match: { method: 'POST', pathPrefix: PATH, bodyIncludes: 'amount=77' },
    count: 2,
    do: { kind: 'status', status: 503 },
  });
  const post = async (amount: number) =>
    (await raw(sandbox, 'POST', PATH, `amount=${amount}&currency=usd`)).status;
  assert.equal((await raw(sandbox, 'GET', PATH)).status, 200);
  assert.deepEqual(
    [await post(100), await post(77), await post(77), await post(77)],
    [200, 503, 503, 200],
  );
  assert.equal(rule.hits, 2);
  const always = sandbox.faults.next({ count: 'always', do: { kind: 'status', status: 500 } });
  assert.deepEqual([await post(100), await post(100)], [500, 500]);
  always.cancel();
  assert.equal(await post(100), 200);
});

test('chance is the same chance for the same seed', async (t) => {
  const { sandbox } = await start(t);
  const run = async (seed: number) => {
    sandbox.faults.clear();
    const fault = { kind: 'status', status: 503 } as const;
    sandbox.faults.next({ count: 'always', probability: 0.5, seed, do: fault });
    const statuses: number[] = [];
    for (let i = 0; i < 24; i++) statuses.push((await raw(sandbox, 'GET', '/v1/balance')).status);
    return statuses.join();
  };
  const first = await run(7);
  assert.ok(first.includes('503') && first.includes('200'));
  assert.equal(await run(7), first);
  assert.notEqual(await run(8), first);
});

test('a fault by the name of a card: it pays, breaks off, and the retry finds the payment', async (t) => {
  const { sandbox } = await start(t);
  const body = BODY.replace('pm_card_visa', 'pm_card_sandboxHangup');
  await assert.rejects(raw(sandbox, 'POST', PATH, body, KEY));
  assert.equal((await raw(sandbox, 'POST', PATH, body, KEY)).status, 200);
  assert.equal(sandbox.stripe.movedCents(), 2900n);
});

test('a client that hangs up before its body is complete is received and not executed', async (t) => {
  const { sandbox } = await start(t);
  const { connect } = await import('node:net');
  const { hostname, port } = new URL(sandbox.stripeUrl);
  const socket = connect(Number(port), hostname);
  socket.write(
    `POST ${PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${sandbox.secret}\r\n` +
      `Content-Length: ${BODY.length}\r\n\r\n${BODY.slice(0, 20)}`,
  );
  while (sandbox.stripe.requests === 0) await new Promise(setImmediate);
  socket.destroy();
  await raw(sandbox, 'GET', '/v1/balance');
  assert.equal(sandbox.stripe.received[0]!.body, null);
  assert.equal(sandbox.stripe.executions, 0);
});
