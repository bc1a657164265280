/**
 * Ids that look like Stripe's: a prefix, for objects the time in base 62 so that later ones sort
 * later, and random characters from a pool of real random bytes, because one system call for each
 * id would cost more than the rest of a call.
 */
import { randomFillSync } from 'node:crypto';

const ALPHABET = Buffer.from('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz');
const pool = Buffer.alloc(16_384);
let used = pool.length;

/** `length` characters of about 5.9 bits each; 14 are enough that no two ids are ever equal. */
export function newId(prefix: string, length: number): string {
  if (used + length > pool.length) {
    randomFillSync(pool);
    for (let i = 0; i < pool.length; i++) pool[i] = ALPHABET[pool[i]! % 62]!;
    used = 0;
  }
  used += length;
  return prefix + pool.toString('latin1', used - length, used);
}

const TIME_CHARS = 7;

/** An object's id: `length` characters, of which the first 7 are the milliseconds since 1970. */
export function newObjectId(prefix: string, length: number): string {
  let time = '';
  for (let rest = Date.now(), i = 0; i < TIME_CHARS; i++, rest = Math.floor(rest / 62)) {
    time = String.fromCharCode(ALPHABET[rest % 62]!) + time;
  }
  return newId(prefix + time, length - TIME_CHARS);
}
