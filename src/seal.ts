/**
 * Sealing: what must not be readable in a database file alone. AES-256-GCM under a key derived from
 * the master key for each purpose, with the purpose and the row's name as associated data, so that
 * a sealed value moved to another row does not open.
 * Layout: 1 byte version, 12 bytes nonce, 16 bytes tag, ciphertext.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export class SealError extends Error {}

export class Seal {
  readonly #key: Buffer;
  readonly #purpose: string;

  /** `masterKey`: 32 bytes. `purpose`: for example `replies`; another purpose is another key. */
  constructor(masterKey: Uint8Array, purpose: string) {
    if (masterKey.length !== 32) throw new SealError('the master key must be 32 bytes');
    this.#purpose = purpose;
    this.#key = Buffer.from(hkdfSync('sha256', masterKey, '', `keybrake/${purpose}`, 32));
  }

  close(plain: Uint8Array, name: string): Buffer {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce);
    cipher.setAAD(Buffer.from(`${this.#purpose}\0${name}`));
    const body = cipher.update(plain);
    cipher.final();
    return Buffer.concat([Buffer.of(VERSION), nonce, cipher.getAuthTag(), body]);
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
