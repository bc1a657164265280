/**
 * Simulated time: events in the order of their time, and of their making where two are due at once.
 * Time stands still while one happens and jumps to the next. Every timer of the code under test,
 * of the vendor and of the clients is an event here.
 */
import type { Clock } from '../src/clock.ts';

interface Event {
  at: number;
  seq: number;
  /** Null: taken back. */
  happen: (() => void) | null;
}

export class Timeline {
  /** The next one last. */
  readonly #events: Event[] = [];
  #now = 0;
  #seq = 0;

  /** Milliseconds since the run began. */
  get now(): number {
    return this.#now;
  }

  /** When the next event is due; null: there is none. */
  get next(): number | null {
    while (this.#events.at(-1)?.happen === null) this.#events.pop();
    return this.#events.at(-1)?.at ?? null;
  }

  /** `happen` is called `ms` milliseconds from now; what it returns takes that back. */
  after(ms: number, happen: () => void): () => void {
    const event: Event = { at: this.#now + Math.max(0, ms), seq: this.#seq++, happen };
    let place = this.#events.length;
    while (place > 0 && this.#events[place - 1]!.at <= event.at) place -= 1;
    this.#events.splice(place, 0, event);
    return () => {
      event.happen = null;
    };
  }

  /** Lets the next event happen; false: there is none. */
  step(): boolean {
    if (this.next === null) return false;
    const event = this.#events.pop()!;
    this.#now = event.at;
    event.happen!();
    return true;
  }

  /** The time passes without an event; none may be due in it. */
  pass(ms: number): void {
    this.#now += ms;
  }
}

/**
 * The clock of one process: its timers ring while it is alive, and its wall clock is off by what
 * `skew` says, in milliseconds.
 */
export function processClock(
  timeline: Timeline,
  epoch: number,
  process: { readonly alive: boolean; readonly skew: number },
): Clock {
  const after = (ms: number, wake: () => void) =>
    timeline.after(ms, () => {
      if (process.alive) wake();
    });
  return {
    now: () => epoch + timeline.now + process.skew,
    monotonic: () => timeline.now,
    after,
    soon: (wake) => void after(0, wake),
  };
}
