import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { stripe } from '../../src/vendors/stripe/stripe.ts';
import { isRefusal } from '../../src/vendors/vendor.ts';
import { DOLLARS, reading, refused, request } from './stripe-requests.ts';

const CREATE = '/v1/payment_intents';

test('what the SDKs send is read field by field', () => {
  const { fields } = reading(
    'POST',
    CREATE,
    'amount=2900&currency=usd&metadata[order id]=a+b%20c&payment_method_types[0]=card' +
      '&expand%5B%5D=customer&expand%5B%5D=latest_charge&off_session=true&description=&metadata[b%3Dc]=d=e',
  );
  assert.deepEqual(Object.fromEntries(fields), {
    amount: '2900',
    currency: 'usd',
    'metadata[order id]': 'a b c',
    'payment_method_types[0]': 'card',
    'expand[0]': 'customer',
    'expand[1]': 'latest_charge',
    off_session: 'true',
    description: '',
    'metadata[b=c]': 'd=e',
  });
});

test('a body with two readings is refused, and the message names the field', () => {
  const table: [body: string | Uint8Array, says: RegExp][] = [
    ['amount=100&amount=999900', /"amount" is given twice/],
    ['amount=100&%61mount=999900', /"amount" is given twice/],
    ['amount=100&amount%5B%5D=999900', /"amount\[\]" makes one field/],
    ['amount[]=100&amount=999900', /"amount" makes one field/],
    ['amount=100&amount[x]=999900', /"amount\[x\]" makes one field/],
    ['metadata[a]=1&metadata[a]=2', /"metadata\[a\]" is given twice/],
    ['metadata[a]=1&metadata%5ba%5D=2', /"metadata\[a\]" is given twice/],
    ['metadata[a]=1&metadata[a][b]=2', /makes one field/],
    ['items[0][price]=a&items[][price]=b', /makes one field/],
    ['items[][price]=a&items[][price]=b', /given twice/],
    ['expand[]=a&expand[0]=b', /makes one field/],
    ['amount=100;amount=999900', /%3B/],
    ['amount', /"amount" has no `=`/],
    ['=100', /"" is not a field name/],
    ['metadata[a=b]=c', /"metadata\[a" is not a field name/],
    ['[amount]=100', /"\[amount\]" is not a field name/],
    ['amount]=100', /"amount\]" is not/],
    ['amount[=100', /"amount\[" is not/],
    ['amount[a]b=100', /"amount\[a\]b" is not/],
    ['amount[[a]]=100', /is not a field name/],
    ['+amount=100', /" amount" is not/],
    ['amount+=100', /"amount " is not/],
    ['%EF%BB%BFamount=100', /is not a field name/],
    [Buffer.from('\ufeffamount=100'), /is not a field name/],
    ['Amount=100', /"Amount" is not .* lower case/],
    ['amount%00=100', /"amount\\u0000" is not/],
    ['metadata[a%00]=1', /is not a field name/],
    ['metadata[a%0A]=1', /is not a field name/],
    ['%EF%BD%81mount=1', /is not a field name/],
    ['_method=DELETE', /"_method" is not/],
    ['_stripe_account=acct_1', /"_stripe_account" is not/],
    ['key=sk_test_other', /`key` is a credential/],
    ['amount=%', /the value of "amount" is not percent-encoded UTF-8/],
    ['amount=%zz', /the value of "amount"/],
    ['amount=%C0%AF', /the value of "amount"/],
    ['a%E2=1', /is not percent-encoded UTF-8/],
    [Buffer.from([0x61, 0x3d, 0xff]), /body is not UTF-8/],
    ['a=1&&b=2', /`&` without a field/],
    ['a=1&', /`&` without a field/],
    [`a${'[x]'.repeat(17)}=1`, /nested deeper than 16/],
    [Array.from({ length: 1001 }, (_, i) => `a${i}=`).join('&'), /more than 1000 fields/],
    ['{"amount":100}', /has no `=`/],
  ];
  for (const [body, says] of table) {
    const { code, message } = refused(request('POST', CREATE, body));
    assert.equal(code, 'request_ambiguous');
    assert.match(message, says, String(body).slice(0, 80));
  }
});

test('a long name is not repeated in the message: it may hold what nobody should read', () => {
  const secret = `vault_key_${'0'.repeat(38)}`;
  assert.ok(!refused(request('POST', CREATE, `${secret}`)).message.includes(secret.slice(0, 20)));
  assert.ok(!refused(request('POST', CREATE, `${secret}!=1`)).message.includes('vault'));
});

test('a body comes as a plain form, or not at all', () => {
  const type = 'application/x-www-form-urlencoded';
  const send = (headers: Record<string, string>, body = 'amount=1') =>
    stripe.read(request('POST', CREATE, body, headers), DOLLARS);
  for (const good of [
    type,
    `${type}; charset=utf-8`,
    `${type};charset="UTF-8"`,
    type.toUpperCase(),
  ]) {
    assert.ok(!isRefusal(send({ 'content-type': good })), good);
  }
  assert.ok(!isRefusal(send({}, '')), 'no body needs no type');
  const bad: Record<string, string>[] = [
    {},
    { 'content-type': 'application/json' },
    { 'content-type': 'multipart/form-data; boundary=x' },
    { 'content-type': `${type}; charset=utf-16` },
    { 'content-type': `${type}, application/json` },
    { 'content-type': type, 'content-encoding': 'gzip' },
    { 'content-type': type, 'x-http-method-override': 'DELETE' },
    { 'content-type': type, 'x-http-method': 'GET' },
    { 'content-type': type, 'x-method-override': 'GET' },
  ];
  for (const headers of bad) {
    const result = send(headers);
    assert.ok(isRefusal(result) && result.code === 'request_ambiguous', JSON.stringify(headers));
  }
});

test('a POST has its fields in the body, a GET and a DELETE in the query', () => {
  reading(
    'POST',
    `${CREATE}?expand[]=customer&expand%5B%5D=latest_charge`,
    'amount=1&currency=usd',
  );
  reading('GET', `${CREATE}?limit=3&created[gte]=1&expand[]=data.customer`);
  reading('DELETE', '/v1/customers/cus_1?expand[]=x');
  reading('DELETE', '/v1/customers/cus_1', 'a=1');
  const two = [
    request('POST', `${CREATE}?amount=1`, 'currency=usd'),
    request('POST', `${CREATE}?amount=1`, 'amount=1&currency=usd'),
    request('POST', `${CREATE}?expand=a`, 'amount=1&currency=usd'),
    request('GET', `${CREATE}?limit=3&limit=4`),
    request('GET', CREATE, 'limit=3'),
    request('DELETE', '/v1/customers/cus_1?a=1', 'b=1'),
    ...['PUT', 'PATCH', 'HEAD', 'OPTIONS', 'post'].map((method) => request(method, CREATE)),
  ];
  for (const each of two) assert.equal(refused(each).code, 'request_ambiguous', each.method);
});

// ---------------------------------------------------------------- properties

/** Bytes near to forms: pieces that parsers have disagreed about, glued together at random. */
const pieces = fc.constantFrom(
  ...['amount', 'currency', 'a', 'x y', '=', '=', '=', '&', '&', '&', '[', ']', '[]', '[0]', '[a]'],
  ...[
    '%5B',
    '%5D',
    '%5b%5d',
    '%26',
    '%3D',
    '%61',
    '%00',
    '%',
    '%e',
    '%FF',
    '%C3%A9',
    '+',
    ';',
    ' ',
  ],
  ...[
    '100',
    '999900',
    'usd',
    'eur',
    '0',
    '-',
    '.',
    'é',
    '１',
    '\ufeff',
    '\n',
    '_method',
    'metadata',
  ],
);
const bodies = fc.oneof(
  fc.array(pieces, { maxLength: 14 }).map((parts) => Buffer.from(parts.join(''))),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
);

/** What a reader that ignores brackets, and takes the first or the last of several, would see. */
function lenient(body: Buffer, field: string): { first?: string; last?: string } {
  const values = [...new URLSearchParams(body.toString())]
    .filter(([name]) => name.replace(/[[\]\s]/g, '').toLowerCase() === field)
    .map(([, value]) => value);
  return { first: values[0], last: values.at(-1) };
}

test('whatever is accepted and priced, every other reader sees the same amount and currency', () => {
  let accepted = 0;
  const priced = fc.array(pieces, { maxLength: 10 }).map((parts) => {
    return Buffer.from(`amount=100&currency=usd${parts.length > 0 ? '&' : ''}${parts.join('')}`);
  });
  fc.assert(
    fc.property(fc.oneof(bodies, priced), (body) => {
      const result = stripe.read(request('POST', CREATE, body), DOLLARS);
      if (isRefusal(result) || result.quote.kind === 'unpriced') return;
      accepted++;
      const amount = lenient(body, 'amount');
      assert.equal(amount.first, result.amount?.toString());
      assert.equal(amount.last, result.amount?.toString());
      const currency = lenient(body, 'currency');
      assert.equal(currency.first?.toLowerCase(), result.currency);
      assert.equal(currency.last?.toLowerCase(), result.currency);
    }),
    { numRuns: 2000 },
  );
  assert.ok(accepted > 50, `only ${accepted} were accepted: the property says nothing`);
});

test('no bytes make the reader throw', () => {
  const methods = fc.constantFrom('GET', 'POST', 'DELETE');
  const paths = fc.constantFrom(CREATE, '/v1/refunds', '/v1/invoiceitems', '/v2/core/events', '/%');
  fc.assert(
    fc.property(
      methods,
      paths,
      bodies,
      fc.string({ maxLength: 20 }),
      (method, path, body, query) => {
        const what = { ...request(method, path, body), query };
        const result = stripe.read(what, DOLLARS);
        assert.ok(isRefusal(result) || result.fields instanceof Map);
      },
    ),
    { numRuns: 2000 },
  );
});

const names = fc
  .tuple(
    fc.constantFrom('amount', 'metadata', 'transfer_data', 'description'),
    fc.array(fc.constantFrom('[a]', '[b c]', '[é]', '[0]', '[k=v&]'), { maxLength: 2 }),
  )
  .map(([top, rest]) => top + rest.join(''));

/** The same text with some characters percent-encoded that need not be, and some that must. */
function spelled(text: string, mask: number): string {
  return [...text]
    .map((char, i) => {
      const must = !/[a-zA-Z0-9_[\]]/.test(char);
      if (!must && ((mask >> (i % 31)) & 1) === 0) return char;
      if (char === ' ' && mask & 1) return '+';
      return [...Buffer.from(char)]
        .map((byte) => `%${byte.toString(16).padStart(2, '0')}`)
        .join('');
    })
    .join('');
}

test('two spellings of one request have one canonical body, two requests have two', () => {
  const record = fc.dictionary(names, fc.string({ unit: 'grapheme', maxLength: 5 }), {
    maxKeys: 5,
  });
  fc.assert(
    fc.property(record, fc.nat(), fc.nat(), (fields, one, two) => {
      const pairs = Object.entries(fields);
      const write = (mask: number, entries: [string, string][]) =>
        entries.map(([name, value]) => `${spelled(name, mask)}=${spelled(value, mask)}`).join('&');
      const plain = stripe.read(request('POST', '/v1/products', write(one, pairs)), DOLLARS);
      const other = stripe.read(
        request('POST', '/v1/products', write(two, pairs.toReversed())),
        DOLLARS,
      );
      assert.equal(isRefusal(plain), isRefusal(other));
      if (isRefusal(plain) || isRefusal(other)) return;
      assert.equal(plain.canonicalBody, other.canonicalBody);
      const reread = new Map(new URLSearchParams(plain.canonicalBody));
      assert.deepEqual(reread, new Map(plain.fields), 'nothing is lost in it');
    }),
    { numRuns: 1000 },
  );
  const canonical = (body: string) => reading('POST', '/v1/products', body).canonicalBody;
  assert.equal(canonical('expand[]=a&expand[]=b'), canonical('expand[0]=a&expand[1]=b'));
  assert.notEqual(canonical('expand[]=a&expand[]=b'), canonical('expand[]=b&expand[]=a'));
  assert.notEqual(canonical('name=a%26description=b'), canonical('name=a&description=b'));
});
