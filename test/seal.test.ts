/** What is sealed opens in its own place alone, and a secret never prints. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { format, inspect } from 'node:util';
import fc from 'fast-check';
import { openLog } from '../src/log.ts';
import { Seal, SealError, Secret } from '../src/seal.ts';

const bytes = fc.uint8Array({ maxLength: 300 });
const name = fc.string({ maxLength: 30 });
const MASTER = randomBytes(32);
const seal = new Seal(MASTER, 'test');

test('what is sealed opens to the same bytes', () => {
  fc.assert(
    fc.property(bytes, name, (plain, of) => {
      assert.deepEqual(new Uint8Array(seal.open(seal.close(plain, of), of)), plain);
    }),
  );
});

test('another name, purpose or master key does not open it', () => {
  fc.assert(
    fc.property(bytes, name, name, (plain, of, other) => {
      const sealed = seal.close(plain, of);
      if (other !== of) assert.throws(() => seal.open(sealed, other), SealError);
      assert.throws(() => new Seal(MASTER, 'tests').open(sealed, of), SealError);
      assert.throws(() => new Seal(randomBytes(32), 'test').open(sealed, of), SealError);
    }),
  );
});

test('the place of a name and its purpose cannot be shifted into each other', () => {
  const sealed = new Seal(MASTER, 'a').close(Buffer.from('plain'), 'b\0c');
  assert.throws(() => new Seal(MASTER, 'a\0b').open(sealed, 'c'), SealError);
});

test('any one bit changed, and any byte lost or added, is seen', () => {
  fc.assert(
    fc.property(bytes, fc.nat(), fc.nat(7), (plain, at, bit) => {
      const sealed = seal.close(plain, 'row');
      const changed = Uint8Array.from(sealed);
      const place = at % changed.length;
      changed[place] = changed[place]! ^ (1 << bit);
      assert.throws(() => seal.open(changed, 'row'), SealError);
      assert.throws(() => seal.open(sealed.subarray(0, place), 'row'), SealError);
      assert.throws(() => seal.open(sealed.subarray(1), 'row'), SealError);
      assert.throws(() => seal.open(Buffer.concat([sealed, Buffer.of(0)]), 'row'), SealError);
    }),
  );
});

test('the same bytes are sealed differently every time, and their text is in none', () => {
  const plain = Buffer.from('sk_test_not_to_be_found');
  const all = Array.from({ length: 500 }, () => Buffer.from(seal.close(plain, 'row')));
  assert.equal(new Set(all.map((each) => each.subarray(1, 13).toString('hex'))).size, all.length);
  for (const each of all) assert.equal(each.includes('sk_test'), false);
});

test('a value opens from the middle of a larger memory, as a database gives it', () => {
  const sealed = seal.close(Buffer.from('plain'), 'row');
  const larger = new Uint8Array(sealed.length + 40).fill(7);
  larger.set(sealed, 20);
  assert.equal(String(seal.open(larger.subarray(20, 20 + sealed.length), 'row')), 'plain');
});

test('a master key of any other length than 32 bytes is refused', () => {
  for (const length of [0, 16, 31, 33, 64]) {
    assert.throws(() => new Seal(Buffer.alloc(length), 'test'), SealError);
  }
});

test('the error of a value that does not open tells its name and nothing of its content', () => {
  const sealed = seal.close(Buffer.from('sk_test_inside'), 'stripe/default');
  assert.throws(
    () => new Seal(randomBytes(32), 'test').open(sealed, 'stripe/default'),
    (error: Error) =>
      error.message.includes('stripe/default') && !inspect(error).includes('sk_test'),
  );
});

test('a secret never prints, whichever way it is turned into text', () => {
  const text = 'sk_test_hidden_4eC39HqLyjWDarjt';
  const secret = new Secret(text);
  const held = { nested: [secret], map: new Map([['key', secret]]) };
  const lines: string[] = [];
  const log = openLog('info', { write: (line) => void lines.push(line) });
  log.info({ secret, held }, 'logged');
  log.error(new Error(`with ${secret}`, { cause: secret }), 'failed');
  const said = [
    ...[`${secret}`, String(secret), secret.toString(), `a${secret}`, JSON.stringify(held)],
    ...[inspect(secret), inspect(held, { depth: 9, showHidden: true, getters: true })],
    ...[format('%s %o %O %j %d', secret, secret, secret, secret, secret), lines.join('')],
    ...[Object.keys(secret).join(), JSON.stringify(Object.entries(secret))],
    inspect(new Error('x', { cause: { secret } })),
    JSON.stringify({ ...secret }),
  ];
  for (const each of said) assert.equal(each.includes(text), false, each);
  assert.equal(secret.reveal(), text);
  // A copy for another thread is empty, and not the secret.
  assert.equal(inspect(structuredClone(secret)).includes(text), false);
});
