/**
 * Calls of which nobody knows what became: Keybrake looks at the vendor, never executes to find out,
 * and in the end its ledger says what the vendor's books say.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import Stripe from 'stripe';
import { assertAgreement, isLookUp, micros } from '../support/agreement.ts';
import type { Keybrake, StartOptions } from '../support/keybrake.ts';
import { type AuditRow, auditRows, putAccount } from '../support/management.ts';
import { type ManualClock, manualClock } from '../support/manual-clock.ts';
import { eachOf, idOf, type Run, startRun } from '../support/run.ts';
import { spendOf, start } from '../support/scene.ts';

const MINUTE_MS = 60_000;

interface Scene {
  clock: ManualClock;
  keybrake: Keybrake;
  run: Run;
}

async function open(t: TestContext, options: StartOptions = {}): Promise<Scene> {
  const clock = manualClock(new Date().toISOString());
  const keybrake = await start(t, {
    ...{ clock, sandbox: { clock }, resolvePauseMs: 20 },
    ...options,
  });
  return { clock, keybrake, run: await startRun(t, keybrake, { total_usd_cap: 1000 }) };
}

/** Time goes on until every row of the run has ended, or `minutes` have passed. */
async function settle({ clock, keybrake, run }: Scene, minutes = 60): Promise<AuditRow[]> {
  for (let i = 0; i < minutes * 2; i++) {
    const rows = await auditRows(keybrake, { key: run.id });
    if (rows.every(({ state }) => state !== 'unknown' && state !== 'held')) return rows;
    clock.advance(MINUTE_MS / 2);
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
  return auditRows(keybrake, { key: run.id });
}

test('a payment whose reply was lost is found by its key, and is executed once', async (t) => {
  const scene = await open(t);
  const { keybrake, run } = scene;
  keybrake.sandbox.faults.next({ do: { kind: 'hangup', at: 'after' } });
  assert.equal((await run.charge(700)).status, 504);
  assert.deepEqual(await spendOf(keybrake, run.id), [0, 7]);
  const [row] = await settle(scene);
  assert.equal(row?.state, 'settled');
  assert.equal(row?.resolved_by, 'vendor');
  assert.match(String(row?.vendor_object_id), /^pi_/);
  assert.deepEqual(await spendOf(keybrake, run.id), [7, 0]);
  const { stripe } = keybrake.sandbox;
  assert.equal(stripe.executions, 1);
  assert.equal(stripe.movedCents(), 700n);
  const looks = stripe.received.filter(isLookUp);
  assert.ok(looks.length > 0);
  for (const { method, idempotencyKey } of looks) {
    assert.deepEqual([method, idempotencyKey], ['GET', null], 'a look is nothing but a look');
  }
});

test('a payment that never began is released, and not before its absence is proof', async (t) => {
  const scene = await open(t);
  const { clock, keybrake, run } = scene;
  keybrake.sandbox.faults.next({ do: { kind: 'hangup', at: 'before' } });
  assert.equal((await run.charge(700)).status, 504);
  for (let i = 0; i < 9; i++) {
    clock.advance(MINUTE_MS);
    await new Promise((resolve) => setTimeout(resolve, 60));
    assert.deepEqual(await spendOf(keybrake, run.id), [0, 7], `after ${i + 1} minutes`);
  }
  const [row] = await settle(scene);
  assert.equal(row?.state, 'released');
  assert.ok(row?.resolution);
  assert.deepEqual(await spendOf(keybrake, run.id), [0, 0]);
  assert.equal(keybrake.sandbox.stripe.executions, 0);
});

test('a declined payment whose reply was lost gives its money back', async (t) => {
  const scene = await open(t);
  const { keybrake, run } = scene;
  keybrake.sandbox.faults.next({ do: { kind: 'hangup', at: 'after' } });
  await run.charge(700, { fields: { payment_method: 'pm_card_chargeDeclined' } });
  const [row] = await settle(scene);
  assert.equal(row?.state, 'released');
  assert.equal(keybrake.sandbox.stripe.movedCents(), 0n);
});

test('a bank debit under way is followed to its end, good or bad', async (t) => {
  const scene = await open(t);
  const { keybrake, run } = scene;
  const debit = {
    payment_method: 'pm_usBankAccount_success',
    'payment_method_types[0]': 'us_bank_account',
  };
  const good = await run.charge(700, { fields: debit });
  const bad = await run.charge(300, { fields: debit });
  assert.equal(good.json.status, 'processing', good.body.toString());
  assert.deepEqual(await spendOf(keybrake, run.id), [0, 10]);
  keybrake.sandbox.finishPayment(idOf(good), 'succeeded');
  keybrake.sandbox.finishPayment(idOf(bad), 'failed');
  await settle(scene, 24 * 60);
  assert.deepEqual(await spendOf(keybrake, run.id), [7, 0]);
  assert.equal(keybrake.sandbox.stripe.movedCents(), 700n);
});

test('of 120 calls that are lost in every way, the ledger comes to what the vendor’s books say', async (t) => {
  const scene = await open(t);
  const { keybrake, run } = scene;
  const { faults, stripe } = keybrake.sandbox;
  const lost = { probability: 0.25, count: 'always' } as const;
  faults.next({ ...lost, match: { method: 'POST' }, seed: 1, do: { kind: 'hangup', at: 'after' } });
  faults.next({
    ...lost,
    match: { method: 'POST' },
    seed: 2,
    do: { kind: 'hangup', at: 'before' },
  });
  faults.next({
    ...{ ...lost, match: { method: 'POST' }, seed: 3 },
    do: { kind: 'status', status: 502, executes: true },
  });
  await eachOf(Array.from({ length: 120 }), 12, (_, n) =>
    run.charge(50 + n, n % 7 === 0 ? { fields: { payment_method: 'pm_card_chargeDeclined' } } : {}),
  );
  faults.clear();
  const rows = await settle(scene);
  for (const row of rows) {
    assert.ok(['settled', 'released'].includes(row.state), `${row.id} is ${row.state}`);
  }
  const [spent, held] = await spendOf(keybrake, run.id);
  assert.equal(micros(spent), stripe.movedCents() * 10_000n);
  assert.equal(held, 0);
  const keys = stripe.received.filter(({ executed }) => executed).map((r) => r.idempotencyKey);
  assert.equal(new Set(keys).size, keys.length, 'each key was executed once');
  assert.ok(rows.some((row) => row.resolved_by === 'vendor'));
});

test('a call that is not found is not released where the account’s credentials were replaced since', async (t) => {
  const scene = await open(t);
  const { clock, keybrake } = scene;
  const { stripeUrl, secret } = keybrake.sandbox;
  await putAccount(keybrake, 'stripe', 'moved', { secret, base_url: stripeUrl });
  const run = await startRun(t, keybrake, { account: 'moved' });
  keybrake.sandbox.faults.next({ do: { kind: 'hangup', at: 'before' } });
  assert.equal((await run.charge(700)).status, 504);
  clock.advance(MINUTE_MS);
  const replaced = await fetch(`${keybrake.url}/vault/accounts/stripe/moved`, {
    method: 'PUT',
    headers: {
      authorization: `Bearer ${keybrake.apiKey}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ secret, base_url: stripeUrl }),
  });
  assert.equal(replaced.status, 200, await replaced.text());
  const [row] = await settle({ ...scene, run }, 20);
  assert.equal(row?.state, 'unknown');
  assert.match(String(row?.resolution), /credentials of the account were replaced/);
  assert.deepEqual(await spendOf(keybrake, run.id), [0, 7]);
  const unresolved = await auditRows(keybrake, { key: run.id, unresolved: 'true' });
  assert.deepEqual(
    unresolved.map(({ id }) => id),
    [row?.id],
  );
});

test('a vendor that cannot be asked is asked again, and the money stays', async (t) => {
  const scene = await open(t);
  const { clock, keybrake } = scene;
  await putAccount(keybrake, 'stripe', 'gone', {
    secret: `sk_${'test'}_51HabcDEFghiJKLmno`,
    base_url: keybrake.sandbox.stripeUrl,
  });
  const run = await startRun(t, keybrake, { account: 'gone' });
  const reply = await run.charge(700);
  assert.equal(reply.status, 401, 'the sandbox knows another secret');
  assert.deepEqual(await spendOf(keybrake, run.id), [0, 0]);
  keybrake.sandbox.faults.next({ do: { kind: 'hangup', at: 'after' } });
  assert.equal((await run.charge(700)).status, 504);
  for (let i = 0; i < 30; i++) {
    clock.advance(MINUTE_MS);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  assert.deepEqual(await spendOf(keybrake, run.id), [0, 7], 'a 401 proves nothing');
});

/** Ways in which a lost confirmation stops holding what it would pay: `unpaid` ends with it lost. */
const UNPAID: Record<
  string,
  (stripe: Stripe, lost: (id: string) => Promise<void>) => Promise<string>
> = {
  'its own hold came back': async (stripe, lost) => {
    const { id } = await stripe.paymentIntents.create({ ...DUE, payment_method: DECLINED });
    await assert.rejects(stripe.paymentIntents.confirm(id), Stripe.errors.StripeCardError);
    await lost(id);
    return id;
  },
  'the hold of its payment came back': async (stripe, lost) => {
    const { id } = await stripe.paymentIntents.create({ ...DUE, payment_method: 'pm_card_visa' });
    await lost(id);
    const another = stripe.paymentIntents.confirm(id, { payment_method: DECLINED });
    await assert.rejects(another, Stripe.errors.StripeCardError);
    return id;
  },
};
const DUE = { amount: 3_000, currency: 'usd' };
const DECLINED = 'pm_card_chargeDeclined';

for (const [why, unpaid] of Object.entries(UNPAID)) {
  test(`a lost confirmation moves nothing uncounted when it is repeated after ${why}`, async (t) => {
    const scene = await open(t);
    const { keybrake, run } = scene;
    const { hostname: host, port } = new URL(keybrake.url);
    const stripe = new Stripe(run.vault_key, {
      ...{ host, port: Number(port), protocol: 'http', telemetry: false, maxNetworkRetries: 0 },
    });
    const confirm = (id: string, idempotencyKey: string) =>
      stripe.paymentIntents.confirm(id, { payment_method: 'pm_card_visa' }, { idempotencyKey });
    const id = await unpaid(stripe, async (intent) => {
      keybrake.sandbox.faults.next({ do: { kind: 'hangup', at: 'before' } });
      await assert.rejects(confirm(intent, 'lost'), /no whole reply/);
      assert.deepEqual(await spendOf(keybrake, run.id), [0, 30]);
    });
    await settle(scene);
    assert.deepEqual(await spendOf(keybrake, run.id), [0, 0], 'a look found it unpaid');
    // It is not told that it was paid.
    await assert.rejects(
      confirm(id, 'lost'),
      /does not count any more for what it would cost.* not sent again/,
    );
    assert.equal(keybrake.sandbox.stripe.movedCents(), 0n);
    assert.deepEqual(await spendOf(keybrake, run.id), [0, 0]);
    // With a key of its own it is another call, and what it moves is counted.
    assert.equal((await confirm(id, 'new')).status, 'succeeded');
    assert.equal(keybrake.sandbox.stripe.movedCents(), 3_000n);
    assert.deepEqual(await spendOf(keybrake, run.id), [30, 0]);
    await assertAgreement(keybrake, [run.id]);
  });
}

test('a lost payment that an operator settled at nothing is not carried out by its repetition', async (t) => {
  const scene = await open(t, { resolvePauseMs: 3_600_000 });
  const { keybrake, run } = scene;
  keybrake.sandbox.faults.next({ do: { kind: 'hangup', at: 'before' } });
  assert.equal((await run.charge(700, { idempotencyKey: 'lost' })).status, 504);
  const [row] = await auditRows(keybrake, { key: run.id });
  const said = await fetch(`${keybrake.url}/vault/calls/${row?.id}/resolution`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${keybrake.apiKey}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ outcome: 'settled', cost_usd: 0, reason: 'refunded by hand' }),
  });
  assert.equal(said.status, 200, await said.text());
  const again = await run.charge(700, { idempotencyKey: 'lost' });
  assert.equal(again.headers['x-keybrake-reason'], 'outcome_unknown');
  assert.equal(keybrake.sandbox.stripe.movedCents(), 0n);
  assert.deepEqual(await spendOf(keybrake, run.id), [0, 0]);
});
