/** What is wrong with a description: every fault is named with its line, its field and what is right. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pathText } from '../../src/vendors/declared/yaml.ts';
import { changed, EXAMPLE, faultsOf, shipped, vendorOf } from './declared.ts';

/** `from`, on the line where the fault is told, becomes `to`. */
const FAULTS: readonly [from: string, to: string, path: string, says: RegExp][] = [
  ['vendor: printshop', 'vendor: Print', 'vendor', /must be a name/],
  ['vendor: printshop', 'vendor: vault', 'vendor', /one of Keybrake's own paths/],
  ['https://api.', 'http://api.', 'base_url', /must be https/],
  ['https://api.printshop.example', 'https://10.0.0.1', 'base_url', /private/],
  ['  /files:', '  files:', 'hosts.files', /must be one segment/],
  ["'[0-9]+'", "'[0-9'", 'credentials.shop_id.form', /regular expression/],
  ["    form: '[0-9]+'", "    from: '[0-9]+'", 'credentials.shop_id.from', /did you mean "form"/],
  ['[bearer, X-Print-Key]', '[bearer, X Print]', 'auth_in[1]', /name of a header/],
  ['[bearer, X-Print-Key]', '[bearer, Authorization]', 'auth_in[1]', /name of a header/],
  ["'{{shop_id}}'", "'{{shop}}'", 'auth_out.basic.user', /is no credential; there are secret, sh/],
  ["'{{shop_id}}'", "'{{shop_id}'", 'auth_out.basic.user', /names in braces/],
  ['[X-Print-Admin]', '[X-Print-Key]', 'headers.refuse[0]', /header of credentials already/],
  ['[X-Print-Admin]', '[Cookie]', 'headers.refuse[0]', /not one that Keybrake writes/],
  ['body: json', 'body: xml', 'body', /"json" or "form"/],
  ['2MB', '2', 'body_limit', /must be a string/],
  ['2MB', '500MB', 'body_limit', /at most 50MB/],
  ['window: 12h', 'window: twelve', 'idempotency.window', /whole number with s, m, h or d/],
  [', window: 12h', '', 'idempotency.window', /is required/],
  ['page: 0.04', 'page: 0.0400001', 'prices.page', /finer than a micro-dollar/],
  ['page: 0.04', 'page: -1', 'prices.page', /must not be negative/],
  ['page: 0.04', 'page: 4e-2', 'prices.page', /plain number of dollars/],
  ['page: 0.04', 'page: 0x10', 'prices.page', /plain number of dollars/],
  ['page: 0.04', "page: '0,04'", 'prices.page', /plain number of dollars/],
  ['page: 0.04', 'page: true', 'prices.page', /must be dollars/],
  ['page: 0.04', 'Page: 0.04', 'prices.Page', /lower-case/],
  ["'{{code}}'", "'{{kode}}'", 'errors.default.body.error.code', /names \{\{kode\}\}/],
  ['X-Print-Retry', 'Retry-After', 'errors.cap.headers.Retry-After', /Keybrake writes/],
  ['POST /v1/letters', 'POST v1/letters', 'endpoints[0].match', /begins with `\/`/],
  ['POST /v1/letters', 'letters.create', 'endpoints[0].match', /must be a path/],
  ['POST /v1/vouchers', 'POST /v1/letters', 'endpoints[1].match', /never reached/],
  ['name: vouchers.create', 'name: Vouchers', 'endpoints[1].name', /must be an operation/],
  ['name: vouchers.create', 'name: letters.create', 'endpoints[1].name', /given twice/],
  ['price: stamp', 'price: stamps', 'endpoints[0].quote.sum[1].price', /names no price/],
  ['pages, price: page', 'pages, prise: page', 'endpoints[0].quote.sum[0].prise', /"price"/],
  ["'recipients[*]'", "'recipients[]'", 'endpoints[0].quote.sum[1].count', /must be a path/],
  [
    "count: 'rec",
    "number: a, count: 'rec",
    'endpoints[0].quote.sum[1]',
    /must have one of usd, .*, and has count and number/,
  ],
  ['at_least: 1', 'at_least: one', 'endpoints[0].quote.sum[1].at_least', /must be a number/],
  ['at_least: 1', 'at_least: 1.5', 'endpoints[0].quote.sum[1].at_least', /whole number/],
  ['unit: minor', 'unit: cents', 'endpoints[1].quote.unit', /"major" or "minor"/],
  ['{ field: value.currency }', 'EURO', 'endpoints[1].quote.currency', /three letters/],
  ['kind: bounded', 'kind: sure', 'endpoints[3].quote.kind', /"exact" or "bounded"/],
  ['usd: 30', 'usd: 30000000000', 'endpoints[3].quote.usd', /a billion dollars/],
  ['{ usd: 30, kind: bounded }', 'cheap', 'endpoints[3].quote', /must be `free` or its fields/],
  ['{ usd: 30, kind: bounded }', 'free', 'endpoints[3].quote', /what a priced endpoint costs/],
  ['status: 201', 'status: 301', 'endpoints[0].settle.status', /from 200 to 299/],
  ["'results[*]'", "'results'", 'endpoints[2].settle.each.reply', /one list/],
  [
    'GET /v1/parcels/{id}',
    'POST /v1/parcels/{id}',
    'endpoints[3].settle.later.look',
    /such as GET/,
  ],
  ['GET /v1/parcels/{id}', 'GET /v1/parcels', 'endpoints[3].settle.later.look', /\{id\} once/],
  ['first: 1m', 'first: soon', 'endpoints[3].settle.later.first', /whole number with s, m/],
  [
    'class: free }',
    'class: free, quote: { usd: 1 } }',
    'endpoints[5].quote',
    /beside the class free/,
  ],
  ['unlisted: withheld', 'unlisted: free', 'unlisted', /"unpriced" or "withheld"/],
  ['unlisted: withheld', 'unlimited: withheld', 'unlimited', /did you mean "unlisted"/],
  ['body: json', 'body: !!str json', 'body', /must have no tag/],
  ['body: json', 'body: &b json', 'body', /must have no anchor/],
  ['unlisted: withheld', 'body: json', '', /given twice/],
  ["'{{secret}}'", '{{secret}}', '', /quotes/],
];

for (const [from, to, path, says] of FAULTS) {
  test(`\`${to}\` is a fault of ${path || 'the file'}, with its line`, () => {
    const line = EXAMPLE.slice(0, EXAMPLE.indexOf(from)).split('\n').length;
    const fault = faultsOf(changed(from, to)).find((each) => each.path === path);
    assert.ok(fault, JSON.stringify(faultsOf(changed(from, to))));
    assert.equal(fault.line, line);
    assert.match(fault.reason, says);
  });
}

const ABSENT: readonly [line: string, path: string, says: RegExp][] = [
  ['vendor: printshop\n', 'vendor', /is required/],
  ['body: json\n', 'body', /is required/],
  ['  page: 0.04\n', 'endpoints[0].quote.sum[0].price', /there are stamp, proof/],
  ["    quote: { count: 'orders[*].copies[*]', price: page }\n", 'endpoints[2].quote', /required/],
  ['    name: vouchers.create\n', 'endpoints[1].name', /the reply is read by it/],
  ['        when: { state: weighed }\n', 'endpoints[3].settle.later.when', /is required/],
];

for (const [line, path, says] of ABSENT) {
  test(`without \`${line.trim()}\` it is told what is missing`, () => {
    const faults = faultsOf(changed(line, ''));
    assert.ok(
      faults.some((fault) => fault.path === path && says.test(fault.reason)),
      JSON.stringify(faults),
    );
  });
}

test('all faults are told at once, in the order of the file', () => {
  const text = changed('body: json', 'body: xml')
    .replace('vendor: printshop', 'vendor: Print')
    .replace('usd: 30', 'usd: x')
    .replace('unlisted: withheld', 'unlisted: free');
  assert.deepEqual(
    faultsOf(text).map(({ path }) => path),
    ['vendor', 'body', 'endpoints[3].quote.usd', 'unlisted'],
  );
});

test('the example and the files that come with Keybrake are right', () => {
  assert.deepEqual(faultsOf(EXAMPLE), []);
  for (const name of ['sendgrid', 'postmark']) assert.equal(shipped(name).name, name);
});

test('a file of prices has its vendor and its prices, and nothing else', () => {
  assert.deepEqual(faultsOf('prices_of: sendgrid\nprices: { email: 0.0009 }\n'), []);
  for (const [text, line, path, says] of [
    ['prices_of: sendgrid\n', 1, 'prices', /is required/],
    ['prices_of: sendgrid\nprices:\n  email: free\n', 3, 'prices.email', /plain number/],
    ['prices_of: sendgrid\nprices: { email: 1 }\nbody: json\n', 3, 'body', /is not known/],
    ['prices_of: Send Grid\nprices: {}\n', 1, 'prices_of', /must be a name/],
  ] as const) {
    const [fault] = faultsOf(text);
    assert.deepEqual([fault?.line, fault?.path], [line, path]);
    assert.match(fault!.reason, says);
  }
});

test('a credential that is stored nowhere and one that is sent nowhere are told', () => {
  const faults = faultsOf(changed('  shop_id:\n', '  account:\n'));
  const told = faults.map(({ path, reason }) => `${path} ${reason}`).join('\n');
  assert.match(told, /credentials\.account must have another name/);
  assert.match(told, /credentials\.account is not sent anywhere/);
  assert.match(told, /auth_out\.basic\.user names \{\{shop_id\}\}/);
});

test('a text that is no description is told so, whatever it is', () => {
  for (const [text, says] of [
    ['', /empty/],
    ['# only a comment\n', /empty/],
    ['just words', /must be an object/],
    ['- a\n- b\n', /must be an object/],
    ['a: 1\n---\nb: 2\n', /multiple documents/],
    ['\ta: 1\n', /tabs/i],
    ['a: *b\n', /alias|unresolved/i],
    [`a: ${'['.repeat(100)}${']'.repeat(100)}`, /too deep/],
    ['x'.repeat(300_000), /longer than/],
    ['__proto__: 1\n', /is not known/],
  ] as const) {
    const [fault] = faultsOf(text);
    assert.match(`${fault?.path} ${fault?.reason}`, says, text.slice(0, 40));
  }
});

test('no file makes the reading of it fail, and a fault’s line is one of the file’s', () => {
  const lines = EXAMPLE.split('\n');
  fc.assert(
    fc.property(
      fc.nat(lines.length - 1),
      fc.oneof(
        fc.string({ unit: 'binary', maxLength: 60 }),
        fc.constantFrom('', '  - x', 'quote: {', 'a: b', '? ', '  <<: *x', '"', '}', 'null: null'),
      ),
      (index, replaced) => {
        const text = lines.with(index, replaced).join('\n');
        const count = text.split('\n').length;
        for (const { line, reason } of faultsOf(text)) {
          assert.ok(line >= 1 && line <= count + 1, `${line} of ${count}`);
          assert.ok(reason.length > 0);
        }
        if (faultsOf(text).length === 0) vendorOf(text);
      },
    ),
    { seed: 7, numRuns: 300 },
  );
});

test('a place in a file is written as a path', () => {
  assert.equal(pathText(['endpoints', 0, 'quote', 'sum', 1]), 'endpoints[0].quote.sum[1]');
  assert.equal(pathText([]), '');
});
