/**
 * Step 2, authenticate: which vault key is it. Only what never changes after issue is remembered
 * here; whether the key is still alive is decided by the ledger at each admission, so a revoked key
 * cannot live on in this memory.
 */
import type { Credential, KeyPlace } from '../credential.ts';
import { type Refusal, refusal } from '../errors.ts';
import { credentialHash, isVaultKey } from '../ids.ts';
import type { KeyIdentity, Ledger } from '../ledger/ledger.ts';
import { recorded } from './arrive.ts';

/** Keys remembered, about 1 KB each. */
const REMEMBERED = 5_000;

export interface Caller {
  readonly key: KeyIdentity;
  /** The task named inside the credential. */
  readonly taskId: string | null;
  /** Where the key stood. */
  readonly place: KeyPlace;
}

export class Authenticator {
  readonly #ledger: Ledger;
  readonly #known = new Map<string, KeyIdentity>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Rejects with LedgerUnavailable when an unknown key cannot be looked up. */
  async authenticate(credential: Credential | null): Promise<Caller | Refusal> {
    if (!credential) return refusal('key_unknown', 'The request carries no vault key.');
    const hash = credentialHash(credential.key);
    const name = hash.toString('latin1');
    const key = this.#known.get(name) ?? (await this.#find(credential.key, hash, name));
    if ('code' in key) return key;
    return { key, taskId: recorded(credential.taskId), place: credential.place };
  }

  /** Asks the ledger; the checksum spares it keys that were cut or mistyped. */
  async #find(text: string, hash: Buffer, name: string): Promise<KeyIdentity | Refusal> {
    if (!isVaultKey(text)) {
      return refusal('key_unknown', 'The vault key is not whole: its checksum does not match.');
    }
    const key = await this.#ledger.findKey(hash);
    if (!key) return refusal('key_unknown', 'No such vault key was issued here.');
    this.#known.set(name, key);
    if (this.#known.size > REMEMBERED) {
      for (const oldest of this.#known.keys()) {
        this.#known.delete(oldest);
        break;
      }
    }
    return key;
  }
}
