/**
 * Group commit: operations that arrive while a commit is being written form the next one, so one
 * fsync serves all of them. Settlements do not ask for a commit of their own: they ride on the next
 * admission's, or are written after a short wait when none comes.
 */
import { LedgerConflict, LedgerUnavailable } from './ledger.ts';

/** A method's name and its arguments. */
export type Operation = readonly [name: string, args: readonly unknown[]];

export type Result =
  | { value: unknown }
  | { conflict: string }
  | { fault: string }
  | { unavailable: string };

/** What a batch came to: a result for each operation, or why nothing of it was written. */
export type BatchResult = { results: Result[] } | { unavailable: string };

/** Writes one batch in one durable commit. Called again only after it has resolved. */
export type WriteBatch = (batch: Operation[]) => Promise<BatchResult>;

/** How long a settlement waits for an admission to ride with. */
const RIDE_MS = 10;
/** How long after a failed commit the settlements that wait are tried again. */
const RETRY_MS = 500;
/** Operations in one commit: bounds the time that the last one of a burst waits. */
const BATCH_MAX = 512;

interface Waiting {
  operation: Operation;
  /** Null: a settlement, which is kept until it is written. */
  done: { resolve(value: unknown): void; reject(error: Error): void } | null;
}

export class CommitQueue {
  readonly #write: WriteBatch;
  readonly #onFault: (operation: string, fault: string) => void;
  #queue: Waiting[] = [];
  #writing = false;
  #scheduled = false;
  #rideTimer: NodeJS.Timeout | undefined;

  /** `onFault` hears of settlements that failed by themselves: a fault of the code, not the disk. */
  constructor(write: WriteBatch, onFault: (operation: string, fault: string) => void) {
    this.#write = write;
    this.#onFault = onFault;
  }

  /** Settlements and others that are not written yet. */
  get length(): number {
    return this.#queue.length;
  }

  /** Resolves with the operation's value when it is durable. */
  submit<T>(name: string, ...args: unknown[]): Promise<T> {
    return new Promise((resolve, reject) => {
      const done = { resolve: resolve as (value: unknown) => void, reject };
      this.#queue.push({ operation: [name, args], done });
      this.#schedule();
    });
  }

  /** Takes an operation along with the next commit; it is tried until it is written. */
  defer(name: string, ...args: unknown[]): void {
    this.#queue.push({ operation: [name, args], done: null });
    this.#rideTimer ??= setTimeout(() => this.#schedule(), RIDE_MS);
  }

  /** Waits for the end of this turn, so that calls that arrived together commit together. */
  #schedule(): void {
    if (this.#writing || this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      void this.#next();
    });
  }

  async #next(): Promise<void> {
    if (this.#writing || this.#queue.length === 0) return;
    clearTimeout(this.#rideTimer);
    this.#rideTimer = undefined;
    const batch = this.#queue.slice(0, BATCH_MAX);
    this.#queue = this.#queue.slice(BATCH_MAX);
    this.#writing = true;
    const outcome = await this.#write(batch.map((waiting) => waiting.operation)).catch(
      (error: unknown): BatchResult => ({ unavailable: String(error) }),
    );
    this.#writing = false;
    if ('unavailable' in outcome) this.#failed(batch, outcome.unavailable);
    else this.#written(batch, outcome.results);
    if (this.#queue.some((waiting) => waiting.done !== null)) this.#schedule();
    else if (this.#queue.length > 0) {
      const wait = 'unavailable' in outcome ? RETRY_MS : RIDE_MS;
      this.#rideTimer ??= setTimeout(() => this.#schedule(), wait);
    }
  }

  #written(batch: Waiting[], results: Result[]): void {
    for (const [index, { operation, done }] of batch.entries()) {
      const result = results[index]!;
      if ('value' in result) done?.resolve(result.value);
      else if ('conflict' in result) done?.reject(new LedgerConflict(result.conflict));
      else if ('unavailable' in result) this.#failed([batch[index]!], result.unavailable);
      else if (done) done.reject(new Error(result.fault));
      else this.#onFault(operation[0], result.fault);
    }
  }

  /** Nothing was written: those who wait are told, settlements stay first in the queue. */
  #failed(batch: Waiting[], why: string): void {
    this.#queue.unshift(...batch.filter((waiting) => waiting.done === null));
    for (const { done } of batch) done?.reject(new LedgerUnavailable(why));
  }
}
