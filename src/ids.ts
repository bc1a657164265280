/**
 * Names of things. A handle (`call_…`, `key_…`) is safe to print and comes from a time-ordered
 * integer that is also the row's primary key, so an id needs no index of its own. A secret
 * (`vault_key_…`) is random, ends in a checksum, and never shares a prefix with a handle: same-prefix
 * values are how the wrong one ends up in a log line.
 */
import { createHash, hash, randomBytes } from 'node:crypto';
import type { Clock } from './clock.ts';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'; // Crockford's base 32, lower case
/** 2025-01-01, so that 41 bits of milliseconds last until 2094. */
const EPOCH_MS = 1_735_689_600_000;
const NODE_BITS = 10n;
const COUNTER_BITS = 12n;

export type HandleKind = 'call' | 'key' | 'apikey';

/**
 * Makes ids that grow: 41 bits of time, 10 of node, 12 of counter. `after` is the largest id already
 * in the database, so that a clock that was set back never makes an id twice.
 */
export class IdSource {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #node: bigint;
  #ms = 0n;
  #counter = 0n;

  constructor(clock: Pick<Clock, 'now'>, node = 0, after = 0n) {
    this.#clock = clock;
    this.#node = BigInt(node);
    if (after > 0n) this.#ms = (after >> (NODE_BITS + COUNTER_BITS)) + 1n;
  }

  next(): bigint {
    const ms = BigInt(this.#clock.now() - EPOCH_MS);
    if (ms > this.#ms) {
      this.#ms = ms;
      this.#counter = 0n;
    } else if (++this.#counter >> COUNTER_BITS) {
      this.#ms += 1n;
      this.#counter = 0n;
    }
    return (((this.#ms << NODE_BITS) | this.#node) << COUNTER_BITS) | this.#counter;
  }
}

/** The smallest id that can be made at this time, on any node. */
export function firstIdAt(ms: number): bigint {
  const since = BigInt(Math.max(0, ms - EPOCH_MS));
  return since << (NODE_BITS + COUNTER_BITS);
}

/** `call_04h8…`: the printable form of an id. */
export function handle(kind: HandleKind, id: bigint): string {
  let text = '';
  for (let rest = id, i = 0; i < 13; i++, rest >>= 5n) text = ALPHABET[Number(rest & 31n)] + text;
  return `${kind}_${text}`;
}

/** The id that a handle of this kind stands for, or undefined when the text is not one. */
export function parseHandle(kind: HandleKind, text: string): bigint | undefined {
  const body = text.startsWith(`${kind}_`) ? text.slice(kind.length + 1) : '';
  if (!/^[0-9a-hjkmnp-tv-z]{13}$/.test(body)) return undefined;
  let id = 0n;
  for (const char of body) id = (id << 5n) | BigInt(ALPHABET.indexOf(char));
  return id >> 63n ? undefined : id;
}

const VAULT_KEY = /^(vault_key_(?:sandbox_)?[0-9a-hjkmnp-tv-z]{32})([0-9a-hjkmnp-tv-z]{6})$/;

function base32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let buffer = 0;
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) text += ALPHABET[(buffer >> (bits - 5)) & 31];
    buffer &= 0xff;
  }
  return text;
}

function checksum(text: string): string {
  return base32(createHash('sha256').update(text).digest().subarray(0, 4)).slice(0, 6);
}

/** A new vault key: 160 random bits and a 30-bit checksum, so that scanners can tell a leaked one. */
export function newVaultKey(sandbox: boolean): string {
  const body = `${sandbox ? 'vault_key_sandbox_' : 'vault_key_'}${base32(randomBytes(20))}`;
  return body + checksum(body);
}

/** Whether the text has a vault key's form and checksum; says nothing of whether one was issued. */
export function isVaultKey(text: string): boolean {
  const match = VAULT_KEY.exec(text);
  return match !== null && checksum(match[1]!) === match[2];
}

/** A new management key: `keybrake_admin_…`, 200 random bits. */
export function newApiKey(role: string): string {
  return `keybrake_${role}_${base32(randomBytes(25))}`;
}

/**
 * What is stored of a credential. A plain SHA-256 suffices: there is no dictionary of 160 random
 * bits to try.
 */
export function credentialHash(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}
