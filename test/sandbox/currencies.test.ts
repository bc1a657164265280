/** Amounts are whole minor units of whatever the currency has for them, and are not mixed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure, paying, start } from './client.ts';

test('each currency has its own sums, in the units it was sent in', async (t) => {
  const { sandbox, stripe } = await start(t);
  for (const [currency, amount] of [
    ['jpy', 2900],
    ['kwd', 5120],
    ['ugx', 500],
    ['isk', 500],
    ['eur', 777],
    ['mmk', 1234],
  ] as const) {
    const pi = await stripe.paymentIntents.create(paying(amount, { currency }));
    assert.deepEqual([pi.amount_received, pi.currency], [amount, currency]);
    assert.equal(sandbox.stripe.movedCents(currency), BigInt(amount));
  }
  assert.equal(sandbox.stripe.movedCents('usd'), 0n);
});

test('a fraction that the currency does not have is refused, and nothing moves', async (t) => {
  const { sandbox, stripe } = await start(t);
  for (const [currency, amount] of [
    ['kwd', 5124],
    ['ugx', 550],
    ['isk', 501],
  ] as const) {
    const error = await failure(stripe.paymentIntents.create(paying(amount, { currency })));
    assert.deepEqual([error.statusCode, error.param], [400, 'amount']);
    assert.equal(sandbox.stripe.openCents(currency), 0n);
  }
  const held = { currency: 'kwd', capture_method: 'manual' } as const;
  const { id } = await stripe.paymentIntents.create(paying(5120, held));
  await failure(stripe.paymentIntents.capture(id, { amount_to_capture: 5111 }));
  await stripe.paymentIntents.capture(id, { amount_to_capture: 5110 });
  await failure(stripe.refunds.create({ payment_intent: id, amount: 1 }));
  assert.equal(sandbox.stripe.movedCents('kwd'), 5110n);
  const huf = { amount: 150, currency: 'huf' };
  assert.equal((await failure(stripe.payouts.create(huf))).statusCode, 400);
  await stripe.paymentIntents.create(paying(150, { currency: 'huf' }));
});

test('what is no three letters is no currency', async (t) => {
  const { stripe } = await start(t);
  for (const currency of ['us', 'usdt', '12$', '']) {
    const error = await failure(stripe.paymentIntents.create(paying(100, { currency })));
    assert.equal(error.param, 'currency');
  }
  const pi = await stripe.paymentIntents.create(paying(100, { currency: 'USD' }));
  assert.equal(pi.currency, 'usd');
});
