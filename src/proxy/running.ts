/**
 * The calls that this process has under way, from the moment a key is recognised until the answer
 * is concluded. A revoke stops here what was admitted and not yet sent; coalescing callers wait
 * here for the first call with their identity.
 */
import type { Clock } from '../clock.ts';
import type { ErrorCode } from '../errors.ts';

/** A call under way. `stopped` is read in the same turn in which the first byte is written. */
export interface RunningCall {
  readonly id: bigint;
  readonly keyId: bigint;
  readonly vendor: string;
  /** As in its row: by what it is found at the vendor. */
  readonly clue: string | null;
  /** Bytes have gone to the vendor. */
  sent: boolean;
  /** The caller hung up before its answer was whole. */
  unheard: boolean;
  /** Why the call must not be sent any more; null while it may. */
  stopped: ErrorCode | null;
}

export class RunningCalls {
  readonly #clock: Clock;
  readonly #calls = new Map<bigint, RunningCall>();
  readonly #waiting = new Map<bigint, (() => void)[]>();
  readonly #onEmpty: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#calls.size;
  }

  add(call: RunningCall): void {
    this.#calls.set(call.id, call);
  }

  /** The call has ended and its end is in the ledger's queue: waiters may ask the ledger again. */
  remove(id: bigint): void {
    this.#calls.delete(id);
    if (this.#calls.size === 0) for (const wake of this.#onEmpty.splice(0)) wake();
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    for (const wake of waiting) wake();
  }

  /** Whether a call is at the vendor that another one would be found by the same clue as. */
  isSent(vendor: string, clue: string): boolean {
    for (const call of this.#calls.values()) {
      if (call.sent && call.clue === clue && call.vendor === vendor) return true;
    }
    return false;
  }

  /** Resolves when no call is under way, those whose clients have hung up included. */
  empty(): Promise<void> {
    if (this.#calls.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onEmpty.push(resolve));
  }

  /**
   * Resolves when the call has ended, or after `timeoutMs`; a call that does not run in this process
   * is not heard of when it ends, so then after `unheardMs`.
   */
  ended(id: bigint, timeoutMs: number, unheardMs: number): Promise<void> {
    const here = this.#calls.has(id);
    return new Promise((resolve) => {
      const ms = here ? timeoutMs : Math.min(timeoutMs, unheardMs);
      const cancel = this.#clock.after(ms, resolve);
      if (!here) return;
      const wake = () => {
        cancel();
        resolve();
      };
      const waiting = this.#waiting.get(id);
      if (waiting) waiting.push(wake);
      else this.#waiting.set(id, [wake]);
    });
  }

  /**
   * Stops every call that `which` names and that has not been sent; returns the ids of those that
   * have been and are still running. Synchronous: when it returns, nothing that it named starts.
   */
  stop(which: (call: RunningCall) => boolean, code: ErrorCode): bigint[] {
    const inFlight: bigint[] = [];
    for (const call of this.#calls.values()) {
      if (!which(call)) continue;
      if (call.sent) inFlight.push(call.id);
      else call.stopped = code;
    }
    return inFlight;
  }
}
