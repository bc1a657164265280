import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { stripe } from '../../src/vendors/stripe/stripe.ts';
import type { Learned, LookUp, Quote, Reading, VendorReply } from '../../src/vendors/vendor.ts';
import { isRefusal } from '../../src/vendors/vendor.ts';
import { DOLLARS, reading, reply, request } from './stripe-requests.ts';

const CENT = 10_000n;
const PI = '/v1/payment_intents';
const usd = { currency: 'usd' };

const intent = (status: string, more: object = {}) => ({
  ...{ id: 'pi_1', object: 'payment_intent', amount: 2900, amount_received: 0 },
  ...{ amount_capturable: 0, currency: 'usd', latest_charge: null, status },
  ...more,
});
const charge = (more: object = {}) => ({
  ...{ id: 'ch_1', object: 'charge', amount: 2900, amount_captured: 2900, amount_refunded: 0 },
  ...{ captured: true, currency: 'usd', payment_intent: null, refunded: false },
  ...{ status: 'succeeded', ...more },
});
const invoice = (status: string, remaining: number, more: object = {}) => ({
  ...{ id: 'in_1', object: 'invoice', amount_due: remaining, amount_paid: 0, currency: 'usd' },
  ...{ amount_remaining: remaining, auto_advance: false, status, lines: { data: [] } },
  ...more,
});
const paid = intent('succeeded', { amount_received: 2900 });

/** What Stripe answers to a look-up: an object, or a status and a body. */
type Told = object | readonly [status: number, body: unknown];

interface Asked {
  /** `GET /v1/…?…`, or `POST /v1/… body`, decoded. */
  asked: string[];
  learned: Exclude<Learned, { lookUp: LookUp }>;
}

/** Asks as the proxy does, until there is no further question. */
function ask(method: string, target: string, body: string, answers: readonly Told[]): Asked {
  const read = reading(method, target, body);
  assert.ok(read.lookUp, `${method} ${target} ${body} asks nothing`);
  const asked: string[] = [];
  const replies: VendorReply[] = [];
  let learned: Learned = { lookUp: read.lookUp };
  while ('lookUp' in learned) {
    asked.push(lineOf(learned.lookUp));
    const told: Told | undefined = answers[replies.length];
    assert.ok(told, `nobody said what ${asked.at(-1)} is answered with`);
    replies.push(Array.isArray(told) ? reply(told[0], told[1]) : reply(200, told));
    assert.ok(replies.length <= 4, 'the proxy would not go on');
    learned = stripe.learn(read, replies, DOLLARS);
  }
  return { asked, learned };
}

function lineOf({ method, path, query, body }: LookUp): string {
  const text = decodeURIComponent(query || body);
  return `${method} ${path}${text && (method === 'GET' ? `?${text}` : ` ${text}`)}`;
}

/** `exact 2900`, `object pi_1 amount`, `object pi_1 refundable 500`, `free`, `unpriced: …`. */
function shown({ learned }: Asked, read?: Reading): string {
  const quote: Quote = 'quote' in learned ? learned.quote : read!.quote;
  switch (quote.kind) {
    case 'object':
      return `object ${quote.objectId} ${quote.of}${quote.limit ? ` ${quote.limit.minor}` : ''}`;
    case 'unpriced':
    case 'ask':
      return `unpriced: ${quote.reason}`;
    case 'free':
      return 'free';
    default:
      return `${quote.kind} ${quote.micros / CENT}`;
  }
}

/** `pi_1=ch_1 open 2900 moved 0 refunded 0` */
function facts({ learned }: Asked): string[] {
  return (learned.facts ?? []).map(({ id, aliases, state, amount, moved, refunded }) =>
    [[id, ...aliases].join('='), state, amount, moved ?? '-', refunded ?? '-'].join(' '),
  );
}

type Row = [
  what: readonly [method: string, target: string, body?: string],
  told: readonly Told[],
  asked: readonly string[],
  quote: string,
  facts?: readonly string[],
];

function assertRows(rows: readonly Row[]): void {
  for (const [[method, target, body = ''], told, asked, quote, known = []] of rows) {
    const line = `${method} ${target} ${body}`;
    const found = ask(method, target, body, told);
    assert.deepEqual(found.asked, asked, line);
    assert.equal(shown(found), quote, line);
    assert.deepEqual(facts(found), known, line);
  }
}

test('a step of a payment that nobody here saw is priced by the payment itself', () => {
  const at = `GET ${PI}/pi_1`;
  const manual = intent('requires_capture', { amount_capturable: 2900, latest_charge: 'ch_1' });
  const partly = { ...manual, amount_received: 1400, amount_capturable: 1500 };
  const open = 'pi_1 open 2900 - -';
  const chargeAt = 'GET /v1/charges/ch_1?expand[0]=payment_intent';
  assertRows([
    [
      ['POST', `${PI}/pi_1/confirm`],
      [intent('requires_confirmation')],
      [at],
      'object pi_1 amount',
      [open],
    ],
    [
      ['POST', `${PI}/pi_1/confirm`, 'amount_to_confirm=500'],
      [intent('requires_confirmation')],
      [at],
      'object pi_1 amount 500',
      [open],
    ],
    [
      ['POST', `${PI}/pi_1/capture`, 'amount_to_capture=500'],
      [manual],
      [at],
      'object pi_1 amount 500',
      ['pi_1=ch_1 open 2900 - -'],
    ],
    // A last part comes on top of those before it.
    [
      ['POST', `${PI}/pi_1/capture`, 'amount_to_capture=500'],
      [partly],
      [at],
      'object pi_1 amount 1900',
      ['pi_1=ch_1 open 2900 1400 -'],
    ],
    [
      ['POST', `${PI}/pi_1/capture`, 'amount_to_capture=500&final_capture=false'],
      [partly],
      [at],
      'object pi_1 amount',
      ['pi_1=ch_1 open 2900 1400 -'],
    ],
    [
      ['POST', `${PI}/pi_1/increment_authorization`, 'amount=3500'],
      [manual],
      [at],
      'object pi_1 amount 3500',
      ['pi_1=ch_1 open 2900 - -'],
    ],
    [
      ['POST', `${PI}/pi_1`, 'amount=3500'],
      [intent('requires_confirmation')],
      [at],
      'object pi_1 amount 3500',
      [open],
    ],
    [
      ['POST', `${PI}/pi_1/apply_customer_balance`],
      [intent('requires_action')],
      [at],
      'object pi_1 amount',
      [open],
    ],
    [
      ['POST', '/v1/terminal/readers/tmr_1/process_payment_intent', 'payment_intent=pi_1'],
      [intent('requires_payment_method')],
      [at],
      'object pi_1 amount',
      [open],
    ],
    // A charge of its own, and one of a PaymentIntent's, which then is the object that counts.
    [
      ['POST', '/v1/charges/ch_1/capture', 'amount=500'],
      [charge({ captured: false, amount_captured: 0 })],
      [chargeAt],
      'object ch_1 amount 500',
      ['ch_1 open 2900 - -'],
    ],
    [
      ['POST', '/v1/charges/ch_1/capture'],
      [charge({ captured: false, amount_captured: 0, payment_intent: manual })],
      [chargeAt],
      'object ch_1 amount',
      ['pi_1=ch_1 open 2900 - -'],
    ],
    [
      ['POST', '/v1/charges/ch_1/capture'],
      [charge({ captured: false, amount_captured: 0, payment_intent: 'pi_1' }), manual],
      [chargeAt, `${at}?expand[0]=latest_charge`],
      'object ch_1 amount',
      ['pi_1=ch_1 open 2900 - -'],
    ],
  ]);
});

test('a change of a payment’s currency is priced in the new one, and one to the same as a raise', () => {
  const at = `GET ${PI}/pi_1`;
  const yen = intent('requires_confirmation', { currency: 'jpy', amount: 2900 });
  assertRows([
    [['POST', `${PI}/pi_1`, 'currency=usd'], [yen], [at], 'bounded 2900'],
    [['POST', `${PI}/pi_1`, 'currency=usd&amount=500'], [yen], [at], 'bounded 500'],
    [
      ['POST', `${PI}/pi_1`, 'currency=USD&amount=3500'],
      [intent('requires_confirmation')],
      [at],
      'object pi_1 amount 3500',
      ['pi_1 open 2900 - -'],
    ],
  ]);
});

test('a refund is priced by what was received and not yet given back, also past Keybrake', () => {
  const byIntent = `GET ${PI}/pi_1?expand[0]=latest_charge`;
  const byCharge = 'GET /v1/charges/ch_1?expand[0]=payment_intent';
  const refunds = (fields: string) => ['POST', '/v1/refunds', fields] as const;
  const shows = (more: object) => ({
    ...paid,
    latest_charge: charge({ payment_intent: 'pi_1', ...more }),
  });
  const known = ['pi_1=ch_1 final 2900 2900 700'];
  assertRows([
    [
      refunds('payment_intent=pi_1'),
      [shows({ amount_refunded: 700 })],
      [byIntent],
      'object pi_1 refundable',
      known,
    ],
    [
      refunds('payment_intent=pi_1&amount=500'),
      [shows({ amount_refunded: 700 })],
      [byIntent],
      'object pi_1 refundable 500',
      known,
    ],
    [
      refunds('charge=ch_1'),
      [charge({ payment_intent: { ...paid, latest_charge: 'ch_1' }, amount_refunded: 700 })],
      [byCharge],
      'object ch_1 refundable',
      known,
    ],
    [
      refunds('charge=ch_1'),
      [charge({ amount_refunded: 700 })],
      [byCharge],
      'object ch_1 refundable',
      ['ch_1 final 2900 2900 700'],
    ],
    [
      ['POST', '/v1/terminal/readers/tmr_1/refund_payment', 'payment_intent=pi_1'],
      [shows({ amount_refunded: 700 })],
      [byIntent],
      'object pi_1 refundable',
      known,
    ],
    // Versions before 2022-11-15 cannot expand it, and show it unasked.
    [
      refunds('payment_intent=pi_1'),
      [
        [400, { error: { message: 'This property cannot be expanded (latest_charge).' } }],
        {
          ...paid,
          latest_charge: undefined,
          charges: { data: [charge({ amount_refunded: 700 })] },
        },
      ],
      [byIntent, `GET ${PI}/pi_1`],
      'object pi_1 refundable',
      known,
    ],
    // Versions before 2025-03-31 call what a partial capture let go a refund.
    [
      refunds('charge=ch_1'),
      [charge({ amount_captured: 1000, amount_refunded: 1900 })],
      [byCharge],
      'object ch_1 refundable',
      ['ch_1 final 2900 1000 0'],
    ],
    [
      refunds('charge=ch_1'),
      [charge({ amount_captured: 1000, amount_refunded: 2300 })],
      [byCharge],
      'object ch_1 refundable',
      ['ch_1 final 2900 1000 400'],
    ],
  ]);
});

test('reversals cost what is left of transfer, fee or payout', () => {
  const transfer = { id: 'tr_1', object: 'transfer', amount: 2900, amount_reversed: 400, ...usd };
  const fee = { id: 'fee_1', object: 'application_fee', amount: 300, amount_refunded: 100, ...usd };
  const payout = (status: string, more = {}) => {
    return { id: 'po_1', object: 'payout', amount: 2900, status, ...usd, ...more };
  };
  const at = ['GET /v1/payouts/po_1'];
  assertRows([
    [
      ['POST', '/v1/transfers/tr_1/reversals'],
      [transfer],
      ['GET /v1/transfers/tr_1'],
      'object tr_1 refundable',
      ['tr_1 final 2900 2900 400'],
    ],
    [
      ['POST', '/v1/application_fees/fee_1/refunds', 'amount=50'],
      [fee],
      ['GET /v1/application_fees/fee_1'],
      'object fee_1 refundable 50',
      ['fee_1 final 300 300 100'],
    ],
    [
      ['POST', '/v1/payouts/po_1/reverse'],
      [payout('paid')],
      at,
      'object po_1 refundable',
      ['po_1 final 2900 2900 0'],
    ],
    [
      ['POST', '/v1/payouts/po_1/reverse'],
      [payout('paid', { reversed_by: 'po_2' })],
      at,
      'object po_1 refundable',
      ['po_1 final 2900 2900 2900'],
    ],
    [['POST', '/v1/payouts/po_1/reverse'], [payout('in_transit')], at, 'exact 2900'],
    [
      ['POST', '/v1/transfers', 'currency=usd&source_transaction=ch_1&destination=acct_1'],
      [charge()],
      ['GET /v1/charges/ch_1'],
      'bounded 2900',
    ],
    [
      ['POST', '/v1/treasury/credit_reversals', 'received_credit=rc_1'],
      [{ id: 'rc_1', object: 'treasury.received_credit', amount: 700, ...usd }],
      ['GET /v1/treasury/received_credits/rc_1'],
      'exact 700',
    ],
  ]);
});

test('a new source is free while no subscription has an open invoice that it would pay', () => {
  const update = ['POST', '/v1/customers/cus_1', 'source=tok_visa'] as const;
  const list = (data: object[], has_more = false) => ({ object: 'list', data, has_more });
  const parent = { subscription_details: { subscription: 'sub_1' }, type: 'subscription_details' };
  const open = (more: object) => {
    return invoice('open', 500, {
      collection_method: 'charge_automatically',
      parent: null,
      ...more,
    });
  };
  const kindOf = (told: Told) => {
    const { learned } = ask(...update, [told]);
    return 'quote' in learned ? learned.quote.kind : 'facts';
  };
  const { asked } = ask(...update, [list([])]);
  assert.deepEqual(asked, ['GET /v1/invoices?customer=cus_1&limit=100&status=open']);
  assert.equal(kindOf(list([])), 'free');
  assert.equal(kindOf(list([open({}), open({ subscription: null })])), 'free');
  assert.equal(kindOf(list([open({ parent, collection_method: 'send_invoice' })])), 'free');
  assert.equal(kindOf(list([open({}), open({ parent })])), 'unpriced');
  assert.equal(kindOf(list([open({ subscription: 'sub_1' })])), 'unpriced');
  assert.equal(kindOf(list([], true)), 'unpriced');
  assert.equal(kindOf({ object: 'customer' }), 'unpriced');
  for (const body of ['card[number]=4242', 'bank_account=btok_1', 'source[object]=card']) {
    assert.equal(reading('POST', '/v1/customers/cus_1', body).quote.kind, 'ask', body);
  }
  for (const body of ['default_source=card_1', 'name=a']) {
    assert.equal(reading('POST', '/v1/customers/cus_1', body).quote.kind, 'free', body);
  }
  assert.equal(reading('POST', '/v1/customers', 'source=tok_visa').quote.kind, 'free');
  // Whoever made the customer may have chosen its id.
  for (const [id, named] of [
    ['acme-7', 'acme-7'],
    ['a@acme.example', 'a%40acme.example'],
    ['a%26status=paid', 'a%26status%3Dpaid'],
  ] as const) {
    const { quote, lookUp } = reading('POST', `/v1/customers/${id}`, 'source=tok_visa');
    assert.deepEqual(
      [quote.kind, lookUp?.query],
      ['ask', `customer=${named}&limit=100&status=open`],
    );
  }
});

test('an invoice is read before each call that collects it, and costs what remains', () => {
  const at = ['GET /v1/invoices/in_1'];
  const pay = ['POST', '/v1/invoices/in_1/pay'] as const;
  const line = (invoice_item: string) => ({
    ...{ id: 'il_1', object: 'line_item', amount: 300 },
    parent: { type: 'invoice_item_details', invoice_item_details: { invoice_item } },
  });
  const partly = invoice('open', 3000, { amount_paid: 2000 });
  assertRows([
    [pay, [invoice('open', 5000)], at, 'object in_1 amount', ['in_1 open 5000 - -']],
    [pay, [partly], at, 'object in_1 amount', ['in_1 open 5000 2000 -']],
    [pay, [invoice('draft', 5000)], at, 'object in_1 amount', ['in_1 open 5000 - -']],
    // Another invoice may use the customer's credit up first.
    [
      pay,
      [{ ...invoice('draft', 2000), total: 5000, starting_balance: -3000 }],
      at,
      'object in_1 amount',
      ['in_1 open 5000 - -'],
    ],
    [
      pay,
      [{ ...invoice('open', 2000), total: 5000 }],
      at,
      'object in_1 amount',
      ['in_1 open 2000 - -'],
    ],
    // Its items hold already, and it shows the first ten of them.
    [
      pay,
      [invoice('draft', 5000, { lines: { data: [line('ii_1')], has_more: false } })],
      at,
      'object in_1 amount',
      ['in_1 open 5000 - -', 'ii_1 open 300 - -'],
    ],
    [
      pay,
      [
        invoice('draft', 5000, { lines: { data: [line('ii_1')], has_more: true } }),
        { object: 'list', data: [line('ii_1'), line('ii_2')], has_more: false },
      ],
      [...at, 'GET /v1/invoices/in_1/lines?limit=100'],
      'object in_1 amount',
      ['in_1 open 5000 - -', 'ii_1 open 300 - -', 'ii_2 open 300 - -'],
    ],
    [
      pay,
      [invoice('paid', 0, { amount_paid: 5000 })],
      at,
      'object in_1 amount',
      ['in_1 final 5000 5000 -'],
    ],
    [
      ['POST', '/v1/invoices/in_1/finalize'],
      [invoice('draft', 5000)],
      at,
      'object in_1 amount',
      ['in_1 open 5000 - -'],
    ],
    [
      ['POST', '/v1/invoices/in_1/send'],
      [invoice('open', 5000)],
      at,
      'object in_1 amount',
      ['in_1 open 5000 - -'],
    ],
    [
      ['POST', '/v1/invoices/in_1', 'auto_advance=true'],
      [invoice('draft', 5000)],
      at,
      'object in_1 amount',
      ['in_1 open 5000 - -'],
    ],
  ]);
  for (const [paid_out_of_band, kind] of [
    ['true', 'free'],
    ['True', 'ask'],
    ['1', 'ask'],
    ['', 'ask'],
  ]) {
    assert.equal(reading('POST', pay[1], `paid_out_of_band=${paid_out_of_band}`).quote.kind, kind);
  }
});

test('a draft may be changed for nothing as long as nobody collects it', () => {
  const at = ['GET /v1/invoices/in_1'];
  const lines = ['POST', '/v1/invoices/in_1/add_lines', 'lines[0][amount]=500'] as const;
  const going = /Stripe collects it later/;
  assertRows([
    [lines, [invoice('draft', 0)], at, 'free'],
    [['POST', '/v1/invoices/in_1/lines/il_1', 'amount=500'], [invoice('draft', 0)], at, 'free'],
    [
      ['POST', '/v1/invoices/in_1', 'default_tax_rates[0]=txr_1'],
      [invoice('draft', 0)],
      at,
      'free',
    ],
  ]);
  for (const told of [
    invoice('draft', 0, { auto_advance: true }),
    invoice('draft', 0, { auto_advance: undefined }),
    invoice('draft', 0, { automatically_finalizes_at: 1_800_000_000 }),
    invoice('open', 5000),
  ]) {
    assert.match(shown(ask(...lines, [told])), going, JSON.stringify(told));
  }
});

test('an invoice item costs its price of the catalogue, a change of one what it adds', () => {
  const price = (more: object = {}) => ({
    ...{ id: 'price_1', object: 'price', billing_scheme: 'per_unit', unit_amount: 250 },
    ...{ currency: 'usd', transform_quantity: null, custom_unit_amount: null, ...more },
  });
  const at = ['GET /v1/prices/price_1'];
  const item = (amount: number) => ({ id: 'ii_1', object: 'invoiceitem', amount, ...usd });
  const change = (to: number) => ['POST', '/v1/invoiceitems/ii_1', `amount=${to}`] as const;
  const itemAt = ['GET /v1/invoiceitems/ii_1'];
  assertRows([
    [
      ['POST', '/v1/invoiceitems', 'pricing[price]=price_1&quantity=4'],
      [price()],
      at,
      'estimated 1000',
    ],
    [['POST', '/v1/invoiceitems', 'price=price_1'], [price()], at, 'estimated 250'],
    [
      ['POST', '/v1/invoiceitems', 'price=my plan/2'],
      [price()],
      ['GET /v1/prices/my%20plan%2F2'],
      'estimated 250',
    ],
    [change(800), [item(500)], itemAt, 'bounded 300'],
    [change(200), [item(500)], itemAt, 'bounded 0'],
    [change(-900), [item(-500)], itemAt, 'bounded 400'],
    [change(-900), [item(500)], itemAt, 'bounded 900'],
    [change(300), [item(-500)], itemAt, 'bounded 300'],
  ]);
  for (const id of ['..', '.', '']) {
    assert.equal(reading('POST', '/v1/invoiceitems', `price=${id}`).lookUp, null, id);
  }
  const create = ['POST', '/v1/invoiceitems', 'price=price_1&quantity=4'] as const;
  for (const told of [
    price({ billing_scheme: 'tiered' }),
    price({ unit_amount: null }),
    price({ custom_unit_amount: { minimum: 5 } }),
    price({ transform_quantity: { divide_by: 10 } }),
  ]) {
    assert.match(shown(ask(...create, [told])), /^unpriced: .*holds for every quantity/);
  }
  const inEuro = ask('POST', '/v1/invoiceitems', 'price=price_1&currency=eur', [price()]);
  assert.match(shown(inEuro), /the price is in usd/);
});

test('a credit note costs the cash and the credit that it gives back, by a preview of itself', () => {
  const note = { id: 'cn_preview', object: 'credit_note', ...usd };
  const preview = 'GET /v1/credit_notes/preview?';
  assertRows([
    [
      ['POST', '/v1/credit_notes', 'invoice=in_1&refund_amount=500&expand[0]=refunds'],
      [note],
      [`${preview}invoice=in_1&refund_amount=500`],
      'exact 500',
    ],
    [
      ['POST', '/v1/credit_notes', 'invoice=in_1&amount=900&refund_amount=500&credit_amount=400'],
      [note],
      [`${preview}amount=900&credit_amount=400&invoice=in_1&refund_amount=500`],
      'exact 900',
    ],
    // What lowers an open invoice, or was given back elsewhere, costs nothing.
    [
      ['POST', '/v1/credit_notes', 'invoice=in_1&amount=900'],
      [{ ...note, pre_payment_amount: 900, post_payment_amount: 0 }],
      [`${preview}amount=900&invoice=in_1`],
      'exact 0',
    ],
    [
      ['POST', '/v1/credit_notes', 'invoice=in_1&out_of_band_amount=900'],
      [{ ...note, post_payment_amount: 900, out_of_band_amount: 900 }],
      [`${preview}invoice=in_1&out_of_band_amount=900`],
      'exact 0',
    ],
    // A version that gives back what nobody stated would still be counted.
    [
      ['POST', '/v1/credit_notes', 'invoice=in_1&amount=900'],
      [{ ...note, post_payment_amount: 900 }],
      [`${preview}amount=900&invoice=in_1`],
      'exact 900',
    ],
  ]);
});

test('a subscription costs what a preview of its next invoice says, asked in the preview’s words', () => {
  const due = (amount_due: number) => ({ object: 'invoice', amount_due, ...usd });
  const details = (name: string) => `subscription_details[${name}]`;
  const preview = 'POST /v1/invoices/create_preview ';
  const subscription = {
    ...{ id: 'sub_1', object: 'subscription', latest_invoice: 'in_0' },
    items: { data: [{ id: 'si_1' }] },
  };
  const at = 'GET /v1/subscriptions/sub_1';
  const item = { id: 'si_1', object: 'subscription_item', subscription: 'sub_1' };
  assertRows([
    [
      [
        'POST',
        '/v1/subscriptions',
        'customer=cus_1&items[0][price]=p_1&items[0][quantity]=2&metadata[a]=b&expand[0]=latest_invoice' +
          '&add_invoice_items[0][price]=p_2&trial_period_days=30&trial_end=1800000000&coupon=TEN',
      ],
      [due(5000)],
      [
        `${preview}customer=cus_1&discounts[0][coupon]=TEN&invoice_items[0][price]=p_2` +
          `&${details('items')}[0][price]=p_1&${details('items')}[0][quantity]=2`,
      ],
      'estimated 5000',
    ],
    [
      ['POST', '/v1/subscriptions', 'customer=cus_1&plan=gold&quantity=3&trial_end=now'],
      [due(-300)],
      [
        `${preview}customer=cus_1&${details('items')}[0][plan]=gold` +
          `&${details('items')}[0][quantity]=3&${details('trial_end')}=now`,
      ],
      'estimated 0',
    ],
    [
      [
        'POST',
        '/v1/subscriptions/sub_1',
        'items[0][id]=si_1&items[0][price]=p_2&proration_behavior=always_invoice',
      ],
      [subscription, due(700)],
      [
        at,
        `${preview}subscription=sub_1&${details('items')}[0][id]=si_1` +
          `&${details('items')}[0][price]=p_2&${details('proration_behavior')}=always_invoice`,
      ],
      'estimated 700',
    ],
    [
      ['POST', '/v1/subscriptions/sub_1', 'plan=gold'],
      [subscription, due(700)],
      [
        at,
        `${preview}subscription=sub_1&${details('items')}[0][id]=si_1&${details('items')}[0][plan]=gold`,
      ],
      'estimated 700',
    ],
    [
      ['POST', '/v1/subscriptions/sub_1/resume', 'billing_cycle_anchor=now'],
      [subscription, due(700)],
      [
        at,
        `${preview}subscription=sub_1&${details('billing_cycle_anchor')}=now&${details('resume_at')}=now`,
      ],
      'estimated 700',
    ],
    [
      ['DELETE', '/v1/subscriptions/sub_1?invoice_now=true&prorate=true'],
      [subscription, due(700)],
      [
        at,
        `${preview}subscription=sub_1&${details('cancel_now')}=true` +
          `&${details('proration_behavior')}=create_prorations`,
      ],
      'estimated 700',
    ],
    [
      [
        'POST',
        '/v1/subscription_items',
        'subscription=sub_1&price=p_2&quantity=2&proration_behavior=none',
      ],
      [due(900)],
      [
        `${preview}subscription=sub_1&${details('items')}[0][price]=p_2` +
          `&${details('items')}[0][quantity]=2&${details('proration_behavior')}=none`,
      ],
      'estimated 900',
    ],
    [
      ['POST', '/v1/subscription_items/si_1', 'quantity=9'],
      [item, due(900)],
      [
        'GET /v1/subscription_items/si_1',
        `${preview}subscription=sub_1&${details('items')}[0][id]=si_1&${details('items')}[0][quantity]=9`,
      ],
      'estimated 900',
    ],
    [
      ['DELETE', '/v1/subscription_items/si_1'],
      [item, due(0)],
      [
        'GET /v1/subscription_items/si_1',
        `${preview}subscription=sub_1&${details('items')}[0][deleted]=true&${details('items')}[0][id]=si_1`,
      ],
      'estimated 0',
    ],
    [
      ['POST', '/v1/quotes/qt_1/accept'],
      [
        {
          id: 'qt_1',
          object: 'quote',
          amount_total: 700,
          computed: { upfront: { amount_total: 900 } },
          ...usd,
        },
      ],
      ['GET /v1/quotes/qt_1'],
      'estimated 900',
    ],
  ]);
  const { learned } = ask('POST', '/v1/subscriptions/sub_1', 'plan=gold', [subscription, due(700)]);
  assert.deepEqual(
    [(learned as { before: string }).before, (learned as { currency: string }).currency],
    ['in_0', 'usd'],
  );
  const two = { ...subscription, items: { data: [{ id: 'si_1' }, { id: 'si_2' }] } };
  assert.match(shown(ask('POST', '/v1/subscriptions/sub_1', 'plan=gold', [two])), /several items/);
});

test('a change of a subscription that bills nothing asks nothing', () => {
  for (const body of [
    'default_payment_method=pm_1&expand[0]=latest_invoice',
    'pause_collection[behavior]=void',
    'pause_collection=',
    'cancel_at_period_end=true',
    'metadata[a]=b',
  ]) {
    const read = reading('POST', '/v1/subscriptions/sub_1', body);
    assert.deepEqual([read.class, read.quote.kind, read.lookUp], ['withheld', 'free', null], body);
  }
  for (const body of [
    'cancel_at=1800000000',
    'trial_end=now',
    'items[0][quantity]=3',
    'a_field_of_2027=1',
  ]) {
    assert.equal(reading('POST', '/v1/subscriptions/sub_1', body).quote.kind, 'ask', body);
  }
});

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
