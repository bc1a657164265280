/** Money of API v2: JSON in and out, amounts as objects, and its own rules for keys and errors. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Stripe from 'stripe';
import { finishMovement } from '../../src/sandbox/stripe/outside.ts';
import { failure, raw, start } from './client.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const NOW = Math.floor(Date.now() / 1000);
const PATH = '/v2/money_management/outbound_payments';
const from = { currency: 'usd', financial_account: 'fa_1' };
const to = { recipient: 'acct_7', payout_method: 'usba_1', currency: 'usd' };
const payment = (value: number) => ({ amount: { value, currency: 'usd' }, from, to });

test('an outbound payment moves its amount and can come back later', async (t) => {
  const { sandbox, stripe } = await start(t);
  const { outboundPayments } = stripe.v2.moneyManagement;
  const paid = await outboundPayments.create(payment(2500));
  assert.deepEqual(paid.amount, { value: 2500, currency: 'usd' });
  assert.deepEqual(paid.from.debited, { value: 2500, currency: 'usd' });
  assert.equal(paid.status, 'processing');
  assert.deepEqual(await outboundPayments.retrieve(paid.id), paid);
  assert.equal(sandbox.stripe.movedCents(), 2500n);
  finishMovement(sandbox.stripe, paid.id, 'posted', NOW);
  assert.equal(sandbox.stripe.movedCents(), 2500n);
  finishMovement(sandbox.stripe, paid.id, 'returned', NOW);
  assert.equal((await outboundPayments.retrieve(paid.id)).status, 'returned');
  assert.equal(sandbox.stripe.movedCents(), 0n);
  const canceled = await outboundPayments.create(payment(300));
  await outboundPayments.cancel(canceled.id);
  assert.equal(sandbox.stripe.movedCents(), 0n);
  const again = await failure(outboundPayments.cancel(canceled.id));
  assert.ok(again instanceof Stripe.errors.AlreadyCanceledError);
  assert.equal((await outboundPayments.list()).data.length, 2);
});

test('transfers between own accounts and in from a bank are counted apart', async (t) => {
  const { sandbox, stripe } = await start(t);
  const inbound = await stripe.v2.moneyManagement.inboundTransfers.create({
    amount: { value: 900, currency: 'usd' },
    from: { payment_method: 'usba_1', currency: 'usd' },
    to: { financial_account: 'fa_1', currency: 'usd' },
  });
  assert.equal(inbound.transfer_history[0]!.type, 'bank_debit_processing');
  assert.equal(sandbox.stripe.total('inbound_transfers'), 900n);
  finishMovement(sandbox.stripe, inbound.id, 'failed', NOW);
  assert.equal(sandbox.stripe.total('inbound_transfers'), 0n);
  const body = { amount: { value: 40, currency: 'usd' }, from, to: { payout_method: 'usba_1' } };
  const path = '/v2/money_management/outbound_transfers';
  const reply = await raw(sandbox, 'POST', path, JSON.stringify(body), JSON_TYPE);
  assert.equal(reply.status, 200);
  assert.equal(sandbox.stripe.total('outbound_transfers'), 40n);
});

const JSON_TYPE = { 'content-type': 'application/json' };

test('a payout intent pays at once, or when it is confirmed, by a payment of its own', async (t) => {
  const { sandbox, stripe } = await start(t);
  const { payoutIntents, outboundPayments } = stripe.v2.moneyManagement;
  const first = await payoutIntents.create(payment(100));
  assert.equal(first.status, 'processing');
  const made = await outboundPayments.retrieve(first.latest_payout!.outbound_payment!);
  assert.equal(made.payout_intent, first.id);
  const manual = { ...payment(200), confirmation_method: 'manual' } as const;
  const second = await payoutIntents.create(manual);
  assert.equal(second.status, 'requires_action');
  assert.equal(sandbox.stripe.movedCents(), 100n);
  assert.equal(sandbox.stripe.openCents(), 200n);
  await payoutIntents.confirm(second.id);
  assert.equal(sandbox.stripe.movedCents(), 300n);
  const third = await payoutIntents.create(manual);
  await payoutIntents.cancel(third.id);
  await failure(payoutIntents.confirm(third.id));
  assert.equal(sandbox.stripe.movedCents(), 300n);
  assert.equal(sandbox.stripe.openCents(), 0n);
});

test('a key holds for 30 days, keeps what succeeded and tries what failed again', async (t) => {
  let now = 1_800_000_000_000;
  const { sandbox, stripe } = await start(t, { clock: { now: () => now } });
  const { outboundPayments } = stripe.v2.moneyManagement;
  const key = { idempotencyKey: 'k' };
  const bad = { ...payment(100), to: {} as typeof to };
  assert.equal((await failure(outboundPayments.create(bad, key))).statusCode, 400);
  const first = await outboundPayments.create(payment(100), key);
  now += 30 * DAY_MS - 1;
  assert.equal((await outboundPayments.create(payment(100), key)).id, first.id);
  const other = await failure(outboundPayments.create(payment(101), key));
  assert.equal(other.type, 'StripeIdempotencyError');
  now += 1;
  assert.notEqual((await outboundPayments.create(payment(100), key)).id, first.id);
  assert.equal(sandbox.stripe.movedCents(), 200n);
});

test('a vendor that broke after the money moved answers a retry with what it did', async (t) => {
  const { sandbox, stripe } = await start(t);
  sandbox.faults.next({ do: { kind: 'status', status: 500, executes: true, stored: true } });
  const key = { idempotencyKey: 'k' };
  const { outboundPayments } = stripe.v2.moneyManagement;
  assert.equal((await failure(outboundPayments.create(payment(100), key))).statusCode, 500);
  assert.equal((await outboundPayments.create(payment(100), key)).status, 'processing');
  assert.equal(sandbox.stripe.movedCents(), 100n);
});

test('errors have the shape of v2, and the body must be JSON', async (t) => {
  const { sandbox, stripe } = await start(t);
  const broken = await raw(sandbox, 'POST', PATH, '{"amount":', JSON_TYPE);
  assert.equal(broken.status, 400);
  const form = await raw(sandbox, 'POST', PATH, 'amount[value]=100');
  assert.equal(form.status, 400);
  const fields = await failure(
    stripe.v2.moneyManagement.outboundPayments.create({ ...payment(1), amount: {} as never }),
  );
  assert.equal(fields.code, 'invalid_fields');
  assert.equal(fields.rawType, undefined);
  const nobody = await failure(stripe.v2.moneyManagement.outboundPayments.retrieve('obp_0'));
  assert.deepEqual([nobody.statusCode, nobody.code], [404, 'not_found']);
  assert.equal(sandbox.stripe.executions, 0);
});

test('events of v2 name the object and the request, and are not in the list of v1', async (t) => {
  const { stripe } = await start(t);
  const { outboundPayments } = stripe.v2.moneyManagement;
  const { id } = await outboundPayments.create(payment(100), { idempotencyKey: 'mine' });
  const events = (await stripe.v2.core.events.list({ object_id: id })).data;
  assert.equal(events.length, 1);
  assert.equal(events[0]!.type, 'v2.money_management.outbound_payment.created');
  assert.equal(events[0]!.reason?.request?.idempotency_key, 'mine');
  assert.equal((await stripe.events.list()).data.length, 0);
});

test('an account can be made and found', async (t) => {
  const { stripe } = await start(t);
  const account = await stripe.v2.core.accounts.create({
    display_name: 'A',
    contact_email: 'a@b.c',
  });
  assert.match(account.id, /^acct_/);
  assert.equal((await stripe.v2.core.accounts.retrieve(account.id)).display_name, 'A');
});
