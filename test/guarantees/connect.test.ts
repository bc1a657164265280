/**
 * Connected accounts: a key names those it may act for, and its run reaches the money of no other,
 * whatever header it sends.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Stripe from 'stripe';
import { failure, sdk } from '../sandbox/client.ts';
import { auditRows } from '../support/management.ts';
import { runWith, startRun } from '../support/run.ts';
import { assertRefused, spendOf, start } from '../support/scene.ts';

const PAYING: Stripe.PaymentIntentCreateParams = {
  ...{ amount: 500, currency: 'usd', confirm: true, payment_method: 'pm_card_visa' },
};
const CONNECTED = { on_behalf_of: ['acct_1', 'acct_2'] };

test('a run acts for the accounts of its key and for no other; its rows say for which', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake, CONNECTED);
  const stripe = sdk(keybrake.url, run.vault_key);
  for (const stripeAccount of ['acct_1', 'acct_2', undefined]) {
    const paid = await stripe.paymentIntents.create(PAYING, stripeAccount ? { stripeAccount } : {});
    assert.equal(paid.status, 'succeeded');
  }
  const refused = await failure(stripe.paymentIntents.create(PAYING, { stripeAccount: 'acct_3' }));
  assert.ok(refused instanceof Stripe.errors.StripePermissionError);
  assert.equal(refused.code, 'scope_not_allowed');
  assert.match(refused.message, /stripe-account .* this key allows acct_1, acct_2/);
  const seen = keybrake.sandbox.stripe.received.filter(({ method }) => method === 'POST');
  assert.deepEqual(
    seen.map(({ headers }) => headers['stripe-account'] ?? null),
    ['acct_1', 'acct_2', null],
  );
  const rows = await auditRows(keybrake, { key: run.id });
  assert.deepEqual(
    rows.map(({ state, on_behalf_of }) => [state, on_behalf_of]),
    [
      ['settled', 'acct_1'],
      ['settled', 'acct_2'],
      ['settled', null],
      ['refused', 'acct_3'],
    ],
  );
  assert.deepEqual(await spendOf(keybrake, run.id), [15, 0]);
});

test('a key that names no account acts for its own alone, whichever header asks otherwise', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake);
  const forms = ['acct_1', '', 'acct_1, acct_2', '%61cct_1'];
  for (const header of ['Stripe-Account', 'stripe-context', 'STRIPE-ACCOUNT']) {
    for (const value of forms) {
      assertRefused(
        await run.charge(100, { headers: { [header]: value } }),
        403,
        'scope_not_allowed',
      );
    }
  }
  assert.equal(keybrake.sandbox.stripe.executions, 0);
});

test('of two headers each must be allowed, and the value whole', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake, CONNECTED);
  const refusals: Record<string, string>[] = [
    { 'stripe-account': 'acct_1', 'stripe-context': 'acct_9' },
    { 'stripe-account': 'acct_1/acct_2' },
    { 'stripe-account': 'acct_1,acct_2' },
    { 'stripe-account': 'acct_' },
    { 'stripe-account': 'ACCT_1' },
  ];
  for (const headers of refusals) {
    assertRefused(await run.charge(100, { headers }), 403, 'scope_not_allowed');
  }
  assert.equal(keybrake.sandbox.stripe.executions, 0);
  assert.equal((await run.charge(100, { headers: { 'stripe-account': ' acct_1 ' } })).status, 200);
});

test('one idempotency key for two accounts is a mismatch, and neither is answered for the other', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake, CONNECTED);
  const stripe = sdk(keybrake.url, run.vault_key);
  const idempotencyKey = 'run-7';
  const first = await stripe.paymentIntents.create(PAYING, {
    ...{ idempotencyKey, stripeAccount: 'acct_1' },
  });
  const again = await stripe.paymentIntents.create(PAYING, {
    ...{ idempotencyKey, stripeAccount: 'acct_1' },
  });
  assert.equal(again.id, first.id);
  for (const other of [{ stripeAccount: 'acct_2' }, {}]) {
    const error = await failure(stripe.paymentIntents.create(PAYING, { idempotencyKey, ...other }));
    assert.equal(error.code, 'idempotency_mismatch');
  }
  assert.equal(keybrake.sandbox.stripe.executions, 1);
});

test('a child reaches its parent’s accounts or fewer, and a payment of one is not another’s', async (t) => {
  const keybrake = await start(t);
  const parent = await startRun(t, keybrake, { ...CONNECTED, may_delegate: true });
  const reply = await fetch(`${keybrake.url}/vault/self/keys`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${parent.vault_key}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ agent_run_label: 'part', total_usd_cap: 20, on_behalf_of: ['acct_2'] }),
  });
  assert.equal(reply.status, 201);
  const key = (await reply.json()) as { id: string; vault_key: string };
  const child = runWith(t, keybrake, key);
  const of = (account: string) => ({ headers: { 'stripe-account': account } });
  assert.equal((await child.charge(100, of('acct_2'))).status, 200);
  assertRefused(await child.charge(100, of('acct_1')), 403, 'scope_not_allowed');

  const manual = { fields: { capture_method: 'manual' }, ...of('acct_2') };
  const { id } = (await child.charge(700, manual)).json as { id: string };
  const path = `/v1/payment_intents/${id}/capture`;
  const elsewhere = await parent.call({ path, ...of('acct_1') });
  assert.equal(elsewhere.status, 404, elsewhere.body.toString());
  assert.equal((await parent.call({ path, ...of('acct_2') })).status, 200);
  assert.deepEqual(await spendOf(keybrake, parent.id), [8, 0]);
});
