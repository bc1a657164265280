/**
 * What a subscription costs, by a preview of its next invoice; and what is asked before a customer's
 * new source, which would pay what the customer's subscriptions owe.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, assertRows, invoice, shown, type Told } from './stripe-look-ups.ts';
import { reading } from './stripe-requests.ts';

const usd = { currency: 'usd' };

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
