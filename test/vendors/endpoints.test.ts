import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkEndpointPattern,
  compileEndpoints,
  type EndpointCall,
  endpointCovers,
  keyPrice,
  matchesEndpoint,
} from '../../src/vendors/endpoints.ts';

function call(method: string, path: string, operation: string | null = null): EndpointCall {
  return { method, path, operation };
}

const CREATE = call('POST', '/v1/payment_intents', 'payment_intents.create');
const LIST = call('GET', '/v1/payment_intents', 'payment_intents.list');
const CAPTURE = call('POST', '/v1/payment_intents/pi_1/capture', 'payment_intents.capture');
const LINES = call('GET', '/v1/invoices/in_1/lines', 'invoices.lines.list');

test('each form covers what it says and nothing else', () => {
  const table: [pattern: string, covered: EndpointCall[], not: EndpointCall[]][] = [
    ['POST /v1/payment_intents', [CREATE], [LIST, CAPTURE]],
    ['/v1/payment_intents', [CREATE, LIST], [CAPTURE]],
    ['payment_intents.create', [CREATE], [LIST, CAPTURE]],
    ['payment_intents.*', [CREATE, LIST, CAPTURE], [LINES]],
    ['invoices.*', [LINES], [CREATE]],
    ['invoices.lines.*', [LINES], [call('GET', '/v1/invoices/in_1', 'invoices.retrieve')]],
    ['POST /v1/payment_intents/{id}/capture', [CAPTURE], [CREATE, LIST]],
    ['POST /v1/payment_intents/*/capture', [CAPTURE], [CREATE, LIST]],
    ['/v1/*/{id}/lines', [LINES], [CAPTURE]],
    ['POST /v1/payment_intents/**', [CAPTURE], [CREATE, LIST]],
    ['/v1/**', [CREATE, LIST, CAPTURE, LINES], [call('GET', '/v2/core/events')]],
  ];
  for (const [pattern, covered, not] of table) {
    assert.equal(checkEndpointPattern(pattern), null, pattern);
    for (const each of covered)
      assert.ok(matchesEndpoint(pattern, each), `${pattern} ${each.path}`);
    for (const each of not) assert.ok(!matchesEndpoint(pattern, each), `${pattern} ${each.path}`);
  }
});

test('an entry is never the beginning of what it covers', () => {
  const pairs: [pattern: string, beyond: EndpointCall][] = [
    ['POST /v1/charges', call('POST', '/v1/charges/ch_1/capture', 'charges.capture')],
    ['/v1/charges', call('POST', '/v1/charges_and_more')],
    ['/v1/charges/{id}', call('POST', '/v1/charges/ch_1/capture')],
    ['/v1/charges/*', call('POST', '/v1/charges')],
    ['/v1/charges/**', call('POST', '/v1/charges_more/x')],
    ['GET /v1/charges', call('POST', '/v1/charges')],
    ['charges.create', call('POST', '/v1/x', 'charges.create_all')],
    ['charges.*', call('POST', '/v1/x', 'charges_more.create')],
    ['charges.*', call('POST', '/v1/x', 'charges')],
    [
      'POST /2010-04-01/Accounts/*/Messages.json',
      call('POST', '/2010-04-01/Accounts/A/MessagesXjson'),
    ],
    ['/v1/charges', call('GET', '/x/v1/charges')],
    ['/v1/charges', call('GET', '/V1/charges')],
  ];
  for (const [pattern, beyond] of pairs) {
    assert.equal(checkEndpointPattern(pattern), null, pattern);
    assert.ok(
      !matchesEndpoint(pattern, beyond),
      `${pattern} covers ${beyond.method} ${beyond.path}`,
    );
  }
});

test('`**` stands for one segment or more, so a collection is named on its own', () => {
  const within = '/v1/charges/**';
  assert.ok(!matchesEndpoint(within, call('POST', '/v1/charges')));
  assert.ok(matchesEndpoint(within, call('POST', '/v1/charges/ch_1')));
  assert.ok(matchesEndpoint(within, call('POST', '/v1/charges/ch_1/capture')));
});

test('an entry with no sure meaning is refused with what is wrong, and covers nothing', () => {
  const table: [pattern: string, complaint: RegExp][] = [
    ['', /empty/],
    [' /v1/charges', /blank/],
    ['post /v1/charges', /method/],
    ['POST  /v1/charges', /begins with `\/`/],
    ['POST v1/charges', /begins with `\/`/],
    ['POST', /METHOD \/path/],
    ['*', /METHOD \/path/],
    ['charges', /METHOD \/path/],
    ['paymentIntents.create', /lower case/],
    ['payment_intents.cre*', /lower case/],
    ['.*', /lower case/],
    ['/', /empty segment/],
    ['/**', /at least one segment/],
    ['/*/{x}', /name what it allows/],
    ['/v1/charges/', /empty segment/],
    ['/v1//charges', /empty segment/],
    ['/v1/../charges', /dot segment/],
    ['/v1/**/capture', /only at the end/],
    ['/v1/char*', /whole segment/],
    ['/v1/{id', /whole segment/],
    ['/v1/charges?limit=1', /plain path/],
    ['/v1/%63harges', /plain path/],
    ['/v1/(a+)+', /plain path/],
    [`/v1/${'a'.repeat(500)}`, /longer/],
  ];
  for (const [pattern, complaint] of table) {
    assert.match(checkEndpointPattern(pattern) ?? 'nothing', complaint, JSON.stringify(pattern));
    assert.ok(!matchesEndpoint(pattern, CREATE), JSON.stringify(pattern));
  }
});

test('one compiled test answers for all entries together', () => {
  const allowed = compileEndpoints(['charges.create', '/v1/refunds', 'GET /v1/payouts/{id}']);
  assert.ok(allowed(call('POST', '/v1/charges', 'charges.create')));
  assert.ok(allowed(call('DELETE', '/v1/refunds')));
  assert.ok(allowed(call('GET', '/v1/payouts/po_1')));
  assert.ok(!allowed(call('POST', '/v1/payouts/po_1')));
  assert.ok(!compileEndpoints([])(CREATE), 'no entries allow nothing');
});

test('one pattern covers another when it takes every call that the other does', () => {
  for (const [wide, narrow, covers] of [
    ['POST /v1/x', 'POST /v1/x', true],
    ['/v1/x', 'POST /v1/x', true],
    ['POST /v1/x', '/v1/x', false],
    ['POST /v1/x', 'GET /v1/x', false],
    ['POST /v1/{id}', 'POST /v1/x', true],
    ['POST /v1/*', 'POST /v1/{id}', true],
    ['POST /v1/x', 'POST /v1/{id}', false],
    ['/v1/**', 'POST /v1/x/y', true],
    ['/v1/**', '/v1/{id}', true],
    ['/v1/**', '/v1/**', true],
    ['/v1/**', '/v1/x/**', true],
    ['/v1/x/**', '/v1/**', false],
    ['/v1/**', '/v1', false],
    ['/v1/{id}', '/v1/**', false],
    ['/v1/x', '/v1/x/y', false],
    ['/v1/x/y', '/v1/x', false],
    ['x.create', 'x.create', true],
    ['x.create', 'POST /v1/x', false],
  ] as const) {
    assert.equal(endpointCovers(wide, narrow), covers, `${wide} covers ${narrow}`);
  }
});

test('of several prices of a key that cover a call the dearest counts, in whatever order', () => {
  const call = { method: 'POST', path: '/v1/quotes/qt_1/accept', operation: 'quotes.accept' };
  const entries: [string, bigint][] = [
    ['quotes.*', 2n],
    ['POST /v1/quotes/{id}/accept', 5n],
    ['/v1/quotes/**', 3n],
    ['quotes.cancel', 9n],
  ];
  assert.equal(keyPrice(Object.fromEntries(entries), call), 5n);
  assert.equal(keyPrice(Object.fromEntries(entries.toReversed()), call), 5n);
  assert.equal(keyPrice({ 'quotes.cancel': 9n }, call), null);
  assert.equal(keyPrice({ 'quotes.accept': 0n }, call), 0n, 'a price of nothing is a price');
});
