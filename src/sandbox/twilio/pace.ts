/**
 * How fast things happen at the fake Twilio. From the moment in which a message goes out (or a call
 * ends) to the statement of its price there are three thirds, so that every state can be met:
 * under way, sent, arrived without a price, priced.
 */

/** By the clock, or by how often the resource itself is read. Both not negative. */
export type Pace = { afterMs: number } | { reads: number };

/** How many thirds have passed, 0 to 3. `since`, `now`: milliseconds; `reads`: since then. */
export function thirds(pace: Pace, since: number, reads: number, now: number): 0 | 1 | 2 | 3 {
  if (now < since) return 0;
  const [done, whole] = 'reads' in pace ? [reads, pace.reads] : [now - since, pace.afterMs];
  if (done >= whole) return 3;
  return Math.floor((3 * done) / whole) as 0 | 1 | 2;
}

/** When the clock alone will have brought the price; null: reading it does. */
export function pricedAt(pace: Pace, since: number): number | null {
  return 'reads' in pace ? null : since + pace.afterMs;
}
