/**
 * What only Stripe knows the price of is asked of Stripe, with the official SDK through a real
 * server: the vendor's books and the ledger agree, and asking changes nothing at the vendor.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type Stripe from 'stripe';
import { finishMovement, finishPayout } from '../../src/sandbox/stripe/outside.ts';
import { failure, paying, sdk } from '../sandbox/client.ts';
import { assertAgreement, type Books, booksOf, isLookUp } from '../support/agreement.ts';
import type { Keybrake } from '../support/keybrake.ts';
import { issueKey, revokeKey } from '../support/management.ts';
import { manualClock } from '../support/manual-clock.ts';
import { spendOf, start } from '../support/scene.ts';

const NOW = Math.floor(Date.now() / 1000);
const MANUAL = { capture_method: 'manual' } as const;

interface Scene {
  keybrake: Keybrake;
  keyId: string;
  /** Through Keybrake. */
  stripe: Stripe;
  /** Past Keybrake, with the real secret. */
  outside: Stripe;
  /** Notes the vendor's books: what stands in them is not the key's. */
  note(): void;
  /** The key has this in dollars, and the vendor's books since they were noted say the same. */
  agrees(spent: number, held?: number): Promise<void>;
  /** Keybrake's own questions since the books were noted. */
  lookUps(): string[];
}

async function open(t: TestContext, fields: object = {}): Promise<Scene> {
  const keybrake = await start(t);
  const key = await issueKey(keybrake, { total_usd_cap: 1000, ...fields });
  const { stripeUrl, secret, stripe: books } = keybrake.sandbox;
  let since: Books | undefined;
  return {
    keybrake,
    keyId: key.id,
    stripe: sdk(keybrake.url, key.vault_key),
    outside: sdk(stripeUrl, secret),
    note: () => {
      since = booksOf(books);
    },
    agrees: async (spent, held = 0) => {
      assert.deepEqual(await spendOf(keybrake, key.id), [spent, held]);
      await assertAgreement(keybrake, [key.id], since ? { since } : {});
    },
    lookUps: () =>
      books.received
        .slice(since?.requests)
        .filter(isLookUp)
        .map(({ method, path }) => `${method} ${path}`),
  };
}

/** A key that reaches what is withheld from others. */
const ALL = { allowed_endpoints: ['/v1/**', '/v2/**'] };

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

/** A draft of one item. */
async function invoiceOf(client: Stripe, cents: number): Promise<string> {
  const { id } = await client.invoices.create({ customer: 'cus_old' });
  await client.invoiceItems.create({
    ...{ customer: 'cus_old', invoice: id, amount: cents, currency: 'usd' },
  });
  return id;
}

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

async function pricesOf(outside: Stripe): Promise<{ small: string; large: string }> {
  const product = await outside.products.create({ name: 'Seat' });
  const monthly = async (unit_amount: number) => {
    const recurring = { interval: 'month' } as const;
    const terms = { product: product.id, currency: 'usd', unit_amount, recurring };
    return (await outside.prices.create(terms)).id;
  };
  return { small: await monthly(3000), large: await monthly(6000) };
}

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

test('a retry of a lost call that Stripe priced is sent without asking again, and ends the first hold', async (t) => {
  const { keybrake, keyId, stripe, outside, note, lookUps } = await open(t, ALL);
  const { small, large } = await pricesOf(outside);
  const sub = await outside.subscriptions.create({ customer: 'cus_1', items: [{ price: small }] });
  const items = [{ id: sub.items.data[0]!.id, price: large }];
  note();
  const once = { idempotencyKey: 'once' };
  const change = () =>
    stripe.subscriptions.update(sub.id, { items, proration_behavior: 'always_invoice' }, once);
  const lose = { match: { method: 'POST', idempotencyKey: 'once' } };
  keybrake.sandbox.faults.next({ ...lose, do: { kind: 'hangup', at: 'after' } });
  assert.equal((await failure(change())).code, 'outcome_unknown');
  const [spent, held] = await spendOf(keybrake, keyId);
  const asked = lookUps().length;
  await change();
  assert.equal(lookUps().length, asked);
  // Its preview is what it is known to cost: of two invoices nobody can say which was the change's.
  assert.deepEqual([spent, await spendOf(keybrake, keyId)], [0, [held, 0]]);
  const billed = Number(booksOf(keybrake.sandbox.stripe).moved) / 1e6 - 30;
  assert.ok(billed > 0 && held >= billed, `${held} for ${billed}`);
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

test('no price of the key’s stands in where Stripe knows the price and does not answer', async (t) => {
  const prices = [{ endpoint: '/v1/**', price_usd: 0.01 }];
  const { keybrake, keyId, stripe, outside, note } = await open(t, { ...ALL, prices });
  const { small } = await pricesOf(outside);
  const quote = await outside.quotes.create({ customer: 'cus_1', line_items: [{ price: small }] });
  await outside.quotes.finalizeQuote(quote.id);
  const paid = await outside.paymentIntents.create(paying(4000));
  note();
  const books = keybrake.sandbox.stripe;
  const { executions } = books;
  const asking = { match: { method: 'GET' } };
  for (const fault of [
    { kind: 'hangup', at: 'before' },
    { kind: 'status', status: 429 },
    { kind: 'status', status: 500 },
    { kind: 'garbage', as: 'text' },
  ] as const) {
    keybrake.sandbox.faults.next({ ...asking, do: fault });
    assert.equal((await failure(stripe.quotes.accept(quote.id))).code, 'unpriced', fault.kind);
    keybrake.sandbox.faults.next({ ...asking, do: fault });
    const refund = stripe.refunds.create({ payment_intent: paid.id });
    assert.equal((await failure(refund)).code, 'unpriced', fault.kind);
  }
  assert.equal(books.executions, executions, 'nothing was sent');
  await stripe.refunds.create({ payment_intent: paid.id });
  await stripe.quotes.accept(quote.id);
  assert.deepEqual(await spendOf(keybrake, keyId), [70, 0]);
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

test('asking changes nothing: a GET or a preview, without an idempotency key', async (t) => {
  const { keybrake, stripe, outside } = await open(t, ALL);
  const { small } = await pricesOf(outside);
  const reserved = await outside.paymentIntents.create(paying(2900, MANUAL));
  const invoice = await invoiceOf(outside, 500);
  const books = keybrake.sandbox.stripe;
  const [executions, replays] = [books.executions, books.replays];
  await stripe.paymentIntents.capture(reserved.id);
  await stripe.invoices.pay(invoice);
  await stripe.creditNotes.create({ invoice, amount: 200, refund_amount: 200 });
  await stripe.refunds.create({ charge: (await outside.charges.list()).data[0]!.id });
  await stripe.subscriptions.create({ customer: 'cus_1', items: [{ price: small }] });
  const asked = books.received.filter(isLookUp);
  assert.equal(asked.length, 5);
  for (const { method, path, idempotencyKey, authorization, headers } of asked) {
    assert.equal(idempotencyKey, null);
    assert.ok(method === 'GET' || path === '/v1/invoices/create_preview', `${method} ${path}`);
    assert.equal(authorization, `Bearer ${keybrake.sandbox.secret}`);
    assert.match(headers['stripe-version']!, /^20\d\d-/, 'in the version of the call');
  }
  // Every execution is one of the five calls or a preview.
  assert.equal(books.executions - executions, 6);
  assert.equal(books.replays, replays);
});

test('who may not call asks nothing either', async (t) => {
  const { keybrake, keyId, stripe, outside } = await open(t);
  const paid = await outside.paymentIntents.create(paying(900));
  const refund = () => failure(stripe.refunds.create({ payment_intent: paid.id }));
  const asked = () => keybrake.sandbox.stripe.received.filter(isLookUp).length;
  const subscription = { customer: 'cus_1', items: [{ price: 'price_1' }] };
  assert.equal(
    (await failure(stripe.subscriptions.create(subscription))).code,
    'endpoint_not_allowed',
  );
  assert.equal(asked(), 0, 'a withheld call asks for no price');
  await revokeKey(keybrake, keyId);
  assert.equal((await refund()).code, 'key_revoked');
  assert.equal(asked(), 0, 'a revoked key asks for no price');
});

test('a vendor that does not say what a call costs is not sent the call', async (t) => {
  const { keybrake, keyId, stripe, outside } = await open(t);
  const paid = await outside.paymentIntents.create(paying(900));
  const { faults, stripe: books } = keybrake.sandbox;
  const match = { method: 'GET', path: `/v1/payment_intents/${paid.id}` };
  const ways = [
    { kind: 'hangup', at: 'before' },
    { kind: 'status', status: 500 },
    { kind: 'garbage', as: 'text' },
    { kind: 'garbage', as: 'wrong_type' },
    { kind: 'redirect', location: 'http://127.0.0.1:9/' },
  ] as const;
  const executed = books.executions;
  for (const way of ways) {
    const fault = faults.next({ match, do: way });
    const error = await failure(stripe.refunds.create({ payment_intent: paid.id }));
    assert.deepEqual([error.code, fault.hits], ['unpriced', 1], JSON.stringify(way));
    assert.match(error.message, /Stripe|The vendor/);
  }
  const missing = await failure(stripe.refunds.create({ payment_intent: 'pi_never' }));
  assert.match(missing.message, /answered 404 \(No such payment_intent/);
  assert.equal(books.executions, executed, 'no refund was sent');
  assert.deepEqual(await spendOf(keybrake, keyId), [0, 0]);
  await stripe.refunds.create({ payment_intent: paid.id });
  assert.deepEqual(await spendOf(keybrake, keyId), [9, 0]);
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
