/**
 * A task that a queue tries again does not charge again, though its SDK makes a new idempotency key
 * for each try: the vendor's books say how often it was charged.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { paying, sdk } from '../sandbox/client.ts';
import type { Keybrake } from '../support/keybrake.ts';
import { auditRows, countStates } from '../support/management.ts';
import { type CallOptions, charging, type Run, startRun } from '../support/run.ts';
import { spendOf, start } from '../support/scene.ts';

/** What a task's retry looks like from here: the same call, the next attempt, a new key. */
function taskOf(url: string, run: Run) {
  const stripe = sdk(url, run.vault_key);
  return (attempt: number, taskId = 'task-1') =>
    stripe.paymentIntents.create(paying(700), {
      headers: { 'X-Keybrake-Task-Id': taskId, 'X-Keybrake-Attempt': String(attempt) },
    });
}

test('a task that failed after its charge gets that charge’s reply on its next attempt', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake);
  const charge = taskOf(keybrake.url, run);
  const first = await charge(0);
  const again = await charge(1);
  assert.equal(again.id, first.id);
  assert.equal(again.lastResponse.headers['x-keybrake-replayed'], 'true');
  const keys = keybrake.sandbox.stripe.received.map(({ idempotencyKey }) => idempotencyKey);
  assert.equal(keys.length, 1);
  assert.equal(keybrake.sandbox.stripe.movedCents(), 700n);
  assert.deepEqual(await spendOf(keybrake, run.id), [7, 0]);
});

test('a task whose reply was lost is sent again with the first key, and is charged once', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake);
  const charge = taskOf(keybrake.url, run);
  keybrake.sandbox.faults.next({ do: { kind: 'hangup', at: 'after' } });
  await assert.rejects(charge(0), /no whole reply/);
  const again = await charge(1);
  assert.equal(again.status, 'succeeded');
  const [one, two] = keybrake.sandbox.stripe.received;
  assert.equal(two?.idempotencyKey, one?.idempotencyKey, 'the vendor knows it again');
  assert.equal(keybrake.sandbox.stripe.executions, 1);
  assert.deepEqual(await spendOf(keybrake, run.id), [7, 0]);
  const rows = await auditRows(keybrake, { key: run.id });
  assert.deepEqual(countStates(rows), { settled: 1, replayed: 1 });
  assert.notEqual(rows[0]?.idempotency_key, rows[1]?.idempotency_key, 'the row has what was sent');
});

/** The only attempt of a task, as often as its broker delivers it. */
const delivered = (idempotencyKey?: string): CallOptions => ({
  fields: charging(700),
  headers: { 'X-Keybrake-Task-Id': 'task-1', 'X-Keybrake-Attempt': '0' },
  path: '/v1/payment_intents',
  ...(idempotencyKey !== undefined && { idempotencyKey }),
});

/** The worker that makes the call dies while the vendor has it in its hands. */
async function dies(keybrake: Keybrake, run: Run, call: CallOptions): Promise<void> {
  const fault = keybrake.sandbox.faults.next({ do: { kind: 'delay', delayMs: 200 } });
  const { sent, body } = run.open(call);
  const closed = new Promise((resolve) => sent.on('error', resolve));
  sent.end(body);
  while (fault.hits === 0) await nextTurn();
  sent.destroy();
  await closed;
  // A way there and back, by which the server has seen that the client is gone.
  assert.deepEqual(await spendOf(keybrake, run.id), [0, 7]);
}

test('a task whose worker died while the vendor worked is charged once, when its broker delivers it again', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake);
  await dies(keybrake, run, delivered('made by the SDK'));
  // The same attempt, and a key of the SDK's making.
  const again = await run.call(delivered('made anew'));
  assert.equal(again.headers['x-keybrake-replayed'], 'true');
  assert.equal(keybrake.sandbox.stripe.executions, 1);
  // That was heard, so the next one like it is a second charge of the task.
  assert.equal((await run.call(delivered())).headers['x-keybrake-replayed'], undefined);
  assert.equal(keybrake.sandbox.stripe.movedCents(), 1400n);
  assert.deepEqual(await spendOf(keybrake, run.id), [14, 0]);
});

test('a task whose worker died while it tried a lost call again is charged once all the same', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake);
  keybrake.sandbox.faults.next({ do: { kind: 'hangup', at: 'after' } });
  assert.equal((await run.call(delivered('made by the SDK'))).status, 504);
  await dies(keybrake, run, delivered('made by the SDK'));
  const again = await run.call(delivered('made anew'));
  assert.equal(again.headers['x-keybrake-replayed'], 'true');
  assert.equal(keybrake.sandbox.stripe.executions, 1);
  assert.deepEqual(await spendOf(keybrake, run.id), [7, 0]);
});

test('two tasks that pay the same are two charges, and so are two calls of one attempt', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake);
  const charge = taskOf(keybrake.url, run);
  await charge(0, 'task-1');
  await charge(0, 'task-1');
  await charge(0, 'task-2');
  assert.equal(keybrake.sandbox.stripe.executions, 3);
  await charge(1, 'task-1');
  await charge(1, 'task-1');
  await charge(1, 'task-2');
  assert.equal(keybrake.sandbox.stripe.executions, 3);
  await charge(1, 'task-1');
  assert.equal(keybrake.sandbox.stripe.executions, 4, 'one more than the attempt before had made');
});
