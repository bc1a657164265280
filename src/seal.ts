/**
 * Sealing: what must not be readable in a database file alone. AES-256-GCM under a key derived from
 * the master key for each purpose, with the purpose and the row's name as associated data, so that
 * a sealed value moved to another row does not open.
 * Layout: 1 byte version, 12 bytes nonce, 16 bytes tag, ciphertext.
 */
import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';

const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export class SealError extends Error {}

export class Seal {
  readonly #key: KeyObject;
  readonly #purpose: string;
  #nonces = Buffer.alloc(0);

  /** `masterKey`: 32 bytes. `purpose`: for example `replies`; another purpose is another key. */
  constructor(masterKey: Uint8Array, purpose: string) {
    if (masterKey.length !== 32) throw new SealError('the master key must be 32 bytes');
    this.#purpose = purpose;
    const derived = hkdfSync('sha256', masterKey, '', `keybrake/${purpose}`, 32);
    this.#key = createSecretKey(Buffer.from(derived));
  }

  /**
   * The sealed value, in memory of its own: a view into Node's shared pool would take the pool's
   * 64 KiB along when it is posted to the ledger's thread.
   */
  close(plain: Uint8Array, name: string): Uint8Array {
    const nonce = this.#nonce();
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce);
    cipher.setAAD(Buffer.from(`${this.#purpose}\0${name}`));
    const body = cipher.update(plain);
    cipher.final();
    const sealed = new Uint8Array(1 + NONCE_BYTES + TAG_BYTES + body.length);
    sealed[0] = VERSION;
    sealed.set(nonce, 1);
    sealed.set(cipher.getAuthTag(), 1 + NONCE_BYTES);
    sealed.set(body, 1 + NONCE_BYTES + TAG_BYTES);
    return sealed;
  }

  /** Twelve random bytes; drawn 100 at a time, because each draw is a call into the system. */
  #nonce(): Buffer {
    if (this.#nonces.length === 0) this.#nonces = randomBytes(NONCE_BYTES * 100);
    const nonce = this.#nonces.subarray(0, NONCE_BYTES);
    this.#nonces = this.#nonces.subarray(NONCE_BYTES);
    return nonce;
  }

  /** Throws SealError when the value was sealed under another master key, purpose or name. */
  open(sealed: Uint8Array, name: string): Buffer {
    const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
    if (bytes[0] !== VERSION || bytes.length < 1 + NONCE_BYTES + TAG_BYTES) {
      throw new SealError(`sealed value of ${name} has an unknown form`);
    }
    const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(1, 13));
    decipher.setAAD(Buffer.from(`${this.#purpose}\0${name}`));
    decipher.setAuthTag(bytes.subarray(13, 29));
    try {
      return Buffer.concat([decipher.update(bytes.subarray(29)), decipher.final()]);
    } catch (cause) {
      throw new SealError(`sealed value of ${name} does not open with this master key`, { cause });
    }
  }
}

/**
 * A secret that cannot be printed: every way to turn it into text gives `[secret]`. The text itself
 * comes out of `reveal()` alone, which is called where a request is sent and nowhere else.
 */
export class Secret {
  readonly #text: string;
  constructor(text: string) {
    this.#text = text;
  }
  reveal(): string {
    return this.#text;
  }
  toString(): string {
    return '[secret]';
  }
  toJSON(): string {
    return '[secret]';
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[secret]';
  }
}
