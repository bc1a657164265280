/**
 * Group commit: operations that arrive while a commit is being written form the next one, so one
 * fsync serves all of them. Settlements do not ask for a commit of their own: they ride on the next
 * admission's, or are written after a short wait when none comes.
 */
import { type Clock, systemClock } from '../clock.ts';
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

/** Writes something that changes nothing. */
const PROBE: Operation = ['probe', []];

interface Waiting {
  operation: Operation;
  /** Null: a settlement, which is kept until it is written. */
  done: { resolve(value: unknown): void; reject(error: Error): void } | null;
}

export interface QueueEvents {
  /** A settlement failed by itself: a fault of the code, not of the disk. */
  onFault(operation: string, fault: string): void;
  /** Nothing can be written, and why; null: it can again. */
  onTrouble(why: string | null): void;
}

export class CommitQueue {
  readonly #write: WriteBatch;
  readonly #events: QueueEvents;
  readonly #clock: Clock;
  #queue: Waiting[] = [];
  /** Written before all others and without them: a revoke must not wait for a crowd's commit. */
  #urgent: Waiting[] = [];
  #trouble: string | null = null;
  #ended: string | null = null;
  #writing = false;
  #scheduled = false;
  #cancelRide: (() => void) | null = null;

  constructor(write: WriteBatch, events: QueueEvents, clock: Clock = systemClock) {
    this.#write = write;
    this.#events = events;
    this.#clock = clock;
  }

  /** Why the last batch could not be written; null when it was. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** Settlements and others that are not written yet. */
  get length(): number {
    return this.#queue.length;
  }

  /** Resolves with the operation's value when it is durable. */
  submit<T>(name: string, ...args: unknown[]): Promise<T> {
    return this.#enter(this.#queue, [name, args]);
  }

  /** The same, ahead of everything that waits, in a commit of its own. */
  submitFirst<T>(name: string, ...args: unknown[]): Promise<T> {
    return this.#enter(this.#urgent, [name, args]);
  }

  #enter<T>(line: Waiting[], operation: Operation): Promise<T> {
    if (this.#ended !== null) return Promise.reject(new LedgerUnavailable(this.#ended));
    return new Promise((resolve, reject) => {
      line.push({ operation, done: { resolve: resolve as (value: unknown) => void, reject } });
      this.#schedule();
    });
  }

  /** Takes an operation along with the next commit; it is tried until it is written. */
  defer(name: string, ...args: unknown[]): void {
    if (this.#ended !== null) return;
    this.#queue.push({ operation: [name, args], done: null });
    this.#scheduleIn(RIDE_MS);
  }

  /** Nothing is written any more, for this reason. Returns how many settlements never were. */
  close(why: string): number {
    this.#cancelRide?.();
    this.#ended = why;
    const left = [...this.#urgent.splice(0), ...this.#queue.splice(0)];
    for (const { done } of left) done?.reject(new LedgerUnavailable(why));
    return left.filter(({ operation }) => operation[0] === 'settle').length;
  }

  /** Waits for the end of this turn, so that calls that arrived together commit together. */
  #schedule(): void {
    if (this.#writing || this.#scheduled) return;
    this.#scheduled = true;
    this.#clock.soon(() => {
      this.#scheduled = false;
      void this.#next();
    });
  }

  /** A timer that rang while a commit was being written is spent: it must not stand for another. */
  #scheduleIn(ms: number): void {
    this.#cancelRide ??= this.#clock.after(ms, () => {
      this.#cancelRide = null;
      this.#schedule();
    });
  }

  async #next(): Promise<void> {
    if (this.#writing || this.#urgent.length + this.#queue.length === 0) return;
    this.#cancelRide?.();
    this.#cancelRide = null;
    // After a failure, nothing counts as written before the settlements that wait.
    if (this.#trouble !== null) this.#queue.push(...this.#urgent.splice(0));
    const batch = (this.#urgent.length > 0 ? this.#urgent : this.#queue).splice(0, BATCH_MAX);
    this.#writing = true;
    const outcome = await this.#write(batch.map((waiting) => waiting.operation)).catch(
      (error: unknown): BatchResult => ({ unavailable: String(error) }),
    );
    this.#writing = false;
    const why =
      'unavailable' in outcome ? outcome.unavailable : this.#written(batch, outcome.results);
    if (why !== null) this.#failed(batch, why);
    if (why !== this.#trouble) this.#events.onTrouble(why);
    this.#trouble = why;
    if (this.#ended !== null) this.close(this.#ended);
    else if (this.#somebodyWaits()) this.#schedule();
    else if (this.#queue.length > 0) {
      this.#scheduleIn(why === null ? RIDE_MS : RETRY_MS);
    }
  }

  #somebodyWaits(): boolean {
    return this.#urgent.length > 0 || this.#queue.some((waiting) => waiting.done !== null);
  }

  /** Tells everybody what became of it; leaves in `batch` what was not written, and returns why. */
  #written(batch: Waiting[], results: Result[]): string | null {
    let why: string | null = null;
    for (const [index, waiting] of batch.splice(0).entries()) {
      const { operation, done } = waiting;
      const result = results[index]!;
      if ('unavailable' in result) {
        why = result.unavailable;
        batch.push(waiting);
      } else if ('value' in result) done?.resolve(result.value);
      else if ('conflict' in result) done?.reject(new LedgerConflict(result.conflict));
      else if (done) done.reject(new Error(result.fault));
      else this.#events.onFault(operation[0], result.fault);
    }
    return why;
  }

  /**
   * Nothing of `batch` was written. Whoever waits is told, those behind it too, for they would wait
   * for settlements that cannot be written; settlements stay, in order, and are tried first. With
   * none, a probe is: something must find out when writing is possible again.
   */
  #failed(batch: Waiting[], why: string): void {
    const all = [...batch, ...this.#urgent.splice(0), ...this.#queue.splice(0)];
    this.#queue.push(...all.filter((waiting) => waiting.done === null));
    if (this.#queue.length === 0) this.#queue.push({ operation: PROBE, done: null });
    for (const { done } of all) done?.reject(new LedgerUnavailable(why));
  }
}
