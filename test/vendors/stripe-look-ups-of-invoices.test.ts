/** What an invoice, an item of one or a credit note costs, by what Stripe shows or previews of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, assertRows, invoice, shown } from './stripe-look-ups.ts';
import { reading } from './stripe-requests.ts';

const usd = { currency: 'usd' };

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
