/**
 * One idempotency key under one vault key is one execution at the vendor, however many callers,
 * retries and restarts there are, and everybody is given the same answer.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import Stripe from 'stripe';
import { startSandbox } from '../../src/sandbox/server.ts';
import { paying, sdk } from '../sandbox/client.ts';
import { assertAgreement, ownKeyOf } from '../support/agreement.ts';
import { changeKey, countStates } from '../support/management.ts';
import { type CallOptions, runWith, startRun } from '../support/run.ts';
import { assertCapHit, assertRefused, spendOf, start, startAt } from '../support/scene.ts';
import { assertReplayOf, HOUR_MS, KEY, lastingVendor, split, tenAtOnce } from './idempotency.ts';

const DECLINED = { payment_method: 'pm_card_chargeDeclined' };

test('ten callers with one key: one execution, ten answers equal byte for byte', async (t) => {
  const keybrake = await start(t, { sandbox: { latencyMs: 20 } });
  const run = await startRun(t, keybrake);
  const { first, copies } = split(await tenAtOnce(run));
  assert.equal(first.status, 200);
  assert.equal(first.headers['x-keybrake-cost-usd'], '29.00');
  assert.equal(copies.length, 9);
  for (const copy of copies) assertReplayOf(first, copy);
  assertReplayOf(first, await run.charge(2_900, KEY));
  assert.equal(keybrake.sandbox.stripe.requests, 1);
  const { rows, spent } = await assertAgreement(keybrake, [run.id]);
  assert.equal(spent, 29_000_000n);
  assert.deepEqual(countStates(rows), { settled: 1, replayed: 10 });
  const [id] = rows.filter(({ state }) => state === 'settled').map((row) => row.id);
  for (const row of rows) if (row.state === 'replayed') assert.equal(row.replay_of, id);
});

test('the same after a restart: ten more callers, the same answer, still one execution', async (t) => {
  const { vendor, restart } = await lastingVendor(t);
  const before = await restart();
  const run = await startRun(t, before);
  const first = await run.charge(2_900, KEY);
  const after = await restart();
  for (const answer of await tenAtOnce(runWith(t, after, run))) assertReplayOf(first, answer);
  assert.equal(vendor.stripe.requests, 1);
  assert.equal(vendor.stripe.movedCents(), 2_900n);
  await assertAgreement(after, [run.id]);
});

const OTHERS: [what: string, options: CallOptions & { cents?: number }][] = [
  ['another amount', { cents: 2_901 }],
  ['another field', { fields: { description: 'again' } }],
  ['another path', { path: '/v1/charges' }],
  ['a query', { path: '/v1/payment_intents?expand[]=customer' }],
  ['another version', { headers: { 'stripe-version': '2019-05-16' } }],
];

for (const [what, { cents = 2_900, ...options }] of OTHERS) {
  test(`${what} under a used key is a mismatch and is not sent`, async (t) => {
    const keybrake = await start(t);
    const run = await startRun(t, keybrake);
    assert.equal((await run.charge(2_900, KEY)).status, 200);
    const answer = await run.charge(cents, { ...KEY, ...options });
    assertRefused(answer, 400, 'idempotency_mismatch');
    assert.equal((answer.json.error as { type: string }).type, 'idempotency_error');
    assert.equal(keybrake.sandbox.stripe.requests, 1);
    await assertAgreement(keybrake, [run.id]);
  });
}

test('the same request spelled in another order and encoding is the same request', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake);
  const first = await run.charge(2_900, { ...KEY, fields: { description: 'a b' } });
  const body =
    'description=a%20b&payment_method=pm%5Fcard_visa&confirm=true&currency=%75sd&amount=2900';
  const headers = { 'content-length': String(body.length) };
  const { sent } = run.open({ ...KEY, headers });
  const second = await new Promise<Buffer>((resolve, reject) => {
    sent.on('error', reject);
    sent.on('response', async (reply) => {
      assert.equal(reply.headers['x-keybrake-replayed'], 'true');
      resolve(Buffer.concat(await reply.toArray()));
    });
    sent.end(body);
  });
  assert.deepEqual(second, first.body);
  assert.equal(keybrake.sandbox.stripe.requests, 1);
});

test('the official SDK raises its own idempotency error on a mismatch', async (t) => {
  const keybrake = await start(t);
  const stripe = sdk(keybrake.url, (await startRun(t, keybrake)).vault_key, 2);
  await stripe.paymentIntents.create(paying(2_900), KEY);
  await assert.rejects(
    stripe.paymentIntents.create(paying(3_000), KEY),
    Stripe.errors.StripeIdempotencyError,
  );
  assert.equal(keybrake.sandbox.stripe.requests, 1);
});

test('a key is taken for 24 hours and then new again', async (t) => {
  const { clock, keybrake } = await startAt(t, '2026-11-22T09:00:00Z');
  const run = await startRun(t, keybrake, { expires_in: '7d' });
  const first = await run.charge(2_900, KEY);
  clock.advance(24 * HOUR_MS - 1);
  assertReplayOf(first, await run.charge(2_900, KEY));
  clock.advance(1);
  const second = await run.charge(2_900, KEY);
  assert.equal(second.headers['x-keybrake-replayed'], undefined);
  assert.notDeepEqual(second.body, first.body);
  assertReplayOf(second, await run.charge(2_900, KEY));
  assert.equal(keybrake.sandbox.stripe.executions, 2);
  const { spent } = await assertAgreement(keybrake, [run.id]);
  assert.equal(spent, 58_000_000n);
});

test('a stored reply is removed after 24 hours and not before', async (t) => {
  const { clock, keybrake } = await startAt(t, '2026-11-22T09:00:00Z');
  const run = await startRun(t, keybrake, { expires_in: '7d' });
  const first = await run.charge(2_900, KEY);
  clock.advance(24 * HOUR_MS - 1);
  assert.equal(await keybrake.ledger.prune(clock.now()), 0);
  assertReplayOf(first, await run.charge(2_900, KEY));
  clock.advance(1);
  assert.equal(await keybrake.ledger.prune(clock.now()), 1);
  assert.equal((await run.charge(2_900, KEY)).headers['x-keybrake-replayed'], undefined);
  await assertAgreement(keybrake, [run.id]);
});

test('a key under another vault key is another identity; what the vendor replays itself costs nothing', async (t) => {
  const keybrake = await start(t);
  const [run, other] = [await startRun(t, keybrake), await startRun(t, keybrake)];
  await run.charge(2_900, KEY);
  const answer = await other.charge(2_900, KEY);
  assert.equal(answer.headers['x-keybrake-replayed'], undefined);
  assert.equal(answer.headers['idempotent-replayed'], 'true');
  assert.equal(answer.headers['x-keybrake-cost-usd'], '0.00');
  assert.equal(keybrake.sandbox.stripe.requests, 2);
  assert.equal(keybrake.sandbox.stripe.executions, 1);
  assert.deepEqual(await spendOf(keybrake, other.id), [0, 0]);
  // With other content it is the vendor that says no: Keybrake's answer would tell of the other run.
  const third = await startRun(t, keybrake);
  const clash = await third.charge(100, KEY);
  assert.equal(clash.status, 400);
  assert.equal(clash.headers['x-keybrake-reason'], undefined);
  assert.deepEqual(await spendOf(keybrake, third.id), [0, 0]);
  await assertAgreement(keybrake, [run.id, other.id, third.id]);
});

test('a decline is an answer like another: it is replayed', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake);
  const options = { ...KEY, fields: DECLINED };
  const first = await run.charge(2_900, options);
  assert.equal(first.status, 402);
  assertReplayOf(first, await run.charge(2_900, options));
  assert.equal(keybrake.sandbox.stripe.requests, 1);
  const { spent, held } = await assertAgreement(keybrake, [run.id]);
  assert.deepEqual([spent, held], [0n, 0n]);
});

for (const status of [400, 401, 409, 429]) {
  test(`a ${status} of the vendor is no execution: it is not kept, and the retry goes through`, async (t) => {
    const keybrake = await start(t);
    const run = await startRun(t, keybrake);
    keybrake.sandbox.faults.next({ do: { kind: 'status', status } });
    const first = await run.charge(2_900, KEY);
    assert.equal(first.status, status);
    assert.equal(first.headers['x-keybrake-reason'], undefined);
    assert.equal(first.headers['x-keybrake-cap-hit'], undefined);
    assert.deepEqual(await spendOf(keybrake, run.id), [0, 0]);
    const second = await run.charge(2_900, KEY);
    assert.equal(second.status, 200);
    assert.equal(second.headers['x-keybrake-replayed'], undefined);
    assert.equal(keybrake.sandbox.stripe.requests, 2);
    const { spent } = await assertAgreement(keybrake, [run.id]);
    assert.equal(spent, 29_000_000n);
  });
}

test('a refusal for the cap takes no key: raised, the same call goes through', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake, { total_usd_cap: 10 });
  assertCapHit(await run.charge(2_900, KEY));
  await changeKey(keybrake, run.id, { total_usd_cap: 30 });
  assert.equal((await run.charge(2_900, KEY)).status, 200);
  assertCapHit(await run.charge(2_900));
  assert.equal((await run.charge(2_900, KEY)).status, 200, 'a replay needs no room');
  assert.equal(keybrake.sandbox.stripe.executions, 1);
  await assertAgreement(keybrake, [run.id]);
});

test('a call in flight for longer than the wait: 409, to be retried, and the first goes on', async (t) => {
  const keybrake = await start(t, { coalesceMs: 20 });
  const run = await startRun(t, keybrake);
  const fault = keybrake.sandbox.faults.next({ do: { kind: 'delay', delayMs: 400 } });
  const call = run.charge(2_900, KEY);
  while (fault.hits === 0) await nextTurn();
  const twin = await run.charge(2_900, KEY);
  assertRefused(twin, 409, 'idempotency_in_flight');
  assert.equal(twin.headers['stripe-should-retry'], 'true');
  const first = await call;
  assert.equal(first.status, 200);
  assertReplayOf(first, await run.charge(2_900, KEY));
  assert.equal(keybrake.sandbox.stripe.requests, 1);
  await assertAgreement(keybrake, [run.id]);
});

test("a call without a key goes out under one of the proxy's own, a new one each time", async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake);
  const answers = await Promise.all([run.charge(2_900), run.charge(2_900)]);
  await run.call({ method: 'GET', path: '/v1/balance' });
  const keys = keybrake.sandbox.stripe.received.map(ownKeyOf);
  const ids = answers.map(({ headers }) => `keybrake-${headers['x-keybrake-call-id']}`);
  assert.deepEqual(keys.slice(0, 2).sort(), ids.sort());
  assert.deepEqual(keys[2], null);
  assert.equal(keybrake.sandbox.stripe.executions, 2);
  const { rows } = await assertAgreement(keybrake, [run.id]);
  for (const row of rows) assert.equal(row.idempotency_key, null);
});

test("two servers on one account never send each other's keys, also in the same millisecond", async (t) => {
  const sandbox = await startSandbox();
  t.after(() => sandbox.close());
  const settings = {
    KEYBRAKE_STRIPE_SECRET: sandbox.secret,
    KEYBRAKE_STRIPE_BASE_URL: sandbox.stripeUrl,
    KEYBRAKE_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
  };
  const ids = [];
  for (const _ of ['one', 'the other']) {
    const { keybrake } = await startAt(t, '2026-03-01T09:00:00Z', { settings });
    const run = await startRun(t, keybrake);
    const answer = await run.charge(2_900);
    assert.equal(answer.headers['x-keybrake-cost-usd'], '29.00', answer.body.toString());
    ids.push(answer.headers['x-keybrake-call-id']);
  }
  assert.equal(ids[0], ids[1], 'the test must have two calls of one id');
  assert.equal(sandbox.stripe.executions, 2);
});
