/**
 * Steps of payments, refunds, reversals and payouts that only Stripe knows the price of, with the
 * official SDK through a real server: the vendor's books and the ledger agree.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { finishMovement, finishPayout } from '../../src/sandbox/stripe/outside.ts';
import { failure, paying } from '../sandbox/client.ts';
import { spendOf } from '../support/scene.ts';
import { ALL, MANUAL, open } from './stripe-look-ups.ts';

const NOW = Math.floor(Date.now() / 1000);

test('steps of payments that Keybrake never saw cost what they move', async (t) => {
  const { stripe, outside, note, agrees, lookUps } = await open(t);
  const ready = await outside.paymentIntents.create(paying(3000, { confirm: false }));
  const reserved = await outside.paymentIntents.create(paying(2900, MANUAL));
  const raised = await outside.paymentIntents.create(paying(500, { confirm: false }));
  const charge = await outside.charges.create({
    ...{ amount: 800, currency: 'usd', source: 'tok_visa', capture: false },
  });
  note();
  await stripe.paymentIntents.confirm(ready.id);
  await stripe.paymentIntents.capture(reserved.id, { amount_to_capture: 1000 });
  await stripe.paymentIntents.update(raised.id, { amount: 700 });
  await stripe.paymentIntents.confirm(raised.id);
  await stripe.charges.capture(charge.id, { amount: 600 });
  await agrees(30 + 10 + 7 + 6);
  assert.deepEqual(lookUps(), [
    ...[ready.id, reserved.id, raised.id].map((id) => `GET /v1/payment_intents/${id}`),
    `GET /v1/charges/${charge.id}`,
  ]);
});

test('an authorisation that is captured in parts never moves more than is held', async (t) => {
  const { keybrake, keyId, stripe, outside, note, agrees } = await open(t, { total_usd_cap: 25 });
  const reserved = await outside.paymentIntents.create(paying(2000, MANUAL));
  const larger = await outside.paymentIntents.create(paying(2900, MANUAL));
  note();
  const part = { amount_to_capture: 500, final_capture: false };
  await stripe.paymentIntents.capture(reserved.id, part);
  assert.deepEqual(await spendOf(keybrake, keyId), [0, 20]);
  await stripe.paymentIntents.capture(reserved.id, part);
  assert.deepEqual(await spendOf(keybrake, keyId), [0, 20]);
  assert.equal(
    (await failure(stripe.paymentIntents.capture(larger.id, part))).code,
    'cap_exceeded',
  );
  await stripe.paymentIntents.capture(reserved.id, { amount_to_capture: 300 });
  await agrees(13);
});

test('a raise of an authorisation costs the difference, whoever reserved it', async (t) => {
  const { stripe, outside, note, agrees, keybrake, keyId } = await open(t, { total_usd_cap: 100 });
  const reserved = await outside.paymentIntents.create(paying(2000, MANUAL));
  note();
  await stripe.paymentIntents.incrementAuthorization(reserved.id, { amount: 3500 });
  assert.deepEqual(await spendOf(keybrake, keyId), [0, 35]);
  await stripe.paymentIntents.incrementAuthorization(reserved.id, { amount: 4000 });
  assert.deepEqual(await spendOf(keybrake, keyId), [0, 40]);
  await stripe.paymentIntents.capture(reserved.id);
  await agrees(40);
});

test('what was captured past Keybrake before is nobody’s here', async (t) => {
  const { stripe, outside, note, agrees } = await open(t, { total_usd_cap: 10 });
  const reserved = await outside.paymentIntents.create(paying(2900, MANUAL));
  await outside.paymentIntents.capture(reserved.id, {
    amount_to_capture: 1400,
    final_capture: false,
  });
  note();
  await stripe.paymentIntents.capture(reserved.id, { amount_to_capture: 1000 });
  await agrees(10);
});

test('refunds cost what is left, whoever made the payment and gave back of it before', async (t) => {
  const { keybrake, keyId, stripe, outside, note, agrees, lookUps } = await open(t);
  const theirs = await outside.paymentIntents.create(paying(4000));
  await outside.refunds.create({ payment_intent: theirs.id, amount: 500 });
  const whole = await outside.paymentIntents.create(paying(900));
  note();
  await stripe.refunds.create({ payment_intent: theirs.id, amount: 1000 });
  await stripe.refunds.create({ payment_intent: theirs.id, amount: 700 });
  // By the charge's name, all that is left.
  await stripe.refunds.create({ charge: theirs.latest_charge as string });
  await stripe.refunds.create({ charge: whole.latest_charge as string });
  assert.equal(lookUps().length, 2, 'once for each payment');
  const refunded = 10 + 7 + 18 + 9;
  await agrees(refunded);
  const ours = await stripe.paymentIntents.create(paying(2000));
  await outside.refunds.create({ payment_intent: ours.id, amount: 300 });
  await stripe.refunds.create({ payment_intent: ours.id, amount: 1000 });
  // Of what was given back past Keybrake it has not heard: it holds too much, and settles right.
  await stripe.refunds.create({ payment_intent: ours.id });
  assert.deepEqual(await spendOf(keybrake, keyId), [refunded + 20 + 10 + 7, 0]);
  assert.equal(lookUps().length, 2, 'a payment of its own is known');
});

test('a transfer, a fee and a payout that come back cost what comes back', async (t) => {
  const { keybrake, keyId, stripe, outside, note, agrees } = await open(t);
  const transfer = await outside.transfers.create({
    ...{ amount: 1000, currency: 'usd', destination: 'acct_7' },
  });
  await outside.transfers.createReversal(transfer.id, { amount: 100 });
  const connected = { application_fee_amount: 100, transfer_data: { destination: 'acct_7' } };
  await outside.paymentIntents.create(paying(1000, connected));
  const fee = (await outside.applicationFees.list()).data[0]!;
  const source_transaction = (await outside.charges.list()).data[0]!.id;
  const payout = await outside.payouts.create({ amount: 700, currency: 'usd' });
  finishPayout(keybrake.sandbox.stripe, payout.id, NOW);
  note();
  await stripe.transfers.createReversal(transfer.id, { amount: 300 });
  await stripe.transfers.createReversal(transfer.id);
  await stripe.applicationFees.createRefund(fee.id, { amount: 40 });
  await stripe.applicationFees.createRefund(fee.id);
  await agrees(9 + 1);
  const reversal = await stripe.payouts.reverse(payout.id);
  assert.deepEqual(await spendOf(keybrake, keyId), [10, 7]);
  finishPayout(keybrake.sandbox.stripe, reversal.id, NOW);
  await stripe.payouts.retrieve(reversal.id);
  await agrees(17);
  await stripe.transfers.create({ currency: 'usd', destination: 'acct_7', source_transaction });
  await agrees(27);
});

test('API v2: withheld from a key that does not name it, exactly priced for one that does', async (t) => {
  const closed = await open(t);
  const from = { currency: 'usd', financial_account: 'fa_1' };
  const to = { recipient: 'acct_7', payout_method: 'usba_1', currency: 'usd' };
  const payment = (value: number) => ({ amount: { value, currency: 'usd' }, from, to });
  const refused = closed.stripe.v2.moneyManagement.outboundPayments.create(payment(2500));
  assert.equal((await failure(refused)).code, 'endpoint_not_allowed');
  assert.equal(closed.keybrake.sandbox.stripe.requests, 0);

  const { keybrake, keyId, stripe, outside, note, agrees } = await open(t, {
    ...ALL,
    total_usd_cap: 40,
  });
  const { outboundPayments, payoutIntents } = stripe.v2.moneyManagement;
  const paid = await outboundPayments.create(payment(2500));
  assert.deepEqual(await spendOf(keybrake, keyId), [0, 25]);
  assert.equal((await failure(outboundPayments.create(payment(1600)))).code, 'cap_exceeded');
  finishMovement(keybrake.sandbox.stripe, paid.id, 'posted', NOW);
  await outboundPayments.retrieve(paid.id);
  await agrees(25);
  const manual = { ...payment(900), confirmation_method: 'manual' } as const;
  const theirs = await outside.v2.moneyManagement.payoutIntents.create(manual);
  note();
  await payoutIntents.confirm(theirs.id);
  assert.deepEqual(await spendOf(keybrake, keyId), [25, 9]);
  assert.equal((await failure(outboundPayments.create(payment(601)))).code, 'cap_exceeded');
});

test('a first try that is declined, and one that must be authenticated, count what they move', async (t) => {
  const { keybrake, keyId, stripe, outside, note, agrees } = await open(t);
  const bad = { confirm: false, payment_method: 'pm_card_chargeDeclined' };
  const declined = await outside.paymentIntents.create(paying(900, bad));
  const asks = { confirm: false, payment_method: 'pm_card_authenticationRequired' };
  const waiting = await outside.paymentIntents.create(paying(700, asks));
  note();
  assert.equal((await failure(stripe.paymentIntents.confirm(declined.id))).statusCode, 402);
  assert.deepEqual(await spendOf(keybrake, keyId), [0, 0]);
  await stripe.paymentIntents.confirm(declined.id, { payment_method: 'pm_card_visa' });
  const confirmed = await stripe.paymentIntents.confirm(waiting.id);
  assert.equal(confirmed.status, 'requires_action');
  assert.deepEqual(await spendOf(keybrake, keyId), [9, 7]);
  keybrake.sandbox.finishPayment(waiting.id, 'succeeded');
  await stripe.paymentIntents.retrieve(waiting.id);
  await agrees(16);
});
