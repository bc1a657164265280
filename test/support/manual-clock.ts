/** A clock that stands still until a test moves it; how long things take is the system's. */
import { type Clock, systemClock } from '../../src/clock.ts';

export interface ManualClock extends Clock {
  /** By milliseconds. */
  advance(ms: number): void;
}

/** `start` in RFC 3339. */
export function manualClock(start = '2026-11-22T20:00:00Z'): ManualClock {
  let now = Date.parse(start);
  return {
    ...systemClock,
    now: () => now,
    advance(ms) {
      now += ms;
    },
  };
}
