/**
 * The queues of calls that would fit if the calls in front of them gave their holds back: one for
 * each key whose budget is too full. First come, first served; the first alone asks the ledger
 * again, whenever a call that draws on the budget has ended. Holds no money and decides nothing.
 */
import type { Clock } from '../clock.ts';

/** Another node's calls end unheard, so the first in a queue asks this often in any case. */
const ASK_AGAIN_MS = 500;

/** A call's place in the order of arrival. */
export interface Ticket {
  readonly seq: number;
  /** The key in whose queue it stands; null: in none yet. */
  queue: bigint | null;
  /** Something has ended since it asked last. */
  woken: boolean;
  /** How many calls had ended when it asked last. */
  ends: number;
  wake: (() => void) | null;
}

export class WaitingRoom {
  readonly #clock: Clock;
  readonly #queues = new Map<bigint, Ticket[]>();
  #seq = 0;
  /** Calls that have ended, of all keys. */
  #ends = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls that wait. */
  get size(): number {
    let size = 0;
    for (const queue of this.#queues.values()) size += queue.length;
    return size;
  }

  ticket(): Ticket {
    return { seq: this.#seq++, queue: null, woken: false, ends: 0, wake: null };
  }

  /** The ticket's call asks the ledger: whatever ends from here on is worth asking once more. */
  asks(ticket: Ticket): void {
    ticket.woken = false;
    ticket.ends = this.#ends;
  }

  /** The key of `chain` in whose queue somebody stands who came before; null: nobody does. */
  before(ticket: Ticket, chain: readonly bigint[]): bigint | null {
    if (this.#queues.size === 0) return null;
    const found = chain.find((keyId) => {
      const first = this.#queues.get(keyId)?.[0];
      return first !== undefined && first.seq < ticket.seq;
    });
    return found ?? null;
  }

  /**
   * Waits in the key's queue until it is worth asking the ledger again: it is the ticket's turn and
   * something has ended, or `timeoutMs` are over.
   */
  async wait(ticket: Ticket, keyId: bigint, timeoutMs: number): Promise<void> {
    const isNew = ticket.queue !== keyId;
    this.#enter(ticket, keyId);
    const first = this.#queues.get(keyId)![0] === ticket;
    // Nobody could wake it before it stood here, so it may be what it waits for that has ended.
    if (ticket.woken || (isNew && first && ticket.ends !== this.#ends)) return;
    await new Promise<void>((resolve) => {
      const ms = first ? Math.min(timeoutMs, ASK_AGAIN_MS) : timeoutMs;
      const cancel = this.#clock.after(ms, resolve);
      ticket.wake = () => {
        cancel();
        resolve();
      };
    });
    ticket.wake = null;
  }

  /** The call waits no longer; whoever is first now may fit. */
  leave(ticket: Ticket): void {
    const { queue: keyId } = ticket;
    if (keyId === null) return;
    ticket.queue = null;
    const queue = this.#queues.get(keyId)!.filter((other) => other !== ticket);
    if (queue.length === 0) this.#queues.delete(keyId);
    else {
      this.#queues.set(keyId, queue);
      wake(queue[0]!);
    }
  }

  /** A call that draws on the budgets of these keys has ended. */
  ended(chain: readonly bigint[]): void {
    this.#ends++;
    if (this.#queues.size === 0) return;
    for (const keyId of chain) {
      const first = this.#queues.get(keyId)?.[0];
      if (first) wake(first);
    }
  }

  #enter(ticket: Ticket, keyId: bigint): void {
    if (ticket.queue === keyId) return;
    this.leave(ticket);
    ticket.queue = keyId;
    const queue = this.#queues.get(keyId);
    if (!queue) this.#queues.set(keyId, [ticket]);
    else {
      // In the order of arrival, also for one that stood in another queue first.
      const at = queue.findLastIndex(({ seq }) => seq < ticket.seq) + 1;
      queue.splice(at, 0, ticket);
    }
  }
}

function wake(ticket: Ticket): void {
  ticket.woken = true;
  ticket.wake?.();
}
