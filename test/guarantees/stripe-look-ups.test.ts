/**
 * When Stripe is asked for a price, with what, and what becomes of a call whose price it does not
 * say: with the official SDK through a real server. Asking changes nothing at the vendor.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure, paying } from '../sandbox/client.ts';
import { booksOf, isLookUp } from '../support/agreement.ts';
import { revokeKey } from '../support/management.ts';
import { spendOf } from '../support/scene.ts';
import { ALL, invoiceOf, MANUAL, open, pricesOf } from './stripe-look-ups.ts';

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
