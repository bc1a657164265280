import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readCredential } from '../../src/credential.ts';
import { isVaultKey, newVaultKey } from '../../src/ids.ts';

const KEY = newVaultKey(false);
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

test('a vault key is found as Bearer and in either half of Basic, with its task', () => {
  for (const [authorization, taskId] of [
    [`Bearer ${KEY}`, null],
    [`bearer   ${KEY} `, null],
    [basic(`${KEY}:`), null],
    [basic(`${KEY}:password`), null],
    [basic(`AC123:${KEY}`), null],
    [basic(KEY), null],
    [`Bearer ${KEY}~task-7`, 'task-7'],
    [basic(`${KEY}~task-7:`), 'task-7'],
    [basic(`AC123:${KEY}~task:with:colons`), 'task:with:colons'],
    [`Bearer ${KEY}~`, null],
    [`Bearer ${KEY}~a~b`, 'a~b'],
  ] as const) {
    assert.deepEqual(readCredential(authorization), { key: KEY, taskId }, authorization);
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
