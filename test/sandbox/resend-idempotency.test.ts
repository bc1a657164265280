/** One key, one sending: the rules of Resend's own store of replies. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { email, resendOf, startStill } from './wire.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const withKey = (key: string) => ({ 'idempotency-key': key });

test('the same request again gets the same reply and sends nothing; so does a batch', async (t) => {
  const { sandbox } = await startStill(t);
  const call = resendOf(sandbox);
  const { to, ...rest } = email();
  const first = await call('POST', '/emails', email(), withKey('k'));
  const again = await call('POST', '/emails', { to, ...rest }, withKey('k'));
  assert.equal(first.status, 200);
  assert.equal(again.body, first.body);
  // Resend marks a replay in no way.
  assert.deepEqual(Object.keys(again.headers), Object.keys(first.headers));
  const batch = await call('POST', '/emails/batch', [email()], withKey('b'));
  assert.equal((await call('POST', '/emails/batch', [email()], withKey('b'))).body, batch.body);
  assert.deepEqual(sandbox.resend.total('billed'), { emails: 2n, recipients: 2n });
  assert.equal(sandbox.resend.executions, 2);
  assert.equal(sandbox.resend.replays, 2);
  assert.deepEqual(
    sandbox.resend.received.map(({ executed, replayed }) => [executed, replayed]),
    [
      [true, false],
      [false, true],
      [true, false],
      [false, true],
    ],
  );
});

test('without a key the same request twice is two e-mails', async (t) => {
  const { sandbox } = await startStill(t);
  const call = resendOf(sandbox);
  const first = await call('POST', '/emails', email());
  const second = await call('POST', '/emails', email());
  assert.notEqual(first.json.id, second.json.id);
  assert.equal(sandbox.resend.total('billed').emails, 2n);
});

test('another payload or another endpoint under a key is 409, and nothing is sent', async (t) => {
  const { sandbox } = await startStill(t);
  const call = resendOf(sandbox);
  await call('POST', '/emails', email(), withKey('k'));
  const payload = await call('POST', '/emails', email({ subject: 'Other' }), withKey('k'));
  assert.deepEqual([payload.status, payload.json.name], [409, 'invalid_idempotent_request']);
  const endpoint = await call('POST', '/emails/batch', [email()], withKey('k'));
  assert.deepEqual([endpoint.status, endpoint.json.name], [409, 'invalid_idempotent_request']);
  assert.equal(sandbox.resend.total('billed').emails, 1n);
});

test('a twin of a request that is being executed is 409, and one of them sends', async (t) => {
  const { sandbox } = await startStill(t);
  const call = resendOf(sandbox);
  const slow = sandbox.resendFaults.next({ do: { kind: 'delay', delayMs: 200 } });
  const first = call('POST', '/emails', email(), withKey('k'));
  while (slow.hits === 0) await new Promise(setImmediate);
  const twin = await call('POST', '/emails', email(), withKey('k'));
  assert.deepEqual([twin.status, twin.json.name], [409, 'concurrent_idempotent_requests']);
  const winner = await first;
  assert.equal(winner.status, 200);
  assert.equal((await call('POST', '/emails', email(), withKey('k'))).body, winner.body);
  assert.equal(sandbox.resend.executions, 1);
});

test('after 24 hours a key is new again', async (t) => {
  const { sandbox, clock } = await startStill(t);
  const call = resendOf(sandbox);
  const first = await call('POST', '/emails', email(), withKey('k'));
  clock.advance(DAY_MS - 1);
  assert.equal((await call('POST', '/emails', email(), withKey('k'))).body, first.body);
  clock.advance(1);
  assert.notEqual((await call('POST', '/emails', email(), withKey('k'))).body, first.body);
  assert.equal(sandbox.resend.total('billed').emails, 2n);
});

test('a key has 1 to 256 characters; what failed validation leaves it free', async (t) => {
  const { sandbox } = await startStill(t);
  const call = resendOf(sandbox);
  for (const key of ['', 'k'.repeat(257)]) {
    const { status, json } = await call('POST', '/emails', email(), withKey(key));
    assert.deepEqual([status, json.name], [400, 'invalid_idempotency_key']);
  }
  const key = 'k'.repeat(256);
  assert.equal((await call('POST', '/emails', email({ to: 'x' }), withKey(key))).status, 422);
  assert.equal((await call('POST', '/emails', email(), withKey(key))).status, 200);
  // Elsewhere a key means nothing.
  assert.equal((await call('POST', '/api-keys', { name: 'a' }, withKey(key))).status, 201);
  assert.equal(sandbox.resend.executions, 2);
});

test('after a reset the vendor knows no key', async (t) => {
  const { sandbox } = await startStill(t);
  const call = resendOf(sandbox);
  const first = await call('POST', '/emails', email(), withKey('k'));
  sandbox.resend.reset();
  const again = await call('POST', '/emails', email(), withKey('k'));
  assert.notEqual(again.body, first.body);
  assert.equal(sandbox.resend.accepted().emails, 1n);
});
