/**
 * A payment counts once, whatever its way through creation, confirmation, capture, cancellation and
 * refund, and in whatever order the vendor carries out what it was sent at once.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAgreement, micros } from '../support/agreement.ts';
import type { Keybrake } from '../support/keybrake.ts';
import { changeKey } from '../support/management.ts';
import { type Answer, idOf, startRun } from '../support/run.ts';
import { assertCapHit, assertRefused, capIn, spendOf, start } from '../support/scene.ts';

const MANUAL = { capture_method: 'manual' };
const DECLINED = { payment_method: 'pm_card_chargeDeclined' };

test('what is declined comes back, also of fifty at once', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake);
  for (let n = 0; n < 5; n++) {
    const answer = await run.charge(9_000, { fields: DECLINED });
    assert.equal(answer.status, 402);
    assert.equal(answer.headers['x-keybrake-cost-usd'], '0.00');
    assert.equal(answer.headers['x-keybrake-remaining-usd'], '100.00');
  }
  await Promise.all(Array.from({ length: 50 }, () => run.charge(200, { fields: DECLINED })));
  assert.deepEqual(await spendOf(keybrake, run.id), [0, 0]);
  assert.equal((await run.charge(10_000)).status, 200);
  assert.equal(keybrake.sandbox.stripe.movedCents(), 10_000n);
  await assertAgreement(keybrake, [run.id]);
});

test('a PaymentIntent counts from its creation; confirm and capture do not count twice', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake, { total_usd_cap: 30 });
  const fields = { ...MANUAL, confirm: false };
  const path = `/v1/payment_intents/${idOf(await run.charge(3_000, { fields }))}`;
  assert.deepEqual(await spendOf(keybrake, run.id), [0, 30]);
  assertCapHit(await run.charge(50));
  assert.equal((await run.call({ path: `${path}/confirm` })).status, 200);
  assert.deepEqual(await spendOf(keybrake, run.id), [0, 30]);
  await assertAgreement(keybrake, [run.id]);
  assert.equal((await run.call({ path: `${path}/capture` })).status, 200);
  assert.deepEqual(await spendOf(keybrake, run.id), [30, 0]);
  assert.equal(keybrake.sandbox.stripe.movedCents(), 3_000n);
  await assertAgreement(keybrake, [run.id]);
});

test('a partial capture gives the rest back', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake, { total_usd_cap: 30 });
  const path = `/v1/payment_intents/${idOf(await run.charge(3_000, { fields: MANUAL }))}/capture`;
  const fields = { amount_to_capture: 1_000 };
  assert.equal((await run.call({ path, fields })).status, 200);
  assert.deepEqual(await spendOf(keybrake, run.id), [10, 0]);
  assert.equal((await run.charge(2_000)).status, 200);
  assert.equal(keybrake.sandbox.stripe.movedCents(), 3_000n);
  await assertAgreement(keybrake, [run.id]);
});

test('a cancel gives the whole back, confirmed or not', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake, { total_usd_cap: 30 });
  for (const fields of [MANUAL, { confirm: false }]) {
    const id = idOf(await run.charge(3_000, { fields }));
    assert.deepEqual(await spendOf(keybrake, run.id), [0, 30]);
    assert.equal((await run.call({ path: `/v1/payment_intents/${id}/cancel` })).status, 200);
    assert.deepEqual(await spendOf(keybrake, run.id), [0, 0]);
  }
  assert.equal((await run.charge(3_000)).status, 200);
  assert.equal(keybrake.sandbox.stripe.movedCents(), 3_000n);
  await assertAgreement(keybrake, [run.id]);
});

test('a confirm that is declined gives back, and the next one is priced anew against the cap', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake, { total_usd_cap: 50 });
  const id = idOf(await run.charge(3_000, { fields: { ...DECLINED, confirm: false } }));
  const path = `/v1/payment_intents/${id}/confirm`;
  assert.equal((await run.call({ path })).status, 402);
  assert.deepEqual(await spendOf(keybrake, run.id), [0, 0]);
  assert.equal((await run.charge(2_500)).status, 200);
  const fields = { payment_method: 'pm_card_visa' };
  assertCapHit(await run.call({ path, fields }));
  assert.equal(keybrake.sandbox.stripe.movedCents(), 2_500n);
  await changeKey(keybrake, run.id, { total_usd_cap: 55 });
  assert.equal((await run.call({ path, fields })).status, 200);
  assert.deepEqual(await spendOf(keybrake, run.id), [55, 0]);
  assert.equal(keybrake.sandbox.stripe.movedCents(), 5_500n);
  await assertAgreement(keybrake, [run.id]);
});

test('refunds move money out: they count, also without an amount, and never more than the cap', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake);
  const refund = (fields: Record<string, string | number>) =>
    run.call({ path: '/v1/refunds', fields });
  const paid = await run.charge(4_000);
  const payment_intent = idOf(paid);
  const charge = String(paid.json.latest_charge);
  assert.equal((await refund({ payment_intent, amount: 1_000 })).status, 200);
  assert.deepEqual(await spendOf(keybrake, run.id), [50, 0]);
  // The rest of the charge, by the charge's own name.
  assert.equal((await refund({ charge })).status, 200);
  assert.deepEqual(await spendOf(keybrake, run.id), [80, 0]);
  assert.equal((await refund({ payment_intent })).status, 400);
  assert.deepEqual(await spendOf(keybrake, run.id), [80, 0]);
  const second = idOf(await run.charge(1_500));
  assertCapHit(await refund({ payment_intent: second }));
  assert.equal(keybrake.sandbox.stripe.refundedCents(), 4_000n);
  assert.equal(keybrake.sandbox.stripe.movedCents(), 5_500n);
  await assertAgreement(keybrake, [run.id]);
});

test('a refund without amount of a payment that nobody knows is unpriced and not sent', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake);
  const fields = { payment_intent: 'pi_3elsewhere' };
  assertRefused(await run.call({ path: '/v1/refunds', fields }), 403, 'unpriced');
  const { stripe } = keybrake.sandbox;
  assert.deepEqual(
    [stripe.requests, stripe.executions],
    [1, 0],
    'it was asked for, and is not there',
  );
});

/**
 * Sends two calls such that the vendor has the first in its hands, does not carry it out yet, and is
 * given the second. Which of them it then carries out first is for the vendor; it may not matter.
 */
async function overtaken(keybrake: Keybrake, path: string, calls: (() => Promise<Answer>)[]) {
  const fault = keybrake.sandbox.faults.next({
    match: { path },
    do: { kind: 'delay', delayMs: 150 },
  });
  const first = calls[0]!();
  while (fault.hits === 0) await new Promise(setImmediate);
  const answers = await Promise.all([first, calls[1]!()]);
  return answers.map(({ status }) => status);
}

test('two confirms at once, the later one carried out first: the money is counted, once', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake);
  const id = idOf(await run.charge(3_000, { fields: { ...DECLINED, confirm: false } }));
  const path = `/v1/payment_intents/${id}/confirm`;
  assert.equal((await run.call({ path })).status, 402); // nothing is held for it any more
  const confirm = () => run.call({ path, fields: { payment_method: 'pm_card_visa' } });
  const statuses = await overtaken(keybrake, path, [confirm, confirm]);
  assert.deepEqual(statuses.sort(), [200, 400]);
  assert.deepEqual(await spendOf(keybrake, run.id), [30, 0]);
  await assertAgreement(keybrake, [run.id]);
});

test('a decline gives nothing back while another confirm is on its way to pay', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake, { total_usd_cap: 30 });
  const id = idOf(await run.charge(3_000, { fields: { confirm: false } }));
  const path = `/v1/payment_intents/${id}/confirm`;
  const confirm = (card: string) => () => run.call({ path, fields: { payment_method: card } });
  const statuses = await overtaken(keybrake, path, [
    confirm('pm_card_visa'),
    confirm('pm_card_chargeDeclined'),
  ]);
  assert.equal(statuses[0], 200);
  assertCapHit(await run.charge(50));
  assert.deepEqual(await spendOf(keybrake, run.id), [30, 0]);
  assert.equal(keybrake.sandbox.stripe.movedCents(), 3_000n);
  await assertAgreement(keybrake, [run.id]);
});

test('two raises at once, the higher one carried out first: what the vendor may take is held', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake, { total_usd_cap: 200 });
  const intent = `/v1/payment_intents/${idOf(await run.charge(3_000, { fields: MANUAL }))}`;
  const path = `${intent}/increment_authorization`;
  const raise = (amount: number) => () => run.call({ path, fields: { amount } });
  await overtaken(keybrake, path, [raise(7_000), raise(9_000)]);
  assert.equal(keybrake.sandbox.stripe.authorisedCents(), 9_000n);
  const [, held] = await spendOf(keybrake, run.id);
  assert.ok(held >= 90, `${held} is held`);
  assert.equal((await run.call({ path: `${intent}/capture` })).status, 200);
  assert.deepEqual(await spendOf(keybrake, run.id), [90, 0]);
  await assertAgreement(keybrake, [run.id]);
});

test('a confirm beside a raise, in either order: all that moved is counted, no hold is left', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake, { total_usd_cap: 200 });
  for (const delayed of ['raise', 'confirm'] as const) {
    const id = idOf(await run.charge(3_000, { fields: { confirm: false } }));
    const path = `/v1/payment_intents/${id}`;
    const raise = () => run.call({ path, fields: { amount: 7_000 } });
    const confirm = () => run.call({ path: `${path}/confirm` });
    if (delayed === 'raise') await overtaken(keybrake, path, [raise, confirm]);
    else await overtaken(keybrake, `${path}/confirm`, [confirm, raise]);
    const { held } = await assertAgreement(keybrake, [run.id]);
    assert.equal(held, 0n);
  }
  const moved = keybrake.sandbox.stripe.movedCents();
  assert.ok(moved === 10_000n || moved === 14_000n, `${moved}`);
});

test('a raise whose reply comes after the final one keeps no hold, and nothing counts twice', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake, { total_usd_cap: 70 });
  const path = `/v1/payment_intents/${idOf(await run.charge(3_000, { fields: { confirm: false } }))}`;
  const slow = { kind: 'slowBody', bytes: 300, everyMs: 60 } as const; // carried out at once
  const fault = keybrake.sandbox.faults.next({ match: { path }, do: slow });
  const raise = run.call({ path, fields: { amount: 7_000 } });
  while (fault.hits === 0) await new Promise(setImmediate);
  assert.equal((await run.call({ path: `${path}/confirm` })).status, 200);
  const [spent, held] = await spendOf(keybrake, run.id);
  assert.equal(spent + held, 70);
  assert.equal((await raise).status, 200);
  assert.deepEqual(await spendOf(keybrake, run.id), [70, 0]);
  assert.equal(keybrake.sandbox.stripe.movedCents(), 7_000n);
  await assertAgreement(keybrake, [run.id]);
});

test('a refund by one key that overtakes the refund of another costs it no more than it held', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake);
  const other = await startRun(t, keybrake, { total_usd_cap: 30 });
  const payment_intent = idOf(await run.charge(4_000));
  const path = '/v1/refunds';
  await overtaken(keybrake, path, [
    () => run.call({ path, fields: { payment_intent, amount: 1_000 } }),
    () => other.call({ path, fields: { payment_intent } }),
  ]);
  const [spent, held] = await spendOf(keybrake, other.id);
  assert.ok(spent + held <= 30, `${spent} and ${held} of 30`);
  await assertAgreement(keybrake, [run.id, other.id]);
});

test('five refunds at once of one payment take the rest of it once', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake, { total_usd_cap: 500 });
  const payment_intent = idOf(await run.charge(4_000));
  const refunds = await Promise.all(
    Array.from({ length: 5 }, () => run.call({ path: '/v1/refunds', fields: { payment_intent } })),
  );
  assert.deepEqual(refunds.map(({ status }) => status).sort(), [200, 400, 400, 400, 400]);
  assert.deepEqual(await spendOf(keybrake, run.id), [80, 0]);
  assert.equal(keybrake.sandbox.stripe.refundedCents(), 4_000n);
  await assertAgreement(keybrake, [run.id]);
});

test('an update that raises the amount counts the difference, and one that lowers it nothing', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake);
  const path = `/v1/payment_intents/${idOf(await run.charge(3_000, { fields: { confirm: false } }))}`;
  assert.equal((await run.call({ path, fields: { amount: 7_000 } })).status, 200);
  assert.deepEqual(await spendOf(keybrake, run.id), [0, 70]);
  const tooMuch = await run.call({ path, fields: { amount: 10_001 } });
  assertCapHit(tooMuch);
  assert.equal(capIn(tooMuch).needed, micros(30.01));
  assert.equal((await run.call({ path, fields: { amount: 2_000 } })).status, 200);
  assert.equal((await run.call({ path: `${path}/confirm` })).status, 200);
  assert.deepEqual(await spendOf(keybrake, run.id), [20, 0]);
  assert.equal(keybrake.sandbox.stripe.movedCents(), 2_000n);
  await assertAgreement(keybrake, [run.id]);
});

test('an authorisation that is raised counts the difference and is captured within it', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake);
  const path = `/v1/payment_intents/${idOf(await run.charge(3_000, { fields: MANUAL }))}`;
  const raise = (amount: number) =>
    run.call({ path: `${path}/increment_authorization`, fields: { amount } });
  assert.equal((await raise(8_000)).status, 200);
  assert.deepEqual(await spendOf(keybrake, run.id), [0, 80]);
  assertCapHit(await raise(10_001));
  assert.equal((await run.call({ path: `${path}/capture` })).status, 200);
  assert.deepEqual(await spendOf(keybrake, run.id), [80, 0]);
  assert.equal(keybrake.sandbox.stripe.movedCents(), 8_000n);
  await assertAgreement(keybrake, [run.id]);
});

test('a bank debit stays held until a later reply tells how it ended', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake);
  const fields = { payment_method: 'pm_usBankAccount_processing' };
  const debits = await Promise.all([run.charge(3_000, { fields }), run.charge(4_000, { fields })]);
  const [paid, failed] = debits.map(idOf);
  assert.deepEqual(await spendOf(keybrake, run.id), [0, 70]);
  keybrake.sandbox.finishPayment(paid!, 'succeeded');
  keybrake.sandbox.finishPayment(failed!, 'failed');
  for (const id of [paid, failed]) {
    assert.equal(
      (await run.call({ method: 'GET', path: `/v1/payment_intents/${id}` })).status,
      200,
    );
  }
  // The failed one can be paid by another method until it is canceled.
  assert.deepEqual(await spendOf(keybrake, run.id), [30, 40]);
  assert.equal((await run.call({ path: `/v1/payment_intents/${failed}/cancel` })).status, 200);
  assert.equal(keybrake.sandbox.stripe.movedCents(), 3_000n);
  const { held } = await assertAgreement(keybrake, [run.id]);
  assert.equal(held, 0n);
});
