/**
 * When a call that nobody knows the end of is looked for, when no more, and what is never concluded,
 * whatever Stripe answers.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { stripe } from '../../src/vendors/stripe/stripe.ts';
import { failed, intent, paid } from './stripe-objects.ts';
import {
  concluded,
  created,
  DAY,
  HOUR,
  held,
  investigate,
  lost,
  lostOn,
  MINUTE,
  NOW,
  SAFE,
  SECOND,
  T,
} from './stripe-open-calls.ts';
import { DOLLARS, reply } from './stripe-requests.ts';

test('pauses grow, end when the proof can be there, and the operator is asked in the end', () => {
  const pause = (call: ReturnType<typeof lost>, now: number, world = {}) => {
    const { end } = investigate(call, now, world);
    return end?.next === 'wait' ? end.ms : end?.next;
  };
  const blind = { clock: null };
  assert.deepEqual(stripe.firstLookMs, { held: MINUTE, unknown: 2 * SECOND });
  const unknown = (looks: number, now: number) => pause(lost({ looks }), now, blind);
  assert.deepEqual(
    [0, 1, 4].map((looks) => unknown(looks, NOW)),
    [2_000, 4_000, 32_000],
  );
  assert.equal(unknown(9, SAFE - 7 * SECOND), 7 * SECOND, 'not past the proof');
  assert.deepEqual(
    [11, 12, 500].map((looks) => unknown(looks, SAFE)),
    [HOUR, HOUR, HOUR],
  );
  assert.equal(unknown(40, T * 1000 + DAY), 'give_up');
  const open = { objects: { pi_1: intent('requires_capture') } };
  const waits = (looks: number, now: number) => pause(held('pi_1', { looks }), now, open);
  assert.deepEqual(
    [0, 1, 6, 9].map((looks) => waits(looks, NOW)),
    [...[MINUTE, 2 * MINUTE, 64 * MINUTE, 6 * HOUR]],
  );
  assert.equal(waits(99, NOW + 30 * DAY), 6 * HOUR);
  const { end } = investigate(held('pi_1'), T * 1000 + 31 * DAY, open);
  assert.ok(end?.next === 'give_up');
  assert.equal(end.why, 'It is not known: pi_1 is requires_capture.');
});

test('what costs nothing is released without a question; what shows nowhere is the operator’s', () => {
  const free = { quote: 0n, amount: null, currency: null };
  const none: [fields: Partial<ReturnType<typeof lost>>][] = [
    [{ ...free, method: 'GET', path: '/v1/charges', operation: 'charges.list' }],
    [{ ...free, path: '/v1/customers/cus_1/tax_ids', operation: 'customers.tax_ids.create' }],
    [{ ...free, path: '/v1/customers', operation: 'customers.create' }],
    [{ ...free, path: '/v1/payment_intents/pi_1', operation: 'payment_intents.update' }],
    [{ ...free, method: 'DELETE', path: '/v1/customers/cus_1', operation: 'customers.delete' }],
    [{ ...free, path: '/v2/core/events', operation: 'v2.core.events.create' }],
  ];
  for (const [fields] of none) {
    const { end, looks } = investigate(lost(fields), NOW);
    assert.ok(end?.next === 'conclude');
    assert.deepEqual([end.conclusion.outcome, looks], ['released', []]);
  }
  const v2 = { path: '/v2/money_management/outbound_payments', operation: null };
  assert.equal(investigate(lost(v2), NOW).end, null);
  const ending = { method: 'DELETE', path: '/v1/subscriptions/sub_1', operation: null };
  assert.equal(investigate(lost(ending), NOW).end, null);
  // It counts already, so it is priced at nothing: whether it was carried out still matters.
  const confirm = lostOn('pi_1', 'payment_intents.confirm', { quote: 0n });
  assert.equal(concluded(confirm, NOW, { objects: { pi_1: paid } }).objects[0]?.moved, 2900n);
});

test('whatever a disturbed Stripe answers, nothing is released, nothing thrown, and only looks are asked for', () => {
  const date = (now: number) => ({ date: new Date(now).toUTCString() });
  const list = { object: 'list', data: [created], has_more: false };
  // Each is one step from an answer that would prove something.
  const object = fc.constantFrom<object>(
    ...[paid, failed, intent('requires_confirmation'), intent('requires_capture')],
    { ...paid, status: 'succeeded', amount_received: 0 },
  );
  const rests = ['id', 'object', 'amount', 'amount_received', 'status'];
  const broken = fc.record({
    name: fc.constantFrom(...rests),
    value: fc.jsonValue().filter((each) => !Number.isSafeInteger(each)),
  });
  const body = fc.oneof(
    fc.jsonValue(),
    fc.record({ object, broken }).map(({ object, broken: { name, value } }) => ({
      ...object,
      [name]: value === (object as Record<string, unknown>)[name] ? { not: value } : value,
    })),
    fc.jsonValue().map((each) => ({ ...list, data: [each] })),
    fc
      .jsonValue()
      .filter((each) => !(Array.isArray(each) && each.length === 0))
      .map((each) => ({ ...list, data: each })),
    fc
      .jsonValue()
      .filter((each) => each !== false)
      .map((has_more) => ({ ...list, has_more, data: [] })),
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  );
  const disturbed = fc.oneof(
    body.map((each) => (now: number) => reply(200, each, date(now))),
    // A whole answer that is not to be believed.
    fc
      .integer({ min: 100, max: 599 })
      .filter((status) => status !== 200)
      .map((status) => (now: number) => reply(status, { ...list, data: [] }, date(now))),
    fc.constant((_: number) => reply(200, { ...list, data: [] }, {})),
    fc.constant((now: number) => reply(200, { ...list, data: [] }, date(now + HOUR))),
  );
  const calls = fc.constantFrom(
    ...[lost(), lost({ path: '/v1/refunds', operation: 'refunds.create' })],
    ...['confirm', 'capture', 'update'].map((verb) => lostOn('pi_1', `payment_intents.${verb}`)),
    lostOn('pi_1', 'payment_intents.increment_authorization', { amount: 3500n }),
    ...[lostOn('ch_1', 'charges.capture'), lostOn('in_1', 'invoices.pay')],
    ...[held('pi_1'), held('po_1', { path: '/v1/payouts', operation: 'payouts.create' })],
  );
  const after = fc.integer({ min: 0, max: 40 * DAY });
  const run = fc.property(calls, fc.array(disturbed, { maxLength: 5 }), after, (call, how, ms) => {
    const now = T * 1000 + ms;
    const found = stripe.investigate(
      call,
      how.map((make) => make(now)),
      DOLLARS,
      now,
    );
    if (found?.next === 'look') {
      assert.equal(found.lookUp.method, 'GET');
      assert.match(found.lookUp.path, /^\/v1\/[a-z_]+(?:\/[A-Za-z0-9_]+)?$/);
    }
    if (found?.next === 'wait') assert.ok(found.ms > 0 && found.ms <= 6 * HOUR);
    if (found?.next !== 'conclude') return;
    const { outcome, objects } = found.conclusion;
    assert.notEqual(outcome, 'released');
    for (const { state, moved } of objects) if (state === 'final') assert.ok(moved !== null);
  });
  fc.assert(run, { numRuns: 5000 });
});
