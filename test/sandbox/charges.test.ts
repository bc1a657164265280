/** The older API of charges, and the test cards by both of their names. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { finishCharge } from '../../src/sandbox/stripe/outside.ts';
import { failure, start } from './client.ts';

for (const [source, code, declineCode] of [
  ['tok_chargeDeclined', 'card_declined', 'generic_decline'],
  ['pm_card_chargeDeclined', 'card_declined', 'generic_decline'],
  ['tok_chargeDeclinedInsufficientFunds', 'card_declined', 'insufficient_funds'],
  ['tok_chargeDeclinedExpiredCard', 'expired_card', ''],
  ['tok_chargeCustomerFail', 'card_declined', 'generic_decline'],
  // Nobody is there to authenticate.
  ['tok_authenticationRequired', 'authentication_required', 'authentication_required'],
] as const) {
  test(`${source}: a card error, a failed charge, no money`, async (t) => {
    const { sandbox, stripe } = await start(t);
    const asked = { amount: 700, currency: 'usd', source };
    const error = await failure(stripe.charges.create(asked, { idempotencyKey: 'k' }));
    assert.equal(error.statusCode, 402);
    assert.deepEqual([error.code, error.decline_code], [code, declineCode]);
    assert.equal((await stripe.charges.retrieve(error.charge!)).status, 'failed');
    assert.equal(sandbox.stripe.movedCents(), 0n);
    const [failed] = (await stripe.events.list()).data;
    assert.deepEqual([failed!.type, failed!.request?.idempotency_key], ['charge.failed', 'k']);
    await failure(stripe.refunds.create({ charge: error.charge! }));
    assert.equal(sandbox.stripe.refundedCents(), 0n);
  });
}

test('a charge takes the card of its customer when none is named', async (t) => {
  const { sandbox, stripe } = await start(t);
  const of = (customer: string) => ({ amount: 700, currency: 'usd', customer });
  assert.equal((await stripe.charges.create(of('cus_old'))).paid, true);
  const good = await stripe.customers.create({ source: 'tok_visa' });
  assert.equal((await stripe.charges.create(of(good.id))).paid, true);
  const tricky = await stripe.customers.create({ source: 'tok_chargeCustomerFail' });
  assert.equal((await failure(stripe.charges.create(of(tricky.id)))).code, 'card_declined');
  const poor = await stripe.customers.create({});
  assert.equal((await failure(stripe.charges.create(of(poor.id)))).code, 'missing');
  const refused = stripe.customers.create({ source: 'tok_chargeDeclined' });
  assert.equal((await failure(refused)).statusCode, 402);
  assert.equal(sandbox.stripe.movedCents(), 1400n);
});

test('an authorisation is captured in part, and only what was captured goes back', async (t) => {
  const { sandbox, stripe } = await start(t);
  const held = { amount: 2000, currency: 'usd', source: 'tok_visa', capture: false };
  const { id } = await stripe.charges.create(held);
  assert.equal((await failure(stripe.charges.capture(id, { amount: 2001 }))).statusCode, 400);
  const captured = await stripe.charges.capture(id, { amount: 1200 });
  assert.deepEqual([captured.amount_captured, captured.captured], [1200, true]);
  assert.equal(sandbox.stripe.authorisedCents(), 0n);
  assert.equal((await failure(stripe.charges.capture(id))).code, 'charge_already_captured');
  assert.equal((await stripe.refunds.create({ charge: id })).amount, 1200);
  assert.equal((await stripe.charges.retrieve(id)).refunded, true);
  assert.equal(sandbox.stripe.movedCents(), 1200n);
  assert.equal(sandbox.stripe.refundedCents(), 1200n);
});

test('a debit of the older API is open money until the bank ends it', async (t) => {
  const { sandbox, stripe } = await start(t);
  const debit = { amount: 700, currency: 'usd', source: 'pm_usBankAccount_success' };
  const charge = await stripe.charges.create(debit);
  assert.deepEqual([charge.status, charge.paid], ['pending', false]);
  assert.equal(sandbox.stripe.movedCents(), 0n);
  assert.equal(sandbox.stripe.openCents(), 700n);
  finishCharge(sandbox.stripe, charge.id, 'succeeded', charge.created);
  assert.equal(sandbox.stripe.movedCents(), 700n);
  const other = await stripe.charges.create(debit);
  finishCharge(sandbox.stripe, other.id, 'failed', other.created);
  assert.equal(sandbox.stripe.movedCents(), 700n);
  assert.equal(sandbox.stripe.openCents(), 0n);
});
