/** What a call to a described vendor costs before it is sent, and what has two readings. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isRefusal } from '../../src/vendors/vendor.ts';
import {
  type Ask,
  changed,
  PRINTSHOP,
  quoteOf,
  read,
  request,
  shipped,
  TARIFF,
  vendorOf,
  withPrices,
} from './declared.ts';

const letter = (fields: object = {}) => ({ body: { pages: 1, recipients: ['a'], ...fields } });
const voucher = (amount: unknown, currency: unknown) => ({ body: { value: { amount, currency } } });

/** What the example says, and what it does not say. */
const QUOTES: readonly [path: string, ask: Ask, quote: string | RegExp][] = [
  // Pages and stamps, added up; one stamp at least.
  ['/v1/letters', letter(), 'exact 890000'],
  ['/v1/letters', letter({ pages: 12, recipients: ['a', 'b', 'c'] }), 'exact 3030000'],
  ['/v1/letters', letter({ pages: '12' }), 'exact 1330000'],
  ['/v1/letters', letter({ recipients: [] }), 'exact 890000'],
  ['/v1/letters', letter({ recipients: null }), 'exact 890000'],
  ['/v1/letters', { body: { pages: 0 } }, 'exact 850000'],
  ['/v1/letters', { body: {} }, /^unpriced .*`pages` is missing/],
  ['/v1/letters', {}, /^unpriced .*`pages` is missing/],
  ['/v1/letters', letter({ courier: 'express' }), /^unpriced .*`courier` adds what is not counted/],
  ['/v1/letters', letter({ courier: null }), 'exact 890000'],
  // An amount by ISO 4217's minor units, in any currency that has a rate.
  ['/v1/vouchers', voucher(2900, 'usd'), 'exact 29000000'],
  ['/v1/vouchers', voucher(2900, 'EUR'), 'exact 31900000'],
  ['/v1/vouchers', voucher(2900, 'jpy'), 'exact 20300000'],
  ['/v1/vouchers', voucher(2900, 'gbp'), /^unpriced .*gbp needs a rate, and its rate is of/],
  ['/v1/vouchers', voucher(2900, 'chf'), /^unpriced .*chf needs a rate, and none is configured/],
  ['/v1/vouchers', voucher(undefined, 'usd'), /^unpriced .*`value\.amount` is missing/],
  ['/v1/vouchers', voucher(2900, undefined), /^unpriced .*`value\.currency` is missing/],
  // Every copy of every order.
  ['/v1/orders/batch', { body: { orders: [{ copies: [1, 2] }, { copies: [3] }] } }, 'exact 120000'],
  ['/v1/orders/batch', { body: { orders: [{}, { copies: [] }] } }, 'exact 0'],
  ['/v1/parcels', { body: {} }, 'bounded 30000000'],
  // A read that costs takes its fields from the query: a thousand for $0.50, rounded up.
  ['/v1/proofs/pr_1', { method: 'GET' }, 'estimated 500'],
  ['/v1/proofs/pr_1', { method: 'GET', query: 'sheets=2501' }, 'estimated 1250500'],
  ['/v1/letters/l_1', { method: 'GET', query: 'sheets=x&tag=a&tag=b' }, 'free'],
  ['/v1/subscriptions', { body: {} }, /^unpriced .*nothing in the request tells it/],
  ['/v1/nothing', { body: {} }, /^unpriced .*POST \/v1\/nothing is not in the description/],
  ['/v1/letters', { method: 'GET' }, /^unpriced .*GET \/v1\/letters is not in the description/],
  ['/v1/letters', { method: 'HEAD' }, /^unpriced/],
];

for (const [path, ask, quote] of QUOTES) {
  const { method = 'POST', query = '', body } = ask;
  const line = `${method} ${path}${query && `?${query}`} ${JSON.stringify(body) ?? ''}`.trim();
  test(`${line} is quoted ${quote}`, () => {
    const got = quoteOf(PRINTSHOP, path, ask);
    if (typeof quote === 'string') assert.equal(got, quote);
    else assert.match(got, quote);
  });
}

test('a list that a file counts as one value has no price, for it may have a thousand', () => {
  const vendor = vendorOf(changed("count: 'recipients[*]'", "count: 'recipients'"));
  const says = /^unpriced .*`recipients` is a list: .* `recipients\[\*\]`/;
  assert.match(quoteOf(vendor, '/v1/letters', letter({ recipients: ['a', 'b'] })), says);
  assert.equal(quoteOf(vendor, '/v1/letters', letter({ recipients: 'a' })), 'exact 890000');
});

test('a form’s list is `to[*]`, also when it is given once; a name may have a colon in it', () => {
  const form = changed('body: json', 'body: form')
    .replace('lists: [tag]', 'lists: [tag, recipients]')
    .replace('unless: courier', "unless: 'h:Bcc'");
  const vendor = vendorOf(form);
  const ask = (body: string) => ({
    body,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  for (const [body, quote] of [
    ['pages=1&recipients=a', /^exact 890000$/],
    ['pages=1&recipients=a&recipients=b', /^exact 1740000$/],
    ['pages=1&recipients=a&h:Bcc=b', /^unpriced .*`h:Bcc` adds what is not counted/],
    ['pages=1&recipients=a&h%3Abcc=b', /^request_ambiguous/],
  ] as const) {
    assert.match(quoteOf(vendor, '/v1/letters', ask(body)), quote, body);
  }
});

/** What two programs could read as two amounts is refused, with the plain way to write it. */
const AMBIGUOUS: readonly [path: string, ask: Ask, says: RegExp][] = [
  ['/v1/letters', { body: '{"pages":1,"pages":900}' }, /a name is given twice/],
  ['/v1/letters', { body: '{"pages":1,"Pages":900}' }, /differ only in case/],
  ['/v1/letters', { body: '{"Pages":900}' }, /the field is `pages`, in these letters/],
  ['/v1/letters', { body: '{"PAGE\u017f":900,"pages":1}' }, /differ only in case/],
  ['/v1/letters', letter({ pages: 1.5 }), /plain whole number/],
  ['/v1/letters', { body: '{"pages":1e3}' }, /plain whole number/],
  ['/v1/letters', { body: '{"pages":1.0}' }, /plain whole number/],
  ['/v1/letters', letter({ pages: -1 }), /plain whole number/],
  ['/v1/letters', letter({ pages: '+1' }), /plain whole number/],
  ['/v1/letters', letter({ pages: '01' }), /plain whole number/],
  ['/v1/letters', letter({ pages: ' 1' }), /plain whole number/],
  ['/v1/letters', letter({ pages: '１' }), /plain whole number/],
  ['/v1/letters', letter({ pages: true }), /plain whole number/],
  ['/v1/letters', letter({ pages: [1] }), /plain whole number/],
  ['/v1/letters', letter({ pages: { of: 1 } }), /plain whole number/],
  ['/v1/letters', letter({ pages: 9_999_999_999_999 }), /plain whole number/],
  ['/v1/letters', letter({ recipients: 'a,b,c' }), /a list was expected/],
  ['/v1/letters', letter({ recipients: { 0: 'a', 1: 'b' } }), /a list was expected/],
  ['/v1/letters', { body: [{ pages: 1 }] }, /an object was expected/],
  ['/v1/letters', { body: '{"pages":1,"courier":"x"', query: '' }, /not plain JSON/],
  ['/v1/letters', { ...letter(), query: 'pages=900' }, /leave the query out/],
  ['/v1/letters', { ...letter(), headers: { 'content-type': 'text/plain' } }, /must be JSON/],
  ['/v1/letters', { ...letter(), headers: { 'content-encoding': 'gzip' } }, /compressed/],
  ['/v1/vouchers', voucher(29.5, 'usd'), /whole number of minor units/],
  ['/v1/vouchers', voucher(-2900, 'usd'), /whole number of minor units/],
  ['/v1/vouchers', voucher(2900, 'dollars'), /three letters/],
  ['/v1/vouchers', voucher(2900, ['usd']), /three letters/],
  ['/v1/proofs/pr_1', { method: 'GET', query: 'sheets=1&sheets=900' }, /given twice/],
  ['/v1/proofs/pr_1', { method: 'GET', query: 'sheets=1&SHEETS=900' }, /differ only in case/],
  ['/v1/proofs/pr_1', { method: 'GET', query: 'Sheets=900' }, /in these letters/],
  ['/v1/proofs/pr_1', { method: 'GET', query: 'sheets[0]=900' }, /plain whole number/],
  ['/v1/proofs/pr_1', { method: 'GET', query: '_method=POST' }, /is not a field name/],
  ['/v1/proofs/pr_1', { method: 'GET', body: '{"sheets":900}' }, /has no body/],
];

for (const [path, ask, says] of AMBIGUOUS) {
  const { method = 'POST', query = '', body } = ask;
  test(`${method} ${path} ${query} ${JSON.stringify(body) ?? ''} has two readings and is refused`, () => {
    const got = quoteOf(PRINTSHOP, path, ask);
    assert.match(got, /^request_ambiguous: /);
    assert.match(got, says);
  });
}

test('a row gets the operation, the object, the customer and the amount', () => {
  const made = read(
    PRINTSHOP,
    '/v1/letters',
    letter({ shop: { customer: 'cus_1' }, reference: 'r' }),
  );
  assert.deepEqual(
    [made.operation, made.class, made.customer, made.objectId, made.idempotency],
    ['letters.create', 'priced', 'cus_1', null, 'vendor'],
  );
  assert.match(made.clue!, /^r #[0-9a-f]{16}$/);
  assert.equal(made.fields.get('shop[customer]'), 'cus_1');
  const sold = read(PRINTSHOP, '/v1/vouchers', voucher(2900, 'EUR'));
  assert.deepEqual([sold.amount, sold.currency, sold.rate?.date], [2900n, 'eur', '2026-11-23']);
  const seen = read(PRINTSHOP, '/v1/letters/l_1', { method: 'GET', query: 'tag=a&tag=b' });
  assert.deepEqual([seen.objectId, seen.idempotency, seen.class], ['l_1', 'none', 'free']);
  assert.deepEqual(
    [...seen.fields],
    [
      ['tag[0]', 'a'],
      ['tag[1]', 'b'],
    ],
  );
});

test('who executes a repeated key once: the vendor where its header is heard, else the proxy alone', () => {
  const idempotencyOf = (path: string, ask: Ask) => read(PRINTSHOP, path, ask).idempotency;
  assert.equal(idempotencyOf('/v1/letters', letter()), 'vendor');
  assert.equal(idempotencyOf('/v1/proofs/pr_1', { method: 'GET' }), 'proxy');
  assert.equal(idempotencyOf('/v1/subscriptions', { body: {} }), 'proxy');
  assert.equal(
    read(shipped('postmark'), '/email', { body: { To: 'a@b.example' } }).idempotency,
    'proxy',
  );
});

test('classes: what a path that is not described is, and what leaks', () => {
  const classOf = (path: string, ask: Ask = { body: {} }) => read(PRINTSHOP, path, ask).class;
  assert.equal(classOf('/v1/nothing'), 'withheld');
  assert.equal(classOf('/v1/keys/k_1'), 'withheld');
  assert.equal(classOf('/v1/keys/k_1/roll', { method: 'DELETE' }), 'withheld');
  assert.equal(classOf('/v1/letters', { body: {} }), 'unpriced');
  const open = vendorOf(changed('unlisted: withheld\n', ''));
  assert.equal(read(open, '/v1/nothing', { body: {} }).class, 'unpriced');
});

test('a path is matched whole and in its letters', () => {
  for (const path of [
    '/v1/letters/',
    '/V1/letters',
    '/v1/letters/l_1/x',
    '/v1/letter',
    '/x/v1/letters',
  ]) {
    assert.match(quoteOf(PRINTSHOP, path, letter()), /is not in the description/, path);
  }
});

test('the account’s own prices go before those of the file', () => {
  const tariff = withPrices({ stamp: 1_000_000n, page: 0n });
  assert.equal(quoteOf(PRINTSHOP, '/v1/letters', letter(), tariff), 'exact 1000000');
});

test('a credential of the client’s own and a refused header are refused, whatever is in them', () => {
  for (const [headers, says] of [
    [{ 'x-print-key': 'ps_real12345' }, /x-print-key has a credential that is no vault key/],
    [{ 'x-print-admin': 'x' }, /x-print-admin is not taken beside/],
    [{ 'x-print-request': 'a', 'idempotency-key': 'b' }, /differ; send one/],
  ] as const) {
    const got = quoteOf(PRINTSHOP, '/v1/letters', { ...letter(), headers });
    assert.match(got, /^request_ambiguous: /);
    assert.match(got, says);
    assert.doesNotMatch(got, /ps_real/);
  }
  const same = { 'x-print-request': 'a', 'idempotency-key': 'a' };
  assert.equal(quoteOf(PRINTSHOP, '/v1/letters', { ...letter(), headers: same }), 'exact 890000');
  const { onBehalfOf } = read(PRINTSHOP, '/v1/letters', {
    ...letter(),
    headers: { 'x-print-customer': 'acme' },
  });
  assert.deepEqual(onBehalfOf, [{ header: 'x-print-customer', value: 'acme' }]);
});

test('a form’s fields are found by the same paths', () => {
  const form = vendorOf(changed('body: json', 'body: form'));
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const quote = (body: string) => quoteOf(form, '/v1/letters', { headers, body });
  assert.equal(quote('pages=12&recipients[]=a&recipients[]=b'), 'exact 2180000');
  assert.equal(quote('pages=12&recipients[0]=a&recipients[1]=b'), 'exact 2180000');
  assert.equal(quote('pages=12'), 'exact 1330000');
  assert.match(quote('pages=12&recipients=a'), /a list was expected/);
  assert.match(quote('pages=12&recipients[0]=a&recipients[2]=b'), /a list was expected/);
  assert.match(quote('pages=1&pages=12'), /given twice/);
  assert.match(quote('pages=1&Pages=12'), /differ only in case/);
  assert.match(quote('{"pages":1}'), /^request_ambiguous/);
});

test('two spellings of one request are one text', () => {
  const canonical = (body: string) => read(PRINTSHOP, '/v1/letters', { body }).canonicalBody;
  assert.equal(
    canonical('{"recipients":["\\u0061"],"pages":1}'),
    canonical('{ "pages": 1, "recipients": [ "a" ] }'),
  );
  assert.notEqual(canonical('{"pages":1}'), canonical('{"pages":2}'));
});

const json = fc.jsonValue({ maxDepth: 4 });

test('no request makes the reading of it fail; it is refused, or priced at no less than it counts', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('/v1/letters', '/v1/vouchers', '/v1/orders/batch', '/v1/parcels', '/x'),
      fc.oneof(
        json.map((value) => JSON.stringify(value)),
        fc.string({ unit: 'binary' }),
        fc
          .record({ pages: json, recipients: json, value: json, orders: json })
          .map((value) => JSON.stringify(value)),
      ),
      fc.string({ unit: 'binary', maxLength: 20 }),
      (path, body, query) => {
        const reading = PRINTSHOP.read(request(path, { body, query }), TARIFF);
        if (isRefusal(reading)) assert.equal(reading.code, 'request_ambiguous');
        else if ('micros' in reading.quote) assert.ok(reading.quote.micros >= 0n);
      },
    ),
    { seed: 3 },
  );
});

test('whatever else stands in a body, the fields that cost are counted whole', () => {
  const others = fc.dictionary(
    fc.string().filter((name) => !/^(pages|recipients|courier|__proto__|)$/i.test(name.trim())),
    json,
    { maxKeys: 5 },
  );
  fc.assert(
    fc.property(
      fc.nat(500),
      fc.array(json.filter((value) => value !== null)),
      others,
      (pages, recipients, more) => {
        const body = JSON.stringify({ ...more, pages, recipients });
        const got = quoteOf(PRINTSHOP, '/v1/letters', { body });
        const stamps = BigInt(Math.max(1, recipients.length));
        const expected = `exact ${BigInt(pages) * 40_000n + stamps * 850_000n}`;
        // A name of the other fields may have two readings of its own, and a list be more than one.
        const listed = recipients.some(Array.isArray) && /^unpriced .* is a list/.test(got);
        assert.ok(got === expected || listed || got.startsWith('request_ambiguous'), got);
        assert.ok(got !== expected || !recipients.some(Array.isArray), got);
      },
    ),
    { seed: 5 },
  );
});
