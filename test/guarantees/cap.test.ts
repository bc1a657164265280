/**
 * A cap holds in a burst, to the cent, and gives back what did not move. What the sandbox's own
 * books say of the money is the truth; keys, rows and answers are held against it.
 */
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Agent, type ClientRequest } from 'node:http';
import { type TestContext, test } from 'node:test';
import Stripe from 'stripe';
import { parseHandle } from '../../src/ids.ts';
import { seededRandom } from '../../src/sandbox/faults.ts';
import { assertAgreement, micros } from '../support/agreement.ts';
import { auditRows, changeKey, countStates, keySpend, ownSpend } from '../support/management.ts';
import { eachOf, idOf, startRun } from '../support/run.ts';
import { assertCapHit, assertRefused, capIn, spendOf, start, startAt } from '../support/scene.ts';

const USD = 1_000_000n;
const CENT = 10_000n;
const HOUR_MS = 3_600_000;
const DECLINED = { payment_method: 'pm_card_chargeDeclined' };

/** Counts the requests that node:http clients of this process begin with this vault key. */
function countAttempts(t: TestContext, vaultKey: string): () => number {
  let attempts = 0;
  const count = (message: unknown) => {
    const { request } = message as { request: ClientRequest };
    if (request.getHeader('authorization') === `Bearer ${vaultKey}`) attempts++;
  };
  subscribe('http.client.request.start', count);
  t.after(() => unsubscribe('http.client.request.start', count));
  return () => attempts;
}

test('of 3,000 charges, 200 at a time, the vendor sees what fits $500 and not a cent more', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake, { total_usd_cap: 500 });
  const attempts = countAttempts(t, run.vault_key);
  const httpAgent = new Agent({ keepAlive: true, maxSockets: 200 });
  t.after(() => httpAgent.destroy());
  const { hostname: host, port } = new URL(keybrake.url);
  const stripe = new Stripe(run.vault_key, {
    host,
    port: Number(port),
    protocol: 'http',
    telemetry: false,
    httpAgent,
  });
  const outcomes = await eachOf(Array.from({ length: 3_000 }), 200, (_, n) =>
    stripe.paymentIntents
      .create({ amount: 77, currency: 'usd', confirm: true, payment_method: 'pm_card_visa' })
      .then(
        (intent) => intent.status,
        (error) => ({ n, error: error as unknown }),
      ),
  );
  const paid = outcomes.filter((outcome) => outcome === 'succeeded');
  const refused = outcomes.filter((outcome) => typeof outcome === 'object');
  assert.equal(paid.length, 649); // 649 × 0.77 = 499.73
  assert.equal(refused.length, 3_000 - 649);
  for (const { n, error } of refused) {
    assert.ok(error instanceof Stripe.errors.StripeRateLimitError, `call ${n}: ${error}`);
    assert.equal(error.code, 'cap_exceeded');
    assert.equal(error.headers?.['x-keybrake-cap-hit'], 'true');
  }
  assert.equal(attempts(), 3_000, 'the SDK retried');
  assert.equal(keybrake.sandbox.stripe.requests, 649);
  assert.equal(keybrake.sandbox.stripe.movedCents(), 49_973n);
  const { spent, held, rows } = await assertAgreement(keybrake, [run.id]);
  assert.deepEqual([spent, held], [49_973n * CENT, 0n]);
  assert.deepEqual(countStates(rows), { settled: 649, refused: 2_351 });
});

test('mixed amounts at once: spent and held never pass the cap, and nothing that fitted was refused', async (t) => {
  const keybrake = await start(t, { sandbox: { latencyMs: { min: 0, max: 4 }, latencySeed: 7 } });
  const cap = 200n * USD;
  const run = await startRun(t, keybrake, { total_usd_cap: 200 });
  const random = seededRandom(20_261_122);
  const amounts = Array.from({ length: 600 }, () => 50 + Math.floor(random() * 400));
  let done = false;
  const work = eachOf(amounts, 60, (cents) => run.charge(cents)).finally(() => {
    done = true;
  });
  let samples = 0;
  while (!done) {
    const moved = keybrake.sandbox.stripe.movedCents() * CENT;
    const { spent_usd, held_usd } = await ownSpend(keybrake, run.vault_key);
    const counted = micros(spent_usd) + micros(held_usd);
    assert.ok(counted <= cap, `spent and held are ${counted}`);
    assert.ok(moved <= counted, `the vendor moved ${moved} where ${counted} is counted`);
    samples++;
  }
  assert.ok(samples > 0);
  const answers = await work;
  const refused: number[] = [];
  for (const [n, answer] of answers.entries()) {
    if (answer.status === 200) continue;
    assertCapHit(answer);
    const { cap: stated, spent, held, needed } = capIn(answer);
    assert.equal(stated, cap);
    assert.equal(needed, BigInt(amounts[n]!) * CENT);
    assert.ok(spent + held + needed > cap, `${answer.body}: it would have fitted`);
    refused.push(amounts[n]!);
  }
  const { spent } = await assertAgreement(keybrake, [run.id]);
  // Nothing came back on the way, so what never fitted does not fit the rest either.
  assert.ok(refused.length > 0);
  assert.ok(cap - spent < BigInt(Math.min(...refused)) * CENT, `${cap - spent} is left`);
});

test('with declines among them a call is refused only for what is spent and held at its decision', async (t) => {
  const keybrake = await start(t, { sandbox: { latencyMs: { min: 0, max: 4 }, latencySeed: 8 } });
  const run = await startRun(t, keybrake, { total_usd_cap: 100 });
  const random = seededRandom(5);
  const calls = Array.from({ length: 300 }, () => ({
    cents: 50 + Math.floor(random() * 1_500),
    fields: random() < 0.3 ? DECLINED : {},
  }));
  const answers = await eachOf(calls, 40, ({ cents, fields }) => run.charge(cents, { fields }));
  let paid = 0n;
  for (const [n, answer] of answers.entries()) {
    if (answer.status === 200) paid += BigInt(calls[n]!.cents);
    if (answer.status !== 429) continue;
    assertCapHit(answer);
    const { cap, spent, held, needed } = capIn(answer);
    assert.ok(spent + held <= cap && spent + held + needed > cap, answer.body.toString());
    // Worth another try only while what is held could still come back.
    const mayFit = held > 0n && spent + needed <= cap;
    assert.equal(answer.headers['retry-after'] !== undefined, mayFit, answer.body.toString());
  }
  assert.equal(keybrake.sandbox.stripe.movedCents(), paid);
  assert.ok(paid <= 10_000n);
  const { rows, held } = await assertAgreement(keybrake, [run.id]);
  assert.equal(held, 0n);
  assert.ok(rows.some(({ state }) => state === 'released'));
});

test('spend equal to the cap is allowed, and then nothing that costs', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake, { total_usd_cap: 100 });
  const answers = await Promise.all([1, 2, 3, 4].map(() => run.charge(2_500)));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200, 200],
  );
  assertCapHit(await run.charge(50));
  const free = await run.call({ path: '/v1/customers', fields: { name: 'Jenny' } });
  assert.equal(free.status, 200);
  assert.equal(free.headers['x-keybrake-remaining-usd'], '0.00');
  assert.equal(free.headers['x-keybrake-cost-usd'], '0.00');
  assert.equal(keybrake.sandbox.stripe.movedCents(), 10_000n);
  await assertAgreement(keybrake, [run.id]);
});

test('a daily cap counts 24 hours from the issue, and midnight changes nothing', async (t) => {
  const { clock, keybrake } = await startAt(t, '2026-11-22T20:00:00Z');
  const run = await startRun(t, keybrake, {
    total_usd_cap: undefined,
    daily_usd_cap: 100,
    expires_in: '7d',
  });
  assert.equal((await run.charge(6_000)).status, 200);
  clock.advance(4 * HOUR_MS - 1); // 23:59:59.999
  assertCapHit(await run.charge(5_000));
  clock.advance(2); // the next day in UTC
  assertCapHit(await run.charge(5_000));
  clock.advance(20 * HOUR_MS - 2); // a millisecond before the window ends
  assertCapHit(await run.charge(5_000));
  clock.advance(1);
  const renewed = await run.charge(10_000);
  assert.equal(renewed.status, 200);
  assert.equal(renewed.headers['x-keybrake-remaining-usd'], '0.00');
  assertCapHit(await run.charge(50));
  clock.advance(5 * 24 * HOUR_MS); // windows in which nothing was called are windows too
  assert.equal((await run.charge(10_000)).status, 200);
  assertCapHit(await run.charge(50));
  assert.equal(keybrake.sandbox.stripe.movedCents(), 26_000n);
  await assertAgreement(keybrake, [run.id]);
});

test("a hold of yesterday's window settles there and takes nothing of today's", async (t) => {
  const { clock, keybrake } = await startAt(t, '2026-11-22T20:00:00Z');
  const daily = { total_usd_cap: undefined, daily_usd_cap: 100, expires_in: '7d' };
  const run = await startRun(t, keybrake, daily);
  const id = idOf(await run.charge(6_000, { fields: { confirm: false } }));
  const yesterday = clock.now();
  clock.advance(24 * HOUR_MS);
  assert.equal((await run.call({ path: `/v1/payment_intents/${id}/confirm` })).status, 200);
  const [today] = (await keySpend(keybrake, run.id)).budgets;
  assert.deepEqual([today!.spent_usd, today!.held_usd], [0, 0]);
  assert.equal((await run.charge(10_000)).status, 200);
  const before = await keybrake.ledger.key(parseHandle('key', run.id)!, yesterday);
  assert.deepEqual([before!.budgets[0]!.spent, before!.budgets[0]!.held], [60n * USD, 0n]);
  assert.equal(keybrake.sandbox.stripe.movedCents(), 16_000n);
  await assertAgreement(keybrake, [run.id]);
});

test('one call may cost per_call_usd_cap and no more, and the rest of the budget stays usable', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake, { per_call_usd_cap: 20 });
  assertCapHit(await run.charge(2_001), 'call_cap_exceeded');
  assert.equal((await run.charge(2_000)).status, 200);
  assert.equal(keybrake.sandbox.stripe.movedCents(), 2_000n);
  await assertAgreement(keybrake, [run.id]);
});

test('max_calls counts what was admitted, ten at once included, and no refusal', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake, { max_calls: 3, per_call_usd_cap: 5 });
  assertCapHit(await run.charge(501), 'call_cap_exceeded');
  const answers = await Promise.all(Array.from({ length: 10 }, () => run.charge(100)));
  const refused = answers.filter(({ status }) => status !== 200);
  assert.equal(refused.length, 7);
  for (const answer of refused) assertCapHit(answer, 'call_limit_reached');
  // A read is a call like another.
  assertCapHit(await run.call({ method: 'GET', path: '/v1/balance' }), 'call_limit_reached');
  assert.equal(keybrake.sandbox.stripe.requests, 3);
  await assertAgreement(keybrake, [run.id]);
});

test('a rate limit is throttling and not the cap: Retry-After tells when, and then it goes on', async (t) => {
  const { clock, keybrake } = await startAt(t, '2026-11-22T20:00:00Z');
  const run = await startRun(t, keybrake, { rate_limit: '20/1m' });
  const answers = await Promise.all(Array.from({ length: 30 }, () => run.charge(100)));
  const refused = answers.filter(({ status }) => status !== 200);
  assert.equal(refused.length, 10);
  for (const answer of refused) {
    assertRefused(answer, 429, 'rate_limited');
    assert.equal(answer.headers['retry-after'], '3'); // a twentieth of a minute
  }
  clock.advance(2_999);
  assertRefused(await run.charge(100), 429, 'rate_limited');
  clock.advance(1);
  assert.equal((await run.charge(100)).status, 200);
  assertRefused(await run.charge(100), 429, 'rate_limited');
  assert.equal(keybrake.sandbox.stripe.requests, 21);
  await assertAgreement(keybrake, [run.id]);
});

test("children draw on their parent's budget at once and never pass it together", async (t) => {
  const keybrake = await start(t);
  const parent = await startRun(t, keybrake, { total_usd_cap: 100, agent_run_label: 'parent' });
  const fields = { total_usd_cap: 60, parent: parent.id };
  const children = await Promise.all([1, 2, 3].map(() => startRun(t, keybrake, fields)));
  const answers = await eachOf(Array.from({ length: 90 }), 45, (_, n) =>
    children[n % 3]!.charge(500),
  );
  const refused = answers.filter(({ status }) => status !== 200);
  assert.equal(refused.length, 70);
  for (const answer of refused) assertCapHit(answer);
  assert.equal(keybrake.sandbox.stripe.movedCents(), 10_000n);
  assert.deepEqual(await spendOf(keybrake, parent.id), [100, 0]);
  assertCapHit(await parent.charge(50));
  const { spent } = await assertAgreement(
    keybrake,
    children.map(({ id }) => id),
  );
  assert.equal(spent, 100n * USD);
  for (const { id } of children) assert.ok((await keySpend(keybrake, id)).spent_usd <= 60);
});

test("a child's refusal names the parent whose budget is short, and what is left is the least", async (t) => {
  const keybrake = await start(t);
  const parent = await startRun(t, keybrake, { total_usd_cap: 30 });
  const child = await startRun(t, keybrake, { total_usd_cap: 20, parent: parent.id });
  assert.equal((await parent.charge(1_500)).headers['x-keybrake-remaining-usd'], '15.00');
  const short = await child.charge(1_600);
  assertCapHit(short);
  const { error } = short.json as { error: { vault: Record<string, string> } };
  assert.equal(error.vault.key, parent.id);
  assert.equal(error.vault.remaining_usd, '15.00');
  assert.equal((await child.charge(1_500)).headers['x-keybrake-remaining-usd'], '0.00');
  assert.equal(keybrake.sandbox.stripe.movedCents(), 3_000n);
});

test('a shadow key lets everything through and its rows say what would have been refused', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake, {
    total_usd_cap: 50,
    per_call_usd_cap: 30,
    mode: 'shadow',
  });
  for (const cents of [2_000, 2_000, 2_000, 3_500]) {
    assert.equal((await run.charge(cents)).status, 200);
  }
  const { rows, spent } = await assertAgreement(keybrake, [run.id]);
  assert.equal(keybrake.sandbox.stripe.movedCents(), 9_500n);
  assert.equal(spent, 95n * USD);
  const verdicts = rows.map(({ policy_verdict, verdict_reason }) => [
    policy_verdict,
    verdict_reason,
  ]);
  assert.deepEqual(verdicts, [
    ['allow', null],
    ['allow', null],
    ['would_refuse', 'cap_exceeded'],
    ['would_refuse', 'call_cap_exceeded'],
  ]);
});

test('changing a cap keeps what was counted', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake, { total_usd_cap: 50 });
  assert.equal((await run.charge(4_000)).status, 200);
  idOf(await run.charge(1_000, { fields: { confirm: false } }));
  const change = async (total_usd_cap: number) => {
    const { spent_usd, held_usd, remaining_usd } = await changeKey(keybrake, run.id, {
      total_usd_cap,
    });
    return [spent_usd, held_usd, remaining_usd];
  };
  assert.deepEqual(await change(20), [40, 10, 0]);
  const refused = await run.charge(50);
  assertCapHit(refused);
  assert.equal(refused.headers['x-keybrake-remaining-usd'], '0.00');
  assert.deepEqual(await change(60), [40, 10, 10]);
  assert.equal((await run.charge(1_000)).status, 200);
  assertCapHit(await run.charge(50));
  assert.equal(keybrake.sandbox.stripe.movedCents(), 5_000n);
  await assertAgreement(keybrake, [run.id]);
});

test('a cap lowered below what is held still lets the hold settle, and nothing new through', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake);
  const id = idOf(await run.charge(8_000, { fields: { confirm: false } }));
  await changeKey(keybrake, run.id, { total_usd_cap: 10 });
  assert.equal((await run.call({ path: `/v1/payment_intents/${id}/confirm` })).status, 200);
  assert.deepEqual(await spendOf(keybrake, run.id), [80, 0]);
  assertCapHit(await run.charge(50));
  assert.equal(keybrake.sandbox.stripe.movedCents(), 8_000n);
  await assertAgreement(keybrake, [run.id]);
});

test('every refusal has its row, with what the call would have cost', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake, { total_usd_cap: 10 });
  assertCapHit(await run.charge(1_001, { headers: { 'x-keybrake-task-id': 'task-9' } }));
  const [row] = await auditRows(keybrake, { key: run.id });
  assert.equal(row!.state, 'refused');
  assert.equal(row!.policy_verdict, 'refuse');
  assert.equal(row!.verdict_reason, 'cap_exceeded');
  assert.equal(row!.quote_usd, 10.01);
  assert.equal(row!.cost_usd, null);
  assert.equal(row!.task_id, 'task-9');
  assert.equal(keybrake.sandbox.stripe.requests, 0);
});
