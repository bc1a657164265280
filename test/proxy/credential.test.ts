import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { findCredential, readCredential } from '../../src/credential.ts';
import { isVaultKey, newVaultKey } from '../../src/ids.ts';

const KEY = newVaultKey(false);
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

test('a vault key is found as Bearer and in either half of Basic, with its task', () => {
  for (const [authorization, taskId, place] of [
    [`Bearer ${KEY}`, null, 'bearer'],
    [`bearer   ${KEY} `, null, 'bearer'],
    [basic(`${KEY}:`), null, 'basic.user'],
    [basic(`${KEY}:password`), null, 'basic.user'],
    [basic(`AC123:${KEY}`), null, 'basic.password'],
    [basic(KEY), null, 'basic.user'],
    [`Bearer ${KEY}~task-7`, 'task-7', 'bearer'],
    [basic(`${KEY}~task-7:`), 'task-7', 'basic.user'],
    [basic(`AC123:${KEY}~task:with:colons`), 'task:with:colons', 'basic.password'],
    [`Bearer ${KEY}~`, null, 'bearer'],
    [`Bearer ${KEY}~a~b`, 'a~b', 'bearer'],
  ] as const) {
    assert.deepEqual(readCredential(authorization), { key: KEY, taskId, place }, authorization);
  }
});

test("a vault key is found in a vendor's own header, with its task, and only where one is named", () => {
  const names = ['x-one', 'x-two'];
  for (const [headers, place, taskId] of [
    [{ 'x-two': KEY }, 'x-two', null],
    [{ 'x-one': ` ${KEY}~task-7 ` }, 'x-one', 'task-7'],
    [{ 'x-one': KEY, 'x-two': KEY }, 'x-one', null],
    // Authorization goes first; that there are two is refused elsewhere.
    [{ 'x-one': KEY, authorization: `Bearer ${KEY}` }, 'bearer', null],
    [{ 'x-one': KEY, authorization: 'Bearer other' }, 'x-one', null],
  ] as const) {
    const found = findCredential(new Map(Object.entries(headers)), names);
    assert.deepEqual(found, { key: KEY, taskId, place });
  }
  for (const headers of [{ 'x-three': KEY }, { 'x-one': `Bearer ${KEY}` }, { 'x-one': '' }, {}]) {
    assert.equal(findCredential(new Map(Object.entries(headers)), names), null);
  }
});

test('of two vault keys in Basic the user is the one', () => {
  const other = newVaultKey(false);
  assert.equal(readCredential(basic(`${KEY}:${other}`))?.key, KEY);
});

test('anything else holds no vault key', () => {
  for (const authorization of [
    ...[undefined, null, '', 'Bearer', 'Bearer ', KEY, `Token ${KEY}`, `Bearer x${KEY}`],
    ...['Basic ', 'Basic *', basic(''), basic(':'), basic('a:b'), `Basic ${KEY}`, `Bearer\t${KEY}`],
  ]) {
    assert.equal(readCredential(authorization), null, String(authorization));
  }
});

test('no text makes reading a credential fail', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('Bearer ', 'Basic ', ''),
      fc.string({ unit: 'binary' }),
      (scheme, rest) => {
        const read = readCredential(scheme + rest);
        assert.ok(read === null || read.key.startsWith('vault_key_'));
      },
    ),
    { seed: 1 },
  );
});

test('one wrong character anywhere is found by the checksum', () => {
  for (const key of [newVaultKey(false), newVaultKey(true)]) {
    assert.ok(isVaultKey(key));
    for (let i = 0; i < key.length; i++) {
      const wrong = key[i] === '7' ? '8' : '7';
      assert.ok(!isVaultKey(key.slice(0, i) + wrong + key.slice(i + 1)), `at ${i}`);
      assert.ok(!isVaultKey(key.slice(0, i) + key.slice(i + 1)), `without ${i}`);
    }
    assert.ok(!isVaultKey(`${key}\n`) && !isVaultKey(` ${key}`) && !isVaultKey(key.toUpperCase()));
  }
});
