/** The longer ways of a payment: what is captured in parts, confirmed for more, or ends days later. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type Stripe from 'stripe';
import {
  failPayout,
  failRefund,
  failTopup,
  finishPayout,
  finishRefund,
} from '../../src/sandbox/stripe/outside.ts';
import { failure, paying, start } from './client.ts';

const NOW = Math.floor(Date.now() / 1000);
const DEBIT = { payment_method: 'pm_usBankAccount_success' };
const typesOf = async (stripe: Stripe) =>
  (await stripe.events.list({ limit: 100 })).data.map(({ type }) => type).toReversed();

test('a bank debit that fails days later moves nothing, one that is paid moves all', async (t) => {
  const { sandbox, stripe } = await start(t);
  const [paid, failed] = [
    await stripe.paymentIntents.create(paying(2900, DEBIT)),
    await stripe.paymentIntents.create(paying(700, DEBIT)),
  ];
  const charge = await stripe.charges.retrieve(paid.latest_charge as string);
  assert.equal(charge.status, 'pending');
  assert.equal(charge.paid, false);
  assert.equal(sandbox.stripe.openCents(), 3600n);
  assert.equal(sandbox.stripe.movedCents(), 0n);
  sandbox.finishPayment(paid.id, 'succeeded');
  sandbox.finishPayment(failed.id, 'failed');
  const after = await stripe.paymentIntents.retrieve(paid.id);
  assert.equal(after.status, 'succeeded');
  assert.equal(after.latest_charge, charge.id);
  assert.equal((await stripe.paymentIntents.retrieve(failed.id)).status, 'requires_payment_method');
  assert.equal(sandbox.stripe.movedCents(), 2900n);
  assert.equal(sandbox.stripe.openCents(), 0n);
  assert.deepEqual((await typesOf(stripe)).slice(6), [
    'charge.succeeded',
    'payment_intent.succeeded',
    'charge.failed',
    'payment_intent.payment_failed',
  ]);
});

test('a debit under way can be canceled, and then nothing moves', async (t) => {
  const { sandbox, stripe } = await start(t);
  const pi = await stripe.paymentIntents.create(paying(2900, DEBIT));
  assert.equal((await stripe.paymentIntents.cancel(pi.id)).status, 'canceled');
  assert.equal(sandbox.stripe.openCents(), 0n);
  assert.throws(() => sandbox.finishPayment(pi.id, 'succeeded'));
});

test('a card that wants the customer says where to send them', async (t) => {
  const { stripe } = await start(t);
  const card = { payment_method: 'pm_card_threeDSecure2Required' };
  const app = await stripe.paymentIntents.create(paying(100, card));
  assert.equal(app.next_action?.type, 'use_stripe_sdk');
  const return_url = 'https://example.com/back';
  const web = await stripe.paymentIntents.create(paying(100, { ...card, return_url }));
  assert.equal(web.next_action?.redirect_to_url?.return_url, return_url);
  assert.equal((await typesOf(stripe)).at(-1), 'payment_intent.requires_action');
});

test('more captures may follow one that is not final; the last lets the rest go', async (t) => {
  const { sandbox, stripe } = await start(t);
  const authorise = () => stripe.paymentIntents.create(paying(1000, { capture_method: 'manual' }));
  const { id } = await authorise();
  const part = { amount_to_capture: 300, final_capture: false };
  const first = await stripe.paymentIntents.capture(id, part);
  assert.equal(first.status, 'requires_capture');
  assert.deepEqual([first.amount_received, first.amount_capturable], [300, 700]);
  assert.equal(sandbox.stripe.movedCents(), 300n);
  assert.equal(sandbox.stripe.authorisedCents(), 700n);
  await failure(stripe.paymentIntents.capture(id, { amount_to_capture: 701 }));
  const last = await stripe.paymentIntents.capture(id, { amount_to_capture: 200 });
  assert.equal(last.status, 'succeeded');
  assert.deepEqual([last.amount_received, last.amount_capturable], [500, 0]);
  const charge = await stripe.charges.retrieve(last.latest_charge as string);
  // What was let go is no refund.
  assert.deepEqual([charge.amount_captured, charge.amount_refunded], [500, 0]);
  assert.equal(sandbox.stripe.movedCents(), 500n);
  assert.equal(sandbox.stripe.authorisedCents(), 0n);
  const error = await failure(stripe.refunds.create({ payment_intent: id, amount: 501 }));
  assert.equal(error.statusCode, 400);

  const other = await authorise();
  await stripe.paymentIntents.capture(other.id, part);
  const none = { amount_to_capture: 0, final_capture: true };
  assert.equal((await stripe.paymentIntents.capture(other.id, none)).amount_received, 300);
  assert.equal(sandbox.stripe.authorisedCents(), 0n);
  assert.equal(sandbox.stripe.movedCents(), 800n);
});

test('a confirmation can name another amount, also a higher one', async (t) => {
  const { sandbox, stripe } = await start(t);
  const unconfirmed = { confirm: false };
  const { id } = await stripe.paymentIntents.create(paying(1000, unconfirmed));
  const paid = await stripe.paymentIntents.confirm(id, { amount_to_confirm: 1030 });
  assert.equal(paid.amount_received, 1030);
  assert.equal(sandbox.stripe.movedCents(), 1030n);
  assert.equal(sandbox.stripe.openCents(), 0n);
  const declined = await stripe.paymentIntents.create(
    paying(1000, { ...unconfirmed, payment_method: 'pm_card_chargeDeclined' }),
  );
  await failure(stripe.paymentIntents.confirm(declined.id, { amount_to_confirm: 2000 }));
  assert.equal((await stripe.paymentIntents.retrieve(declined.id)).amount, 1000);
  assert.equal(sandbox.stripe.declinedCents(), 1000n);
});

test('an amount raised after creation is open money, and has no event', async (t) => {
  const { sandbox, stripe } = await start(t);
  const { id } = await stripe.paymentIntents.create(paying(1000, { confirm: false }));
  await stripe.paymentIntents.update(id, { amount: 2500 });
  assert.equal(sandbox.stripe.openCents(), 2500n);
  assert.equal((await stripe.paymentIntents.confirm(id)).amount_received, 2500);
  assert.deepEqual(await typesOf(stripe), [
    'payment_intent.created',
    'charge.succeeded',
    'payment_intent.succeeded',
  ]);
});

test('a refund that fails later stays with the seller, and can be tried again', async (t) => {
  const { sandbox, stripe } = await start(t);
  const late = { payment_method: 'pm_card_pendingRefund' };
  const pi = await stripe.paymentIntents.create(paying(3000, late));
  const pending = await stripe.refunds.create({ payment_intent: pi.id, amount: 1000 });
  assert.equal(pending.status, 'pending');
  assert.equal(sandbox.stripe.refundedCents(), 1000n);
  failRefund(sandbox.stripe, pending.id, NOW);
  assert.equal((await stripe.refunds.retrieve(pending.id)).status, 'failed');
  assert.equal(sandbox.stripe.refundedCents(), 0n);
  const again = await stripe.refunds.create({ payment_intent: pi.id });
  assert.equal(again.amount, 3000);
  finishRefund(sandbox.stripe, again.id, NOW);
  assert.equal((await stripe.refunds.retrieve(again.id)).status, 'succeeded');
  // Also one that was said to have succeeded can come back.
  failRefund(sandbox.stripe, again.id, NOW);
  assert.equal(sandbox.stripe.refundedCents(), 0n);
  assert.throws(() => failRefund(sandbox.stripe, again.id, NOW));
  const charge = await stripe.charges.retrieve(pi.latest_charge as string);
  assert.deepEqual([charge.amount_refunded, charge.refunded], [0, false]);
  assert.ok((await typesOf(stripe)).includes('refund.failed'));
});

test('a payout can fail after it was paid, a topup before it came', async (t) => {
  const { sandbox, stripe } = await start(t);
  const { id } = await stripe.payouts.create({ amount: 1000, currency: 'usd' });
  finishPayout(sandbox.stripe, id, NOW);
  assert.equal((await stripe.payouts.retrieve(id)).status, 'paid');
  assert.equal(sandbox.stripe.movedCents(), 1000n);
  failPayout(sandbox.stripe, id, NOW);
  assert.equal((await stripe.payouts.retrieve(id)).failure_code, 'account_closed');
  assert.equal(sandbox.stripe.movedCents(), 0n);
  const topup = await stripe.topups.create({ amount: 300, currency: 'usd' });
  failTopup(sandbox.stripe, topup.id, NOW);
  assert.equal(sandbox.stripe.movedCents(), 0n);
});
