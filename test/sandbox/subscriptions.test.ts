/** Subscriptions and quotes: what is billed at once, what waits, and what a preview says of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type Stripe from 'stripe';
import { renewSubscription } from '../../src/sandbox/stripe/outside.ts';
import { failure, start } from './client.ts';

/** 1 April 2027: a month of 30 days. */
const APRIL = Date.UTC(2027, 3, 1);
const DAY_MS = 24 * 60 * 60 * 1000;

/** A vendor whose clock the test moves, and monthly prices of 30, 60 and yearly of 300 dollars. */
async function shop(t: Parameters<typeof start>[0]) {
  const time = { now: APRIL };
  const { sandbox, stripe } = await start(t, { clock: { now: () => time.now } });
  const product = await stripe.products.create({ name: 'Seat' });
  const price = async (unit_amount: number, interval: 'month' | 'year') =>
    (
      await stripe.prices.create({
        product: product.id,
        currency: 'usd',
        unit_amount,
        recurring: { interval },
      })
    ).id;
  const prices = {
    small: await price(3000, 'month'),
    large: await price(6000, 'month'),
    year: await price(30000, 'year'),
  };
  const subscribe = (more: Partial<Stripe.SubscriptionCreateParams> = {}) =>
    stripe.subscriptions.create({
      customer: 'cus_1',
      items: [{ price: prices.small }],
      expand: ['latest_invoice'],
      ...more,
    });
  return { sandbox, stripe, prices, subscribe, time };
}

const latest = (sub: Stripe.Subscription) => sub.latest_invoice as Stripe.Invoice;

test('a new subscription charges its first invoice, and its event names that', async (t) => {
  const { sandbox, stripe, prices, subscribe } = await shop(t);
  const items = [{ price: prices.small, quantity: 2 }];
  const preview = await stripe.invoices.createPreview({
    customer: 'cus_1',
    subscription_details: { items },
  });
  assert.equal(preview.amount_due, 6000);
  assert.equal(sandbox.stripe.movedCents(), 0n);
  const sub = await subscribe({ items });
  assert.equal(sub.status, 'active');
  assert.deepEqual([latest(sub).status, latest(sub).amount_paid], ['paid', 6000]);
  assert.equal(sub.items.data[0]!.current_period_end, (APRIL + 30 * DAY_MS) / 1000);
  assert.equal(sandbox.stripe.movedCents(), 6000n);
  const [created] = (await stripe.events.list({ type: 'customer.subscription.created' })).data;
  const then = created!.data.object as Stripe.Subscription;
  assert.deepEqual([then.status, then.latest_invoice], ['incomplete', latest(sub).id]);
});

test('a trial bills nothing, and ending it bills at once', async (t) => {
  const { sandbox, stripe, subscribe } = await shop(t);
  const sub = await subscribe({ trial_period_days: 14 });
  assert.deepEqual([sub.status, latest(sub).amount_due], ['trialing', 0]);
  assert.equal(sandbox.stripe.movedCents(), 0n);
  const preview = await stripe.invoices.createPreview({
    subscription: sub.id,
    subscription_details: { trial_end: 'now' },
  });
  assert.equal(preview.amount_due, 3000);
  const ended = await stripe.subscriptions.update(sub.id, { trial_end: 'now' });
  assert.equal(ended.status, 'active');
  assert.notEqual(ended.latest_invoice, latest(sub).id);
  assert.equal(sandbox.stripe.movedCents(), 3000n);
});

test('a first payment that fails: incomplete by default, an error when that was asked for', async (t) => {
  const { sandbox, stripe, subscribe } = await shop(t);
  const bad = { default_payment_method: 'pm_card_chargeDeclined' };
  const sub = await subscribe(bad);
  assert.deepEqual([sub.status, latest(sub).status], ['incomplete', 'open']);
  const error = await failure(subscribe({ ...bad, payment_behavior: 'error_if_incomplete' }));
  assert.equal(error.statusCode, 402);
  assert.equal((await stripe.subscriptions.list({ status: 'all' })).data.length, 1);
  assert.equal(sandbox.stripe.movedCents(), 0n);
  await stripe.invoices.pay(latest(sub).id, { payment_method: 'pm_card_visa' });
  assert.equal((await stripe.subscriptions.retrieve(sub.id)).status, 'active');
  assert.equal(sandbox.stripe.movedCents(), 3000n);

  const poor = await stripe.customers.create({});
  assert.equal((await failure(subscribe({ customer: poor.id }))).code, 'resource_missing');
});

test('default_incomplete takes nothing until its payment is confirmed', async (t) => {
  const { sandbox, stripe, subscribe } = await shop(t);
  const sub = await subscribe({
    payment_behavior: 'default_incomplete',
    expand: ['latest_invoice.payments', 'latest_invoice.confirmation_secret'],
  });
  assert.deepEqual([sub.status, latest(sub).amount_remaining], ['incomplete', 3000]);
  assert.equal(sandbox.stripe.movedCents(), 0n);
  assert.equal(sandbox.stripe.underWayCents(), 3000n);
  const pi = latest(sub).payments!.data[0]!.payment.payment_intent as string;
  assert.ok(latest(sub).confirmation_secret!.client_secret.startsWith(pi));
  await stripe.paymentIntents.confirm(pi, { payment_method: 'pm_card_visa' });
  assert.equal((await stripe.subscriptions.retrieve(sub.id)).status, 'active');
  assert.equal(sandbox.stripe.movedCents(), 3000n);
  assert.equal(sandbox.stripe.underWayCents(), 0n);
});

test('the trap: a change that bills nothing still shows the old invoice, which is paid', async (t) => {
  const { sandbox, stripe, prices, subscribe, time } = await shop(t);
  const sub = await subscribe();
  time.now += 15 * DAY_MS;
  const [item] = sub.items.data;
  const changed = await stripe.subscriptions.update(sub.id, {
    items: [{ id: item!.id, price: prices.large }],
    expand: ['latest_invoice'],
  });
  assert.equal(changed.items.data[0]!.price.id, prices.large);
  assert.equal(latest(changed).id, latest(sub).id);
  assert.equal(latest(changed).amount_paid, 3000);
  assert.equal(sandbox.stripe.movedCents(), 3000n);
  // What the change costs waits for the renewal: half a month of the difference.
  const waiting = await stripe.invoices.createPreview({ subscription: sub.id });
  assert.equal(waiting.amount_due, -1500 + 3000 + 6000);
  time.now += 15 * DAY_MS;
  renewSubscription(sandbox.stripe, sub.id, time.now / 1000);
  assert.equal(sandbox.stripe.movedCents(), 3000n + 7500n);
});

test('always_invoice bills the change at once, and its preview says exactly that', async (t) => {
  const { sandbox, stripe, prices, subscribe, time } = await shop(t);
  const sub = await subscribe();
  time.now += 10 * DAY_MS;
  const items = [{ id: sub.items.data[0]!.id, price: prices.large, quantity: 2 }];
  const proration_behavior = 'always_invoice';
  const preview = await stripe.invoices.createPreview({
    subscription: sub.id,
    subscription_details: { items, proration_behavior },
  });
  const cost = -2000 + 8000;
  assert.equal(preview.amount_due, cost);
  const change = { items, proration_behavior, expand: ['latest_invoice'] } as const;
  const changed = await stripe.subscriptions.update(sub.id, change as never);
  assert.notEqual(latest(changed).id, latest(sub).id);
  assert.deepEqual(
    [latest(changed).amount_paid, latest(changed).billing_reason],
    [cost, 'subscription_update'],
  );
  assert.equal(sandbox.stripe.movedCents(), BigInt(3000 + cost));
  const same = await stripe.subscriptions.update(sub.id, {
    proration_behavior,
    metadata: { a: '1' },
  });
  assert.equal(same.latest_invoice, latest(changed).id);
});

test('a cheaper plan gives store credit, not cash', async (t) => {
  const { sandbox, stripe, prices, subscribe, time } = await shop(t);
  const sub = await subscribe({ items: [{ price: prices.large }] });
  time.now += 15 * DAY_MS;
  const changed = await stripe.subscriptions.update(sub.id, {
    items: [{ id: sub.items.data[0]!.id, price: prices.small }],
    proration_behavior: 'always_invoice',
    expand: ['latest_invoice'],
  });
  assert.deepEqual([latest(changed).total, latest(changed).amount_due], [-1500, 0]);
  assert.equal(((await stripe.customers.retrieve('cus_1')) as Stripe.Customer).balance, -1500);
  assert.equal(sandbox.stripe.movedCents(), 6000n);
  time.now += 15 * DAY_MS;
  renewSubscription(sandbox.stripe, sub.id, time.now / 1000);
  assert.equal(sandbox.stripe.movedCents(), 6000n + 1500n);
});

test('another interval or a new anchor starts a new period and bills it', async (t) => {
  const { sandbox, stripe, prices, subscribe, time } = await shop(t);
  const sub = await subscribe();
  time.now += 15 * DAY_MS;
  const items = [{ id: sub.items.data[0]!.id, price: prices.year }];
  const changed = await stripe.subscriptions.update(sub.id, { items, expand: ['latest_invoice'] });
  assert.equal(latest(changed).amount_paid, 30000 - 1500);
  time.now += DAY_MS;
  await stripe.subscriptions.update(sub.id, {
    billing_cycle_anchor: { type: 'now' },
    proration_behavior: 'none',
  });
  assert.equal(sandbox.stripe.movedCents(), 3000n + 28500n + 30000n);
});

test('a change that is declined leaves it past due, or is undone when that was asked for', async (t) => {
  const { sandbox, stripe, prices, subscribe, time } = await shop(t);
  const sub = await subscribe();
  time.now += 15 * DAY_MS;
  const change: Stripe.SubscriptionUpdateParams = {
    items: [{ id: sub.items.data[0]!.id, price: prices.large }],
    proration_behavior: 'always_invoice',
    default_payment_method: 'pm_card_chargeDeclined',
  };
  const strict = { ...change, payment_behavior: 'error_if_incomplete' } as const;
  assert.equal((await failure(stripe.subscriptions.update(sub.id, strict))).statusCode, 402);
  const kept = await stripe.subscriptions.retrieve(sub.id);
  assert.equal(kept.items.data[0]!.price.id, prices.small);
  const due = await stripe.subscriptions.update(sub.id, change);
  assert.equal(due.status, 'past_due');
  assert.equal(sandbox.stripe.movedCents(), 3000n);
  await stripe.invoices.pay(due.latest_invoice as string, { payment_method: 'pm_card_visa' });
  assert.equal((await stripe.subscriptions.retrieve(sub.id)).status, 'active');
  assert.equal(sandbox.stripe.movedCents(), 4500n);
});

test('items by calls of their own are changes of the subscription', async (t) => {
  const { sandbox, stripe, prices, subscribe, time } = await shop(t);
  const sub = await subscribe();
  time.now += 15 * DAY_MS;
  const now = { proration_behavior: 'always_invoice' } as const;
  const added = await stripe.subscriptionItems.create({
    subscription: sub.id,
    price: prices.large,
    ...now,
  });
  assert.equal(sandbox.stripe.movedCents(), 3000n + 3000n);
  await stripe.subscriptionItems.update(added.id, { quantity: 3, ...now });
  assert.equal(sandbox.stripe.movedCents(), 6000n + 6000n);
  assert.equal((await stripe.subscriptionItems.list({ subscription: sub.id })).data.length, 2);
  assert.equal((await stripe.subscriptionItems.retrieve(added.id)).quantity, 3);
  await stripe.subscriptionItems.del(added.id, now);
  assert.equal(((await stripe.customers.retrieve('cus_1')) as Stripe.Customer).balance, -9000);
  assert.equal(sandbox.stripe.movedCents(), 12000n);
});

test('canceled, paused and resumed', async (t) => {
  const { sandbox, stripe, subscribe, time } = await shop(t);
  const paused = await subscribe();
  await stripe.subscriptions.pause(paused.id, {} as never);
  time.now += 40 * DAY_MS;
  const resumed = await stripe.subscriptions.resume(paused.id, { expand: ['latest_invoice'] });
  assert.deepEqual([resumed.status, latest(resumed).amount_paid], ['active', 3000]);
  assert.equal(sandbox.stripe.movedCents(), 6000n);
  assert.equal((await failure(stripe.subscriptions.resume(paused.id))).statusCode, 400);
  time.now += 10 * DAY_MS;
  const ended = await stripe.subscriptions.cancel(paused.id, { prorate: true, invoice_now: true });
  assert.equal(ended.status, 'canceled');
  assert.ok(((await stripe.customers.retrieve('cus_1')) as Stripe.Customer).balance < 0);
  assert.equal((await failure(stripe.subscriptions.cancel(paused.id))).statusCode, 404);
  assert.equal((await stripe.subscriptions.list()).data.length, 0);

  const last = await subscribe({ customer: 'cus_2' });
  await stripe.subscriptions.update(last.id, { cancel_at_period_end: true });
  renewSubscription(sandbox.stripe, last.id, time.now / 1000);
  assert.equal((await stripe.subscriptions.retrieve(last.id)).status, 'canceled');
  const held = await subscribe({ customer: 'cus_3' });
  await stripe.subscriptions.update(held.id, { pause_collection: { behavior: 'void' } });
  renewSubscription(sandbox.stripe, held.id, time.now / 1000);
  const after = await stripe.subscriptions.retrieve(held.id, { expand: ['latest_invoice'] });
  assert.equal(latest(after).status, 'void');
  assert.equal(sandbox.stripe.movedCents(), 12000n);
});

test('renewals are billed without a call, by no request', async (t) => {
  const { sandbox, stripe, subscribe, time } = await shop(t);
  const sub = await subscribe();
  time.now += 30 * DAY_MS;
  renewSubscription(sandbox.stripe, sub.id, time.now / 1000);
  assert.equal(sandbox.stripe.movedCents(), 6000n);
  const [paid] = (await stripe.events.list({ type: 'invoice.paid' })).data;
  assert.equal(paid!.request?.id, null);
  assert.equal((paid!.data.object as Stripe.Invoice).billing_reason, 'subscription_cycle');
});

test('a quote states its total; accepting it bills a subscription or drafts an invoice', async (t) => {
  const { sandbox, stripe, prices } = await shop(t);
  const line_items = [{ price: prices.small, quantity: 2 }];
  const quote = await stripe.quotes.create({ customer: 'cus_1', line_items });
  assert.deepEqual([quote.status, quote.amount_total], ['draft', 6000]);
  assert.equal((await failure(stripe.quotes.accept(quote.id))).statusCode, 400);
  await stripe.quotes.finalizeQuote(quote.id);
  assert.equal((await stripe.quotes.listLineItems(quote.id)).data[0]!.amount_total, 6000);
  const accepted = await stripe.quotes.accept(quote.id);
  assert.equal(accepted.status, 'accepted');
  const sub = await stripe.subscriptions.retrieve(accepted.subscription as string);
  assert.equal(sub.status, 'active');
  assert.equal(sandbox.stripe.movedCents(), 6000n);

  const price_data = { currency: 'usd', unit_amount: 700, product: 'prod_1' };
  const once = await stripe.quotes.create({ customer: 'cus_1', line_items: [{ price_data }] });
  await stripe.quotes.finalizeQuote(once.id);
  const { invoice } = await stripe.quotes.accept(once.id);
  const draft = await stripe.invoices.retrieve(invoice as string);
  assert.deepEqual([draft.status, draft.amount_due], ['draft', 700]);
  assert.equal(sandbox.stripe.movedCents(), 6000n);
  await stripe.invoices.pay(draft.id);
  assert.equal(sandbox.stripe.movedCents(), 6700n);
  const other = await stripe.quotes.create({ customer: 'cus_1', line_items });
  assert.equal((await stripe.quotes.cancel(other.id)).status, 'canceled');
  assert.equal((await failure(stripe.quotes.accept(other.id))).statusCode, 400);
});

test('a preview keeps nothing, not even a price that was described in it', async (t) => {
  const { sandbox, stripe } = await shop(t);
  const events = async () => (await stripe.events.list({ limit: 100 })).data.length;
  const before = await events();
  const price_data = {
    currency: 'usd',
    unit_amount: 500,
    product: 'prod_1',
    recurring: { interval: 'month' },
  } as const;
  const preview = await stripe.invoices.createPreview({
    customer: 'cus_1',
    subscription_details: { items: [{ price_data }] },
    invoice_items: [{ amount: 250, currency: 'usd' }],
  });
  assert.equal(preview.amount_due, 750);
  assert.equal(await events(), before);
  assert.equal((await stripe.subscriptions.list()).data.length, 0);
  assert.equal((await stripe.invoices.list()).data.length, 0);
  const none = await failure(stripe.invoices.createPreview({ customer: 'cus_9' }));
  assert.equal(none.code, 'invoice_upcoming_none');
  assert.equal(sandbox.stripe.underWayCents(), 0n);
});
