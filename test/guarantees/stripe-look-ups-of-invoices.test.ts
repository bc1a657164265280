/**
 * Invoices and what makes them, items, subscriptions and quotes, cost what Stripe shows or previews,
 * with the official SDK through a real server: the vendor's books and the ledger agree.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type Stripe from 'stripe';
import { failure, sdk } from '../sandbox/client.ts';
import { booksOf } from '../support/agreement.ts';
import { issueKey } from '../support/management.ts';
import { manualClock } from '../support/manual-clock.ts';
import { spendOf, start } from '../support/scene.ts';
import { ALL, invoiceOf, open, pricesOf } from './stripe-look-ups.ts';

test('an invoice costs what remains of it, and counts once, finalized and paid', async (t) => {
  const { keybrake, keyId, stripe, outside, note, agrees } = await open(t);
  const theirs = await invoiceOf(outside, 4200);
  await outside.invoices.finalizeInvoice(theirs);
  note();
  await stripe.invoices.pay(theirs);
  await agrees(42);
  // One of the key's own, from its making on.
  const ours = await invoiceOf(stripe, 2900);
  assert.deepEqual(await spendOf(keybrake, keyId), [42, 29], 'its item');
  await stripe.invoices.finalizeInvoice(ours);
  assert.deepEqual(await spendOf(keybrake, keyId), [42, 29]);
  await stripe.invoices.pay(ours);
  await agrees(71);
  assert.equal((await failure(stripe.invoices.pay(ours))).statusCode, 400);
  await agrees(71);
});

test('items that wait for an invoice end with it, and a voided invoice gives back', async (t) => {
  const { keybrake, keyId, stripe, agrees } = await open(t);
  const customer = 'cus_1';
  await stripe.invoiceItems.create({ customer, amount: 500, currency: 'usd' });
  await stripe.invoiceItems.create({ customer, amount: 700, currency: 'usd' });
  assert.deepEqual(await spendOf(keybrake, keyId), [0, 12]);
  const include = { customer, pending_invoice_items_behavior: 'include' } as const;
  const { id } = await stripe.invoices.create(include);
  await stripe.invoices.pay(id);
  await agrees(12);
  const other = await invoiceOf(stripe, 900);
  await stripe.invoices.finalizeInvoice(other);
  assert.deepEqual(await spendOf(keybrake, keyId), [12, 9]);
  await stripe.invoices.voidInvoice(other);
  await agrees(12);
});

test('items that were made before their invoice leave a cap room for what they cost, once', async (t) => {
  const { keybrake, keyId, stripe, agrees } = await open(t, { total_usd_cap: 20 });
  const customer = 'cus_1';
  const items = Array.from({ length: 12 }, () => ({ customer, amount: 100, currency: 'usd' }));
  for (const item of items) await stripe.invoiceItems.create(item);
  const { id } = await stripe.invoices.create({
    ...{ customer, pending_invoice_items_behavior: 'include' },
  });
  assert.deepEqual(await spendOf(keybrake, keyId), [0, 12]);
  await stripe.invoices.finalizeInvoice(id);
  assert.deepEqual(await spendOf(keybrake, keyId), [0, 12]);
  await stripe.invoices.pay(id);
  await agrees(12);
  const other = { customer, amount: 801, currency: 'usd' };
  assert.equal((await failure(stripe.invoiceItems.create(other))).code, 'cap_exceeded');
});

test('two drafts that count on one store credit stay within the cap when they are paid at once', async (t) => {
  const { keybrake, keyId, stripe, outside, agrees, note } = await open(t, { total_usd_cap: 60 });
  const customer = (await outside.customers.create({})).id;
  await outside.customers.update(customer, {
    invoice_settings: { default_payment_method: 'pm_card_visa' },
  });
  await outside.customers.createBalanceTransaction(customer, { amount: -5000, currency: 'usd' });
  const drafts = [];
  for (let n = 0; n < 3; n++) {
    const { id } = await outside.invoices.create({ customer });
    const item = { customer, invoice: id, amount: 5000, currency: 'usd' };
    await outside.invoiceItems.create(item);
    drafts.push(id);
  }
  note();
  await Promise.allSettled(drafts.map((id) => stripe.invoices.pay(id)));
  const [spent, held] = await spendOf(keybrake, keyId);
  assert.ok(spent + held <= 60, `${spent} and ${held} of 60`);
  await agrees(spent, held);
});

test('an invoice is read anew before each payment: what was added past Keybrake counts', async (t) => {
  const { stripe, outside, keybrake, keyId } = await open(t, { total_usd_cap: 50 });
  const id = await invoiceOf(stripe, 2900);
  await outside.invoiceItems.create({
    ...{ customer: 'cus_old', invoice: id, amount: 3000, currency: 'usd' },
  });
  assert.equal((await failure(stripe.invoices.pay(id))).code, 'cap_exceeded');
  assert.equal(keybrake.sandbox.stripe.movedCents(), 0n);
  assert.deepEqual(await spendOf(keybrake, keyId), [0, 29]);
  const small = await invoiceOf(stripe, 1000);
  await outside.invoiceItems.create({
    ...{ customer: 'cus_old', invoice: small, amount: 500, currency: 'usd' },
  });
  const since = booksOf(keybrake.sandbox.stripe);
  await stripe.invoices.pay(small);
  assert.deepEqual(await spendOf(keybrake, keyId), [15, 29]);
  assert.equal(booksOf(keybrake.sandbox.stripe).moved - since.moved, 15_000_000n);
});

test('an invoice whose customer must authenticate stays held until that is done', async (t) => {
  const { keybrake, keyId, stripe, agrees } = await open(t);
  const id = await invoiceOf(stripe, 2900);
  const payment_method = 'pm_card_authenticationRequired';
  const error = await failure(stripe.invoices.pay(id, { payment_method, off_session: false }));
  assert.equal(error.statusCode, 402);
  assert.deepEqual(await spendOf(keybrake, keyId), [0, 29]);
  const intent = (error.raw as { payment_intent: { id: string } }).payment_intent.id;
  keybrake.sandbox.finishPayment(intent, 'succeeded');
  await stripe.invoices.retrieve(id);
  await agrees(29);
  // A declined one gives back what it held beyond the invoice's own items.
  const other = await invoiceOf(stripe, 900);
  const declined = { payment_method: 'pm_card_chargeDeclined' };
  assert.equal((await failure(stripe.invoices.pay(other, declined))).statusCode, 402);
  assert.deepEqual(await spendOf(keybrake, keyId), [29, 9]);
});

test('a draft that is set going is held for, and may not be added to unpriced', async (t) => {
  const { keybrake, keyId, stripe } = await open(t);
  const id = await invoiceOf(stripe, 2900);
  const lines = [{ description: 'more', amount: 100 }];
  await stripe.invoices.addLines(id, { lines });
  await stripe.invoices.update(id, { auto_advance: true });
  assert.deepEqual(await spendOf(keybrake, keyId), [0, 30]);
  assert.equal((await failure(stripe.invoices.addLines(id, { lines }))).code, 'unpriced');
  const going = await failure(stripe.invoices.create({ customer: 'cus_1', auto_advance: true }));
  assert.equal(going.code, 'endpoint_not_allowed');
});

test('a credit note costs the cash and the credit that it gives back', async (t) => {
  const { stripe, outside, note, agrees, lookUps } = await open(t);
  const id = await invoiceOf(outside, 4000);
  await outside.invoices.pay(id);
  note();
  await stripe.creditNotes.create({ invoice: id, amount: 500, refund_amount: 500 });
  await stripe.creditNotes.create({
    ...{
      invoice: id,
      amount: 1100,
      refund_amount: 300,
      credit_amount: 400,
      out_of_band_amount: 400,
    },
  });
  assert.deepEqual(lookUps(), Array(2).fill('GET /v1/credit_notes/preview'));
  await agrees(5 + 3 + 4);
});

test('a subscription costs its first invoice, known before by a preview that makes nothing', async (t) => {
  const { keybrake, keyId, stripe, outside, note, agrees, lookUps } = await open(t, {
    ...ALL,
    total_usd_cap: 100,
  });
  const { small, large } = await pricesOf(outside);
  note();
  const sub = await stripe.subscriptions.create({
    ...{ customer: 'cus_1', items: [{ price: small, quantity: 2 }], expand: ['latest_invoice'] },
  });
  await agrees(60);
  assert.deepEqual(lookUps(), ['POST /v1/invoices/create_preview']);
  const more = { customer: 'cus_2', items: [{ price: large }] };
  assert.equal((await failure(stripe.subscriptions.create(more))).code, 'cap_exceeded');
  await agrees(60);
  // Not expanded, the answer names the invoice alone: it stays held until that is read.
  const other = await stripe.subscriptions.create({ customer: 'cus_3', items: [{ price: small }] });
  assert.deepEqual(await spendOf(keybrake, keyId), [60, 30]);
  await stripe.invoices.retrieve(other.latest_invoice as string);
  await agrees(90);
  await stripe.subscriptions.update(sub.id, { metadata: { note: 'bills nothing' } });
  await agrees(90);
});

test('what is held for an invoice ends by Keybrake’s own look at it', async (t) => {
  const clock = manualClock(new Date().toISOString());
  const keybrake = await start(t, { clock, sandbox: { clock }, resolvePauseMs: 20 });
  const outside = sdk(keybrake.sandbox.stripeUrl, keybrake.sandbox.secret);
  const { small } = await pricesOf(outside);
  const key = await issueKey(keybrake, { ...ALL, total_usd_cap: 100 });
  const stripe = sdk(keybrake.url, key.vault_key);
  await stripe.subscriptions.create({ customer: 'cus_1', items: [{ price: small }] });
  assert.deepEqual(await spendOf(keybrake, key.id), [0, 30]);
  for (let minutes = 0; minutes < 60 && (await spendOf(keybrake, key.id))[1] > 0; minutes++) {
    clock.advance(60_000);
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
  assert.deepEqual(await spendOf(keybrake, key.id), [30, 0]);
  assert.equal(keybrake.sandbox.stripe.movedCents(), 3000n);
});

test('a change of a subscription costs its new invoice, or what the preview says it will owe', async (t) => {
  const { keybrake, keyId, stripe, outside, note, agrees } = await open(t, ALL);
  const { small, large } = await pricesOf(outside);
  const sub = await outside.subscriptions.create({ customer: 'cus_1', items: [{ price: small }] });
  const items = [{ id: sub.items.data[0]!.id, price: large }];
  note();
  await stripe.subscriptions.update(sub.id, {
    ...{ items, proration_behavior: 'always_invoice', expand: ['latest_invoice'] },
  });
  const billed = Number(booksOf(keybrake.sandbox.stripe).moved) / 1e6 - 30;
  assert.ok(billed > 0);
  await agrees(billed);
  // It bills nothing now, and shows the invoice of the last change as its latest.
  note();
  const back = [{ id: items[0]!.id, price: large, quantity: 3 }];
  const changed = await stripe.subscriptions.update(sub.id, {
    ...{ items: back, expand: ['latest_invoice'] },
  });
  assert.equal((changed.latest_invoice as Stripe.Invoice).status, 'paid');
  const [spent, held] = await spendOf(keybrake, keyId);
  assert.equal(held, 0);
  assert.ok(spent >= billed + 180, 'what the next invoice will ask for counts now');
  assert.equal(
    booksOf(keybrake.sandbox.stripe).moved / 10_000n,
    BigInt(Math.round((30 + billed) * 100)),
  );
});

test('a change whose new invoice could not be paid is held until that is paid or voided', async (t) => {
  const { keybrake, keyId, stripe, outside, note } = await open(t, ALL);
  const { small, large } = await pricesOf(outside);
  const sub = await outside.subscriptions.create({ customer: 'cus_1', items: [{ price: small }] });
  const default_payment_method = 'pm_card_chargeDeclined';
  await outside.subscriptions.update(sub.id, { default_payment_method });
  note();
  const items = [{ id: sub.items.data[0]!.id, price: large }];
  const changed = await stripe.subscriptions.update(sub.id, {
    ...{ items, proration_behavior: 'always_invoice', expand: ['latest_invoice'] },
  });
  const invoice = changed.latest_invoice as Stripe.Invoice;
  const due = invoice.amount_remaining / 100;
  assert.deepEqual(await spendOf(keybrake, keyId), [0, due]);
  await outside.invoices.pay(invoice.id, { payment_method: 'pm_card_visa' });
  const paid = await stripe.invoices.retrieve(invoice.id);
  assert.equal(paid.status, 'paid');
  assert.deepEqual(await spendOf(keybrake, keyId), [due, 0]);
});

test('a new source that would pay what a subscription owes is not sent, another one is', async (t) => {
  const { keybrake, keyId, stripe, outside } = await open(t);
  const { small } = await pricesOf(outside);
  const { id } = await outside.customers.create({ source: 'tok_chargeCustomerFail' });
  await outside.subscriptions.create({ customer: id, items: [{ price: small }] });
  const error = await failure(stripe.customers.update(id, { source: 'tok_visa' }));
  assert.equal(error.code, 'unpriced');
  assert.match(error.message, /open invoice of a subscription/);
  assert.equal(keybrake.sandbox.stripe.movedCents(), 0n);
  const other = await outside.customers.create({});
  await stripe.customers.update(other.id, { source: 'tok_visa' });
  assert.deepEqual(await spendOf(keybrake, keyId), [0, 0]);
});

test('an accepted quote costs what it says', async (t) => {
  const { keybrake, keyId, stripe, outside, note } = await open(t, ALL);
  const { small } = await pricesOf(outside);
  const quote = await outside.quotes.create({ customer: 'cus_1', line_items: [{ price: small }] });
  await outside.quotes.finalizeQuote(quote.id);
  note();
  await stripe.quotes.accept(quote.id);
  assert.deepEqual(await spendOf(keybrake, keyId), [30, 0]);
  assert.equal(keybrake.sandbox.stripe.movedCents(), 3000n);
});
