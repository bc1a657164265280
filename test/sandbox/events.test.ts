/** Every change has its event, and every event names the request that made the change. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { finishPayout } from '../../src/sandbox/stripe/outside.ts';
import { failure, paying, raw, start } from './client.ts';

const PATH = '/v1/payment_intents';
const BODY = 'amount=2900&currency=usd&confirm=true&payment_method=pm_card_visa';

test('a payment can be found by the idempotency key of its request', async (t) => {
  const { stripe } = await start(t);
  const pi = await stripe.paymentIntents.create(paying(2900), { idempotencyKey: 'run-7' });
  await stripe.paymentIntents.create(paying(100), { idempotencyKey: 'run-8' });
  const events = (await stripe.events.list({ limit: 100 })).data;
  const mine = events.filter(({ request }) => request?.idempotency_key === 'run-7');
  assert.deepEqual(
    mine.map(({ type }) => type),
    ['payment_intent.succeeded', 'charge.succeeded', 'payment_intent.created'],
  );
  assert.ok(mine.every(({ request }) => request?.id === pi.lastResponse.requestId));
  const [succeeded, charged, created] = mine.map(({ data }) => data.object as typeof pi);
  assert.equal(succeeded!.amount_received, 2900);
  assert.equal(charged!.id, pi.latest_charge);
  // As it was rendered then: nothing had moved yet.
  assert.equal(created!.status, 'requires_confirmation');
  assert.equal(created!.amount_received, 0);
  assert.deepEqual(await stripe.events.retrieve(mine[0]!.id), mine[0]);
});

test('a call whose reply was lost has its events all the same', async (t) => {
  const { sandbox, stripe } = await start(t);
  const lost = { 'idempotency-key': 'lost' };
  sandbox.faults.next({ do: { kind: 'hangup', at: 'after' } });
  await assert.rejects(raw(sandbox, 'POST', PATH, BODY, lost));
  const never = { 'idempotency-key': 'never' };
  sandbox.faults.next({ do: { kind: 'hangup', at: 'before' } });
  await assert.rejects(raw(sandbox, 'POST', PATH, BODY, never));
  sandbox.faults.next({ do: { kind: 'status', status: 500, executes: true, stored: true } });
  await raw(sandbox, 'POST', PATH, BODY, { 'idempotency-key': 'broke' });
  const keys = (await stripe.events.list({ type: 'payment_intent.succeeded' })).data.map(
    ({ request }) => request?.idempotency_key,
  );
  assert.deepEqual(keys, ['broke', 'lost']);
});

test('a replay makes no second event, and a refused request none at all', async (t) => {
  const { sandbox, stripe } = await start(t);
  const key = { 'idempotency-key': 'k' };
  await raw(sandbox, 'POST', PATH, BODY, key);
  await raw(sandbox, 'POST', PATH, BODY, key);
  await raw(sandbox, 'POST', PATH, 'amount=1&currency=usd', { 'idempotency-key': 'bad' });
  assert.equal((await stripe.events.list({ limit: 100 })).data.length, 3);
});

test('a declined payment shows its creation and its failure', async (t) => {
  const { stripe } = await start(t);
  const declined = paying(2900, { payment_method: 'pm_card_chargeDeclined' });
  await failure(stripe.paymentIntents.create(declined, { idempotencyKey: 'no' }));
  const events = (await stripe.events.list()).data;
  assert.deepEqual(
    events.map(({ type, request }) => [type, request?.idempotency_key]),
    [
      ['payment_intent.payment_failed', 'no'],
      ['charge.failed', 'no'],
      ['payment_intent.created', 'no'],
    ],
  );
});

test('a request without a key has events without one, and the bank is no request', async (t) => {
  const { sandbox, stripe } = await start(t);
  await raw(sandbox, 'POST', '/v1/payouts', 'amount=500&currency=usd');
  const created = (await stripe.events.list()).data[0]!;
  assert.equal(created.type, 'payout.created');
  assert.equal(created.request?.idempotency_key, null);
  assert.match(created.request!.id!, /^req_/);
  finishPayout(sandbox.stripe, (created.data.object as { id: string }).id, created.created);
  const paid = (await stripe.events.list({ type: 'payout.paid' })).data[0]!;
  assert.deepEqual(paid.request, { id: null, idempotency_key: null });
});

test('the life of an authorisation and of what is refunded of it, event by event', async (t) => {
  const { stripe } = await start(t);
  const { id } = await stripe.paymentIntents.create(paying(2900, { capture_method: 'manual' }));
  await stripe.paymentIntents.incrementAuthorization(id, { amount: 3000 });
  await stripe.paymentIntents.capture(id, { amount_to_capture: 1000 });
  await stripe.refunds.create({ payment_intent: id, amount: 400 });
  const released = await stripe.paymentIntents.create(paying(100, { capture_method: 'manual' }));
  await stripe.paymentIntents.cancel(released.id);
  const types = (await stripe.events.list({ limit: 100 })).data.map(({ type }) => type);
  assert.deepEqual(types.toReversed(), [
    'payment_intent.created',
    'charge.succeeded',
    'payment_intent.amount_capturable_updated',
    'charge.updated',
    'payment_intent.amount_capturable_updated',
    'charge.captured',
    'payment_intent.succeeded',
    'charge.refunded',
    'refund.created',
    'payment_intent.created',
    'charge.succeeded',
    'payment_intent.amount_capturable_updated',
    'payment_intent.canceled',
  ]);
});

test('an update tells what it changed', async (t) => {
  const { stripe } = await start(t);
  const { id } = await stripe.customers.create({ name: 'A', email: 'a@example.com' });
  await stripe.customers.update(id, { name: 'B' });
  const [updated] = (await stripe.events.list({ type: 'customer.updated' })).data;
  assert.deepEqual(updated!.data.previous_attributes, { name: 'A' });
  assert.equal((updated!.data.object as { name: string }).name, 'B');
});

test('events are listed newest first, by type, by time and by page', async (t) => {
  let now = 1_800_000_000_000;
  const { sandbox, stripe } = await start(t, { clock: { now: () => now } });
  for (let i = 0; i < 5; i++) {
    await stripe.payouts.create({ amount: 100 + i, currency: 'usd' });
    await stripe.customers.create();
    now += 10_000;
  }
  const amounts = (events: { data: { data: { object: unknown } }[] }) =>
    events.data.map(({ data }) => (data.object as { amount?: number }).amount);
  const payouts = await stripe.events.list({ type: 'payout.created', limit: 2 });
  assert.deepEqual(amounts(payouts), [104, 103]);
  assert.equal(payouts.has_more, true);
  const next = { type: 'payout.created', starting_after: payouts.data[1]!.id } as const;
  assert.deepEqual(amounts(await stripe.events.list(next)), [102, 101, 100]);
  const since = { gte: 1_800_000_020, lt: 1_800_000_040 };
  const both = ['payout.created', 'customer.created'];
  assert.equal((await stripe.events.list({ created: since, types: both })).data.length, 4);
  assert.equal((await stripe.events.list({ created: since, types: [both[0]!] })).data.length, 2);
  assert.equal((await stripe.events.list({ type: 'payout.*' })).data.length, 5);
  sandbox.stripe.eventDelaySeconds = 25;
  assert.equal((await stripe.events.list({ type: 'payout.created' })).data.length, 3);
  sandbox.stripe.eventDelaySeconds = 0;
  now += 30 * 24 * 60 * 60 * 1000 - 35_000;
  assert.equal((await stripe.events.list({ type: 'payout.created' })).data.length, 3);
});

test('every reply is dated by the vendor’s clock', async (t) => {
  const { sandbox } = await start(t, { clock: { now: () => 1_800_000_000_000 } });
  const dateOf = async (path: string) => (await raw(sandbox, 'GET', path)).headers.date;
  assert.equal(await dateOf('/v1/events'), 'Fri, 15 Jan 2027 08:00:00 GMT');
  assert.equal(await dateOf('/v1/nothing'), 'Fri, 15 Jan 2027 08:00:00 GMT');
});
