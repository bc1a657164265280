/**
 * A call whose answer was lost is found by the events that carry its idempotency key; that there is
 * none is proof once they would be there, and only where the list of them can be relied on.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failed, intent, paid } from './stripe-objects.ts';
import {
  concluded,
  created,
  DAY,
  event,
  HOUR,
  investigate,
  KEY,
  lost,
  lostOn,
  MINUTE,
  NOW,
  SAFE,
  SECOND,
  T,
} from './stripe-open-calls.ts';
import { CENT, reply } from './stripe-requests.ts';

test('a payment whose answer was lost is found by its key, and counts as its object stands now', () => {
  const table: [object: object, outcome: string, state: string, moved: bigint | null][] = [
    [paid, 'held', 'final', 2900n],
    [intent('canceled'), 'held', 'final', 0n],
    [intent('processing'), 'held', 'open', null],
    [intent('requires_capture', { amount_capturable: 2900 }), 'held', 'open', null],
    [intent('requires_action'), 'held', 'open', null],
    [intent('requires_payment_method'), 'held', 'open', null],
    [failed, 'held', 'declined', null],
  ];
  for (const [object, outcome, state, moved] of table) {
    const found = concluded(lost(), NOW, { events: [created], objects: { pi_1: object } });
    const [fact, ...others] = found.objects;
    assert.deepEqual([found.outcome, found.vendorObjectId, others], [outcome, 'pi_1', []]);
    assert.deepEqual([fact?.id, fact?.state, fact?.moved], ['pi_1', state, moved]);
    assert.match(found.why, /pi_1/);
  }
});

test('it asks for the events of its own time and kind, then for the object, and for its own account', () => {
  const world = { events: [created], objects: { pi_1: paid } };
  const { looks } = investigate(lost({ onBehalfOf: 'acct_1' }), NOW, world);
  assert.deepEqual(
    looks.map(({ method, path, query, headers }) => [
      method,
      path,
      decodeURIComponent(query),
      headers,
    ]),
    [
      [
        'GET',
        '/v1/events',
        `limit=100&created[gte]=${T - 2}&created[lte]=${T + 8}&type=payment_intent.created`,
        { 'stripe-account': 'acct_1' },
      ],
      ['GET', '/v1/payment_intents/pi_1', '', { 'stripe-account': 'acct_1' }],
    ],
  );
  assert.deepEqual(investigate(lost(), NOW, world).looks[0]?.headers, {});
});

test('an event of another key, or of no request, is not the call’s', () => {
  for (const key of ['run-8', `${KEY} `, null]) {
    const events = [event('payment_intent.created', paid, { key })];
    const { end, looks } = investigate(lost(), NOW, { events, objects: { pi_1: paid } });
    assert.equal(end?.next, 'wait');
    assert.ok(looks.every(({ path }) => path === '/v1/events'));
  }
});

test('that no event is there is proof after ten minutes, and not a moment before', () => {
  assert.equal(investigate(lost(), SAFE - 1).end?.next, 'wait');
  const found = concluded(lost(), SAFE);
  assert.deepEqual([found.outcome, found.cost, found.objects], ['released', null, []]);
  assert.match(found.why, /no event of its idempotency key from 2026-11-18T11:05:40Z to .*:09:40Z/);
});

test('a call that was sent again is looked for until that attempt shows too', () => {
  const sentAt = T * 1000 + 5 * HOUR;
  const again = lost({ sentAt });
  assert.equal(investigate(again, sentAt + 10 * MINUTE - 1).end?.next, 'wait');
  assert.equal(concluded(again, sentAt + 10 * MINUTE).outcome, 'released');
  const late = event('payment_intent.created', paid, { created: T + 5 * 3600 + 61 });
  const world = { events: [late], objects: { pi_1: paid } };
  assert.equal(concluded(again, sentAt + 10 * MINUTE, world).objects[0]?.moved, 2900n);
});

test('an event up to a minute before the call, or three after it, is found by two clocks that differ', () => {
  for (const seconds of [-60, -3, -2, 8, 9, 180]) {
    const events = [event('payment_intent.created', paid, { created: T + seconds })];
    const found = concluded(lost(), SAFE, { events, objects: { pi_1: paid } });
    assert.equal(found.vendorObjectId, 'pi_1', `${seconds} s`);
  }
});

test('nothing is proven by clocks that differ, by a page that cannot be read, or by too many of them', () => {
  const other = (id: string, created: number) =>
    event('payment_intent.created', { ...paid, id }, { key: 'another', created });
  const many = (count: number) =>
    Array.from({ length: count }, (_, i) => other(`pi_${i}`, T + (i % 180)));
  const page = (body: unknown, status = 200) => ({
    instead: () => reply(status, body, { date: new Date(SAFE).toUTCString() }),
  });
  const list = { object: 'list', data: [] as unknown[], has_more: false as unknown };
  const table: [name: string, world: Parameters<typeof investigate>[2], why: RegExp][] = [
    ['ahead', { clock: SAFE + 31 * SECOND }, /clock here and Stripe's differ by 31 s/],
    ['behind', { clock: SAFE - 31 * SECOND }, /differ by -31 s/],
    ['undated', { clock: null }, /did not say what time/],
    ['busy', { events: many(1200) }, /more than 1000 events/],
    ['forbidden', page({ error: {} }, 403), /answered 403 when asked for its events/],
    ['failing', page({ error: {} }, 500), /answered 500/],
    ['no list', page({ object: 'search_result', data: [] }), /something else than its events/],
    ['no end', page({ ...list, has_more: undefined }), /something else/],
    ['empty and more', page({ ...list, has_more: true }), /something else/],
    ['no event', page({ ...list, data: [{ id: 'pi_1', object: 'payment_intent' }] }), /something/],
    ['of old', page({ ...list, data: [{ ...created, request: 'req_1' }] }), /something/],
    ['keyless', page({ ...list, data: [{ ...created, request: {} }] }), /something/],
    ['of another time', page({ ...list, data: [{ ...created, created: T + 900 }] }), /something/],
  ];
  for (const [name, world, why] of table) {
    assert.equal(investigate(lost(), SAFE, world).end?.next, 'wait', name);
    const clock = world?.clock && world.clock + DAY;
    const late = { ...world, ...(clock === undefined ? {} : { clock }) };
    const { end } = investigate(lost(), SAFE + DAY, late);
    assert.ok(end?.next === 'give_up', name);
    assert.match(end.why, why, name);
  }
  assert.equal(concluded(lost(), SAFE, { events: many(700) }).outcome, 'released', '9 pages');
});

test('what it made is found on any page of the events', () => {
  const others = Array.from({ length: 250 }, (_, i) =>
    event('payment_intent.created', { ...paid, id: `pi_x${i}` }, { key: `k${i}`, created: T + 3 }),
  );
  const mine = event('payment_intent.created', paid, { created: T });
  const world = { events: [...others, mine], objects: { pi_1: paid } };
  const { looks } = investigate(lost(), NOW, world);
  assert.equal(looks.length, 4);
  assert.match(looks[1]!.query, /&starting_after=evt_\d+$/);
  assert.equal(concluded(lost(), NOW, world).vendorObjectId, 'pi_1');
});

test('an event that names the key of a refund proves its amount, also without the refund', () => {
  const refund = { path: '/v1/refunds', operation: 'refunds.create', currency: null };
  const events = [event('charge.refunded', { id: 'ch_1', object: 'charge', amount: 2900 })];
  const found = concluded(lost(refund), NOW, { events });
  assert.deepEqual([found.outcome, found.cost], ['settled', 2900n * CENT]);
  const whole = investigate(lost({ ...refund, amount: null }), NOW, { events });
  assert.equal(whole.end?.next, 'wait', 'the whole rest: nobody said how much');
});

test('an object that cannot be looked at leaves the call open', () => {
  const world = { events: [created] };
  for (const status of [301, 404, 401, 429, 500]) {
    const instead = (look: { path: string }) =>
      look.path === '/v1/events' ? undefined : reply(status, paid);
    assert.equal(investigate(lost(), NOW, { ...world, instead }).end?.next, 'wait', `${status}`);
  }
  const another = { ...world, objects: { pi_1: { ...paid, id: 'pi_2' } } };
  assert.equal(investigate(lost(), SAFE, another).end?.next, 'wait');
  const strange = event('payment_intent.created', { ...paid, id: 'pi_1/../../v1/charges' });
  const { end, looks } = investigate(lost(), SAFE, { events: [strange] });
  assert.deepEqual([end?.next, looks.length], ['wait', 1]);
});

test('a subscription whose answer was lost is found by its event, and held for its invoice', () => {
  const call = lost({ path: '/v1/subscriptions', operation: 'subscriptions.create', amount: null });
  const object = { id: 'sub_1', object: 'subscription', latest_invoice: 'in_1' };
  const events = [event('customer.subscription.created', object)];
  const found = concluded(call, NOW, { events, objects: { sub_1: object } });
  assert.deepEqual([found.outcome, found.vendorObjectId], ['held', 'in_1']);
});

test('a call that only the key has a price for costs that when it was carried out', () => {
  const call = lostOn('dp_1', 'disputes.close', { quote: 5_000_000n });
  const events = [event('charge.dispute.closed', { id: 'dp_1', object: 'dispute' })];
  const found = concluded(call, NOW, { events, objects: { dp_1: { id: 'dp_1' } } });
  assert.deepEqual([found.outcome, found.cost], ['settled', 5_000_000n]);
  assert.equal(investigate(call, SAFE).end?.next, 'wait', 'no event of it is proof of nothing');
});
