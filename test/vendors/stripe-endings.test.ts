/** How a call ends by what its reply shows of invoices, items, subscriptions and the like. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripe } from '../../src/vendors/stripe/stripe.ts';
import type { Conclusion, Quote, Reading } from '../../src/vendors/vendor.ts';
import { CENT, conclude, DOLLARS, reading, reply } from './stripe-requests.ts';

const usd = { currency: 'usd' };

type Row = [
  what: readonly [method: string, target: string, body?: string],
  answer: object,
  /** `settled 500`, `settled as held`, `held`, `unknown`. */
  end: string,
  objectId: string | null,
  /** `in_1 final 5000 5000` */
  facts?: readonly string[],
];

function shown({ outcome, cost }: Conclusion): string {
  if (outcome !== 'settled') return outcome;
  return `settled ${cost === null ? 'as held' : cost / CENT}`;
}

function factsOf({ objects }: Conclusion): string[] {
  return objects.map(({ id, state, amount, moved, partOf }) =>
    [id, state, amount, ...(moved === null ? [] : [moved]), ...(partOf ? ['of', partOf] : [])].join(
      ' ',
    ),
  );
}

function assertRows(
  rows: readonly Row[],
  change: (read: Reading) => Reading = (read) => read,
): void {
  for (const [[method, target, body = ''], answer, end, objectId, facts = []] of rows) {
    const read = change(reading(method, target, body));
    const found = stripe.conclude(read, reply(200, answer), DOLLARS);
    const line = `${method} ${target} ${body} ${JSON.stringify(answer).slice(0, 120)}`;
    assert.deepEqual([shown(found), found.vendorObjectId], [end, objectId], line);
    assert.deepEqual(factsOf(found), facts, line);
  }
}

const invoice = (status: string, paid: number, remaining: number, more: object = {}) => ({
  ...{
    id: 'in_1',
    object: 'invoice',
    amount_paid: paid,
    amount_remaining: remaining,
    currency: 'usd',
  },
  ...{ status, ...more },
});

test('an invoice holds until it is paid, voided or given up, and then says what was paid', () => {
  const pay = ['POST', '/v1/invoices/in_1/pay'] as const;
  const lines = {
    data: [
      { amount: 300, parent: { invoice_item_details: { invoice_item: 'ii_1' } } },
      { amount: 200, invoice_item: 'ii_2' },
      { amount: 4500, parent: { subscription_item_details: {} } },
    ],
  };
  assertRows([
    [pay, invoice('paid', 5000, 0), 'held', 'in_1', ['in_1 final 5000 5000']],
    [
      pay,
      invoice('paid', 5000, 0, { paid_out_of_band: true }),
      'held',
      'in_1',
      ['in_1 final 5000 0'],
    ],
    [pay, invoice('open', 0, 5000), 'held', 'in_1', ['in_1 open 5000']],
    [pay, invoice('open', 2000, 3000), 'held', 'in_1', ['in_1 open 5000 2000']],
    [pay, invoice('void', 0, 5000), 'held', 'in_1', ['in_1 final 5000 0']],
    [pay, invoice('uncollectible', 0, 5000), 'held', 'in_1', ['in_1 declined 5000']],
    [pay, invoice('uncollectible', 2000, 3000), 'held', 'in_1', ['in_1 open 5000 2000']],
    [pay, invoice('a_status_of_2027', 0, 5000), 'held', 'in_1', ['in_1 open 5000']],
    // What its items hold is held for it from now on.
    [
      pay,
      invoice('paid', 5000, 0, { lines }),
      'held',
      'in_1',
      ['in_1 final 5000 5000', 'ii_1 open 300 of in_1', 'ii_2 open 200 of in_1'],
    ],
    [
      ['POST', '/v1/invoices/in_1/finalize'],
      invoice('open', 0, 5000),
      'held',
      'in_1',
      ['in_1 open 5000'],
    ],
    [
      ['POST', '/v1/invoices/in_1', 'auto_advance=true'],
      invoice('draft', 0, 5000, { lines }),
      'held',
      'in_1',
      ['ii_1 open 300 of in_1', 'ii_2 open 200 of in_1'],
    ],
    [pay, { ...invoice('paid', 5000, 0), id: 'in_2' }, 'unknown', 'in_2'],
    [pay, { ...invoice('paid', 5000, 0), object: 'charge' }, 'unknown', 'in_1'],
  ]);
  const look = (answer: object) =>
    factsOf(conclude('GET', '/v1/invoices/in_1', '', reply(200, answer)));
  assert.deepEqual(look(invoice('paid', 5000, 0)), ['in_1 final 5000 5000']);
  assert.deepEqual(look(invoice('draft', 0, 5000)), [], 'anybody may change a draft');
});

test('an invoice whose payment waits for the customer stays held, a declined one comes back', () => {
  const read = reading('POST', '/v1/invoices/in_1/pay');
  const intent = (status: string) => ({
    ...{ id: 'pi_1', object: 'payment_intent', amount: 5000, amount_received: 0 },
    ...{ amount_capturable: 0, currency: 'usd', status },
  });
  const answered = (status: string) =>
    stripe.conclude(
      read,
      reply(402, { error: { type: 'card_error', payment_intent: intent(status) } }),
      DOLLARS,
    );
  for (const status of ['requires_action', 'requires_source_action', 'processing']) {
    const found = answered(status);
    assert.deepEqual(
      [found.outcome, found.vendorObjectId, found.repeatable],
      ['held', 'in_1', true],
    );
    assert.deepEqual(found.objects, []);
  }
  assert.equal(answered('requires_payment_method').outcome, 'released');
});

test('an item counts for the invoice that it is on, and for itself while it is on none', () => {
  const create = ['POST', '/v1/invoiceitems', 'amount=500&currency=usd'] as const;
  const item = (amount: number, more: object = {}) => ({
    ...{ id: 'ii_1', object: 'invoiceitem', amount, currency: 'usd', invoice: null },
    ...more,
  });
  const looked = (answer: object) =>
    factsOf(conclude('GET', '/v1/invoiceitems/ii_1', '', reply(200, answer)));
  assertRows([
    [create, item(500), 'held', 'ii_1', ['ii_1 open 500']],
    [create, item(500, { invoice: 'in_1' }), 'held', 'in_1', ['in_1 open 500']],
    [create, item(500, { invoice: { id: 'in_1' } }), 'held', 'in_1', ['in_1 open 500']],
    [create, item(-500), 'settled 500', 'ii_1'],
    [create, item(500, { currency: 'eur' }), 'unknown', 'ii_1'],
    [create, item(500, { object: 'invoice' }), 'unknown', 'ii_1'],
  ]);
  assert.deepEqual(looked(item(500)), ['ii_1 open 500']);
  assert.deepEqual(looked(item(500, { invoice: { id: 'in_1', status: 'paid' } })), [
    'ii_1 final 500 500',
  ]);
});

test('reversals cost what they reversed, once that is final', () => {
  const payout = (status: string, more: object = {}) => ({
    ...{ id: 'po_2', object: 'payout', amount: -700, original_payout: 'po_1', status, ...usd },
    ...more,
  });
  const reverse = ['POST', '/v1/payouts/po_1/reverse'] as const;
  assertRows([
    [
      ['POST', '/v1/transfers/tr_1/reversals'],
      { id: 'trr_1', object: 'transfer_reversal', amount: 700, transfer: 'tr_1', ...usd },
      'settled 700',
      'trr_1',
      ['trr_1 final 700 700'],
    ],
    [
      ['POST', '/v1/application_fees/fee_1/refunds', 'amount=50'],
      { id: 'fr_1', object: 'fee_refund', amount: 50, fee: 'fee_1', ...usd },
      'settled 50',
      'fr_1',
      ['fr_1 final 50 50'],
    ],
    [reverse, payout('pending'), 'held', 'po_2', ['po_2 open 700']],
    [reverse, payout('paid'), 'settled 700', 'po_2', ['po_2 final 700 700']],
    [reverse, payout('failed'), 'settled 0', 'po_2', ['po_2 final 700 0']],
    [reverse, payout('paid', { original_payout: null }), 'unknown', 'po_2'],
  ]);
});

test('a credit note costs what it gave back itself: cash and credit', () => {
  const note = (more: object) => ({
    ...{
      id: 'cn_1',
      object: 'credit_note',
      currency: 'usd',
      out_of_band_amount: null,
      refunds: [],
    },
    ...more,
  });
  const of = (body: string) => ['POST', '/v1/credit_notes', `invoice=in_1&${body}`] as const;
  const refunds = [{ amount_refunded: 500, refund: 're_1', type: 'refund' }];
  assertRows([
    [of('refund_amount=500'), note({ post_payment_amount: 500, refunds }), 'settled 500', 'cn_1'],
    [
      of('refund_amount=500&credit_amount=400'),
      note({ post_payment_amount: 900, refunds }),
      'settled 900',
      'cn_1',
    ],
    [
      of('refund_amount=500&out_of_band_amount=400'),
      note({ post_payment_amount: 900, out_of_band_amount: 400, refunds }),
      'settled 500',
      'cn_1',
    ],
    // A refund made before, which the note only names.
    [
      of('credit_amount=400&refunds[0][refund]=re_1&refunds[0][amount_refunded]=500'),
      note({ post_payment_amount: 900, refunds }),
      'settled 400',
      'cn_1',
    ],
    [
      of('credit_amount=400&refund=re_1'),
      note({ post_payment_amount: 900, refunds: [{ ...refunds[0], refund: { id: 're_1' } }] }),
      'settled 400',
      'cn_1',
    ],
    [of('refund_amount=500'), note({}), 'settled as held', 'cn_1'],
    [of('refund_amount=500'), { ...note({}), object: 'refund' }, 'unknown', 'cn_1'],
  ]);
});

test('credit that is granted costs its size', () => {
  const amount = { type: 'monetary', monetary: { value: 700, currency: 'usd' } };
  const fields =
    'customer=cus_1&amount[type]=monetary&amount[monetary][value]=700&amount[monetary][currency]=usd';
  const read = reading('POST', '/v1/billing/credit_grants', fields);
  assert.deepEqual(
    [read.quote, read.amount, read.currency],
    [{ kind: 'exact', micros: 700n * CENT }, 700n, 'usd'],
  );
  assertRows([
    [
      ['POST', '/v1/billing/credit_grants', fields],
      { id: 'credgr_1', object: 'billing.credit_grant', amount },
      'settled 700',
      'credgr_1',
    ],
  ]);
});

test('a subscription costs what its new invoice says; an old invoice says nothing of the call', () => {
  const subscription = (latest_invoice: unknown) => ({
    ...{ id: 'sub_1', object: 'subscription', currency: 'usd', latest_invoice },
  });
  const create = ['POST', '/v1/subscriptions', 'customer=cus_1&items[0][price]=p'] as const;
  const update = ['POST', '/v1/subscriptions/sub_1', 'items[0][price]=p'] as const;
  const paid = invoice('paid', 5000, 0);
  const final = ['in_1 final 5000 5000'];
  assertRows([
    [create, subscription(paid), 'settled 5000', 'in_1', final],
    [create, subscription(invoice('paid', 0, 0)), 'settled 0', 'in_1', ['in_1 final 0 0']],
    [create, subscription(invoice('open', 0, 5000)), 'held', 'in_1', ['in_1 open 5000']],
    [create, subscription(invoice('draft', 0, 5000)), 'held', 'in_1'],
    [create, subscription('in_1'), 'held', 'in_1'],
    [create, subscription(null), 'settled as held', 'sub_1'],
    [create, { ...subscription(paid), object: 'invoice' }, 'unknown', 'sub_1'],
  ]);
  // The invoice that stood there before the call is not what the call billed.
  const knowing = (before: string | undefined) => (read: Reading) =>
    before === undefined ? read : { ...read, before };
  assertRows([[update, subscription(paid), 'settled 5000', 'in_1', final]], knowing('in_0'));
  assertRows([[update, subscription('in_1'), 'held', 'in_1']], knowing('in_0'));
  assertRows([[update, subscription('in_1'), 'held', 'in_1']], knowing(''));
  assertRows([[update, subscription(paid), 'settled as held', 'sub_1']], knowing('in_1'));
  assertRows([[update, subscription('in_1'), 'settled as held', 'sub_1']], knowing('in_1'));
  assertRows([[update, subscription(paid), 'settled as held', 'sub_1']], knowing(undefined));
  // Nothing was held: what its open invoice asks for counts at once.
  const nothing: Quote = { kind: 'estimated', micros: 0n };
  assertRows(
    [[create, subscription(invoice('open', 0, 5000)), 'settled 5000', 'in_1']],
    (read) => ({
      ...read,
      quote: nothing,
    }),
  );
  const item = ['POST', '/v1/subscription_items/si_1', 'quantity=9'] as const;
  assertRows([[item, { id: 'si_1', object: 'subscription_item' }, 'settled as held', 'si_1']]);
});

test('an accepted quote holds for its invoice', () => {
  const accept = ['POST', '/v1/quotes/qt_1/accept'] as const;
  assertRows([
    [accept, { id: 'qt_1', object: 'quote', invoice: 'in_1' }, 'held', 'in_1'],
    [accept, { id: 'qt_1', object: 'quote', subscription: 'sub_1' }, 'settled as held', 'qt_1'],
    [accept, { id: 'qt_2', object: 'quote', invoice: 'in_1' }, 'unknown', 'qt_2'],
  ]);
});

test('a reader in a shop holds for the payment or the refund that it was given', () => {
  const reader = (action: object) => ({ id: 'tmr_1', object: 'terminal.reader', action });
  const at = '/v1/terminal/readers/tmr_1';
  const process = ['POST', `${at}/process_payment_intent`, 'payment_intent=pi_1'] as const;
  const refund = ['POST', `${at}/refund_payment`, 'payment_intent=pi_1&amount=5'] as const;
  assertRows([
    [process, reader({ type: 'process_payment_intent' }), 'held', 'pi_1'],
    [refund, reader({ refund_payment: { refund: 're_1' } }), 'held', 're_1'],
    // By the payment's own name the refund would be settled with the payment, for nothing.
    [refund, reader({ refund_payment: { payment_intent: 'pi_1' } }), 'held', 'tmr_1'],
    [process, { id: 'tmr_1', object: 'list' }, 'unknown', 'tmr_1'],
  ]);
});

test('money of bank accounts is held until it is posted', () => {
  const v1 = ['POST', '/v1/treasury/outbound_payments', 'amount=500&currency=usd'] as const;
  const sent = (status: string) => ({
    ...{ id: 'obp_1', object: 'treasury.outbound_payment', amount: 500, status, ...usd },
  });
  assertRows([
    [v1, sent('processing'), 'held', 'obp_1', ['obp_1 open 500']],
    [v1, sent('posted'), 'settled 500', 'obp_1', ['obp_1 final 500 500']],
    [v1, sent('returned'), 'settled 0', 'obp_1', ['obp_1 final 500 0']],
    [
      ['POST', '/v1/treasury/credit_reversals', 'received_credit=rc_1'],
      {
        id: 'credrev_1',
        object: 'treasury.credit_reversal',
        amount: 700,
        status: 'posted',
        ...usd,
      },
      'settled 700',
      'credrev_1',
      ['credrev_1 final 700 700'],
    ],
  ]);
});
