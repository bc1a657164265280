/** Ids grow and are read back; a vault key with one wrong character is known at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  credentialHash,
  type HandleKind,
  handle,
  IdSource,
  isVaultKey,
  newApiKey,
  newVaultKey,
  parseHandle,
} from '../src/ids.ts';

const KINDS: HandleKind[] = ['call', 'key', 'apikey'];
const START = Date.parse('2026-11-22T09:00:00Z');
const kind = fc.constantFrom(...KINDS);
const id = fc.bigInt({ min: 0n, max: (1n << 63n) - 1n });

test('ids grow whatever the clock does, and across starts', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -5_000, max: 5_000 }), { maxLength: 80 }), (steps) => {
      let now = START;
      let source = new IdSource({ now: () => now });
      let last = 0n;
      for (const [index, step] of steps.entries()) {
        now += step;
        if (index % 7 === 6) source = new IdSource({ now: () => now }, 0, last);
        const next = source.next();
        assert.ok(next > last, `${next} after ${last}`);
        assert.ok(next < 1n << 63n, 'the database keeps 63 bits');
        last = next;
      }
    }),
  );
});

test('within one millisecond there are more ids than a counter holds', () => {
  const source = new IdSource({ now: () => START });
  const ids = Array.from({ length: 10_000 }, () => source.next());
  assert.equal(new Set(ids).size, ids.length);
  assert.deepEqual(
    ids,
    ids.toSorted((a, b) => (a < b ? -1 : 1)),
  );
});

test('two nodes never make the same id', () => {
  const clock = { now: () => START };
  const ids = [0, 1, 1023].flatMap((node) => {
    const source = new IdSource(clock, node);
    return Array.from({ length: 5_000 }, () => source.next());
  });
  assert.equal(new Set(ids).size, ids.length);
});

test('a handle is read back to its id, and handles sort as their ids do', () => {
  fc.assert(
    fc.property(kind, id, id, (of, a, b) => {
      assert.equal(parseHandle(of, handle(of, a)), a);
      assert.match(handle(of, a), /^[a-z]+_[0-9a-z]{13}$/);
      assert.equal(handle(of, a) < handle(of, b), a < b);
    }),
  );
});

test('a handle of another kind, or anything else, is no handle', () => {
  fc.assert(
    fc.property(kind, kind, id, (of, other, value) => {
      if (of !== other) assert.equal(parseHandle(other, handle(of, value)), undefined);
    }),
  );
  const body = '0'.repeat(13);
  for (const text of [
    ...[
      '',
      'call',
      'call_',
      `call_${body}0`,
      `call_${'0'.repeat(12)}`,
      `Call_${body}`,
      ` call_${body}`,
    ],
    ...[`call_${body} `, `call_${'z'.repeat(13)}`, `call_${'i'.repeat(13)}`, `call-${body}`],
    ...[`call_${body}\n`, `call_${'A'.repeat(13)}`, `call_${'u'.repeat(13)}`],
  ]) {
    assert.equal(parseHandle('call', text), undefined, JSON.stringify(text));
  }
  fc.assert(
    fc.property(fc.string(), (text) => {
      const parsed = parseHandle('key', `key_${text}`);
      if (parsed !== undefined) assert.equal(handle('key', parsed), `key_${text}`);
    }),
  );
});

test('any one character changed, lost, doubled or swapped with its neighbour is seen in a vault key', () => {
  const changed = fc.constantFrom(...'0123456789abcdefghijklmnopqrstuvwxyzABCZ_-~ .'.split(''));
  fc.assert(
    fc.property(fc.boolean(), fc.nat(), changed, (sandbox, at, char) => {
      const key = newVaultKey(sandbox);
      assert.ok(isVaultKey(key));
      const i = at % key.length;
      const variants = [
        key.slice(0, i) + char + key.slice(i + 1),
        key.slice(0, i) + key.slice(i + 1),
        key.slice(0, i) + key[i] + key.slice(i),
        key.slice(0, i) + char + key.slice(i),
        key.slice(0, i) + (key[i + 1] ?? '') + key[i] + key.slice(i + 2),
      ];
      for (const variant of variants) {
        if (variant !== key) assert.equal(isVaultKey(variant), false, variant);
      }
    }),
  );
});

test('a vault key carries 160 bits that never come again, and never begins as a handle does', () => {
  const keys = Array.from({ length: 500 }, (_, i) => newVaultKey(i % 2 === 0));
  assert.equal(new Set(keys).size, keys.length);
  for (const key of keys) {
    assert.match(key, /^vault_key_(sandbox_)?[0-9a-hjkmnp-tv-z]{38}$/);
    for (const of of KINDS) assert.equal(parseHandle(of, key), undefined);
    assert.ok(!KINDS.some((of) => key.startsWith(`${of}_`)));
  }
  // Every place takes every character: no bit is lost on the way to text.
  const bodies = keys.map((key) => key.slice(-38));
  for (let place = 0; place < 32; place++) {
    assert.ok(new Set(bodies.map((body) => body[place])).size > 24, `place ${place}`);
  }
});

test('a management key tells its role, is no vault key, and is stored as its hash alone', () => {
  for (const role of ['admin', 'issuer', 'auditor']) {
    const key = newApiKey(role);
    assert.match(key, new RegExp(`^keybrake_${role}_[0-9a-z]{40}$`));
    assert.equal(isVaultKey(key), false);
    assert.equal(credentialHash(key).length, 32);
    assert.ok(!credentialHash(key).equals(credentialHash(newApiKey(role))));
    assert.deepEqual(credentialHash(key), credentialHash(key));
  }
});
