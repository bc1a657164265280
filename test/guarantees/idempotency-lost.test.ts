/**
 * A call under an idempotency key whose request or answer was lost: sent again it is still one
 * execution, and where the vendor would execute it anew it is not sent again.
 */
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { UPSTREAM_LIMITS } from '../../src/proxy/forward.ts';
import { startSandbox } from '../../src/sandbox/server.ts';
import { paying, sdk } from '../sandbox/client.ts';
import { assertAgreement } from '../support/agreement.ts';
import { countStates, putAccount, removeAccount } from '../support/management.ts';
import { runWith, startRun } from '../support/run.ts';
import { assertCapHit, assertRefused, spendOf, start, startAt } from '../support/scene.ts';
import { assertReplayOf, HOUR_MS, KEY, lastingVendor, split, tenAtOnce } from './idempotency.ts';

test('a reply that was lost before a restart is found by the retry after it', async (t) => {
  const { vendor, restart } = await lastingVendor(t);
  const run = await startRun(t, await restart());
  vendor.faults.next({ do: { kind: 'hangup', at: 'after' } });
  assertRefused(await run.charge(2_900, KEY), 504, 'outcome_unknown');
  const after = await restart();
  assert.deepEqual(await spendOf(after, run.id), [0, 29]);
  const { first, copies } = split(await tenAtOnce(runWith(t, after, run)));
  assert.equal(first.status, 200);
  for (const copy of copies) assertReplayOf(first, copy);
  assert.equal(vendor.stripe.executions, 1);
  assert.deepEqual(await spendOf(after, run.id), [29, 0]);
  await assertAgreement(after, [run.id]);
});

test('a reply lost between vendor and proxy: the retry finds the first charge', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake);
  keybrake.sandbox.faults.next({ do: { kind: 'hangup', at: 'after' } });
  const lost = await run.charge(2_900, KEY);
  assertRefused(lost, 504, 'outcome_unknown');
  assert.equal(lost.headers['x-keybrake-cost-usd'], '29.00');
  assert.deepEqual(await spendOf(keybrake, run.id), [0, 29]);
  const { first, copies } = split(await tenAtOnce(run));
  assert.equal(first.status, 200);
  assert.equal(first.headers['idempotent-replayed'], 'true');
  for (const copy of copies) assertReplayOf(first, copy);
  assert.equal(keybrake.sandbox.stripe.executions, 1);
  assert.equal(keybrake.sandbox.stripe.requests, 2);
  const { rows, spent, held } = await assertAgreement(keybrake, [run.id]);
  assert.deepEqual([spent, held], [29_000_000n, 0n]);
  assert.deepEqual(countStates(rows), { settled: 1, replayed: 10 });
  assert.equal(rows[0]!.state, 'settled');
  assert.equal(rows[0]!.http_status, 200);
});

test('a request lost before it was carried out is carried out by the retry, under the same hold', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake, { total_usd_cap: 29 });
  keybrake.sandbox.faults.next({ do: { kind: 'hangup', at: 'before' } });
  assertRefused(await run.charge(2_900, KEY), 504, 'outcome_unknown');
  assertCapHit(await run.charge(50));
  assert.equal((await run.charge(2_900, KEY)).status, 200);
  assert.equal(keybrake.sandbox.stripe.executions, 1);
  assert.deepEqual(await spendOf(keybrake, run.id), [29, 0]);
  await assertAgreement(keybrake, [run.id]);
});

test("the SDK's own retry after a lost reply ends in one charge", async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake);
  keybrake.sandbox.faults.next({ do: { kind: 'hangup', at: 'after' } });
  const intent = await sdk(keybrake.url, run.vault_key, 2).paymentIntents.create(paying(2_900));
  assert.equal(intent.status, 'succeeded');
  assert.equal(keybrake.sandbox.stripe.executions, 1);
  const { spent } = await assertAgreement(keybrake, [run.id]);
  assert.equal(spent, 29_000_000n);
});

test('an unknown outcome older than the vendor remembers is never sent again', async (t) => {
  const { clock, keybrake } = await startAt(t, '2026-11-22T09:00:00Z');
  const run = await startRun(t, keybrake, { expires_in: '7d' });
  keybrake.sandbox.faults.next({ do: { kind: 'hangup', at: 'after' } });
  assertRefused(await run.charge(2_900, KEY), 504, 'outcome_unknown');
  for (const hours of [23, 1, 48]) {
    clock.advance(hours * HOUR_MS);
    await keybrake.ledger.prune(clock.now());
    const retry = await run.charge(2_900, KEY);
    assertRefused(retry, 504, 'outcome_unknown');
    assert.equal(retry.headers['x-keybrake-cost-usd'], '0.00');
  }
  assert.equal(keybrake.sandbox.stripe.requests, 1);
  assert.deepEqual(await spendOf(keybrake, run.id), [0, 29]);
  await assertAgreement(keybrake, [run.id], { unknown: true });
});

test('a caller that waited for the first one is not sent with an account removed meanwhile', async (t) => {
  const sandbox = await startSandbox();
  t.after(() => sandbox.close());
  const upstreamLimits = { ...UPSTREAM_LIMITS, replyMs: 1_500 };
  const keybrake = await start(t, { upstreamLimits });
  const account = { secret: sandbox.secret, base_url: sandbox.stripeUrl };
  await putAccount(keybrake, 'stripe', 'removed', account);
  const run = await startRun(t, keybrake, { account: 'removed' });
  const stall = sandbox.faults.next({ do: { kind: 'stall', at: 'after' } });
  const first = run.charge(2_900, KEY);
  while (stall.hits === 0) await nextTurn();
  const arrived = Promise.withResolvers<void>();
  const hear = (message: unknown) => {
    if ((message as { step: string }).step === 'understood') arrived.resolve();
  };
  subscribe('keybrake:step', hear);
  t.after(() => unsubscribe('keybrake:step', hear));
  const second = run.charge(2_900, KEY);
  await arrived.promise;
  await removeAccount(keybrake, 'stripe', 'removed');
  assertRefused(await first, 504, 'outcome_unknown');
  assertRefused(await second, 403, 'vendor_not_allowed');
  assert.equal(sandbox.stripe.requests, 1);
  assert.deepEqual(await spendOf(keybrake, run.id), [0, 29]);
});
