/** What a reply says of its object: whether its money moved, may still move, or comes back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectFact } from '../../src/vendors/vendor.ts';
import { charge as charged, intent, paid } from './stripe-objects.ts';
import { CENT, conclude, PI, reply, USD } from './stripe-requests.ts';

/** It does not say what was refunded of it. */
const charge = (more: object = {}) => charged({ amount_refunded: undefined, ...more });

const small = (object: string, id: string, status: string | null, more: object = {}) => ({
  id,
  object,
  amount: 500,
  currency: 'usd',
  status,
  ...more,
});

/** Of the PaymentIntent of `intent()`. */
function fact(state: ObjectFact['state'], moved: bigint | null, more: Partial<ObjectFact> = {}) {
  return {
    ...{ id: 'pi_1', aliases: [], currency: 'usd', amount: 2900n },
    ...{ unit: CENT * 1_000_000n, rateDate: null, refunded: null },
    state,
    moved,
    ...more,
  };
}

test('a PaymentIntent says by its status whether its money moved, may move, or comes back', () => {
  const table: [object: object, fact: object][] = [
    [intent('succeeded', { amount_received: 2900 }), fact('final', 2900n)],
    [intent('succeeded', { amount_received: 1000 }), fact('final', 1000n)],
    [intent('succeeded', { amount_received: undefined }), fact('final', 2900n)],
    [intent('canceled'), fact('final', 0n)],
    [intent('canceled', { amount_received: undefined }), fact('final', 0n)],
    [intent('canceled', { amount_received: 900 }), fact('final', 900n)],
    [intent('requires_capture', { amount_capturable: 2900 }), fact('open', null)],
    [intent('processing'), fact('open', null)],
    [intent('requires_action'), fact('open', null)],
    [intent('requires_confirmation'), fact('open', null)],
    [intent('requires_payment_method'), fact('open', null)],
    [intent('a_status_of_next_year'), fact('open', null)],
    [intent('succeeded', { status: null }), fact('open', null)],
    [
      intent('succeeded', { amount_received: 2900, latest_charge: 'ch_9' }),
      fact('final', 2900n, { aliases: ['ch_9'] }),
    ],
    [
      intent('processing', { latest_charge: { id: 'ch_9' } }),
      fact('open', null, { aliases: ['ch_9'] }),
    ],
  ];
  const calls: [path: string, body: string][] = [
    [PI, USD],
    [`${PI}/pi_1/confirm`, ''],
    [`${PI}/pi_1/capture`, 'amount_to_capture=1000'],
    [`${PI}/pi_1`, 'amount=2900'],
  ];
  for (const [object, expected] of table) {
    for (const [path, body] of calls) {
      const found = conclude('POST', path, body, reply(200, object, { 'request-id': 'req_1' }));
      assert.deepEqual(found, {
        outcome: 'held',
        cost: null,
        repeatable: true,
        replayedByVendor: false,
        vendorRequestId: 'req_1',
        vendorObjectId: 'pi_1',
        objects: [expected],
      });
    }
    const looked = conclude('GET', `${PI}/pi_1`, '', reply(200, object));
    assert.deepEqual([looked.outcome, looked.cost, looked.objects], ['settled', 0n, [expected]]);
    assert.equal(looked.repeatable, false);
  }
});

test('a charge of its own is resolved by its own fact', () => {
  const table: [object: object, fact: object[]][] = [
    [charge(), [fact('final', 2900n, { id: 'ch_1' })]],
    [charge({ amount_captured: 1000 }), [fact('final', 1000n, { id: 'ch_1' })]],
    [charge({ amount_captured: undefined }), [fact('final', 2900n, { id: 'ch_1' })]],
    [charge({ captured: false, amount_captured: 0 }), [fact('open', null, { id: 'ch_1' })]],
    [charge({ captured: false, amount_captured: 900 }), [fact('open', 900n, { id: 'ch_1' })]],
    [
      charge({ captured: false, amount_captured: 0, refunded: true }),
      [fact('final', 0n, { id: 'ch_1' })],
    ],
    [charge({ status: 'pending', captured: false }), [fact('open', null, { id: 'ch_1' })]],
    [charge({ status: 'failed', captured: false }), [fact('declined', null, { id: 'ch_1' })]],
    [charge({ amount_refunded: 500 }), [fact('final', 2900n, { id: 'ch_1', refunded: 500n })]],
  ];
  for (const [object, objects] of table) {
    for (const [path, body] of [
      ['/v1/charges', USD],
      ['/v1/charges/ch_1/capture', ''],
    ] as const) {
      const found = conclude('POST', path, body, reply(200, object));
      assert.deepEqual([found.outcome, found.objects], ['held', objects], JSON.stringify(object));
      assert.equal(found.vendorObjectId, 'ch_1');
    }
    const looked = conclude('GET', '/v1/charges/ch_1', '', reply(200, object));
    assert.deepEqual([looked.outcome, looked.cost, looked.objects], ['settled', 0n, objects]);
  }
});

test('a charge of a PaymentIntent is that one’s money, under that one’s name', () => {
  const alias = { aliases: ['ch_1'] };
  const named = charge({ payment_intent: 'pi_1' });
  const shown = charge({ payment_intent: paid, amount_refunded: 700 });
  const capture = (object: object) =>
    conclude('POST', '/v1/charges/ch_1/capture', '', reply(200, object));
  // Captured by us, it says itself how the PaymentIntent ended.
  for (const [object, moved] of [
    [named, 2900n],
    [charge({ payment_intent: 'pi_1', amount_captured: 1000 }), 1000n],
  ] as const) {
    const found = capture(object);
    assert.deepEqual([found.outcome, found.vendorObjectId], ['held', 'pi_1']);
    assert.deepEqual(found.objects, [fact('final', moved, alias)]);
  }
  const byIntent = [fact('final', 2900n, { ...alias, refunded: 700n })];
  assert.deepEqual(capture(shown).objects, byIntent);
  assert.equal(capture({ ...named, captured: false }).outcome, 'unknown', 'not what it should be');
  // Only looked at, it may have been captured in part.
  const look = (object: object) => conclude('GET', '/v1/charges/ch_1', '', reply(200, object));
  assert.deepEqual(look(named).objects, []);
  assert.deepEqual(look(shown).objects, byIntent);
});

test('refunds, payouts, top-ups and transfers cost what they moved, once that is final', () => {
  type End = number | 'open';
  const table: [resource: string, type: string, id: string, ends: Record<string, End>][] = [
    [
      'refunds',
      'refund',
      're_1',
      { succeeded: 500, failed: 0, canceled: 0, pending: 'open', requires_action: 'open' },
    ],
    [
      'payouts',
      'payout',
      'po_1',
      { paid: 500, failed: 0, canceled: 0, pending: 'open', in_transit: 'open' },
    ],
    [
      'topups',
      'topup',
      'tu_1',
      {
        succeeded: 500,
        reversed: 500,
        failed: 0,
        canceled: 0,
        pending: 'open',
      },
    ],
    ['transfers', 'transfer', 'tr_1', { anything: 500 }],
  ];
  for (const [resource, type, id, ends] of table) {
    const body = resource === 'refunds' ? 'charge=ch_1&amount=500' : 'amount=500&currency=usd';
    for (const [status, end] of Object.entries(ends)) {
      const answer = reply(200, small(type, id, status));
      const moved = end === 'open' ? null : BigInt(end);
      const state = end === 'open' ? 'open' : 'final';
      const refunded = resource === 'payouts' ? 0n : null;
      const expected = [fact(state, moved, { id, amount: 500n, refunded })];
      const made = conclude('POST', `/v1/${resource}`, body, answer);
      assert.equal(made.outcome, end === 'open' ? 'held' : 'settled', `${type} ${status}`);
      assert.equal(made.cost, moved === null ? null : moved * CENT);
      assert.deepEqual(made.objects, expected);
      assert.equal(made.vendorObjectId, id);
      const looked = conclude('GET', `/v1/${resource}/${id}`, '', answer);
      assert.deepEqual([looked.outcome, looked.cost, looked.objects], ['settled', 0n, expected]);
    }
  }
  for (const status of [null, 'constructor']) {
    const answer = reply(200, small('refund', 're_1', status));
    assert.equal(conclude('POST', '/v1/refunds', 'charge=ch_1', answer).outcome, 'held');
  }
});

test('a decline gives the money back, and the amount stays known for the next attempt', () => {
  const error = (payment_intent: object) => ({
    error: { type: 'card_error', code: 'card_declined', payment_intent, charge: 'ch_2' },
  });
  const declined = intent('requires_payment_method', { latest_charge: 'ch_2' });
  for (const [path, body] of [
    [PI, `${USD}&confirm=true`],
    [`${PI}/pi_1/confirm`, ''],
  ] as const) {
    const found = conclude('POST', path, body, reply(402, error(declined)));
    assert.deepEqual(found, {
      outcome: 'released',
      cost: null,
      repeatable: true,
      replayedByVendor: false,
      vendorRequestId: null,
      vendorObjectId: 'pi_1',
      objects: [fact('declined', null, { aliases: ['ch_2'] })],
    });
  }
  const stateOf = (object: object, status = 402) =>
    conclude('POST', `${PI}/pi_1/confirm`, '', reply(status, error(object))).objects[0]?.state;
  assert.equal(stateOf(intent('requires_source')), 'declined', 'its name before 2019');
  assert.equal(stateOf(intent('requires_action')), 'open');
  assert.equal(stateOf(intent('succeeded', { amount_received: 2900 }), 400), 'final');
  assert.equal(stateOf(intent('requires_payment_method'), 400), 'open', 'only a 402 is a decline');
  const legacy = conclude('POST', '/v1/charges', USD, reply(402, { error: { charge: 'ch_2' } }));
  assert.deepEqual(
    [legacy.outcome, legacy.vendorObjectId, legacy.objects],
    ['released', 'ch_2', []],
  );
});

test('a declined raise leaves the authorisation that stands held', () => {
  const stands = intent('requires_capture', { amount_capturable: 2900 });
  const answer = reply(402, { error: { code: 'card_declined', payment_intent: stands } });
  const found = conclude('POST', `${PI}/pi_1/increment_authorization`, 'amount=5000', answer);
  assert.equal(found.outcome, 'released');
  assert.deepEqual(found.objects, [fact('open', null)]);
  const partly = intent('requires_payment_method', { amount_received: 100 });
  const later = reply(402, { error: { payment_intent: partly } });
  assert.equal(conclude('POST', `${PI}/pi_1/confirm`, '', later).objects[0]?.state, 'open');
});

test('a list teaches nothing, and a cancelled or updated object its fact', () => {
  const page = { object: 'list', data: [intent('succeeded', { amount_received: 2900 })] };
  assert.deepEqual(conclude('GET', PI, '', reply(200, page)).objects, []);
  const canceled = conclude('POST', `${PI}/pi_1/cancel`, '', reply(200, intent('canceled')));
  assert.deepEqual(
    [canceled.outcome, canceled.cost, canceled.repeatable, canceled.objects],
    ['settled', 0n, true, [fact('final', 0n)]],
  );
});
