/** Connect: whose money moved, and that nothing of one account is found by another. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure, paying, raw, start } from './client.ts';

const A = { stripeAccount: 'acct_A1' };
const B = { stripeAccount: 'acct_B2' };

test('money is counted for the account that it was moved for', async (t) => {
  const { sandbox, stripe } = await start(t);
  await stripe.paymentIntents.create(paying(1000));
  const pi = await stripe.paymentIntents.create(paying(300), A);
  await stripe.refunds.create({ payment_intent: pi.id, amount: 50 }, A);
  await stripe.payouts.create({ amount: 70, currency: 'usd' }, B);
  const moved = (account?: string | null) => sandbox.stripe.movedCents('usd', account);
  assert.deepEqual(
    [moved(), moved(null), moved('acct_A1'), moved('acct_B2'), moved('acct_C3')],
    [1370n, 1000n, 300n, 70n, 0n],
  );
  assert.equal(sandbox.stripe.refundedCents('usd', 'acct_A1'), 50n);
  assert.equal((await stripe.balance.retrieve({}, A)).available[0]!.amount, 250);
  assert.equal(pi.lastResponse.headers['stripe-account'], 'acct_A1');
});

test('an object of one account is found by no other, and changed by no other', async (t) => {
  const { sandbox, stripe } = await start(t);
  const { id } = await stripe.paymentIntents.create(paying(300, { capture_method: 'manual' }), A);
  assert.equal((await stripe.paymentIntents.retrieve(id, {}, A)).id, id);
  for (const other of [undefined, B]) {
    assert.equal((await failure(stripe.paymentIntents.retrieve(id, {}, other))).statusCode, 404);
    assert.equal((await failure(stripe.paymentIntents.capture(id, {}, other))).statusCode, 404);
    const refund = stripe.refunds.create({ payment_intent: id }, other);
    assert.equal((await failure(refund)).statusCode, 400);
    assert.equal((await stripe.paymentIntents.list({}, other)).data.length, 0);
  }
  assert.equal(sandbox.stripe.authorisedCents(), 300n);
});

test('events are of their account, and say whose', async (t) => {
  const { stripe } = await start(t);
  await stripe.payouts.create({ amount: 70, currency: 'usd' }, A);
  assert.equal((await stripe.events.list()).data.length, 0);
  const [event] = (await stripe.events.list({}, A)).data;
  assert.equal(event!.account, 'acct_A1');
});

test('one key under two accounts is two executions', async (t) => {
  const { sandbox, stripe } = await start(t);
  const key = { idempotencyKey: 'k' };
  const own = await stripe.payouts.create({ amount: 70, currency: 'usd' }, key);
  const theirs = await stripe.payouts.create({ amount: 70, currency: 'usd' }, { ...key, ...A });
  assert.notEqual(own.id, theirs.id);
  const again = await stripe.payouts.create({ amount: 70, currency: 'usd' }, { ...key, ...A });
  assert.equal(again.id, theirs.id);
  assert.equal(sandbox.stripe.executions, 2);
});

test('a payment of a connected account leaves its fee with the platform', async (t) => {
  const { sandbox, stripe } = await start(t);
  await stripe.paymentIntents.create(paying(1000, { application_fee_amount: 100 }), A);
  const [fee] = (await stripe.applicationFees.list()).data;
  assert.deepEqual([fee!.account, fee!.amount], ['acct_A1', 100]);
  assert.equal((await stripe.applicationFees.list({}, A)).data.length, 0);
  await stripe.applicationFees.createRefund(fee!.id);
  assert.equal(sandbox.stripe.total('fee_refunds', 'usd', null), 100n);
  assert.equal(sandbox.stripe.total('payments', 'usd', null), 0n);
});

test('a context names the account too, and what is no account is refused', async (t) => {
  const { sandbox } = await start(t);
  const post = (headers: Record<string, string>) =>
    raw(sandbox, 'POST', '/v1/payouts', 'amount=70&currency=usd', headers);
  assert.equal((await post({ 'stripe-context': 'acct_A1' })).status, 200);
  assert.equal(sandbox.stripe.movedCents('usd', 'acct_A1'), 70n);
  const refused = await post({ 'stripe-account': 'nobody' });
  assert.equal(refused.status, 403);
  assert.equal(JSON.parse(refused.body).error.code, 'account_invalid');
  assert.equal(sandbox.stripe.movedCents(), 70n);
});
