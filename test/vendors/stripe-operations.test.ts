import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FREE_OPERATIONS } from '../../src/vendors/stripe/free.ts';
import { operationOf } from '../../src/vendors/stripe/operations.ts';
import { priceOf } from '../../src/vendors/stripe/prices.ts';
import { isWithheld } from '../../src/vendors/stripe/reach.ts';
import { data, reading, withoutData } from './stripe-requests.ts';

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
    withheld: 0,
    free: 0,
    priced: 0,
    unpriced: 0,
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
    ['GET', '/v3/customers'],
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

test('what leaks secrets, moves control or commits to later bills is withheld', () => {
  const withheld: [method: string, path: string][] = [
    ['POST', '/v1/webhook_endpoints'],
    ['GET', '/v1/webhook_endpoints/we_1'],
    ['DELETE', '/v1/webhook_endpoints/we_1'],
    ['POST', '/v1/ephemeral_keys'],
    ['GET', '/v1/apps/secrets/find'],
    ['POST', '/v1/forwarding/requests'],
    ['GET', '/v1/accounts'],
    ['POST', '/v1/accounts/acct_1/external_accounts'],
    ['POST', '/v1/account_links'],
    ['POST', '/v1/account_sessions'],
    ['POST', '/v1/tokens'],
    ['POST', '/v1/balance_settings'],
    ['GET', '/v1/issuing/cards/ic_1'],
    ['POST', '/v1/treasury/outbound_payments'],
    ['POST', '/v1/test_helpers/test_clocks'],
    ['POST', '/oauth/token'],
    ['POST', '/v2/core/event_destinations'],
    ['GET', '/v2/money_management/transactions'],
    ['POST', '/v1/subscriptions'],
    ['DELETE', '/v1/subscriptions/sub_1'],
    ['POST', '/v1/subscription_items/si_1'],
    ['POST', '/v1/subscription_schedules/sub_sched_1/release'],
    ['POST', '/v1/quotes/qt_1/accept'],
    ['DELETE', '/v1/customers/cus_1/subscriptions/sub_1'],
    ['DELETE', '/v1/account'],
  ];
  for (const [method, path] of withheld) {
    assert.equal(reading(method, path).class, 'withheld', `${method} ${path}`);
  }
  for (const path of ['/v1/subscriptions', '/v1/subscriptions/sub_1', '/v1/quotes/qt_1']) {
    assert.equal(reading('GET', path).class, 'free', `${path} is only read`);
  }
  assert.equal(reading('GET', '/v1/account').class, 'free', 'no prefix of /v1/accounts');
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

test('another spelling of a known path, or an unknown one, is never free to change things', () => {
  const paths = [
    ...['/V1/customers', '/v1/Customers', '/v1/customers/', '/v1//customers', '/v1/customers%20'],
    ...['/V1/Subscriptions/sub_1', '/v1/payment_intents/pi_1/Cancel', '/v1/spend/all', '/', '/v1'],
    ...['/v1/payment_intents/pi_1/cancel/now', '/v1/invoices/in_1/pay', '/v1/credit_notes'],
  ];
  for (const path of paths) {
    const read = reading('POST', path);
    assert.equal(read.class, 'unpriced', path);
    assert.equal(read.quote.kind, 'unpriced', path);
  }
  for (const path of ['/V1/Subscriptions/sub_1', '/v1/Subscriptions/sub_1', '/subscriptions/x']) {
    assert.equal(reading('DELETE', path).quote.kind, 'unpriced', path);
  }
});

test('a withheld operation that a key names has a price to pass only where it is sure', () => {
  const kinds: [method: string, path: string, kind: string, body?: string][] = [
    ['GET', '/v1/webhook_endpoints', 'free'],
    ['POST', '/v1/webhook_endpoints', 'free'],
    ['DELETE', '/v1/webhook_endpoints/we_1', 'free'],
    ['POST', '/v1/treasury/outbound_payments', 'exact', 'amount=500&currency=usd'],
    ['POST', '/v1/treasury/outbound_payments', 'unpriced', 'currency=usd'],
    ['POST', '/v1/issuing/cards', 'unpriced'],
    ['POST', '/v1/subscriptions', 'unpriced', 'customer=cus_1'],
    ['DELETE', '/v1/subscriptions/sub_1', 'unpriced'],
    ['POST', '/v2/money_management/outbound_payments', 'unpriced'],
  ];
  for (const [method, path, kind, body] of kinds) {
    assert.equal(reading(method, path, body).quote.kind, kind, `${method} ${path}`);
  }
});
