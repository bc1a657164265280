/** What becomes of a call by how the object that it is about, or that it is held for, stands. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TariffBook } from '../../src/tariffs/book.ts';
import type { OpenCall } from '../../src/vendors/vendor.ts';
import { failed, intent, paid } from './stripe-objects.ts';
import {
  concluded,
  created,
  event,
  held,
  investigate,
  lost,
  lostOn,
  NOW,
  SAFE,
  T,
} from './stripe-open-calls.ts';
import { CENT, DOLLARS } from './stripe-requests.ts';

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
