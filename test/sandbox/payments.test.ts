/**
 * The fake Stripe's money: each way a payment can go, as the official SDK sees it, and the books
 * after it. If one of these is wrong, no money test of Keybrake's proves anything.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Stripe from 'stripe';
import { failure, paying, raw, start } from './client.ts';

test('a confirmed payment moves its whole amount, once', async (t) => {
  const { sandbox, stripe } = await start(t);
  const pi = await stripe.paymentIntents.create(
    paying(2900, { customer: 'cus_old', metadata: { run: 'celery/7' } }),
  );
  assert.equal(pi.status, 'succeeded');
  assert.equal(pi.amount_received, 2900);
  assert.equal(pi.amount_capturable, 0);
  assert.equal(pi.customer, 'cus_old');
  assert.equal(pi.livemode, false);
  assert.deepEqual(pi.metadata, { run: 'celery/7' });
  const again = await stripe.paymentIntents.retrieve(pi.id, { expand: ['latest_charge'] });
  const charge = again.latest_charge as Stripe.Charge;
  assert.equal(charge.amount_captured, 2900);
  assert.equal(charge.payment_intent, pi.id);
  assert.equal(sandbox.stripe.movedCents(), 2900n);
  assert.equal(sandbox.stripe.openCents(), 0n);
  assert.equal(sandbox.stripe.executions, 1);
});

test('a payment that is not confirmed is open money, until it is confirmed or canceled', async (t) => {
  const { sandbox, stripe } = await start(t);
  const bare = await stripe.paymentIntents.create({ amount: 1000, currency: 'usd' });
  assert.equal(bare.status, 'requires_payment_method');
  const ready = await stripe.paymentIntents.create(paying(500, { confirm: false }));
  assert.equal(ready.status, 'requires_confirmation');
  assert.equal(sandbox.stripe.openCents(), 1500n);
  await stripe.paymentIntents.update(ready.id, { amount: 700 });
  assert.equal(sandbox.stripe.openCents(), 1700n);
  assert.equal((await stripe.paymentIntents.confirm(ready.id)).status, 'succeeded');
  assert.equal((await stripe.paymentIntents.cancel(bare.id)).status, 'canceled');
  assert.equal(sandbox.stripe.openCents(), 0n);
  assert.equal(sandbox.stripe.movedCents(), 700n);
});

test('a change of currency moves open money from one sum to the other', async (t) => {
  const { sandbox, stripe } = await start(t);
  const pi = await stripe.paymentIntents.create({ amount: 1000, currency: 'usd' });
  await stripe.paymentIntents.update(pi.id, { currency: 'eur', amount: 900 });
  assert.equal(sandbox.stripe.openCents('usd'), 0n);
  assert.equal(sandbox.stripe.openCents('eur'), 900n);
});

test('an authorisation can be captured whole, in part, or given up', async (t) => {
  const { sandbox, stripe } = await start(t);
  const authorise = () => stripe.paymentIntents.create(paying(2900, { capture_method: 'manual' }));
  const [whole, part, none] = [await authorise(), await authorise(), await authorise()];
  assert.equal(whole.status, 'requires_capture');
  assert.equal(whole.amount_capturable, 2900);
  assert.equal(whole.amount_received, 0);
  assert.equal(sandbox.stripe.authorisedCents(), 8700n);
  assert.equal(sandbox.stripe.movedCents(), 0n);

  assert.equal((await stripe.paymentIntents.capture(whole.id)).amount_received, 2900);
  const captured = await stripe.paymentIntents.capture(part.id, { amount_to_capture: 900 });
  assert.equal(captured.status, 'succeeded');
  assert.equal(captured.amount_received, 900);
  assert.equal(captured.amount_capturable, 0);
  await stripe.paymentIntents.cancel(none.id);
  assert.equal(sandbox.stripe.movedCents(), 3800n);
  assert.equal(sandbox.stripe.authorisedCents(), 0n);
  const error = await failure(stripe.paymentIntents.capture(whole.id));
  assert.equal(error.code, 'payment_intent_unexpected_state');
});

test('no more is captured than was authorised, and a raise states the new total', async (t) => {
  const { sandbox, stripe } = await start(t);
  const pi = await stripe.paymentIntents.create(paying(1000, { capture_method: 'manual' }));
  const error = await failure(stripe.paymentIntents.capture(pi.id, { amount_to_capture: 1001 }));
  assert.equal(error.statusCode, 400);
  assert.equal(sandbox.stripe.movedCents(), 0n);
  await failure(stripe.paymentIntents.incrementAuthorization(pi.id, { amount: 1000 }));
  const raised = await stripe.paymentIntents.incrementAuthorization(pi.id, { amount: 1500 });
  assert.equal(raised.amount_capturable, 1500);
  assert.equal(sandbox.stripe.authorisedCents(), 1500n);
});

for (const [card, code, declineCode] of [
  ['pm_card_chargeDeclined', 'card_declined', 'generic_decline'],
  ['pm_card_chargeDeclinedInsufficientFunds', 'card_declined', 'insufficient_funds'],
  ['pm_card_visa_chargeDeclinedLostCard', 'card_declined', 'lost_card'],
  ['pm_card_chargeDeclinedExpiredCard', 'expired_card', ''],
] as const) {
  test(`${card}: a card error with the payment in it, and no money`, async (t) => {
    const { sandbox, stripe } = await start(t);
    const error = await failure(
      stripe.paymentIntents.create(paying(2900, { payment_method: card })),
    );
    assert.ok(error instanceof Stripe.errors.StripeCardError);
    assert.equal(error.statusCode, 402);
    assert.equal(error.code, code);
    assert.equal(error.decline_code, declineCode);
    assert.equal(error.payment_intent?.status, 'requires_payment_method');
    assert.equal(error.payment_intent?.latest_charge, error.charge);
    assert.equal((await stripe.charges.retrieve(error.charge!)).status, 'failed');
    assert.equal(sandbox.stripe.movedCents(), 0n);
    assert.equal(sandbox.stripe.openCents(), 0n);
    assert.equal(sandbox.stripe.declinedCents(), 2900n);
    assert.equal(sandbox.stripe.executions, 1);

    const id = error.payment_intent!.id;
    const paid = await stripe.paymentIntents.confirm(id, { payment_method: 'pm_card_visa' });
    assert.equal(paid.status, 'succeeded');
    assert.equal(sandbox.stripe.declinedCents(), 0n);
    assert.equal(sandbox.stripe.movedCents(), 2900n);
  });
}

test('a card that wants the customer: 200 with requires_action, 402 when the customer is away', async (t) => {
  const { sandbox, stripe } = await start(t);
  const card = { payment_method: 'pm_card_authenticationRequired' };
  const pi = await stripe.paymentIntents.create(paying(2900, card));
  assert.equal(pi.status, 'requires_action');
  assert.equal(sandbox.stripe.openCents(), 2900n);
  const error = await failure(
    stripe.paymentIntents.create(paying(100, { ...card, off_session: true })),
  );
  assert.equal(error.code, 'authentication_required');
  sandbox.finishPayment(pi.id, 'succeeded');
  assert.equal(sandbox.stripe.movedCents(), 2900n);
  assert.throws(() => sandbox.finishPayment(pi.id, 'succeeded'));
});

test('a bank debit is open money while it is processed', async (t) => {
  const { sandbox, stripe } = await start(t);
  const debit = { payment_method: 'pm_usBankAccount_success' };
  const pi = await stripe.paymentIntents.create(paying(2900, debit));
  assert.equal(pi.status, 'processing');
  assert.equal(sandbox.stripe.openCents(), 2900n);
  sandbox.finishPayment(pi.id, 'failed');
  assert.equal(sandbox.stripe.openCents() + sandbox.stripe.movedCents(), 0n);
});

for (const [why, params, code] of [
  ['below the minimum', { amount: 49, currency: 'usd' }, 'amount_too_small'],
  ['negative', { amount: -100, currency: 'usd' }, 'parameter_invalid_integer'],
  ['a fraction', { amount: 12.5, currency: 'usd' }, 'parameter_invalid_integer'],
  ['nine digits', { amount: 100_000_000, currency: 'usd' }, 'amount_too_large'],
  ['missing', { currency: 'usd' }, 'parameter_missing'],
] as const) {
  test(`an amount that is ${why} is refused and nothing is made`, async (t) => {
    const { sandbox, stripe } = await start(t);
    const asked = params as Stripe.PaymentIntentCreateParams;
    const error = await failure(stripe.paymentIntents.create(asked));
    assert.equal(error.statusCode, 400);
    assert.equal(error.code, code);
    assert.equal(error.param, 'amount');
    assert.equal(sandbox.stripe.executions, 0);
    assert.equal(sandbox.stripe.openCents(), 0n);
  });
}

test('refunds give back what was received and never more', async (t) => {
  const { sandbox, stripe } = await start(t);
  const pi = await stripe.paymentIntents.create(paying(3000));
  const first = await stripe.refunds.create({ payment_intent: pi.id, amount: 1000 });
  assert.equal(first.status, 'succeeded');
  await stripe.refunds.create({ charge: pi.latest_charge as string, amount: 500 });
  const error = await failure(stripe.refunds.create({ payment_intent: pi.id, amount: 1501 }));
  assert.equal(error.statusCode, 400);
  assert.equal(sandbox.stripe.refundedCents(), 1500n);
  assert.equal((await stripe.refunds.create({ payment_intent: pi.id })).amount, 1500);
  const all = await failure(stripe.refunds.create({ payment_intent: pi.id }));
  assert.equal(all.code, 'charge_already_refunded');
  const charge = await stripe.charges.retrieve(pi.latest_charge as string);
  assert.equal(charge.amount_refunded, 3000);
  assert.equal(charge.refunded, true);
  assert.equal((await stripe.refunds.list({ charge: charge.id })).data.length, 3);
  assert.equal(sandbox.stripe.refundedCents(), 3000n);
  assert.equal(sandbox.stripe.movedCents(), 3000n);
});

test('charges of the older API: paid, authorised and captured, declined, let go', async (t) => {
  const { sandbox, stripe } = await start(t);
  const common = { amount: 2000, currency: 'usd', source: 'tok_visa' };
  assert.equal((await stripe.charges.create(common)).captured, true);
  const held = await stripe.charges.create({ ...common, capture: false });
  assert.equal(held.status, 'succeeded');
  assert.equal(held.captured, false);
  assert.equal(sandbox.stripe.authorisedCents(), 2000n);
  assert.equal((await stripe.charges.capture(held.id, { amount: 1500 })).amount_captured, 1500);
  assert.equal(sandbox.stripe.movedCents(), 3500n);
  const error = await failure(stripe.charges.create({ ...common, source: 'tok_chargeDeclined' }));
  assert.equal(error.statusCode, 402);
  assert.match(error.charge!, /^ch_/);
  const dropped = await stripe.charges.create({ ...common, capture: false });
  await stripe.refunds.create({ charge: dropped.id });
  assert.equal(sandbox.stripe.authorisedCents(), 0n);
  assert.equal(sandbox.stripe.refundedCents(), 0n);
  assert.equal(sandbox.stripe.movedCents(), 3500n);
});

test('payouts, topups and transfers count as moved; a canceled payout does not', async (t) => {
  const { sandbox, stripe } = await start(t);
  const payout = await stripe.payouts.create({ amount: 1000, currency: 'usd' });
  assert.equal(payout.status, 'pending');
  await stripe.topups.create({ amount: 200, currency: 'usd' });
  await stripe.transfers.create({ amount: 30, currency: 'usd', destination: 'acct_1' });
  assert.equal(sandbox.stripe.movedCents(), 1230n);
  assert.equal((await stripe.payouts.cancel(payout.id)).status, 'canceled');
  assert.equal(sandbox.stripe.movedCents(), 230n);
  assert.equal((await stripe.balance.retrieve()).available[0]!.amount, 170);
});

test('customers and their credit; a deleted customer pays nothing', async (t) => {
  const { sandbox, stripe } = await start(t);
  const customer = await stripe.customers.create({ email: 'a@example.com', metadata: { a: '1' } });
  const changed = await stripe.customers.update(customer.id, { metadata: { a: '', b: '2' } });
  assert.deepEqual(changed.metadata, { b: '2' });
  const credit = await stripe.customers.createBalanceTransaction(customer.id, {
    amount: -500,
    currency: 'usd',
  });
  assert.equal(credit.ending_balance, -500);
  assert.equal(sandbox.stripe.total('credits'), -500n);
  assert.equal(sandbox.stripe.movedCents(), 0n);
  await stripe.customers.del(customer.id);
  const error = await failure(stripe.paymentIntents.create(paying(100, { customer: customer.id })));
  assert.equal(error.code, 'resource_missing');
  assert.equal((await stripe.customers.list()).data.length, 0);
});

test('an attached payment method pays as the card it was made from', async (t) => {
  const { stripe } = await start(t);
  const pm = await stripe.paymentMethods.attach('pm_card_visa', { customer: 'cus_1' });
  assert.equal(pm.customer, 'cus_1');
  const pays = await stripe.paymentIntents.create(paying(100, { payment_method: pm.id }));
  assert.equal(pays.status, 'succeeded');
  const trick = await stripe.paymentMethods.attach('pm_card_chargeCustomerFail', {
    customer: 'cus_1',
  });
  const error = await failure(
    stripe.paymentIntents.create(paying(100, { payment_method: trick.id })),
  );
  assert.equal(error.statusCode, 402);
  const refused = stripe.paymentMethods.attach('pm_card_chargeDeclined', { customer: 'cus_1' });
  assert.equal((await failure(refused)).statusCode, 402);
  const seti = await stripe.setupIntents.create({ payment_method: pm.id, confirm: true });
  assert.equal(seti.status, 'succeeded');
});

test('lists come newest first and in pages that the SDK walks through', async (t) => {
  const { stripe } = await start(t);
  const ids: string[] = [];
  for (let i = 0; i < 7; i++) ids.unshift((await stripe.paymentIntents.create(paying(100))).id);
  const seen: string[] = [];
  for await (const pi of stripe.paymentIntents.list({ limit: 3 })) seen.push(pi.id);
  assert.deepEqual(seen, ids);
});

test('a wrong secret is 401 in Stripe shape, and nothing of it is shown', async (t) => {
  const { sandbox, stripe } = await start(t);
  await stripe.paymentIntents.create(paying(100));
  const wrong = await raw(sandbox, 'POST', '/v1/payment_intents', 'amount=100&currency=usd', {
    authorization: 'Bearer sk_test_somebody_elses_1234',
  });
  assert.equal(wrong.status, 401);
  assert.equal(wrong.headers['request-id'], undefined);
  assert.equal(JSON.parse(wrong.body).error.type, 'invalid_request_error');
  assert.ok(!wrong.body.includes('somebody'));
  assert.equal(sandbox.stripe.executions, 1);
  const basic = Buffer.from(`${sandbox.secret}:`).toString('base64');
  const authorization = `Basic ${basic}`;
  assert.equal((await raw(sandbox, 'GET', '/v1/balance', '', { authorization })).status, 200);
});

test('an address that Stripe does not have is 404 in its shape', async (t) => {
  const { sandbox } = await start(t);
  for (const path of ['/v1/nonsense', '/v1/payment_intents/pi_1/confirm/x', '/', '/v2/core']) {
    const reply = await raw(sandbox, 'POST', path);
    assert.equal(reply.status, 404);
    assert.match(JSON.parse(reply.body).error.message, /Unrecognized request URL/);
  }
});

for (const [how, path, body] of [
  ['the last of two amounts', '/v1/payment_intents', 'amount=100&amount=7000&currency=usd'],
  ['the body over the query', '/v1/payment_intents?amount=100', 'amount=7000&currency=usd'],
  ['an amount in the query', '/v1/payment_intents?amount=7000', 'currency=usd'],
  ['an amount in brackets', '/v1/payment_intents', 'amount=100&amount[]=7000&currency=usd'],
  ['an encoded name', '/v1/payment_intents', 'amount=100&%61mount=7000&currency=usd'],
  ['dots and doubled slashes', '/v1//customers/../payment_intents/', 'amount=7000&currency=usd'],
  ['an encoded path', '/v1/%70ayment_intents', 'amount=7000&currency=usd'],
] as const) {
  test(`read as a lenient vendor might: ${how} counts`, async (t) => {
    const { sandbox } = await start(t);
    assert.equal((await raw(sandbox, 'POST', path, body)).status, 200);
    assert.equal(sandbox.stripe.openCents(), 7000n);
    assert.equal(sandbox.stripe.received[0]!.path, path.split('?')[0]);
  });
}

test('the sums equal what the objects say, after a mixture of everything', async (t) => {
  const { sandbox, stripe } = await start(t);
  const cards = ['pm_card_visa', 'pm_card_chargeDeclined', 'pm_card_authenticationRequired'];
  for (let i = 0; i < 60; i++) {
    const params = paying(100 + i * 7, {
      payment_method: cards[i % 3]!,
      capture_method: i % 4 === 0 ? 'manual' : 'automatic',
      confirm: i % 5 !== 0,
    });
    const pi = await stripe.paymentIntents.create(params).catch(() => undefined);
    if (!pi) continue;
    if (pi.status === 'requires_capture' && i % 8 === 0) await stripe.paymentIntents.capture(pi.id);
    if (pi.status === 'succeeded' && i % 6 === 0) {
      await stripe.refunds.create({ payment_intent: pi.id, amount: 50 });
    }
    if (pi.status === 'requires_action' && i % 2) await stripe.paymentIntents.cancel(pi.id);
  }
  const pis = (await stripe.paymentIntents.list({ limit: 100 })).data;
  assert.equal(pis.length, 60);
  const sum = (of: (pi: Stripe.PaymentIntent) => number) =>
    BigInt(pis.reduce((total, pi) => total + of(pi), 0));
  const open = ['requires_confirmation', 'requires_action', 'processing'];
  assert.equal(
    sandbox.stripe.movedCents(),
    sum((pi) => pi.amount_received),
  );
  assert.equal(
    sandbox.stripe.authorisedCents(),
    sum((pi) => pi.amount_capturable),
  );
  assert.equal(
    sandbox.stripe.openCents(),
    sum((pi) => (open.includes(pi.status) ? pi.amount : 0)),
  );
  assert.equal(
    sandbox.stripe.declinedCents(),
    sum((pi) => (pi.status === 'requires_payment_method' ? pi.amount : 0)),
  );
});
