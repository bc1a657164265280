import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FREE_OPERATIONS } from '../../src/vendors/stripe/free.ts';
import { operationOf } from '../../src/vendors/stripe/operations.ts';
import { priceOf } from '../../src/vendors/stripe/prices.ts';
import { isWithheld } from '../../src/vendors/stripe/reach.ts';
import { stripe } from '../../src/vendors/stripe/stripe.ts';
import { isRefusal } from '../../src/vendors/vendor.ts';
import { DOLLARS, data, reading, request, withoutData } from './stripe-requests.ts';

const FORM_TYPE = 'application/x-www-form-urlencoded';

const NAMES: [method: string, path: string, name: string | null][] = [
  ['POST', '/v1/payment_intents', 'payment_intents.create'],
  ['GET', '/v1/payment_intents', 'payment_intents.list'],
  ['GET', '/v1/payment_intents/search', 'payment_intents.search'],
  ['GET', '/v1/payment_intents/pi_1', 'payment_intents.retrieve'],
  ['POST', '/v1/payment_intents/pi_1', 'payment_intents.update'],
  ['POST', '/v1/payment_intents/pi_1/confirm', 'payment_intents.confirm'],
  ['POST', '/v1/payment_intents/pi_1/verify_microdeposits', 'payment_intents.verify_microdeposits'],
  ['POST', '/v1/charges/ch_1/capture', 'charges.capture'],
  ['POST', '/v1/refunds/re_1/cancel', 'refunds.cancel'],
  ['DELETE', '/v1/customers/cus_1', 'customers.delete'],
  ['POST', '/v1/customers/cus_1/balance_transactions', 'customers.balance_transactions.create'],
  ['GET', '/v1/customers/cus_1/balance_transactions/t', 'customers.balance_transactions.retrieve'],
  ['POST', '/v1/customers/cus_1/sources/src_1/verify', 'customers.sources.verify'],
  ['GET', '/v1/customers/cus_1/cash_balance', 'customers.cash_balance.retrieve'],
  ['POST', '/v1/customers/cus_1/cash_balance', 'customers.cash_balance.update'],
  ['DELETE', '/v1/customers/cus_1/discount', 'customers.discount.delete'],
  ['POST', '/v1/customers/cus_1/funding_instructions', 'customers.funding_instructions.create'],
  ['POST', '/v1/checkout/sessions', 'checkout.sessions.create'],
  ['POST', '/v1/checkout/sessions/cs_1/expire', 'checkout.sessions.expire'],
  [
    'POST',
    '/v1/terminal/readers/tmr_1/process_payment_intent',
    'terminal.readers.process_payment_intent',
  ],
  ['POST', '/v1/invoices/create_preview', 'invoices.create_preview'],
  ['POST', '/v1/invoices/in_1/add_lines', 'invoices.add_lines'],
  ['POST', '/v1/invoices/in_1/lines/il_1', 'invoices.lines.update'],
  ['GET', '/v1/credit_notes/preview/lines', 'credit_notes.preview.lines.list'],
  ['GET', '/v1/quotes/qt_1/pdf', 'quotes.pdf.retrieve'],
  ['GET', '/v1/balance', 'balance.retrieve'],
  ['GET', '/v1/account', 'account.retrieve'],
  ['POST', '/v1/balance_settings', 'balance_settings.update'],
  ['POST', '/v1/tax/settings', 'tax.settings.update'],
  ['POST', '/v1/apps/secrets/delete', 'apps.secrets.delete'],
  [
    'POST',
    '/v1/test_helpers/issuing/cards/ic_1/shipping/ship',
    'test_helpers.issuing.cards.shipping.ship',
  ],
  ['POST', '/v1/test_helpers/test_clocks/clock_1/advance', 'test_helpers.test_clocks.advance'],
  [
    'POST',
    '/v1/treasury/financial_accounts/fa_1/features',
    'treasury.financial_accounts.features.update',
  ],
  ['POST', '/v2/core/accounts', 'v2.core.accounts.create'],
  ['POST', '/v2/billing/meter_event_session', 'v2.billing.meter_event_session.create'],
  ['POST', '/oauth/token', 'oauth.token'],
  // paths that only old versions have
  ['GET', '/v1/invoices/upcoming', 'invoices.upcoming'],
  ['GET', '/v1/balance/history/txn_1', 'balance.history.retrieve'],
  ['POST', '/v1/charges/ch_1/refund', 'charges.refund'],
  ['DELETE', '/v1/customers/cus_1/subscriptions/sub_1', 'customers.subscriptions.delete'],
  // an id is whatever stands where an id stands
  ['GET', '/v1/coupons/SUMMER%20SALE', 'coupons.retrieve'],
  ['GET', '/v1/customers/1', 'customers.retrieve'],
  // not built like the API's paths
  ['POST', '/v1', null],
  ['POST', '/v1/', null],
  ['POST', '/v3/payment_intents', null],
  ['POST', '/V1/payment_intents', null],
  ['POST', '/v1/Payment_Intents', null],
  ['POST', '/v1/payment_intents/', null],
  ['POST', '/v1//payment_intents', null],
  ['POST', '/v1/billing', null],
  ['PUT', '/v1/payment_intents', null],
  ['POST', '/v1/payment_intents/pi_1/create', null],
  ['GET', '/v1/constructor', 'constructor.retrieve'],
];

test('a path has the name that Stripe’s own libraries would give it', () => {
  for (const [method, path, name] of NAMES) {
    assert.equal(operationOf(method, path).name, name, `${method} ${path}`);
  }
});

test('every operation of the API has a name of its own, and its template', {
  skip: withoutData,
}, () => {
  const seen = new Map<string, string>();
  const operations = data<[method: string, template: string][]>('operations.json');
  assert.ok(operations.length >= 360);
  for (const [method, template] of operations) {
    const found = operationOf(method, template.replaceAll('{id}', 'obj_1AbC'));
    const line = `${method} ${template}`;
    assert.ok(found.name, `${line} has no name`);
    assert.equal(found.template, template, line);
    assert.match(found.name, /^[a-z0-9_]+(\.[a-z0-9_]+)+$/, line);
    assert.equal(seen.get(found.name), undefined, `${line} has the name of another`);
    seen.set(found.name, line);
  }
});

type Class = 'free' | 'priced' | 'unpriced' | 'withheld' | 'unread';

/** What an operation is before anybody looks at its fields. */
function classOf(method: string, template: string): Class {
  const path = template.replaceAll('{id}', 'obj_1AbC');
  const operation = operationOf(method, path);
  const { by } = priceOf(method, operation);
  if (by === 'unread') return 'unread';
  if (isWithheld(method, path, operation)) return 'withheld';
  if (by === 'nothing') return 'free';
  return by === 'unknowable' ? 'unpriced' : 'priced';
}

test('somebody has read every operation of the API', { skip: withoutData }, () => {
  const operations = data<[method: string, template: string][]>('operations.json');
  const unread = operations.filter((each) => classOf(...each) === 'unread');
  assert.deepEqual(unread, [], 'give each a row in prices.ts or free.ts, or name it as only read');
  const counts = new Map<Class, number>();
  for (const each of operations) {
    const found = classOf(...each);
    counts.set(found, (counts.get(found) ?? 0) + 1);
  }
  assert.deepEqual(Object.fromEntries(counts), {
    withheld: 317,
    free: 287,
    priced: 37,
    unpriced: 9,
  });
});

test('an operation that nobody has read is refused, also when a key has no endpoints', () => {
  const unread: [method: string, path: string][] = [
    ['POST', '/v1/wallets'],
    ['GET', '/v1/wallets/w_1'],
    ['DELETE', '/v1/wallets/w_1'],
    ['POST', '/v1/payment_intents/pi_1/accelerate'],
    ['POST', '/v1/charges/ch_1/refund'],
    ['DELETE', '/v1/payouts/po_1'],
    ['POST', '/v2/billing/wallets'],
    ['GET', '/v1/Wallets'],
    ['GET', '/V1/wallets/w_1'],
  ];
  for (const [method, path] of unread) {
    assert.equal(classOf(method, path), 'unread', `${method} ${path}`);
    const read = reading(method, path);
    assert.equal(read.class, 'withheld', `${method} ${path}`);
    assert.equal(read.quote.kind, method === 'GET' ? 'free' : 'unpriced', `${method} ${path}`);
  }
});

test('no operation is in two tables', () => {
  const rows = [...FREE_OPERATIONS.matchAll(/^ {2}(\/\S+) (.+)$/gm)].flatMap(([, root, done]) =>
    done!.split(' ').map((each) => each.replace(/^[A-Z]+/, (method) => `${method} ${root}`)),
  );
  assert.ok(rows.length > 200);
  assert.equal(new Set(rows).size, rows.length, 'one stands twice');
  for (const row of rows) {
    const [method = '', template = ''] = row.split(' ');
    assert.equal(priceOf(method, operationOf(method, template)).by, 'nothing', row);
  }
});

/** The class of each operation that somebody may ask about. */
const CLASSES = `
  priced    POST /v1/payment_intents
  priced    POST /v1/payment_intents/{id}
  priced    POST /v1/payment_intents/{id}/confirm
  priced    POST /v1/payment_intents/{id}/capture
  priced    POST /v1/payment_intents/{id}/increment_authorization
  priced    POST /v1/payment_intents/{id}/apply_customer_balance
  free      POST /v1/payment_intents/{id}/cancel
  priced    POST /v1/charges
  priced    POST /v1/charges/{id}/capture
  priced    POST /v1/refunds
  free      POST /v1/refunds/{id}/cancel
  priced    POST /v1/payouts
  priced    POST /v1/payouts/{id}/reverse
  priced    POST /v1/topups
  priced    POST /v1/transfers
  priced    POST /v1/transfers/{id}/reversals
  priced    POST /v1/application_fees/{id}/refunds
  priced    POST /v1/customers
  withheld  DELETE /v1/customers/{id}
  priced    POST /v1/customers/{id}/balance_transactions
  withheld  DELETE /v1/customers/{id}/discount
  free      DELETE /v1/customers/{id}/sources/{id}
  priced    POST /v1/billing/credit_grants
  withheld  POST /v1/billing/meter_events
  withheld  POST /v1/billing_portal/sessions
  priced    POST /v1/invoiceitems
  free      DELETE /v1/invoiceitems/{id}
  priced    POST /v1/invoices
  priced    POST /v1/invoices/{id}/pay
  priced    POST /v1/invoices/{id}/finalize
  priced    POST /v1/invoices/{id}/send
  free      POST /v1/invoices/{id}/void
  free      POST /v1/invoices/create_preview
  priced    POST /v1/credit_notes
  free      POST /v1/credit_notes/{id}/void
  withheld  POST /v1/subscriptions
  withheld  POST /v1/subscriptions/{id}
  withheld  DELETE /v1/subscriptions/{id}
  free      GET /v1/subscriptions/{id}
  withheld  POST /v1/subscription_items/{id}
  withheld  POST /v1/subscription_schedules/{id}/release
  withheld  POST /v1/quotes/{id}/accept
  free      POST /v1/quotes
  free      GET /v1/quotes/{id}/pdf
  unpriced  POST /v1/checkout/sessions
  free      POST /v1/checkout/sessions/{id}/expire
  withheld  POST /v1/payment_links
  unpriced  POST /v1/tax/calculations
  unpriced  POST /v1/radar/payment_evaluations
  withheld  POST /v1/radar/value_list_items
  unpriced  POST /v1/disputes/{id}/close
  priced    POST /v1/disputes/{id}
  priced    POST /v1/terminal/readers/{id}/process_payment_intent
  priced    POST /v1/terminal/readers/{id}/refund_payment
  free      POST /v1/terminal/readers/{id}/cancel_action
  withheld  POST /v1/terminal/connection_tokens
  free      DELETE /v1/coupons/{id}
  free      DELETE /v1/products/{id}
  free      POST /v1/payment_methods/{id}/detach
  free      GET /v1/account
  free      GET /v1/events
  free      GET /v1/balance_transactions/{id}
  withheld  GET /v1/webhook_endpoints/{id}
  withheld  POST /v1/webhook_endpoints
  withheld  POST /v1/ephemeral_keys
  withheld  POST /v1/customer_sessions
  withheld  GET /v1/apps/secrets/find
  withheld  POST /v1/forwarding/requests
  withheld  GET /v1/accounts
  withheld  POST /v1/accounts/{id}/external_accounts
  withheld  POST /v1/account_links
  withheld  POST /v1/tokens
  withheld  POST /v1/file_links
  withheld  POST /v1/balance_settings
  withheld  POST /v1/payment_method_configurations/{id}
  withheld  GET /v1/identity/verification_reports
  withheld  GET /v1/issuing/cards/{id}
  withheld  POST /v1/treasury/outbound_payments
  withheld  POST /v1/test_helpers/test_clocks/{id}/advance
  withheld  POST /oauth/token
  withheld  POST /v2/core/event_destinations
  withheld  GET /v2/money_management/transactions
  withheld  POST /v2/money_management/outbound_payments
  withheld  POST /v2/billing/meter_event_session
  free      POST /v2/billing/meter_event_adjustments`;

test('what leaks secrets, moves control or commits to later bills is withheld, what moves money is priced', () => {
  for (const line of CLASSES.trim().split('\n')) {
    const [expected, method = '', template = ''] = line.trim().split(/\s+/);
    assert.equal(classOf(method, template), expected, line);
    if (expected !== 'withheld') continue;
    const path = template.replaceAll('{id}', 'obj_1AbC');
    const read = stripe.read(request(method, path), DOLLARS);
    assert.ok(isRefusal(read) || read.class === 'withheld', line);
  }
});

test('an invoice that collects itself is withheld, one that waits for a call is not', () => {
  const classes: [body: string, found: string, kind: string][] = [
    ['customer=cus_1', 'free', 'free'],
    ['customer=cus_1&auto_advance=false', 'free', 'free'],
    ['customer=cus_1&auto_advance=False', 'free', 'free'],
    ['customer=cus_1&auto_advance=true', 'withheld', 'unpriced'],
    ['customer=cus_1&auto_advance=1', 'withheld', 'unpriced'],
    ['customer=cus_1&automatically_finalizes_at=1800000000', 'withheld', 'unpriced'],
  ];
  for (const [body, found, kind] of classes) {
    const read = reading('POST', '/v1/invoices', body);
    assert.deepEqual([read.class, read.quote.kind], [found, kind], body);
  }
});

test('an invoice of a version in which it collects itself is withheld unless it is told not to', () => {
  const created = (version: string, body: string) => {
    const headers = { 'content-type': FORM_TYPE, 'stripe-version': version };
    const read = stripe.read(request('POST', '/v1/invoices', body, headers), DOLLARS);
    assert.ok(!isRefusal(read));
    return [read.class, read.quote.kind];
  };
  const withheld = ['withheld', 'unpriced'];
  assert.deepEqual(created('2018-10-31', 'customer=cus_1'), withheld);
  assert.deepEqual(created('2011-01-01', 'customer=cus_1'), withheld);
  assert.deepEqual(created('2018-10-31', 'customer=cus_1&auto_advance=false'), ['free', 'free']);
  assert.deepEqual(created('2018-11-08', 'customer=cus_1'), ['free', 'free']);
  assert.deepEqual(created('2026-10-28.endive', 'customer=cus_1'), ['free', 'free']);
});

test('countering a dispute has a fee that nobody states, keeping its evidence back has none', () => {
  const kinds: [body: string, found: string][] = [
    ['submit=false&evidence[product_description]=x', 'free'],
    ['submit=false&metadata[a]=b', 'free'],
    ['evidence[product_description]=x', 'unpriced'],
    ['submit=true', 'unpriced'],
    ['submit=False', 'unpriced'],
    ['metadata[a]=b', 'unpriced'],
    ['', 'unpriced'],
  ];
  for (const [body, found] of kinds) {
    const read = reading('POST', '/v1/disputes/dp_1', body);
    assert.deepEqual([read.class, read.quote.kind], [found, found], body);
  }
});

test('taking a discount from a customer is withheld, also by an update', () => {
  for (const body of ['coupon=', 'promotion_code=', 'name=a&coupon=']) {
    const read = reading('POST', '/v1/customers/cus_1', body);
    assert.deepEqual([read.class, read.quote.kind], ['withheld', 'unpriced'], body);
  }
  assert.equal(reading('POST', '/v1/customers/cus_1', 'coupon=SAVE10').class, 'free');
});

test('no other spelling of a withheld path slips through', () => {
  const spellings = [
    ...['/V1/Webhook_Endpoints', '/v1/WEBHOOK_ENDPOINTS/we_1', '/v1/webhook%5Fendpoints'],
    ...['/v1/%77ebhook_endpoints', '//v1//webhook_endpoints', '/v1/webhook_endpoints/'],
    ...['/v1%2fwebhook_endpoints', '/OAuth/token', '/V2/Core/accounts'],
  ];
  for (const path of spellings) {
    for (const method of ['GET', 'POST', 'DELETE']) {
      const operation = operationOf(method, path);
      assert.ok(isWithheld(method, path, operation), `${method} ${path}`);
    }
  }
});

test('another spelling of a known path is never free to change things', () => {
  const paths = [
    ...['/V1/customers', '/v1/Customers', '/v1/customers/', '/v1//customers', '/v1/customers%20'],
    ...['/V1/Subscriptions/sub_1', '/v1/payment_intents/pi_1/Cancel', '/v1/spend/all', '/', '/v1'],
    ...['/v1/payment_intents/pi_1/cancel/now', '/subscriptions/x'],
  ];
  for (const path of paths) {
    for (const method of ['POST', 'DELETE']) {
      const read = reading(method, path);
      assert.deepEqual([read.class, read.quote.kind], ['withheld', 'unpriced'], path);
    }
  }
});

test('a withheld operation that a key names has a price to pass only where it is sure', () => {
  const kinds: [method: string, path: string, kind: string, body?: string][] = [
    ['GET', '/v1/webhook_endpoints', 'free'],
    ['POST', '/v1/webhook_endpoints', 'free'],
    ['DELETE', '/v1/webhook_endpoints/we_1', 'free'],
    ['POST', '/v1/treasury/outbound_payments', 'exact', 'amount=500&currency=usd'],
    ['POST', '/v1/treasury/outbound_payments', 'unpriced', 'currency=usd'],
    ['POST', '/v1/treasury/credit_reversals', 'ask', 'received_credit=rc_1'],
    ['POST', '/v1/issuing/cards', 'unpriced'],
    ['POST', '/v1/subscriptions', 'ask', 'customer=cus_1'],
    ['POST', '/v1/subscription_schedules', 'unpriced', 'customer=cus_1'],
    ['POST', '/v1/payment_links', 'unpriced'],
    ['DELETE', '/v1/subscriptions/sub_1', 'free'],
    ['DELETE', '/v1/subscriptions/sub_1?invoice_now=true', 'ask'],
    ['POST', '/v2/money_management/outbound_payments', 'unpriced'],
  ];
  for (const [method, path, kind, body] of kinds) {
    const read = reading(method, path, body);
    assert.deepEqual([read.class, read.quote.kind], ['withheld', kind], `${method} ${path}`);
  }
});
