/**
 * A ledger over whatever writes batches: turns each of the ledger's operations into an entry of the
 * commit queue, and each report into a question that is asked after what waits is written. Holds no
 * state of the ledger but the management keys; knows no thread and no table.
 */
import { type Clock, systemClock } from '../clock.ts';
import { CommitQueue, type WriteBatch } from './commit.ts';
import type {
  Admission,
  ApiKey,
  CallFilter,
  CallRow,
  DueCall,
  Freeze,
  KeyFilter,
  KeyIdentity,
  KeyPatch,
  KeyView,
  Ledger,
  NewKey,
  Page,
  PageQuery,
  Resolution,
  RevocationTarget,
  Settlement,
  ShadowReport,
  SpendGroup,
  SpendRow,
  StoredAccount,
  Verdict,
} from './ledger.ts';

/** Where a ledger is kept. */
export interface Store {
  /** Writes one batch in one durable commit. Called again only after it has resolved. */
  readonly write: WriteBatch;
  /** Answers from what is committed. Rejects with LedgerUnavailable. */
  report<T>(name: string, args: readonly unknown[]): Promise<T>;
  close(): Promise<void>;
}

/** What a store found when it was opened. */
export interface Start {
  lastId: bigint;
  /** Calls that were under way when the process ended; they are `unknown` now. */
  recovered: number;
  /** Every management key with its hash. */
  apiKeys: [hash: Uint8Array, key: ApiKey][];
}

export interface QueueOptions {
  clock?: Clock;
  /** Hears of faults that no caller waits for. */
  onFault?: (operation: string, fault: string) => void;
  /** Nothing can be written now, and why (a full disk, for example); null: it can again. */
  onTrouble?: (why: string | null) => void;
}

export class QueuedLedger implements Ledger {
  readonly lastId: bigint;
  /** Calls that were under way when the last process ended; their outcome is unknown. */
  readonly recovered: number;
  readonly #store: Store;
  readonly #queue: CommitQueue;
  readonly #onFault: (operation: string, fault: string) => void;
  /** Management keys by their hash; this process alone adds and removes them. */
  readonly #apiKeys: Map<string, ApiKey>;
  #ended: string | null = null;

  constructor(store: Store, start: Start, options: QueueOptions) {
    this.lastId = start.lastId;
    this.recovered = start.recovered;
    this.#apiKeys = new Map(start.apiKeys.map(([hash, key]) => [hex(hash), key]));
    this.#store = store;
    this.#onFault =
      options.onFault ?? ((operation, fault) => process.emitWarning(`${operation}: ${fault}`));
    this.#queue = new CommitQueue(
      (batch) => store.write(batch),
      { onFault: this.#onFault, onTrouble: (why) => options.onTrouble?.(why) },
      options.clock ?? systemClock,
    );
  }

  get trouble(): string | null {
    return this.#ended ?? this.#queue.trouble;
  }

  admit(call: Admission): Promise<Verdict> {
    return this.#queue.submit('admit', call);
  }

  settle(settlement: Settlement): void {
    this.#queue.defer('settle', settlement);
  }

  unheard(id: bigint): void {
    this.#queue.defer('unheard', id);
  }

  dueCalls(now: number, limit: number): Promise<DueCall[]> {
    return this.#queue.submit('dueCalls', now, limit);
  }

  resolve(resolution: Resolution): Promise<CallRow | undefined> {
    return this.#queue.submit('resolve', resolution);
  }

  objectsBetween(vendor: string, account: string, from: number, to: number): Promise<string[]> {
    return this.#report('objectsBetween', vendor, account, from, to);
  }

  findKey(hash: Uint8Array): Promise<KeyIdentity | undefined> {
    return this.#queue.submit('findKey', hash);
  }

  issueKey(key: NewKey): Promise<KeyView> {
    return this.#queue.submit('issueKey', key);
  }

  key(id: bigint, at: number): Promise<KeyView | undefined> {
    return this.#queue.submit('key', id, at);
  }

  async keys(filter: KeyFilter, page: PageQuery, at: number): Promise<Page<KeyView>> {
    const ids = await this.#report<Page<bigint>>('keyIds', filter, page, at);
    const views = await Promise.all(ids.rows.map((id) => this.key(id, at)));
    return { rows: views.filter((view) => view !== undefined), next: ids.next };
  }

  changeKey(id: bigint, patch: KeyPatch, by: string, at: number): Promise<KeyView | undefined> {
    return this.#queue.submit('changeKey', id, patch, by, at);
  }

  revoke(
    target: RevocationTarget,
    reason: string | null,
    by: string,
    at: number,
  ): Promise<bigint[]> {
    return this.#queue.submitFirst('revoke', target, reason, by, at);
  }

  setFreeze(freeze: Freeze): Promise<void> {
    return this.#queue.submitFirst('setFreeze', freeze);
  }

  removeFreeze(vendor: string): Promise<boolean> {
    return this.#queue.submit('removeFreeze', vendor);
  }

  freezes(): Promise<Freeze[]> {
    return this.#queue.submit('freezes');
  }

  calls(filter: CallFilter, page: PageQuery): Promise<Page<CallRow>> {
    return this.#report('calls', filter, page);
  }

  call(id: bigint): Promise<CallRow | undefined> {
    return this.#report('call', id);
  }

  spend(group: SpendGroup, filter: CallFilter): Promise<SpendRow[]> {
    return this.#report('spend', group, filter);
  }

  shadowReport(filter: CallFilter): Promise<ShadowReport> {
    return this.#report('shadowReport', filter);
  }

  masterKeyCheck(sealed: Uint8Array): Promise<Uint8Array> {
    return this.#queue.submit('masterKeyCheck', sealed);
  }

  accounts(): Promise<StoredAccount[]> {
    return this.#queue.submit('accounts');
  }

  putAccount(account: StoredAccount): Promise<void> {
    return this.#queue.submit('putAccount', account);
  }

  removeAccount(vendor: string, account: string): Promise<boolean> {
    return this.#queue.submit('removeAccount', vendor, account);
  }

  apiKeys(): Promise<ApiKey[]> {
    return this.#queue.submit('apiKeys');
  }

  async addApiKey(key: ApiKey, hash: Uint8Array): Promise<void> {
    await this.#queue.submit('addApiKey', key, hash);
    this.#apiKeys.set(hex(hash), key);
  }

  async removeApiKey(id: bigint): Promise<boolean> {
    const removed = await this.#queue.submit<boolean>('removeApiKey', id);
    for (const [hash, key] of this.#apiKeys) if (key.id === id) this.#apiKeys.delete(hash);
    return removed;
  }

  /** From memory, where all of them are: a revoke must not wait for two commits. */
  async findApiKey(hash: Uint8Array): Promise<ApiKey | undefined> {
    return this.#apiKeys.get(hex(hash));
  }

  flush(): Promise<void> {
    return this.#queue.submit('flush');
  }

  prune(now: number): Promise<number> {
    return this.#queue.submit('prune', now);
  }

  /** Writes what waits and lets the store go. What cannot be written is found as `unknown`. */
  async close(): Promise<void> {
    if (this.#ended) return;
    await this.flush().catch(() => undefined);
    const lost = this.end('the ledger is closed');
    if (lost > 0) this.#onFault('close', `${lost} ends of calls are not written; they are unknown`);
    await this.#store.close();
  }

  /** Nothing is decided or written any more, for this reason. Returns how many ends are lost. */
  end(why: string): number {
    this.#ended ??= why;
    return this.#queue.close(this.#ended);
  }

  /** Reports see everything that was settled before they were asked for. */
  async #report<T>(name: string, ...args: unknown[]): Promise<T> {
    await this.flush();
    return this.#store.report(name, args);
  }
}

function hex(hash: Uint8Array): string {
  return Buffer.from(hash).toString('hex');
}
