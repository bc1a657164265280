/** What becomes of a call that nobody knows the end of, by what Stripe shows of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TariffBook } from '../../src/tariffs/book.ts';
import { stripe } from '../../src/vendors/stripe/stripe.ts';
import type { OpenCall } from '../../src/vendors/vendor.ts';
import {
  concluded,
  event,
  HOUR,
  held,
  investigate,
  KEY,
  lost,
  lostOn,
  MINUTE,
  SAFE,
  SECOND,
  T,
} from './stripe-open-calls.ts';
import { DOLLARS, data, reply, withoutData } from './stripe-requests.ts';

const CENT = 10_000n;
const NOW = T * 1000 + 2 * SECOND;
const DAY = 24 * HOUR;

const intent = (status: string, more: object = {}) => ({
  ...{ id: 'pi_1', object: 'payment_intent', amount: 2900, amount_received: 0, currency: 'usd' },
  ...{ amount_capturable: 0, latest_charge: null, last_payment_error: null, status },
  ...more,
});
const paid = intent('succeeded', { amount_received: 2900 });
const failed = intent('requires_payment_method', { last_payment_error: { code: 'card_declined' } });
const created = event('payment_intent.created', intent('requires_confirmation'));

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

test('refunds, payouts and the like are settled when their objects are, and held until then', () => {
  type Row = [
    resource: string,
    type: string,
    id: string,
    more: object,
    outcome: string,
    cents: bigint,
  ];
  const table: Row[] = [
    ['refunds', 'refund', 're_1', { status: 'succeeded' }, 'settled', 2900n],
    ['refunds', 'refund', 're_1', { status: 'failed' }, 'settled', 0n],
    ['refunds', 'refund', 're_1', { status: 'pending' }, 'held', -1n],
    ['payouts', 'payout', 'po_1', { status: 'paid' }, 'settled', 2900n],
    ['payouts', 'payout', 'po_1', { status: 'in_transit' }, 'held', -1n],
    ['topups', 'topup', 'tu_1', { status: 'failed' }, 'settled', 0n],
    ['transfers', 'transfer', 'tr_1', {}, 'settled', 2900n],
    ['invoiceitems', 'invoiceitem', 'ii_1', {}, 'held', -1n],
  ];
  for (const [resource, type, id, more, outcome, cents] of table) {
    const object = { id, object: type, amount: 2900, currency: 'usd', ...more };
    const call = lost({ path: `/v1/${resource}`, operation: `${resource}.create` });
    const world = { events: [event(`${type}.created`, object)], objects: { [id]: object } };
    const found = concluded(call, NOW, world);
    assert.deepEqual(
      [found.outcome, found.cost, found.vendorObjectId],
      [outcome, cents < 0n ? null : cents * CENT, id],
      `${type} ${JSON.stringify(more)}`,
    );
  }
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

test('a call on an object is known by how the object stands', () => {
  const authorised = intent('requires_capture', { amount_capturable: 2900 });
  const charge = { id: 'ch_1', object: 'charge', amount: 2900, currency: 'usd' };
  type Row = [call: ReturnType<typeof lost>, object: object, early: string, late: string];
  const confirm = lostOn('pi_1', 'payment_intents.confirm');
  const capture = lostOn('pi_1', 'payment_intents.capture');
  const raise = lostOn('pi_1', 'payment_intents.increment_authorization', { amount: 3500n });
  const update = lostOn('pi_1', 'payment_intents.update', { amount: 3500n });
  const captureCharge = lostOn('ch_1', 'charges.capture');
  const table: Row[] = [
    [confirm, paid, 'final', 'final'],
    [confirm, intent('canceled'), 'final', 'final'],
    [confirm, intent('processing'), 'open', 'open'],
    [confirm, intent('requires_action'), 'open', 'open'],
    [confirm, authorised, 'open', 'open'],
    [confirm, intent('requires_confirmation'), 'wait', 'released'],
    [confirm, intent('requires_payment_method'), 'wait', 'released'],
    [confirm, failed, 'wait', 'declined'],
    [capture, paid, 'final', 'final'],
    [capture, authorised, 'wait', 'released'],
    [capture, { ...authorised, amount_received: 500 }, 'wait', 'wait'],
    [capture, intent('canceled'), 'final', 'final'],
    [raise, { ...authorised, amount: 3500 }, 'open', 'open'],
    [raise, authorised, 'wait', 'released'],
    [update, { ...intent('requires_confirmation'), amount: 3500 }, 'open', 'open'],
    [update, intent('requires_confirmation'), 'wait', 'released'],
    [captureCharge, { ...charge, status: 'succeeded', captured: true }, 'final', 'final'],
    [captureCharge, { ...charge, status: 'succeeded', captured: false }, 'wait', 'released'],
  ];
  for (const [call, object, early, late] of table) {
    for (const [now, expected] of [
      [NOW, early],
      [SAFE, late],
    ] as const) {
      const { id } = object as { id: string };
      const { end, looks } = investigate(call, now, { objects: { [id]: object } });
      const got =
        end?.next === 'conclude'
          ? (end.conclusion.objects[0]?.state ?? end.conclusion.outcome)
          : end?.next;
      assert.equal(got, expected, `${call.operation} ${JSON.stringify(object)} ${now - NOW}`);
      assert.deepEqual(
        looks.map(({ path }) => path),
        [call.path.split('/').slice(0, 4).join('/')],
      );
    }
  }
});

test('what is held is settled, given back or waited for by its object', () => {
  const table: [call: ReturnType<typeof held>, object: { id: string }, expected: unknown][] = [
    [held('pi_1'), paid, 'final'],
    [held('pi_1'), intent('canceled'), 'final'],
    [held('pi_1'), intent('processing'), 'wait'],
    [held('pi_1'), intent('requires_capture'), 'wait'],
    [held('pi_1'), intent('requires_payment_method'), 'wait'],
    [held('pi_1', { ...confirmOf('pi_1'), state: 'held' }), failed, 'declined'],
    [held('pi_1', { ...confirmOf('pi_1'), state: 'held' }), intent('requires_action'), 'wait'],
    [held('po_1', { path: '/v1/payouts', operation: 'payouts.create' }), fund('paid'), 29_000_000n],
    [held('po_1', { path: '/v1/payouts', operation: 'payouts.create' }), fund('failed'), 0n],
    [held('po_1', { path: '/v1/payouts', operation: 'payouts.create' }), fund('pending'), 'wait'],
  ];
  for (const [call, object, expected] of table) {
    const { end } = investigate(call, NOW, { objects: { [object.id]: object } });
    const got =
      end?.next === 'conclude'
        ? (end.conclusion.cost ?? end.conclusion.objects[0]?.state)
        : end?.next;
    assert.equal(got, expected, `${call.operation} ${JSON.stringify(object)}`);
  }
});

const fund = (status: string) => ({
  ...{ id: 'po_1', object: 'payout', amount: 2900, currency: 'usd', status },
});

function confirmOf(id: string) {
  const { path, operation, amount, currency } = lostOn(id, 'payment_intents.confirm');
  return { path, operation, amount, currency, vendorObjectId: id };
}

test('what is held for another object than the call’s own is looked at there', () => {
  const invoice = { id: 'in_1', object: 'invoice', currency: 'usd', status: 'paid' };
  const paidInvoice = { ...invoice, amount_paid: 2900, amount_remaining: 0 };
  const calls: [call: OpenCall, path: string, object: { id: string }][] = [
    [
      held('in_1', { path: '/v1/subscriptions', operation: 'subscriptions.create' }),
      '/v1/invoices/in_1',
      paidInvoice,
    ],
    [
      held('in_1', { path: '/v1/invoiceitems', operation: 'invoiceitems.create' }),
      '/v1/invoices/in_1',
      paidInvoice,
    ],
    [
      held('in_1', { path: '/v1/quotes/qt_1/accept', operation: 'quotes.accept' }),
      '/v1/invoices/in_1',
      paidInvoice,
    ],
    [
      held('in_1', { path: '/v1/invoices/in_1/pay', operation: 'invoices.pay' }),
      '/v1/invoices/in_1',
      paidInvoice,
    ],
    [
      held('pi_1', { path: '/v1/charges/ch_1/capture', operation: 'charges.capture' }),
      '/v1/payment_intents/pi_1',
      paid,
    ],
    [
      held('pi_1', {
        path: '/v1/terminal/readers/tmr_1/process_payment_intent',
        operation: 'terminal.readers.process_payment_intent',
      }),
      '/v1/payment_intents/pi_1',
      paid,
    ],
  ];
  for (const [call, path, object] of calls) {
    const world = { objects: { [object.id]: object } };
    assert.deepEqual(
      investigate(call, NOW, world).looks.map((look) => look.path),
      [path],
    );
    const found = concluded(call, NOW, world);
    assert.deepEqual([found.outcome, found.vendorObjectId], ['held', object.id], call.operation!);
    assert.deepEqual(
      found.objects.map(({ state, moved }) => [state, moved]),
      [['final', 2900n]],
    );
  }
});

test('an item that was put on an invoice is held for that from then on', () => {
  const call = held('ii_1', { path: '/v1/invoiceitems', operation: 'invoiceitems.create' });
  const item = { id: 'ii_1', object: 'invoiceitem', amount: 2900, currency: 'usd', invoice: null };
  assert.equal(investigate(call, NOW, { objects: { ii_1: item } }).end?.next, 'wait');
  const billed = { ...item, invoice: 'in_1' };
  const found = concluded(call, NOW, { objects: { ii_1: billed } });
  assert.deepEqual([found.outcome, found.vendorObjectId], ['held', 'in_1']);
  assert.equal(found.objects[0]?.id, 'in_1');
});

test('a subscription whose answer was lost is found by its event, and held for its invoice', () => {
  const call = lost({ path: '/v1/subscriptions', operation: 'subscriptions.create', amount: null });
  const object = { id: 'sub_1', object: 'subscription', latest_invoice: 'in_1' };
  const events = [event('customer.subscription.created', object)];
  const found = concluded(call, NOW, { events, objects: { sub_1: object } });
  assert.deepEqual([found.outcome, found.vendorObjectId], ['held', 'in_1']);
});

test('a payment that failed gives back its hold only when the call itself tried to pay', () => {
  const objects = { pi_1: failed };
  for (const type of ['processing', 'requires_action', 'payment_failed']) {
    const events = [created, event(`payment_intent.${type}`, failed)];
    const found = concluded(held('pi_1'), SAFE, { events, objects });
    assert.equal(found.objects[0]?.state, 'declined', type);
  }
  // Confirmed by somebody else, who will try again without asking here.
  const elsewhere = event('payment_intent.payment_failed', failed, { key: 'of-a-browser' });
  const { end } = investigate(held('pi_1'), SAFE, { events: [created, elsewhere], objects });
  assert.equal(end?.next, 'wait');
  const raise = held('pi_1', {
    operation: 'payment_intents.update',
    path: '/v1/payment_intents/pi_1',
  });
  assert.equal(investigate(raise, SAFE, { objects }).end?.next, 'wait');
});

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

test('a call that only the key has a price for costs that when it was carried out', () => {
  const call = lostOn('dp_1', 'disputes.close', { quote: 5_000_000n });
  const events = [event('charge.dispute.closed', { id: 'dp_1', object: 'dispute' })];
  const found = concluded(call, NOW, { events, objects: { dp_1: { id: 'dp_1' } } });
  assert.deepEqual([found.outcome, found.cost], ['settled', 5_000_000n]);
  assert.equal(investigate(call, SAFE).end?.next, 'wait', 'no event of it is proof of nothing');
});

test('what is found out a week later costs what was held, whatever its currency did meanwhile', () => {
  const euro = (unit: bigint) => {
    const book = new TariffBook();
    book.setRates({ date: '2026-11-18', units: new Map([['eur', unit]]) });
    return book.of('stripe', 'default', T * 1000);
  };
  const call = { currency: 'eur', quote: 31_521_740n, rateDate: '2026-11-11' };
  for (const tariff of [euro(2_000_000_000_000n), euro(500_000_000_000n), DOLLARS]) {
    const object = { ...paid, currency: 'eur' };
    const [fact] = concluded(lost(call), NOW, {
      ...{ events: [created], objects: { pi_1: object }, tariff },
    }).objects;
    assert.deepEqual([fact?.unit, fact?.rateDate], [10_869_565_517n, '2026-11-11']);
    const payout = { path: '/v1/payouts', operation: 'payouts.create', ...call };
    const done = { ...fund('paid'), currency: 'eur' };
    const found = concluded(held('po_1', payout), NOW, { objects: { po_1: done }, tariff });
    assert.equal(found.cost, 31_521_740n);
    // The refund's request names no currency, and, of the whole, no amount.
    const refund = { path: '/v1/refunds', operation: 'refunds.create', ...call, currency: null };
    for (const amount of [2900n, null]) {
      const back = {
        id: 're_1',
        object: 'refund',
        amount: 2900,
        currency: 'eur',
        status: 'succeeded',
      };
      const given = concluded(held('re_1', { ...refund, amount }), NOW, {
        ...{ objects: { re_1: back }, tariff },
      });
      assert.equal(given.cost, 31_521_740n);
    }
  }
});

test('the objects of recorded traffic, lost and found by their events', {
  skip: withoutData,
}, () => {
  interface Exchange {
    request: { method: string; path: string; headers: Record<string, string> };
    response: { status: number; body: Record<string, unknown> };
  }
  const { interactions } = data<{ interactions: Exchange[] }>('recorded.json');
  const { resources } = data<{ resources: { event: object } }>('fixtures3.json');
  const totals: Record<string, bigint> = {};
  for (const { request, response } of interactions) {
    const path = request.path.split('?')[0]!;
    const resource = path.replace(/^\/v1\//, '');
    if (request.method !== 'POST' || !['payment_intents', 'refunds'].includes(resource)) continue;
    const { expand: _, ...body } = response.body;
    const { id, amount, currency } = body as { id: string; amount: number; currency: string };
    const key = request.headers['idempotency-key']!;
    const type = resource === 'refunds' ? 'refund' : 'payment_intent';
    const shape = { ...resources.event, id: 'evt_1', type: `${type}.created`, created: T };
    const listed = {
      ...shape,
      data: { object: body },
      request: { id: null, idempotency_key: key },
    };
    const call = lost({
      ...{ path, operation: `${resource}.create`, idempotencyKey: key, currency },
      ...{ amount: BigInt(amount), quote: BigInt(amount) * CENT },
    });
    const found = concluded(call, NOW, { events: [listed], objects: { [id]: body } });
    assert.equal(found.vendorObjectId, id);
    const moved = found.objects[0]?.moved ?? 0n;
    totals[resource] = (totals[resource] ?? 0n) + moved;
  }
  // Two paid at once and two authorised only, and two refunds.
  assert.deepEqual(totals, { payment_intents: 2900n + 3000n, refunds: 1000n + 500n });
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
