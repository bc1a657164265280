/**
 * Time comes in as an argument, so that tests and simulations own it: what time it is, how long
 * something took, and what happens later.
 */
export interface Clock {
  /** Milliseconds since 1970, UTC. */
  now(): number;
  /** Milliseconds since some instant; never goes back. For how long something took. */
  monotonic(): number;
  /** Calls `wake` once, `ms` milliseconds from now; what it returns takes that back. */
  after(ms: number, wake: () => void): () => void;
  /** Calls `wake` when everything that has happened by now has been dealt with. */
  soon(wake: () => void): void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, wake) {
    const timer = setTimeout(wake, ms);
    return () => clearTimeout(timer);
  },
  soon: (wake) => void setImmediate(wake),
};

/** Resolves after `ms` milliseconds of this clock. */
export function sleep(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.after(ms, resolve));
}

/** RFC 3339 in UTC with milliseconds, as every time in the API is written. */
export function rfc3339(ms: number): string {
  return new Date(ms).toISOString();
}
