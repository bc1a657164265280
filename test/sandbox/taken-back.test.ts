/** What is taken back or given back: never more than there was, and the books tell how much. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type Stripe from 'stripe';
import { failPayout, finishPayout } from '../../src/sandbox/stripe/outside.ts';
import { failure, paying, start } from './client.ts';

const NOW = Math.floor(Date.now() / 1000);
const CONNECTED = { application_fee_amount: 100, transfer_data: { destination: 'acct_7' } };

test('a transfer is reversed in parts, then whole, never more', async (t) => {
  const { sandbox, stripe } = await start(t);
  const to = { currency: 'usd', destination: 'acct_7' };
  const { id } = await stripe.transfers.create({ ...to, amount: 1000 });
  const part = await stripe.transfers.createReversal(id, { amount: 300 });
  assert.equal(part.amount, 300);
  const over = await failure(stripe.transfers.createReversal(id, { amount: 701 }));
  assert.equal(over.statusCode, 400);
  assert.equal(sandbox.stripe.total('transfer_reversals'), 300n);
  assert.equal((await stripe.transfers.createReversal(id)).amount, 700);
  const transfer = await stripe.transfers.retrieve(id);
  assert.deepEqual([transfer.amount_reversed, transfer.reversed], [1000, true]);
  assert.equal((await failure(stripe.transfers.createReversal(id))).statusCode, 400);
  assert.equal((await stripe.transfers.listReversals(id)).data.length, 2);
  assert.equal(sandbox.stripe.movedCents(), 1000n);
  assert.equal(sandbox.stripe.returnedCents(), 1000n);
  assert.equal((await stripe.events.list({ type: 'transfer.reversed' })).data.length, 2);
});

test('a fee comes with a payment for a connected account, and goes back in parts', async (t) => {
  const { sandbox, stripe } = await start(t);
  await stripe.paymentIntents.create(paying(1000, CONNECTED));
  assert.equal(sandbox.stripe.movedCents(), 1000n);
  assert.equal(sandbox.stripe.total('application_fees'), 100n);
  const fee = (await stripe.applicationFees.list()).data[0]!;
  assert.deepEqual([fee.amount, fee.account], [100, 'acct_7']);
  await stripe.applicationFees.createRefund(fee.id, { amount: 40 });
  const over = await failure(stripe.applicationFees.createRefund(fee.id, { amount: 61 }));
  assert.equal(over.statusCode, 400);
  assert.equal((await stripe.applicationFees.createRefund(fee.id)).amount, 60);
  assert.equal((await failure(stripe.applicationFees.createRefund(fee.id))).statusCode, 400);
  assert.equal((await stripe.applicationFees.retrieve(fee.id)).refunded, true);
  assert.equal(sandbox.stripe.total('fee_refunds'), 100n);
});

test('a fee is taken when the money is, and only of a connected account', async (t) => {
  const { sandbox, stripe } = await start(t);
  const alone = await failure(
    stripe.paymentIntents.create(paying(1000, { application_fee_amount: 100 })),
  );
  assert.equal(alone.param, 'application_fee_amount');
  assert.equal(sandbox.stripe.openCents(), 0n);
  const held = { ...CONNECTED, capture_method: 'manual' } as const;
  const { id } = await stripe.paymentIntents.create(paying(1000, held));
  assert.equal(sandbox.stripe.total('application_fees'), 0n);
  await stripe.paymentIntents.capture(id, { amount_to_capture: 500, application_fee_amount: 50 });
  assert.equal(sandbox.stripe.total('application_fees'), 50n);
  const refund = { payment_intent: id, amount: 250, refund_application_fee: true };
  await stripe.refunds.create(refund);
  assert.equal(sandbox.stripe.total('fee_refunds'), 25n);
  assert.equal(sandbox.stripe.returnedCents(), 275n);
});

test('a paid payout is reversed once, by a payout with a minus', async (t) => {
  const { sandbox, stripe } = await start(t);
  const { id } = await stripe.payouts.create({ amount: 1100, currency: 'usd' });
  assert.equal((await failure(stripe.payouts.reverse(id))).statusCode, 400);
  finishPayout(sandbox.stripe, id, NOW);
  const reversal = await stripe.payouts.reverse(id);
  assert.deepEqual([reversal.amount, reversal.original_payout], [-1100, id]);
  assert.equal((await stripe.payouts.retrieve(id)).reversed_by, reversal.id);
  assert.equal((await failure(stripe.payouts.reverse(id))).statusCode, 400);
  assert.equal(sandbox.stripe.movedCents(), 1100n);
  assert.equal(sandbox.stripe.total('payout_reversals'), 1100n);
  failPayout(sandbox.stripe, reversal.id, NOW);
  assert.equal(sandbox.stripe.total('payout_reversals'), 0n);
});

async function invoiceOf(stripe: Stripe, cents: number, paid: boolean, how = {}) {
  const { id } = await stripe.invoices.create({ customer: 'cus_1', currency: 'usd' });
  await stripe.invoices.addLines(id, { lines: [{ description: 'a', amount: cents }] });
  return paid ? stripe.invoices.pay(id, how) : stripe.invoices.finalizeInvoice(id);
}

test('a credit note on a paid invoice gives back cash, store credit, or says it was elsewhere', async (t) => {
  const { sandbox, stripe } = await start(t);
  const { id: invoice } = await invoiceOf(stripe, 3000, true);
  const asked = { invoice, amount: 500, refund_amount: 500 };
  const preview = await stripe.creditNotes.preview(asked);
  assert.equal(preview.refunds[0]!.amount_refunded, 500);
  assert.equal(sandbox.stripe.refundedCents(), 0n);
  const cash = await stripe.creditNotes.create(asked);
  assert.equal(cash.refunds[0]!.amount_refunded, 500);
  assert.equal((await stripe.refunds.retrieve(cash.refunds[0]!.refund as string)).amount, 500);
  assert.equal(cash.type, 'post_payment');
  const mixed = { invoice, amount: 900, refund_amount: 300, credit_amount: 400 };
  const uneven = await failure(stripe.creditNotes.create(mixed));
  assert.equal(uneven.statusCode, 400);
  await stripe.creditNotes.create({ ...mixed, out_of_band_amount: 200 });
  const lines = [{ type: 'custom_line_item', description: 'x', quantity: 2, unit_amount: 100 }];
  const byLines = { invoice, lines, refund_amount: 200 } as Stripe.CreditNoteCreateParams;
  assert.equal((await stripe.creditNotes.create(byLines)).total, 200);
  assert.equal(sandbox.stripe.refundedCents(), 1000n);
  assert.equal(sandbox.stripe.total('credits'), -400n);
  assert.equal(((await stripe.customers.retrieve('cus_1')) as Stripe.Customer).balance, -400);
  const over = await failure(
    stripe.creditNotes.create({ invoice, amount: 1401, credit_amount: 1401 }),
  );
  assert.equal(over.statusCode, 400);
  assert.equal((await stripe.invoices.retrieve(invoice)).post_payment_credit_notes_amount, 1600);
  assert.equal((await stripe.events.list({ type: 'credit_note.created' })).data.length, 3);
});

test('a credit note can name a refund that was made before: nothing moves twice', async (t) => {
  const { sandbox, stripe } = await start(t);
  const paid = await invoiceOf(stripe, 3000, true, { expand: ['payments'] });
  const payment_intent = paid.payments!.data[0]!.payment.payment_intent as string;
  const refund = await stripe.refunds.create({ payment_intent, amount: 700 });
  const refunds = [{ refund: refund.id }];
  const note = await stripe.creditNotes.create({ invoice: paid.id, amount: 700, refunds });
  assert.equal(note.refunds[0]!.amount_refunded, 700);
  assert.equal(sandbox.stripe.refundedCents(), 700n);
  const rest = { invoice: paid.id, amount: 2301, refund_amount: 2301 };
  assert.equal((await failure(stripe.creditNotes.create(rest))).statusCode, 400);
  const elsewhere = await invoiceOf(stripe, 100, true, { paid_out_of_band: true });
  const cash = { invoice: elsewhere.id, amount: 100, refund_amount: 100 };
  assert.equal((await failure(stripe.creditNotes.create(cash))).param, 'refund_amount');
});

test('a credit note on an open invoice lowers what it asks, and moves no cash', async (t) => {
  const { sandbox, stripe } = await start(t);
  const { id: invoice } = await invoiceOf(stripe, 1000, false);
  const note = await stripe.creditNotes.create({ invoice, amount: 400 });
  assert.equal(note.type, 'pre_payment');
  const lowered = await stripe.invoices.retrieve(invoice);
  assert.deepEqual([lowered.amount_due, lowered.amount_remaining], [600, 600]);
  assert.equal(sandbox.stripe.total('invoiced'), 600n);
  await stripe.creditNotes.voidCreditNote(note.id);
  assert.equal((await stripe.invoices.retrieve(invoice)).amount_remaining, 1000);
  await stripe.creditNotes.create({ invoice, amount: 250 });
  assert.equal((await stripe.invoices.pay(invoice)).amount_paid, 750);
  const { id: other } = await invoiceOf(stripe, 1000, false);
  await stripe.creditNotes.create({ invoice: other, amount: 1000 });
  const settled = await stripe.invoices.retrieve(other);
  assert.deepEqual([settled.status, settled.amount_paid], ['paid', 0]);
  assert.equal(sandbox.stripe.movedCents(), 750n);
  assert.equal(sandbox.stripe.refundedCents(), 0n);
});
