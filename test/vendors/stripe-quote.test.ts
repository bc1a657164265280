/** What a call is quoted at by its request alone, and what is refused or has no price. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripe } from '../../src/vendors/stripe/stripe.ts';
import { isRefusal, type Quote } from '../../src/vendors/vendor.ts';
import { CENT, DOLLARS, PI, reading, refused, request, USD } from './stripe-requests.ts';

const exact = (cents: bigint): Quote => ({ kind: 'exact', micros: cents * CENT });
const bounded = (cents: bigint): Quote => ({ kind: 'bounded', micros: cents * CENT });
const ofObject = (
  objectId: string,
  minor: bigint | null,
  of: 'amount' | 'refundable' = 'amount',
): Quote => ({ kind: 'object', objectId, of, limit: minor === null ? null : { minor } });
const free: Quote = { kind: 'free' };

test('a request that states its price costs exactly that', () => {
  const table: [path: string, body: string, quote: Quote][] = [
    [PI, USD, exact(2900n)],
    [PI, 'currency=USD&amount=2900', exact(2900n)],
    [PI, `${USD}&capture_method=manual&confirm=true`, exact(2900n)],
    [PI, `${USD}&confirm=false`, exact(2900n)],
    [PI, `${USD}&transfer_data[amount]=9999&application_fee_amount=9999`, exact(2900n)],
    [PI, `${USD}&amount_details[tip][amount]=9999`, exact(2900n)],
    [PI, `${USD}&payment_method_options[card][request_overcapture]=if_available`, exact(2900n)],
    [PI, 'amount=0&currency=usd', exact(0n)],
    [PI, 'amount=999999999999&currency=usd', exact(999_999_999_999n)],
    ['/v1/charges', USD, exact(2900n)],
    ['/v1/payouts', `${USD}&method=instant`, exact(2900n)],
    ['/v1/topups', USD, exact(2900n)],
    ['/v1/transfers', `${USD}&destination=acct_1`, exact(2900n)],
    ['/v1/customers/cus_1/balance_transactions', 'amount=-500&currency=usd', exact(500n)],
    ['/v1/customers/cus_1/balance_transactions', 'amount=500&currency=usd', exact(500n)],
    ['/v1/invoiceitems', USD, exact(2900n)],
    ['/v1/invoiceitems', `${USD}&quantity=1`, exact(2900n)],
    ['/v1/invoiceitems', 'amount=-2900&currency=usd', exact(2900n)],
    ['/v1/invoiceitems', 'unit_amount=250&quantity=4&currency=usd', exact(1000n)],
    ['/v1/invoiceitems', 'unit_amount=250&currency=usd', exact(250n)],
    ['/v1/invoiceitems', 'unit_amount_decimal=1.005&quantity=3&currency=usd', bounded(4n)],
    ['/v1/invoiceitems', 'unit_amount_decimal=-100&quantity=3&currency=usd', bounded(300n)],
    ['/v1/climate/orders', USD, { kind: 'estimated', micros: 2900n * CENT }],
    ['/v1/refunds', 'origin=customer_balance&customer=cus_1&amount=5&currency=usd', exact(5n)],
  ];
  for (const [path, body, quote] of table) {
    const read = reading('POST', path, body);
    assert.deepEqual(read.quote, quote, `${path} ${body}`);
    assert.equal(read.class, 'priced');
  }
});

test('a price that only the object knows is asked of the object, with the stated limit', () => {
  const table: [path: string, body: string, quote: Quote][] = [
    [`${PI}/pi_1/confirm`, '', ofObject('pi_1', null)],
    [`${PI}/pi_1/confirm`, 'amount_to_confirm=500', ofObject('pi_1', 500n)],
    [`${PI}/pi_1/capture`, '', ofObject('pi_1', null)],
    [`${PI}/pi_1/capture`, 'amount_to_capture=500', ofObject('pi_1', 500n)],
    [`${PI}/pi_1/capture`, 'amount_to_capture=500&final_capture=true', ofObject('pi_1', 500n)],
    // Of several parts, the whole is counted until the last.
    [`${PI}/pi_1/capture`, 'amount_to_capture=500&final_capture=false', ofObject('pi_1', null)],
    [`${PI}/pi_1/capture`, 'amount_to_capture=500&final_capture=1', ofObject('pi_1', null)],
    [`${PI}/pi_1/increment_authorization`, 'amount=3500', ofObject('pi_1', 3500n)],
    [`${PI}/pi_1/apply_customer_balance`, 'amount=5&currency=usd', ofObject('pi_1', 5n)],
    [`${PI}/pi_1/verify_microdeposits`, 'amounts[]=32&amounts[]=45', ofObject('pi_1', null)],
    [`${PI}/pi_1`, 'amount=3500', ofObject('pi_1', 3500n)],
    ['/v1/charges/ch_1/capture', '', ofObject('ch_1', null)],
    ['/v1/charges/ch_1/capture', 'amount=500', ofObject('ch_1', 500n)],
    ['/v1/refunds', 'charge=ch_1', ofObject('ch_1', null, 'refundable')],
    ['/v1/refunds', 'payment_intent=pi_1&amount=500', ofObject('pi_1', 500n, 'refundable')],
    ['/v1/transfers/tr_1/reversals', '', ofObject('tr_1', null, 'refundable')],
    ['/v1/transfers/tr_1/reversals', 'amount=500', ofObject('tr_1', 500n, 'refundable')],
    ['/v1/application_fees/fee_1/refunds', '', ofObject('fee_1', null, 'refundable')],
    ['/v1/payouts/po_1/reverse', '', ofObject('po_1', null, 'refundable')],
  ];
  for (const [path, body, quote] of table) {
    const read = reading('POST', path, body);
    assert.deepEqual(read.quote, quote, `${path} ${body}`);
    assert.equal(read.class, 'priced');
    assert.equal(read.objectId, quote.kind === 'object' ? quote.objectId : null);
    assert.ok(read.lookUp, 'what the ledger does not know is asked');
  }
});

test('what moves no money is free', () => {
  const table: [method: string, path: string, body?: string][] = [
    ['GET', PI],
    ['GET', `${PI}/pi_1`],
    ['DELETE', '/v1/coupons/SUMMER'],
    ['POST', '/v1/invoices', 'customer=cus_1'],
    ['POST', '/v1/invoices/in_1', 'metadata[a]=b&description=x&auto_advance=false'],
    ['POST', '/v1/invoices/in_1/pay', 'paid_out_of_band=true'],
    ['POST', '/v1/invoiceitems/ii_1', 'description=x'],
    ['POST', `${PI}/pi_1`, 'metadata[run]=7&description=x'],
    ['POST', `${PI}/pi_1/cancel`],
    ['POST', '/v1/customers', 'email=a%40b.c&cash_balance[settings][reconciliation_mode]=manual'],
    ['POST', '/v1/plans', 'amount=500&currency=usd&interval=month'],
    ['POST', '/v1/setup_intents', 'confirm=true'],
    ['POST', '/v1/refunds/re_1', 'metadata[a]=b'],
  ];
  for (const [method, path, body] of table) {
    const read = reading(method, path, body);
    assert.deepEqual([read.quote, read.class], [free, 'free'], `${method} ${path}`);
  }
});

test('what cannot be known beforehand is unpriced, and says why', () => {
  const table: [path: string, body: string, reason: RegExp][] = [
    [PI, 'currency=usd', /`amount` is missing/],
    [PI, 'amount=2900', /`currency` is missing/],
    [PI, 'amount=2900&currency=eur', /currency eur needs a rate/],
    [PI, 'amount=2900&currency=JPY', /currency jpy needs a rate/],
    [`${PI}/pi_1`, 'currency=eur', /currency eur/],
    [`${PI}/pi_1`, 'amount=5&currency=eur', /currency eur/],
    [`${PI}/pi_1/increment_authorization`, '', /`amount` is missing/],
    [`${PI}/pi_1/apply_customer_balance`, 'currency=eur', /currency eur/],
    ['/v1/refunds', 'amount=500', /`charge` or `payment_intent` is missing/],
    ['/v1/refunds', 'charge=&amount=500', /`charge` or `payment_intent` is missing/],
    ['/v1/refunds', 'charge=ch_1&currency=eur', /currency eur/],
    ['/v1/refunds', 'origin=customer_balance&customer=cus_1&currency=usd', /`amount` is missing/],
    ['/v1/invoiceitems', `${USD}&tax_rates[0]=txr_1`, /`tax_rates`/],
    ['/v1/invoiceitems', `${USD}&quantity=3`, /`quantity`/],
    ['/v1/invoiceitems', 'unit_amount_decimal=1e2&currency=usd', /`unit_amount_decimal`/],
    ['/v1/invoiceitems', `${USD}&price_data[unit_amount]=5`, /`price_data`/],
    ['/v1/invoiceitems', `${USD}&pricing[a_field_of_2027]=5`, /`pricing`/],
    ['/v1/invoiceitems', 'unit_amount=999999999999&quantity=2&currency=usd', /too large/],
    ['/v1/climate/orders', 'metric_tons=2&currency=usd', /`amount` is missing/],
    ['/v1/customers', 'balance=-100000', /`balance`.*balance_transactions/],
    ['/v1/customers/cus_1', 'account_balance=-100000', /`account_balance`/],
    ['/v1/customers', 'plan=gold', /`plan`/],
    ['/v1/customers/cus_1', 'balance[]=-5', /`balance`/],
    ['/v1/checkout/sessions', 'mode=payment', /the customer pays later/],
    ['/v1/tax/calculations', 'currency=usd', /Stripe asks a fee/],
    ['/v1/transfers', 'currency=usd', /`amount` is missing/],
    ['/v1/transfers', 'currency=usd&source_transaction=..%2Fx', /`amount` is missing/],
    ['/v1/credit_notes', 'refund_amount=5', /`invoice` is missing/],
    ['/v1/invoiceitems/ii_1', 'quantity=3', /`quantity` has a price/],
    ['/v1/invoiceitems/ii_1', 'pricing[price]=price_1', /`pricing` has a price/],
    ['/v1/terminal/readers/tmr_1/process_payment_intent', '', /`payment_intent` is missing/],
  ];
  for (const [path, body, reason] of table) {
    const read = reading('POST', path, body);
    assert.equal(read.class, 'unpriced', `${path} ${body}`);
    assert.ok(read.quote.kind === 'unpriced', `${path} ${body}`);
    assert.match(read.quote.reason, reason);
  }
});

test('an amount or currency that two readers could take for two is refused', () => {
  const amounts = [
    ...['', '+100', '-100', '0100', '00', '1e5', '100.0', '1,000', '0x64', '1_000', ' 100', '100 '],
    ...['１００', '١٠٠', '100\n', '100%00', '1000000000000', 'Infinity', 'NaN', 'true'],
  ];
  for (const amount of amounts) {
    const { code, message } = refused(request('POST', PI, `amount=${amount}&currency=usd`));
    assert.equal(code, 'request_ambiguous', JSON.stringify(amount));
    assert.match(message, /`amount` must be a plain whole number.*`amount=2900`/);
  }
  for (const currency of ['', ' usd', 'usd ', 'us', 'usdx', 'usd\n', 'ｕsd', 'u%00d', '840']) {
    const { message } = refused(request('POST', PI, `amount=1&currency=${currency}`));
    assert.match(message, /`currency` must be three letters/, JSON.stringify(currency));
  }
  const others: [path: string, body: string][] = [
    [PI, 'amount[]=100&currency=usd'],
    [PI, 'amount[x]=100&currency=usd'],
    [PI, 'amount=100&currency[]=usd'],
    [PI, `${USD}&amount_to_capture=1`],
    [`${PI}/pi_1`, 'amount[]=99'],
    [`${PI}/pi_1`, 'amount_to_confirm=99'],
    [`${PI}/pi_1/confirm`, 'amount=99'],
    [`${PI}/pi_1/confirm`, 'amount_to_confirm[]=99'],
    [`${PI}/pi_1/capture`, 'amount=99'],
    [`${PI}/pi_1/verify_microdeposits`, 'amount=99'],
    ['/v1/refunds', 'charge=ch_1&payment_intent=pi_1'],
    ['/v1/refunds', 'charge=ch_1&origin=customer_balance'],
    ['/v1/refunds', 'charge[]=ch_1'],
    ['/v1/refunds', `charge=ch_${'1'.repeat(300)}`],
    ['/v1/refunds', 'charge=ch_1&amount=-5'],
    ['/v1/invoiceitems', 'unit_amount=5&quantity[]=50&currency=usd'],
    ['/v1/invoiceitems', `${USD}&unit_amount=5`],
    ['/v1/invoiceitems', `${USD}&unit_amount_decimal=5`],
    ['/v1/invoiceitems', 'unit_amount=5&unit_amount_decimal=5&currency=usd'],
    ['/v1/invoiceitems', `${USD}&price=price_1`],
    ['/v1/invoiceitems', 'price=price_1&pricing[price]=price_2'],
    ['/v1/invoiceitems', 'unit_amount=5&quantity=1.5&currency=usd'],
    ['/v1/customers/cus_1/balance_transactions', 'amount=-0&currency=usd'],
    ['/v1/credit_notes', 'invoice=in_1&refund_amount=-5'],
    ['/v1/credit_notes', 'invoice=in_1&refund_amount[]=5'],
    ['/v1/payouts/po_1/reverse', 'amount[]=5'],
    ['/v1/transfers/tr_1/reversals', 'amount=1.5'],
  ];
  for (const [path, body] of others) {
    assert.equal(refused(request('POST', path, body)).code, 'request_ambiguous', `${path} ${body}`);
  }
});

test('the row gets amount, currency, object and customer as they stand in the request', () => {
  const create = reading('POST', PI, 'amount=2900&currency=EUR&customer=cus_1');
  assert.deepEqual(
    [create.amount, create.currency, create.objectId, create.customer],
    [2900n, 'eur', null, 'cus_1'],
  );
  const credit = reading(
    'POST',
    '/v1/customers/cus_2/balance_transactions',
    'amount=-5&currency=usd',
  );
  assert.deepEqual([credit.amount, credit.objectId, credit.customer], [-5n, 'cus_2', 'cus_2']);
  const refund = reading('POST', '/v1/refunds', 'charge=ch_1');
  assert.deepEqual([refund.amount, refund.currency, refund.objectId], [null, null, 'ch_1']);
  assert.equal(reading('GET', '/v1/charges?customer=cus_3').customer, 'cus_3');
});

test('a key is executed once for every POST of v1, and in v2 for a DELETE too', () => {
  assert.equal(reading('POST', PI).idempotency, 'vendor');
  assert.equal(reading('GET', PI).idempotency, 'none');
  assert.equal(reading('DELETE', '/v1/customers/cus_1').idempotency, 'none');
  assert.equal(reading('POST', '/v2/core/accounts').idempotency, 'vendor');
  assert.equal(reading('DELETE', '/v2/core/accounts/acct_1/persons/p').idempotency, 'vendor');
  assert.equal(reading('POST', '/oauth/token').idempotency, 'none');
});

test('headers that choose whose money it is are shown to the policy', () => {
  const what = request('GET', PI, '', { 'stripe-account': 'acct_1', 'stripe-context': 'ctx' });
  const read = stripe.read(what, DOLLARS);
  assert.ok(!isRefusal(read));
  assert.deepEqual(reading('GET', PI).onBehalfOf, []);
  assert.deepEqual(read.onBehalfOf, [
    { header: 'stripe-account', value: 'acct_1' },
    { header: 'stripe-context', value: 'ctx' },
  ]);
});

test('v2 states its amount as one value and currency in JSON, and in no other way', () => {
  const path = '/v2/money_management/outbound_payments';
  const json = { 'content-type': 'application/json' };
  const send = (body: string) => stripe.read(request('POST', path, body, json), DOLLARS);
  const read = send(
    '{"amount": {"value": 2500, "currency": "usd"}, "to": {"recipient": "acct_7"}}',
  );
  assert.ok(!isRefusal(read));
  assert.deepEqual([read.quote, read.amount, read.currency], [exact(2500n), 2500n, 'usd']);
  assert.deepEqual([read.class, read.idempotency], ['withheld', 'vendor']);
  assert.equal(read.fields.get('to[recipient]'), 'acct_7');
  const unpriced = [
    '{}',
    '{"amount": {"currency": "usd"}}',
    '{"amount": {"value": 2500}}',
    '{"amount": {"value": 2500, "currency": "eur"}}',
    '{"amount": [{"value": 2500, "currency": "usd"}]}',
    '{"amount[value]": 2500, "amount[currency]": "usd"}',
  ];
  for (const body of unpriced) {
    const found = send(body);
    assert.ok(!isRefusal(found) && found.quote.kind === 'unpriced', body);
  }
  const refusedBodies = [
    '{"amount": {"value": 2500, "value": 1, "currency": "usd"}}',
    '{"amount": {"value": 1, "Value": 2500, "currency": "usd"}}',
    '{"amount": {"value": 25e2, "currency": "usd"}}',
    '{"amount": {"value": 2500.5, "currency": "usd"}}',
    '{"amount": {"value": -2500, "currency": "usd"}}',
    '{"amount": {"value": 2500, "currency": "usd "}}',
    '{"amount": {"value": 2500, "currency": "usd"}} ,',
    '[{"amount": 1}',
    'amount[value]=2500&amount[currency]=usd',
  ];
  for (const body of refusedBodies) {
    const found = send(body);
    assert.ok(isRefusal(found), body);
    assert.equal(found.code, 'request_ambiguous', body);
  }
});
