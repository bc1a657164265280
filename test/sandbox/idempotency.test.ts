/** One key, one execution: the rules of Stripe's own store of replies. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure, paying, raw, start } from './client.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const PATH = '/v1/payment_intents';
const BODY = 'amount=2900&currency=usd&confirm=true&payment_method=pm_card_visa';
const withKey = (key: string) => ({ 'idempotency-key': key });

test('the same request again is answered with the stored reply, byte for byte, and moves nothing', async (t) => {
  const { sandbox } = await start(t);
  const first = await raw(sandbox, 'POST', PATH, BODY, withKey('k1'));
  const reordered = 'currency=usd&%61mount=2900&payment_method=pm_card_visa&confirm=true';
  for (const body of [BODY, reordered]) {
    const again = await raw(sandbox, 'POST', PATH, body, withKey('k1'));
    assert.equal(again.status, 200);
    assert.equal(again.body, first.body);
    assert.equal(again.headers['idempotent-replayed'], 'true');
    assert.equal(again.headers['original-request'], first.headers['request-id']);
    assert.notEqual(again.headers['request-id'], first.headers['request-id']);
  }
  assert.equal(first.headers['idempotent-replayed'], undefined);
  assert.equal(first.headers['idempotency-key'], 'k1');
  assert.equal(first.headers['stripe-should-retry'], 'false');
  assert.equal(sandbox.stripe.movedCents(), 2900n);
  assert.equal(sandbox.stripe.executions, 1);
  assert.equal(sandbox.stripe.replays, 2);
  const log = sandbox.stripe.received.map(({ executed, replayed }) => ({ executed, replayed }));
  assert.deepEqual(log[0], { executed: true, replayed: false });
  assert.deepEqual(log[1], { executed: false, replayed: true });
});

test('a decline is stored too: the same card error again, no second attempt', async (t) => {
  const { sandbox, stripe } = await start(t);
  const params = paying(2900, { payment_method: 'pm_card_chargeDeclined' });
  const first = await failure(stripe.paymentIntents.create(params, { idempotencyKey: 'k' }));
  const again = await failure(stripe.paymentIntents.create(params, { idempotencyKey: 'k' }));
  assert.equal(again.payment_intent?.id, first.payment_intent?.id);
  assert.equal(again.headers?.['idempotent-replayed'], 'true');
  assert.equal(sandbox.stripe.executions, 1);
});

test('other parameters or another endpoint under a key: 400, nothing executed', async (t) => {
  const { sandbox, stripe } = await start(t);
  const pi = await stripe.paymentIntents.create(paying(2900), { idempotencyKey: 'k' });
  const params = await failure(stripe.paymentIntents.create(paying(2901), { idempotencyKey: 'k' }));
  assert.equal(params.statusCode, 400);
  assert.equal(params.type, 'StripeIdempotencyError');
  assert.match(params.message, /same parameters/);
  const refund = { payment_intent: pi.id };
  const endpoint = await failure(stripe.refunds.create(refund, { idempotencyKey: 'k' }));
  assert.match(endpoint.message, /'\/v1\/refunds' vs '\/v1\/payment_intents'/);
  assert.equal(sandbox.stripe.movedCents(), 2900n);
  assert.equal(sandbox.stripe.refundedCents(), 0n);
});

test('a twin of a request that is being executed is 409, and one of them executes', async (t) => {
  const { sandbox } = await start(t);
  sandbox.faults.next({ do: { kind: 'delay', delayMs: 100 } });
  const first = raw(sandbox, 'POST', PATH, BODY, withKey('k'));
  let twin = await raw(sandbox, 'POST', PATH, BODY, withKey('k'));
  const reply = await first;
  // Whichever reached the vendor first was delayed; the other met its lock.
  const winner = reply.status === 200 ? reply : twin;
  if (winner === twin) twin = reply;
  assert.equal(winner.status, 200);
  assert.equal(twin.status, 409);
  assert.equal(JSON.parse(twin.body).error.code, 'idempotency_key_in_use');
  assert.equal(twin.headers['stripe-should-retry'], 'true');
  assert.equal(sandbox.stripe.executions, 1);
  const later = await raw(sandbox, 'POST', PATH, BODY, withKey('k'));
  assert.equal(later.body, winner.body);
});

test('after 24 hours a key is new again', async (t) => {
  let now = 1_800_000_000_000;
  const { sandbox } = await start(t, { clock: { now: () => now } });
  const first = await raw(sandbox, 'POST', PATH, BODY, withKey('k'));
  now += DAY_MS - 1;
  assert.equal((await raw(sandbox, 'POST', PATH, BODY, withKey('k'))).body, first.body);
  now += 1;
  const after = await raw(sandbox, 'POST', PATH, BODY, withKey('k'));
  assert.notEqual(after.body, first.body);
  assert.equal(after.headers['idempotent-replayed'], undefined);
  assert.equal(JSON.parse(after.body).created, now / 1000);
  assert.equal(sandbox.stripe.movedCents(), 5800n);
});

test('what failed validation or authentication leaves the key free', async (t) => {
  const { sandbox } = await start(t);
  const invalid = await raw(sandbox, 'POST', PATH, 'amount=1&currency=usd', withKey('k'));
  assert.equal(invalid.status, 400);
  const authorization = 'Bearer wrong';
  const stranger = await raw(sandbox, 'POST', PATH, BODY, { ...withKey('k'), authorization });
  assert.equal(stranger.status, 401);
  assert.equal((await raw(sandbox, 'POST', PATH, BODY, withKey('k'))).status, 200);
  const tooLong = await raw(sandbox, 'POST', PATH, BODY, withKey('k'.repeat(256)));
  assert.equal(tooLong.status, 400);
  assert.equal(sandbox.stripe.executions, 1);
});

test('a key belongs to the account, and only to POST', async (t) => {
  const { sandbox } = await start(t);
  await raw(sandbox, 'POST', PATH, BODY, withKey('k'));
  const other = { ...withKey('k'), 'stripe-account': 'acct_2' };
  const elsewhere = await raw(sandbox, 'POST', PATH, BODY, other);
  assert.equal(elsewhere.headers['idempotent-replayed'], undefined);
  assert.equal((await raw(sandbox, 'GET', PATH, '', withKey('k'))).status, 200);
  assert.equal(sandbox.stripe.executions, 2);
});

test('a vendor that breaks while executing gives the same 500 to every retry', async (t) => {
  const { sandbox } = await start(t);
  sandbox.faults.next({ do: { kind: 'status', status: 500, executes: true, stored: true } });
  const first = await raw(sandbox, 'POST', PATH, BODY, withKey('k'));
  const again = await raw(sandbox, 'POST', PATH, BODY, withKey('k'));
  assert.equal(first.status, 500);
  assert.equal(again.status, 500);
  assert.equal(again.body, first.body);
  assert.equal(sandbox.stripe.movedCents(), 2900n);
  assert.equal(sandbox.stripe.executions, 1);
});
