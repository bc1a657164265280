/**
 * No phantom refusals: a call that fits once the calls in front of it have given their holds back
 * waits its turn, and is refused only when it cannot fit any more, or after a few seconds.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAgreement } from '../support/agreement.ts';
import { countStates } from '../support/management.ts';
import { eachOf, startRun } from '../support/run.ts';
import { assertCapHit, capIn, spendOf, start } from '../support/scene.ts';

const CENT = 10_000n;
const DECLINED = { payment_method: 'pm_card_chargeDeclined' };

test('of 3,000 charges of which a third is declined, 200 at a time, the budget is spent to within one', async (t) => {
  const keybrake = await start(t, { sandbox: { latencyMs: { min: 0, max: 8 }, latencySeed: 3 } });
  // 2,000 of them would pay; the budget is for 1,500 and 50 cents.
  const run = await startRun(t, keybrake, { total_usd_cap: 1500.5 });
  const answers = await eachOf(Array.from({ length: 3_000 }), 200, (_, n) =>
    run.charge(100, n % 3 === 0 ? { fields: DECLINED } : {}),
  );
  const count = (status: number) => answers.filter((answer) => answer.status === status).length;
  assert.equal(count(200), 1_500);
  assert.equal(count(200) + count(402) + count(429), 3_000);
  for (const answer of answers) if (answer.status === 429) assertCapHit(answer);
  assert.equal(keybrake.sandbox.stripe.movedCents(), 150_000n);
  const { spent, held, rows } = await assertAgreement(keybrake, [run.id]);
  assert.deepEqual([spent, held], [150_000n * CENT, 0n]);
  // Whoever was refused came when all of the budget was spent: nobody was turned away too early.
  const refused = rows.filter(({ state }) => state === 'refused');
  assert.equal(refused.length, count(429));
  for (const { cap_usage_after_usd } of refused) assert.equal(cap_usage_after_usd, 1500);
  assert.deepEqual(Object.keys(countStates(rows)).sort(), ['refused', 'released', 'settled']);
});

test('calls that wait are served in the order in which they came', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake, { total_usd_cap: 10 });
  keybrake.sandbox.faults.next({ do: { kind: 'delay', delayMs: 400 } });
  const first = run.charge(1_000, { fields: DECLINED });
  await until(() => keybrake.sandbox.stripe.requests === 1);
  const waiting: Promise<unknown>[] = [];
  for (let n = 1; n <= 6; n++) {
    // Each takes the whole budget and gives it back, so that one after the other is sent.
    waiting.push(run.charge(1_000, { fields: { ...DECLINED, 'metadata[n]': n } }));
    // Each has reached the ledger before the next one sets out.
    await until(async () => (await waitingNow(keybrake.url)) === n);
  }
  assert.equal((await first).status, 402);
  await Promise.all(waiting);
  const order = keybrake.sandbox.stripe.received
    .slice(1)
    .map(({ body }) => /metadata%5Bn%5D=(\d)/.exec(body ?? '')?.[1]);
  assert.deepEqual(order, ['1', '2', '3', '4', '5', '6']);
});

test('a call whose holds in front do not come back is refused after the wait, with what is held', async (t) => {
  const keybrake = await start(t, { holdsMs: 200 });
  const run = await startRun(t, keybrake, { total_usd_cap: 10 });
  keybrake.sandbox.faults.next({ do: { kind: 'delay', delayMs: 3_000 } });
  const first = run.charge(1_000, { fields: DECLINED });
  await until(() => keybrake.sandbox.stripe.requests === 1);
  const late = await run.charge(500);
  assertCapHit(late);
  assert.equal(capIn(late).held, 1_000n * CENT);
  assert.ok(Number(late.headers['retry-after']) > 0, 'the holds may still come back');
  assert.equal((await first).status, 402);
  assert.equal((await run.charge(500)).status, 200);
});

test('a small call does not overtake a big one that came before it', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake, { total_usd_cap: 10 });
  keybrake.sandbox.faults.next({ do: { kind: 'delay', delayMs: 400 } });
  const first = run.charge(600, { fields: DECLINED });
  await until(() => keybrake.sandbox.stripe.requests === 1);
  const big = run.charge(900);
  await until(async () => (await waitingNow(keybrake.url)) === 1);
  // It would fit beside the first, and would leave the big one without its money.
  const small = await run.charge(300);
  assert.equal((await first).status, 402);
  assert.equal((await big).status, 200);
  assertCapHit(small);
});

test('a call that costs nothing and a repetition pass those that wait', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake, { total_usd_cap: 10 });
  const paid = await run.charge(100, { idempotencyKey: 'paid' });
  keybrake.sandbox.faults.next({ do: { kind: 'delay', delayMs: 1_500 } });
  const first = run.charge(900, { fields: DECLINED });
  await until(() => keybrake.sandbox.stripe.requests === 2);
  const waits = run.charge(800);
  await until(async () => (await waitingNow(keybrake.url)) === 1);
  assert.equal((await run.call({ method: 'GET', path: '/v1/balance' })).status, 200);
  const again = await run.charge(100, { idempotencyKey: 'paid' });
  assert.deepEqual(again.body, paid.body);
  assert.equal(await waitingNow(keybrake.url), 1, 'still waiting');
  assert.equal((await first).status, 402);
  assert.equal((await waits).status, 200);
});

test('a revoke ends the wait of those who wait for the key’s budget', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake, { total_usd_cap: 10 });
  keybrake.sandbox.faults.next({ do: { kind: 'delay', delayMs: 600 } });
  const first = run.charge(1_000, { fields: DECLINED });
  await until(() => keybrake.sandbox.stripe.requests === 1);
  const waits = run.charge(500);
  await until(async () => (await waitingNow(keybrake.url)) === 1);
  await fetch(`${keybrake.url}/vault/keys/${run.id}`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${keybrake.apiKey}` },
  });
  await first;
  assert.equal((await waits).code, 'key_revoked');
  assert.equal(keybrake.sandbox.stripe.requests, 1);
  assert.deepEqual(await spendOf(keybrake, run.id), [0, 0]);
});

/** Calls in the waiting room, as the server's metrics have it. */
async function waitingNow(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^keybrake_calls_waiting (\d+)$/m.exec(text)?.[1]);
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail('it never came to that');
}
