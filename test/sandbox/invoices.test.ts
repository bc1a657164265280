/** Invoices: what they ask, what is taken for them, and what the books say of both. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Stripe from 'stripe';
import { advanceInvoice } from '../../src/sandbox/stripe/outside.ts';
import { failure, start } from './client.ts';

const NOW = Math.floor(Date.now() / 1000);

/** A draft for an old customer that asks `cents`. */
async function draft(stripe: Stripe, cents: number, more: Stripe.InvoiceCreateParams = {}) {
  const invoice = await stripe.invoices.create({ customer: 'cus_old', ...more });
  const customer = invoice.customer as string;
  const item = { customer, amount: cents, currency: 'usd', invoice: invoice.id };
  await stripe.invoiceItems.create(item);
  return stripe.invoices.retrieve(invoice.id);
}

async function open(stripe: Stripe, cents: number, more: Stripe.InvoiceCreateParams = {}) {
  return stripe.invoices.finalizeInvoice((await draft(stripe, cents, more)).id);
}

test('a draft asks for its items and waits; paying it takes exactly that', async (t) => {
  const { sandbox, stripe } = await start(t);
  const invoice = await draft(stripe, 2900);
  assert.deepEqual([invoice.status, invoice.amount_due, invoice.amount_paid], ['draft', 2900, 0]);
  assert.equal(sandbox.stripe.underWayCents(), 0n);
  const finalized = await stripe.invoices.finalizeInvoice(invoice.id);
  assert.deepEqual([finalized.status, finalized.amount_remaining], ['open', 2900]);
  assert.equal(sandbox.stripe.total('invoiced'), 2900n);
  assert.equal(sandbox.stripe.movedCents(), 0n);
  const paid = await stripe.invoices.pay(invoice.id, { expand: ['payments'] });
  assert.deepEqual(
    [paid.status, paid.amount_paid, paid.amount_remaining, paid.attempt_count],
    ['paid', 2900, 0, 1],
  );
  const payment = paid.payments!.data[0]!;
  assert.equal(payment.amount_paid, 2900);
  const pi = await stripe.paymentIntents.retrieve(payment.payment.payment_intent as string);
  assert.deepEqual([pi.status, pi.amount_received], ['succeeded', 2900]);
  assert.equal(sandbox.stripe.movedCents(), 2900n);
  assert.equal(sandbox.stripe.total('invoiced'), 0n);
  assert.equal((await failure(stripe.invoices.pay(invoice.id))).statusCode, 400);
  assert.equal(sandbox.stripe.movedCents(), 2900n);
});

test('items that wait are taken by the next invoice that asks for them', async (t) => {
  const { stripe } = await start(t);
  const item = { customer: 'cus_1', currency: 'usd' };
  await stripe.invoiceItems.create({ ...item, amount: 500 });
  await stripe.invoiceItems.create({ ...item, quantity: 3, unit_amount_decimal: '100' as never });
  await stripe.invoiceItems.create({ customer: 'cus_2', currency: 'usd', amount: 7 });
  const without = await stripe.invoices.create({ customer: 'cus_1' });
  assert.equal(without.amount_due, 0);
  const invoice = await stripe.invoices.create({
    customer: 'cus_1',
    pending_invoice_items_behavior: 'include',
  });
  assert.equal(invoice.amount_due, 800);
  const more = [{ description: 'more', amount: 200 }];
  assert.equal((await stripe.invoices.addLines(invoice.id, { lines: more })).amount_due, 1000);
  const first = (await stripe.invoiceItems.list({ customer: 'cus_1', limit: 1 })).data[0]!;
  await stripe.invoiceItems.update(first.id, { amount: 300 });
  assert.equal((await stripe.invoices.retrieve(invoice.id)).amount_due, 1100);
  await stripe.invoiceItems.del(first.id);
  assert.equal((await stripe.invoices.retrieve(invoice.id)).amount_due, 800);
  await stripe.invoices.finalizeInvoice(invoice.id);
  const late = { customer: 'cus_1', currency: 'usd', amount: 5, invoice: invoice.id };
  const error = await failure(stripe.invoiceItems.create(late));
  assert.equal(error.code, 'invoice_not_editable');
});

test('a declined card is a card error; the invoice stays open and can be paid by another', async (t) => {
  const { sandbox, stripe } = await start(t);
  const { id } = await open(stripe, 700);
  const bad = { payment_method: 'pm_card_chargeDeclinedInsufficientFunds' };
  const error = await failure(stripe.invoices.pay(id, bad));
  assert.ok(error instanceof Stripe.errors.StripeCardError);
  assert.equal(error.statusCode, 402);
  assert.equal(error.decline_code, 'insufficient_funds');
  const invoice = await stripe.invoices.retrieve(id);
  assert.deepEqual(
    [invoice.status, invoice.amount_remaining, invoice.attempt_count],
    ['open', 700, 1],
  );
  assert.equal(sandbox.stripe.movedCents(), 0n);
  assert.equal(sandbox.stripe.declinedCents(), 0n);
  assert.equal(sandbox.stripe.total('invoiced'), 700n);
  const paid = await stripe.invoices.pay(id, { payment_method: 'pm_card_visa' });
  assert.equal(paid.amount_paid, 700);
  assert.equal((await stripe.invoicePayments.list({ invoice: id })).data.length, 1);
  assert.equal(sandbox.stripe.movedCents(), 700n);
  const types = (await stripe.events.list({ limit: 100 })).data.map(({ type }) => type);
  for (const type of ['invoice.payment_failed', 'invoice.paid', 'invoice_payment.paid']) {
    assert.equal(types.filter((one) => one === type).length, 1, type);
  }
});

test('a customer without a card pays nothing', async (t) => {
  const { sandbox, stripe } = await start(t);
  const customer = await stripe.customers.create({ email: 'a@example.com' });
  const { id } = await open(stripe, 700, { customer: customer.id });
  assert.equal((await failure(stripe.invoices.pay(id))).code, 'resource_missing');
  const invoice_settings = { default_payment_method: 'pm_card_chargeDeclined' };
  await stripe.customers.update(customer.id, { invoice_settings });
  assert.equal((await failure(stripe.invoices.pay(id))).statusCode, 402);
  await stripe.invoices.update(id, { default_payment_method: 'pm_card_visa' });
  assert.equal((await stripe.invoices.pay(id)).status, 'paid');
  assert.equal(sandbox.stripe.movedCents(), 700n);
});

test('an invoice that advances by itself is money under way, until it is collected', async (t) => {
  const { sandbox, stripe } = await start(t);
  const { id } = await draft(stripe, 1200, { auto_advance: true });
  assert.equal(sandbox.stripe.total('collecting'), 1200n);
  advanceInvoice(sandbox.stripe, id, NOW);
  assert.equal((await stripe.invoices.retrieve(id)).status, 'paid');
  assert.equal(sandbox.stripe.total('collecting'), 0n);
  assert.equal(sandbox.stripe.movedCents(), 1200n);
  const later = await draft(stripe, 300);
  await stripe.invoices.finalizeInvoice(later.id, { auto_advance: true });
  assert.equal(sandbox.stripe.underWayCents(), 300n);
  advanceInvoice(sandbox.stripe, later.id, NOW, 'pm_card_chargeDeclined');
  assert.equal((await stripe.invoices.retrieve(later.id)).status, 'open');
  const [failed] = (await stripe.events.list({ type: 'invoice.payment_failed' })).data;
  assert.equal(failed!.request?.id, null);
  assert.equal(sandbox.stripe.movedCents(), 1200n);
});

test('a card that wants the customer, and a debit that takes days, pay when they are done', async (t) => {
  const { sandbox, stripe } = await start(t);
  const card = await open(stripe, 500);
  const wants = { payment_method: 'pm_card_authenticationRequired' };
  const error = await failure(stripe.invoices.pay(card.id, wants));
  assert.equal(error.statusCode, 402);
  assert.equal(error.code, 'invoice_payment_intent_requires_action');
  assert.equal(sandbox.stripe.underWayCents(), 500n);
  sandbox.finishPayment(error.payment_intent!.id, 'succeeded');
  assert.equal((await stripe.invoices.retrieve(card.id)).amount_paid, 500);

  const debit = await open(stripe, 900);
  const bank = { payment_method: 'pm_usBankAccount_success' };
  const pending = await stripe.invoices.pay(debit.id, { ...bank, expand: ['payments'] });
  assert.deepEqual([pending.status, pending.amount_paid], ['open', 0]);
  assert.equal(sandbox.stripe.underWayCents(), 900n);
  assert.equal((await failure(stripe.invoices.pay(debit.id))).statusCode, 400);
  assert.equal((await failure(stripe.invoices.voidInvoice(debit.id))).statusCode, 400);
  sandbox.finishPayment(pending.payments!.data[0]!.payment.payment_intent as string, 'failed');
  const failed = await stripe.invoices.retrieve(debit.id);
  assert.deepEqual([failed.status, failed.amount_remaining], ['open', 900]);
  assert.equal(sandbox.stripe.underWayCents(), 0n);
  assert.equal(sandbox.stripe.movedCents(), 500n);
});

test('what is voided, given up, sent or paid elsewhere moves no cash', async (t) => {
  const { sandbox, stripe } = await start(t);
  const [a, b, c] = [await open(stripe, 100), await open(stripe, 100), await open(stripe, 100)];
  assert.equal((await stripe.invoices.voidInvoice(a.id)).status, 'void');
  assert.equal((await failure(stripe.invoices.pay(a.id))).statusCode, 400);
  assert.equal((await stripe.invoices.markUncollectible(b.id)).status, 'uncollectible');
  const elsewhere = await stripe.invoices.pay(c.id, { paid_out_of_band: true });
  assert.deepEqual([elsewhere.status, elsewhere.amount_paid], ['paid', 0]);
  const method = { collection_method: 'send_invoice', days_until_due: 30 } as const;
  const d = await draft(stripe, 100, method);
  assert.equal((await stripe.invoices.sendInvoice(d.id)).status, 'open');
  const e = await draft(stripe, 100);
  assert.equal((await stripe.invoices.del(e.id)).deleted, true);
  assert.equal((await failure(stripe.invoices.retrieve(e.id))).statusCode, 404);
  assert.equal(sandbox.stripe.movedCents(), 0n);
  assert.equal(sandbox.stripe.total('invoiced'), 100n);
  // Given up is not over: it can still be paid.
  assert.equal((await stripe.invoices.pay(b.id)).amount_paid, 100);
  assert.equal(sandbox.stripe.movedCents(), 100n);
});

test('store credit pays first, and comes back when the invoice is voided', async (t) => {
  const { sandbox, stripe } = await start(t);
  const customer = 'cus_credit';
  await stripe.customers.createBalanceTransaction(customer, { amount: -1000, currency: 'usd' });
  const small = await open(stripe, 400, { customer });
  assert.deepEqual([small.status, small.amount_due, small.amount_paid], ['paid', 0, 0]);
  const large = await open(stripe, 2000, { customer });
  assert.deepEqual(
    [large.amount_due, large.starting_balance, large.ending_balance],
    [1400, -600, 0],
  );
  assert.equal(((await stripe.customers.retrieve(customer)) as Stripe.Customer).balance, 0);
  assert.equal(sandbox.stripe.total('credits'), -1000n);
  assert.equal(sandbox.stripe.total('credits_applied'), 1000n);
  await stripe.invoices.voidInvoice(large.id);
  assert.equal(((await stripe.customers.retrieve(customer)) as Stripe.Customer).balance, -600);
  assert.equal(sandbox.stripe.total('credits_applied'), 400n);
  assert.equal(sandbox.stripe.movedCents(), 0n);
});
