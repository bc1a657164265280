/**
 * Ids that look like Stripe's: a prefix and base-62 characters from a pool of real random bytes,
 * because one system call for each id would cost more than the rest of a call.
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
