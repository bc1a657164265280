/**
 * The embedded store: a SQLite file in the data folder, one thread that writes it and one that
 * reads reports from it. This side holds no state of the ledger; it posts batches and hears of ends.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { BatchResult, Operation } from './commit.ts';
import { QueuedLedger, type QueueOptions, type Start, type Store } from './queued.ts';
import { DataFolderError } from './sqlite/database.ts';
import { ReportThread } from './sqlite/report-thread.ts';
import type { WorkerData } from './sqlite/worker.ts';

export { DataFolderError } from './sqlite/database.ts';

export interface SqliteOptions extends QueueOptions {
  dataDir: string;
  /** 0 to 1023; part of every id made here. */
  node?: number;
  /** The writing thread is gone: nothing can be decided any more. */
  onDeath?: (error: Error) => void;
}

/** Opens the ledger in `dataDir`. Rejects with DataFolderError when it is in use or not usable. */
export async function openSqliteLedger(options: SqliteOptions): Promise<QueuedLedger> {
  const { dataDir, node = 0 } = options;
  const writer = startWorker({ role: 'writer', dataDir, node });
  const start = await started<Start>(writer);
  const reports = new ReportThread(async () => {
    const reader = startWorker({ role: 'reader', dataDir, node });
    await started<null>(reader);
    return reader;
  });
  const threads = new Threads(writer, reports, (error) => {
    ledger.end(`the ledger's thread ended: ${error.message}`);
    options.onDeath?.(error);
  });
  const ledger = new QueuedLedger(threads, start, options);
  return ledger;
}

class Threads implements Store {
  readonly #writer: Worker;
  readonly #reports: ReportThread;
  readonly #onDeath: (error: Error) => void;
  #batchDone: ((result: BatchResult) => void) | null = null;
  #ended: string | null = null;

  constructor(writer: Worker, reports: ReportThread, onDeath: (error: Error) => void) {
    this.#writer = writer;
    this.#reports = reports;
    this.#onDeath = onDeath;
    writer.on('message', (result: BatchResult) => this.#batchDone?.(result));
    writer.on('error', (error) => this.#died(error));
    writer.on('exit', () => this.#died(new Error("the ledger's thread ended")));
  }

  write = (batch: Operation[]): Promise<BatchResult> => {
    if (this.#ended) return Promise.resolve({ unavailable: this.#ended });
    return new Promise((resolve) => {
      this.#batchDone = resolve;
      this.#writer.postMessage(batch);
    });
  };

  report<T>(name: string, args: readonly unknown[]): Promise<T> {
    return this.#reports.run(name, args);
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = 'the ledger is closed';
    // Before the writer: the last connection carries the log into the file, and a reader cannot.
    await this.#reports.close();
    const ended = once(this.#writer, 'exit');
    this.#writer.postMessage('close');
    await ended;
  }

  #died(error: Error): void {
    if (this.#ended) return;
    this.#ended = `the ledger's thread ended: ${error.message}`;
    this.#batchDone?.({ unavailable: this.#ended });
    this.#reports.terminate(); // it would keep the process alive
    void this.#writer.terminate();
    this.#onDeath(error);
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
