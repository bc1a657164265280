/** What holds of every question that is asked for a price, and of every answer to one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { stripe } from '../../src/vendors/stripe/stripe.ts';
import { isRefusal } from '../../src/vendors/vendor.ts';
import { ask, invoice, shown } from './stripe-look-ups.ts';
import { charge } from './stripe-objects.ts';
import { DOLLARS, PI, reading, reply, request } from './stripe-requests.ts';

test('a look-up is a GET or a preview, for the account and in the version of its call', () => {
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    'stripe-account': 'acct_1',
    'stripe-version': '2026-10-28.endive',
    'idempotency-key': 'k1',
    'x-stripe-client-user-agent': '{}',
  };
  const carried = { 'stripe-account': 'acct_1', 'stripe-version': '2026-10-28.endive' };
  const lookUpOf = (path: string, body: string) => {
    const read = stripe.read(request('POST', path, body, headers), DOLLARS);
    assert.ok(!isRefusal(read));
    return read;
  };
  const refund = lookUpOf('/v1/refunds', 'payment_intent=pi_1');
  assert.deepEqual(refund.lookUp!.headers, carried);
  const next = stripe.learn(
    lookUpOf('/v1/charges/ch_1/capture', 'amount=5'),
    [reply(200, charge({ captured: false, payment_intent: 'pi_1' }))],
    DOLLARS,
  );
  assert.ok('lookUp' in next);
  assert.deepEqual(next.lookUp.headers, carried);
  const preview = lookUpOf('/v1/subscriptions', 'customer=cus_1').lookUp!;
  assert.deepEqual(preview.headers, {
    ...carried,
    'content-type': 'application/x-www-form-urlencoded',
  });
});

test('no id from a field leads a look-up to another place', () => {
  for (const id of [
    '..',
    'ch_1/../../v1/customers',
    'ch_1?x=1',
    'ch_1%2F..',
    'ch 1',
    'ch_1#',
    '',
  ]) {
    for (const field of ['charge', 'payment_intent']) {
      const fields = `${field}=${encodeURIComponent(id)}&amount=5`;
      assert.equal(reading('POST', '/v1/refunds', fields).lookUp, null, `${field} ${id}`);
    }
  }
});

test('an answer that is no price refuses the call, and says what Stripe said', () => {
  const refund = ['POST', '/v1/refunds', 'charge=ch_1'] as const;
  const error = { error: { message: "No such charge: 'ch_1'" } };
  assert.match(shown(ask(...refund, [[404, error]])), /answered 404 \(No such charge: 'ch_1'\)/);
  assert.match(shown(ask(...refund, [[500, {}]])), /answered 500\./);
  assert.match(shown(ask(...refund, [[200, 'garbage']])), /something else than JSON/);
  assert.match(shown(ask(...refund, [{ object: 'list' }])), /something else than the payment/);
  const preview = ask('POST', '/v1/subscriptions', 'customer=cus_1', [
    { object: 'invoice', amount_due: 2 ** 52, currency: 'usd' },
  ]);
  assert.match(shown(preview), /the amount is too large/, 'it would not fit 64 bits');
  const euro = charge({ currency: 'eur' });
  assert.match(shown(ask(...refund, [euro])), /the currency eur needs a rate/);
  const pay = ask('POST', '/v1/invoices/in_1/pay', '', [
    invoice('open', 5000, { amount_paid: '1' }),
  ]);
  assert.match(shown(pay), /something else than the invoice/);
});

test('whatever Stripe answers, nothing is thrown and no price is made up', () => {
  const calls = fc.constantFrom(
    ...[reading('POST', '/v1/refunds', 'charge=ch_1'), reading('POST', `${PI}/pi_1/confirm`)],
    ...[reading('POST', `${PI}/pi_1`, 'currency=usd'), reading('POST', '/v1/invoices/in_1/pay')],
    ...[
      reading('POST', '/v1/subscriptions', 'customer=cus_1'),
      reading('POST', '/v1/quotes/qt_1/accept'),
    ],
    ...[
      reading('POST', '/v1/subscriptions/sub_1', 'plan=x'),
      reading('DELETE', '/v1/subscription_items/si_1'),
    ],
    ...[reading('POST', '/v1/credit_notes', 'invoice=in_1&refund_amount=5')],
    ...[
      reading('POST', '/v1/invoiceitems', 'price=p_1'),
      reading('POST', '/v1/payouts/po_1/reverse'),
    ],
    reading('POST', '/v1/invoices/in_1/add_lines'),
  );
  const value = fc.oneof(fc.jsonValue(), fc.constantFrom(2900, -1, 'usd', 'eur', 'ch_1', 'draft'));
  const names = [
    'id',
    'amount',
    'amount_due',
    'amount_paid',
    'amount_remaining',
    'currency',
    'status',
  ];
  const types = [
    'charge',
    'payment_intent',
    'invoice',
    'subscription',
    'quote',
    'credit_note',
    'price',
  ];
  const near = fc
    .tuple(
      fc.constantFrom(...types),
      fc.dictionary(fc.constantFrom(...names, 'payment_intent'), value),
    )
    .map(([object, fields]) => ({ ...fields, object }));
  const body = fc.oneof(
    near,
    fc.jsonValue(),
    fc.uint8Array({ maxLength: 30 }).map((each) => Buffer.from(each)),
  );
  const replies = fc.array(
    fc.tuple(fc.integer({ min: 100, max: 599 }), body).map(([status, each]) => reply(status, each)),
    { minLength: 1, maxLength: 4 },
  );
  const run = fc.property(calls, replies, (read, told) => {
    const learned = stripe.learn(read, told, DOLLARS);
    if ('lookUp' in learned) {
      assert.match(learned.lookUp.path, /^\/v1\/[a-z_]+(?:\/[A-Za-z0-9_]+)?$/);
      return;
    }
    const quote = 'quote' in learned ? learned.quote : read.quote;
    if ('micros' in quote) assert.ok(quote.micros >= 0n);
    for (const { amount } of learned.facts ?? []) assert.ok(amount >= 0n);
  });
  fc.assert(run, { numRuns: 3000 });
});
