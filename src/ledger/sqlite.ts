/**
 * The embedded store: a SQLite file in the data folder, one thread that writes it and one that
 * reads reports from it. This side holds no state of the ledger; it batches and forwards.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { type BatchResult, CommitQueue, type Operation } from './commit.ts';
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
import { DataFolderError } from './sqlite/database.ts';
import { ReportThread } from './sqlite/report-thread.ts';
import type { WorkerData } from './sqlite/worker.ts';
import type { Start } from './sqlite/writer.ts';

export { DataFolderError } from './sqlite/database.ts';

export interface SqliteOptions {
  dataDir: string;
  /** 0 to 1023; part of every id made here. */
  node?: number;
  /** Hears of faults that no caller waits for. */
  onFault?: (operation: string, fault: string) => void;
  /** Nothing can be written now, and why (a full disk, for example); null: it can again. */
  onTrouble?: (why: string | null) => void;
  /** The writing thread is gone: nothing can be decided any more. */
  onDeath?: (error: Error) => void;
}

/** Opens the ledger in `dataDir`. Rejects with DataFolderError when it is in use or not usable. */
export async function openSqliteLedger(options: SqliteOptions): Promise<SqliteLedger> {
  const { dataDir, node = 0 } = options;
  const writer = startWorker({ role: 'writer', dataDir, node });
  const start = await started<Start>(writer);
  const reports = new ReportThread(async () => {
    const reader = startWorker({ role: 'reader', dataDir, node });
    await started<null>(reader);
    return reader;
  });
  return new SqliteLedger(writer, reports, start, options);
}

export class SqliteLedger implements Ledger {
  readonly lastId: bigint;
  /** Calls that were under way when the last process ended; their outcome is unknown. */
  readonly recovered: number;
  readonly #writer: Worker;
  readonly #reports: ReportThread;
  readonly #queue: CommitQueue;
  readonly #onFault: (operation: string, fault: string) => void;
  /** Management keys by their hash; this process alone adds and removes them. */
  readonly #apiKeys: Map<string, ApiKey>;
  #batchDone: ((result: BatchResult) => void) | null = null;
  #closed: string | null = null;

  constructor(writer: Worker, reports: ReportThread, start: Start, options: SqliteOptions) {
    this.lastId = start.lastId;
    this.recovered = start.recovered;
    this.#apiKeys = new Map(start.apiKeys.map(([hash, key]) => [hex(hash), key]));
    this.#writer = writer;
    this.#reports = reports;
    this.#onFault =
      options.onFault ?? ((operation, fault) => process.emitWarning(`${operation}: ${fault}`));
    this.#queue = new CommitQueue((batch) => this.#writeBatch(batch), {
      onFault: this.#onFault,
      onTrouble: (why) => options.onTrouble?.(why),
    });
    writer.on('message', (result: BatchResult) => this.#batchDone?.(result));
    writer.on('error', (error) => this.#died(error, options.onDeath));
    writer.on('exit', () => this.#died(new Error("the ledger's thread ended"), options.onDeath));
  }

  get trouble(): string | null {
    return this.#closed ?? this.#queue.trouble;
  }

  admit(call: Admission): Promise<Verdict> {
    return this.#queue.submit('admit', call);
  }

  settle(settlement: Settlement): void {
    this.#queue.defer('settle', settlement);
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

  /** Writes what waits and lets the data folder go. What cannot be written is found as `unknown`. */
  async close(): Promise<void> {
    if (this.#closed) return;
    await this.flush().catch(() => undefined);
    this.#closed = 'the ledger is closed';
    const lost = this.#queue.close(this.#closed);
    if (lost > 0) this.#onFault('close', `${lost} ends of calls are not written; they are unknown`);
    // Before the writer: the last connection carries the log into the file, and a reader cannot.
    await this.#reports.close();
    const ended = once(this.#writer, 'exit');
    this.#writer.postMessage('close');
    await ended;
  }

  #writeBatch(batch: Operation[]): Promise<BatchResult> {
    if (this.#closed) return Promise.resolve({ unavailable: this.#closed });
    return new Promise((resolve) => {
      this.#batchDone = resolve;
      this.#writer.postMessage(batch);
    });
  }

  /** Reports see everything that was settled before they were asked for. */
  async #report<T>(name: string, ...args: unknown[]): Promise<T> {
    await this.flush();
    return this.#reports.run(name, args);
  }

  #died(error: Error, onDeath: SqliteOptions['onDeath']): void {
    if (this.#closed) return;
    this.#closed = `the ledger's thread ended: ${error.message}`;
    this.#batchDone?.({ unavailable: this.#closed });
    this.#queue.close(this.#closed);
    this.#reports.terminate(); // it would keep the process alive
    void this.#writer.terminate();
    onDeath?.(error);
  }
}

/** Batches leave little behind; without limits each thread's heap would grow to 100 MiB and more. */
const THREAD = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 128 };

function startWorker(workerData: WorkerData): Worker {
  return new Worker(new URL(`./sqlite/worker${EXTENSION}`, import.meta.url), {
    workerData,
    resourceLimits: THREAD,
  });
}

function hex(hash: Uint8Array): string {
  return Buffer.from(hash).toString('hex');
}

/** `.ts` when run from the sources, `.js` when built. */
const EXTENSION = import.meta.url.slice(-3);

function started<T>(worker: Worker): Promise<T> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('message', (message: { started: T } | { refused: string }) => {
      worker.removeAllListeners('error');
      if ('started' in message) resolve(message.started);
      else reject(new DataFolderError(message.refused));
    });
  });
}
