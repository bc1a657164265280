/**
 * The vendor accounts: which real credentials stand behind `stripe` / `default`. Opened once from
 * the ledger's sealed rows into memory; the only holder of opened secrets beside the request that
 * is being sent.
 */
import { hash } from 'node:crypto';
import type { Clock } from './clock.ts';
import type { Ledger } from './ledger/ledger.ts';
import { Seal, Secret } from './seal.ts';
import type { Credentials, Vendor } from './vendors/vendor.ts';

/** What a master key that does not fit is told to be of. */
const LEDGER = 'the ledger';

export interface Account {
  readonly vendor: string;
  readonly account: string;
  readonly baseUrl: string;
  readonly credentials: Credentials;
  readonly createdAt: number;
  readonly rotatedAt: number | null;
  /** From the environment or the sandbox: not stored, not removable by the API. */
  readonly builtIn: boolean;
}

export class AccountBook {
  readonly #ledger: Ledger;
  readonly #seal: Seal;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #accounts = new Map<string, Account>();
  /**
   * 64 bits that no other ledger has: two servers may spend from one real account, and their call
   * ids are alike when two calls come in one millisecond. For names that the vendor compares.
   */
  readonly origin: string;

  private constructor(
    ledger: Ledger,
    masterKey: Uint8Array,
    clock: Pick<Clock, 'now'>,
    origin: string,
  ) {
    this.#ledger = ledger;
    this.origin = origin;
    this.#seal = new Seal(masterKey, 'accounts');
    this.#clock = clock;
  }

  /** Throws SealError when the ledger was written under another master key. */
  static async open(
    ledger: Ledger,
    masterKey: Uint8Array,
    clock: Pick<Clock, 'now'>,
  ): Promise<AccountBook> {
    // Also where no account is stored: the sealed replies are this master key's too.
    const check = new Seal(masterKey, 'master-key');
    const ours = check.close(Buffer.from('keybrake'), LEDGER);
    const theirs = await ledger.masterKeyCheck(ours);
    check.open(theirs, LEDGER);
    // Made of its nonce, so it stays with the ledger and differs under the same master key.
    const origin = hash('sha256', theirs, 'hex').slice(0, 16);
    const book = new AccountBook(ledger, masterKey, clock, origin);
    for (const stored of await ledger.accounts()) {
      const name = nameOf(stored.vendor, stored.account);
      const fields = JSON.parse(book.#seal.open(stored.sealed, name).toString());
      const { vendor, account, baseUrl, createdAt, rotatedAt } = stored;
      book.#accounts.set(name, {
        vendor,
        account,
        baseUrl,
        createdAt,
        rotatedAt,
        credentials: secrets(fields),
        builtIn: false,
      });
    }
    return book;
  }

  get(vendor: string, account: string): Account | undefined {
    return this.#accounts.get(nameOf(vendor, account));
  }

  list(): Account[] {
    return [...this.#accounts.values()].sort((a, b) =>
      nameOf(a.vendor, a.account) < nameOf(b.vendor, b.account) ? -1 : 1,
    );
  }

  /** An account that lives as long as the process: from the environment, or the sandbox. */
  addBuiltIn(vendor: Vendor, account: string, baseUrl: string, fields: Record<string, string>) {
    this.#accounts.set(nameOf(vendor.name, account), {
      vendor: vendor.name,
      account,
      baseUrl,
      credentials: secrets(fields),
      createdAt: this.#clock.now(),
      rotatedAt: null,
      builtIn: true,
    });
  }

  /** Stores or rotates; calls that start after it resolves use the new credentials. */
  async put(
    vendor: Vendor,
    account: string,
    baseUrl: string,
    fields: Record<string, string>,
  ): Promise<Account> {
    const name = nameOf(vendor.name, account);
    const before = this.#accounts.get(name);
    const now = this.#clock.now();
    const stored = {
      vendor: vendor.name,
      account,
      baseUrl,
      createdAt: before?.createdAt ?? now,
      rotatedAt: before ? now : null,
    };
    const sealed = this.#seal.close(Buffer.from(JSON.stringify(fields)), name);
    await this.#ledger.putAccount({ ...stored, sealed });
    const opened = { ...stored, credentials: secrets(fields), builtIn: false };
    this.#accounts.set(name, opened);
    return opened;
  }

  async remove(vendor: string, account: string): Promise<boolean> {
    const removed = await this.#ledger.removeAccount(vendor, account);
    if (removed) this.#accounts.delete(nameOf(vendor, account));
    return removed;
  }
}

function nameOf(vendor: string, account: string): string {
  return `${vendor}/${account}`;
}

function secrets(fields: Record<string, string>): Credentials {
  return Object.fromEntries(Object.entries(fields).map(([name, text]) => [name, new Secret(text)]));
}
