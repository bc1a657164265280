/**
 * The writer: every operation that changes the ledger or must see its newest state, run one after
 * another in the transaction of their batch. Synchronous; the server runs it in a thread of its own.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Operation } from '../commit.ts';
import { IDENTITY_MS } from '../decide.ts';
import type * as ledger from '../ledger.ts';
import type { Start } from '../queued.ts';
import { Accounts } from './accounts.ts';
import { Admissions } from './admit.ts';
import { DataFolderError } from './database.ts';
import { HotKeys } from './keys.ts';
import { Objects } from './objects.ts';
import { OpenCalls } from './open-calls.ts';
import { Resolutions } from './resolutions.ts';
import { Settlements } from './settle.ts';
import { VaultKeys } from './vault-keys.ts';

/** Replies removed by one prune: keeps the batch that carries it short. */
const PRUNED_AT_ONCE = 500;

export class Writer {
  readonly #db: DatabaseSync;
  readonly #keys: HotKeys;
  readonly #open: OpenCalls;
  readonly #settlements: Settlements;
  readonly #accounts: Accounts;
  readonly #operations: { [name: string]: (...args: never[]) => unknown };

  /** `db`: open, its tables up to date, and written by nobody else. `node`: 0 to 1023. */
  constructor(db: DatabaseSync, node: number) {
    this.#db = db;
    this.#keys = new HotKeys(db);
    this.#open = new OpenCalls(db);
    const objects = new Objects(db);
    const admissions = new Admissions(db, this.#keys, objects, this.#open, node);
    const settlements = new Settlements(db, this.#keys, objects, this.#open);
    this.#settlements = settlements;
    const resolutions = new Resolutions(db, this.#open, settlements);
    const vaultKeys = new VaultKeys(db, this.#keys);
    const accounts = new Accounts(db);
    this.#accounts = accounts;
    this.#operations = {
      admit: (call: ledger.Admission) => admissions.admit(call),
      settle: (settlement: ledger.Settlement) => settlements.settle(settlement),
      unheard: (id: bigint) => settlements.unheard(id),
      abandon: (id: bigint) => settlements.abandon(id),
      dueCalls: (now: number, limit: number) => resolutions.due(now, limit),
      resolve: (resolution: ledger.Resolution) => resolutions.resolve(resolution),
      findKey: (hash: Uint8Array) => vaultKeys.find(hash),
      issueKey: (key: ledger.NewKey) => vaultKeys.issue(key),
      key: (id: bigint, at: number) => vaultKeys.view(id, at),
      changeKey: (id: bigint, patch: ledger.KeyPatch, by: string, at: number) =>
        vaultKeys.change(id, patch, by, at),
      revoke: (target: ledger.RevocationTarget, reason: string | null, by: string, at: number) =>
        vaultKeys.revoke(target, reason, by, at),
      setFreeze: (freeze: ledger.Freeze) => vaultKeys.setFreeze(freeze),
      removeFreeze: (vendor: string) => vaultKeys.removeFreeze(vendor),
      freezes: () => vaultKeys.freezes(),
      masterKeyCheck: (sealed: Uint8Array) => accounts.masterKeyCheck(sealed),
      accounts: () => accounts.list(),
      putAccount: (account: ledger.StoredAccount) => accounts.put(account),
      removeAccount: (vendor: string, account: string) => accounts.remove(vendor, account),
      apiKeys: () => accounts.apiKeys(),
      addApiKey: (key: ledger.ApiKey, hash: Uint8Array) => accounts.addApiKey(key, hash),
      removeApiKey: (id: bigint) => accounts.removeApiKey(id),
      flush: () => undefined,
      probe: () => this.#probe(),
      prune: (now: number) => this.#prune(now),
    };
  }

  /**
   * What a crash left: calls that may have been sent are `unknown` and stay counted. Throws
   * DataFolderError when nothing can be written.
   */
  recover(): Start {
    try {
      this.#probe();
      return {
        lastId: this.#lastId(),
        recovered: this.#settlements.abandon(null),
        apiKeys: this.#accounts.apiKeysByHash(),
      };
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new DataFolderError(`the ledger cannot be written: ${why}`, { cause });
    }
  }

  #lastId(): bigint {
    const last = this.#db
      .prepare(
        `SELECT max(coalesce((SELECT max(id) FROM calls), 0),
           coalesce((SELECT max(id) FROM vault_keys), 0),
           coalesce((SELECT max(id) FROM api_keys), 0)) AS id`,
      )
      .get() as { id: bigint };
    return last.id;
  }

  begin(): void {
    this.#db.exec('BEGIN IMMEDIATE');
  }

  run([name, args]: Operation): unknown {
    return this.#operations[name]!(...(args as never[]));
  }

  /** Durable when it returns. */
  commit(): void {
    this.#keys.write();
    this.#db.exec('COMMIT');
    this.#keys.trim();
  }

  rollback(): void {
    this.#keys.forget();
    this.#open.forget();
    if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
  }

  /** Writes a page that means nothing, so that the commit shows whether it can be written. */
  #probe(): void {
    const { user_version } = this.#db.prepare('PRAGMA user_version').get() as {
      user_version: bigint;
    };
    this.#db.exec(`PRAGMA user_version = ${(user_version + 1n) & 0xffffn}`);
  }

  /** Also the regular proof, on a server that nobody calls, that the store can be written. */
  #prune(now: number): number {
    const old = this.#db
      .prepare('SELECT call_id AS id FROM replies WHERE stored_at <= ? ORDER BY stored_at LIMIT ?')
      .all(now - IDENTITY_MS, PRUNED_AT_ONCE) as { id: bigint }[];
    const forget = this.#db.prepare('UPDATE calls SET identity = 0 WHERE id = ?');
    const remove = this.#db.prepare('DELETE FROM replies WHERE call_id = ?');
    for (const { id } of old) {
      forget.run(id);
      remove.run(id);
    }
    return old.length;
  }
}
