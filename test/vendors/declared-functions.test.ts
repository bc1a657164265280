/** The named functions of descriptions: what they count, and what they refuse to count. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FUNCTIONS } from '../../src/vendors/declared/functions.ts';
import type { Json } from '../../src/vendors/json-body.ts';

const counted = (name: string, value: Json) => FUNCTIONS.get(name)!.count(value);
const addresses = (text: string) => counted('email_addresses', text);

const LISTS: readonly [text: string, count: bigint][] = [
  ['a@a.example', 1n],
  ['a@a.example,b@b.example', 2n],
  ['a@a.example , b@b.example', 2n],
  ['Jane <a@a.example>, Joe <b@b.example>', 2n],
  ['"Doe, Jane" <a@a.example>', 1n],
  ['"Doe, Jane" <a@a.example>, "Roe, Joe" <b@b.example>, c@c.example', 3n],
  ['"a@a.example" <b@b.example>', 1n],
  ['"Doe; Jane (home): x" <a@a.example>', 1n],
  ['"jane doe"@a.example', 1n],
  ['=?utf-8?Q?Doe=2C_Jane?= <a@a.example>', 1n],
  ['Zażółć <a@a.example>', 1n],
  ['a@a.example,', 1n],
  [',,a@a.example, ,b@b.example', 2n],
  ['', 0n],
  [' , ', 0n],
  [Array(50).fill('a@a.example').join(','), 50n],
];

for (const [text, count] of LISTS) {
  test(`${JSON.stringify(text.slice(0, 60))} are ${count} addresses`, () => {
    assert.equal(addresses(text), count);
  });
}

/** One reader would mail to more of them than another. */
const REFUSED = [
  'Doe, Jane <a@a.example>',
  'a@a.example b@b.example',
  'a@a.example;b@b.example',
  '<a@a.example> <b@b.example>',
  '"a@a.example, b@b.example"',
  '"a@a.example, b@b.example',
  'friends: a@a.example, b@b.example;',
  'a@a.example (home, b@b.example)',
  '"a\\" <x@x.example>, \\"b" <y@y.example>',
  'a@a.example\n,b@b.example',
  'a@a.example\r\nBcc: b@b.example',
  'a@a.example\u0000,b@b.example',
  '=?utf-8?Q?a,b?= <a@a.example>',
  'no address',
];

for (const text of REFUSED) {
  test(`${JSON.stringify(text)} is no plain list and is refused`, () => {
    const count = addresses(text);
    assert.ok(typeof count !== 'bigint', `counted ${count}`);
    assert.match(count.fault, /addresses must be plain/);
  });
}

test('what is no text is no list of addresses', () => {
  for (const value of [['a@a.example'], new Map([['Email', 'a@a.example']]), true]) {
    assert.ok(typeof counted('email_addresses', value) !== 'bigint');
  }
});

test('never fewer are counted than addresses were written', () => {
  const name = fc.string({ maxLength: 12 }).map((text) => text.replace(/["\\\x00-\x1f\x7f]/g, '.'));
  const one = fc.oneof(
    fc.nat(99).map((n) => `u${n}@a.example`),
    fc.tuple(name, fc.nat(99)).map(([text, n]) => `"${text}" <u${n}@a.example>`),
  );
  fc.assert(
    fc.property(fc.array(one, { maxLength: 20 }), (list) => {
      assert.equal(addresses(list.join(', ')), BigInt(list.length));
    }),
    { seed: 2 },
  );
  // Of any text: at least as many as a reader that splits at every comma and takes what has an @.
  fc.assert(
    fc.property(fc.stringMatching(/^[a@,"\\ <>]{0,16}$/), (text) => {
      const count = addresses(text);
      const outside = text.replace(/"[^"]*"/g, '');
      const naive = outside.split(',').filter((part) => part.includes('@')).length;
      if (typeof count === 'bigint') assert.ok(count >= BigInt(naive), text);
    }),
    { seed: 2, numRuns: 2_000 },
  );
});

test('lists and texts: entries and characters', () => {
  assert.equal(counted('one_or_many', 'a'), 1n);
  assert.equal(counted('one_or_many', ['a', 'b']), 2n);
  assert.equal(counted('one_or_many', []), 0n);
  assert.equal(counted('one_or_many', new Map()), 1n);
  assert.equal(counted('characters', 'a👍'), 2n);
  assert.ok(typeof counted('characters', ['a']) !== 'bigint');
});
