/** Time comes in as an argument, so that tests and simulations own it. */
export interface Clock {
  /** Milliseconds since 1970, UTC. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** RFC 3339 in UTC with milliseconds, as every time in the API is written. */
export function rfc3339(ms: number): string {
  return new Date(ms).toISOString();
}
