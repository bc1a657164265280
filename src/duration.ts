/** Lengths of time as people write them: `90s`, `15m`, `2h`, `7d`. */

const SECOND_MS = 1_000;
export const UNIT_MS: Readonly<Record<string, number>> = {
  s: SECOND_MS,
  m: 60 * SECOND_MS,
  h: 3_600 * SECOND_MS,
  d: 86_400 * SECOND_MS,
};

/** The longest of all: a run that takes longer than a year is no run. */
export const MAX_DURATION_MS = 366 * UNIT_MS.d!;

/** In milliseconds, more than none. Throws Error that says what it must be. */
export function readDuration(text: string): number {
  const match = /^(\d{1,9})([smhd])$/.exec(text);
  const ms = match ? Number(match[1]) * UNIT_MS[match[2]!]! : 0;
  if (ms <= 0) throw new Error('must be a whole number with s, m, h or d, such as 15m or 2h');
  if (ms > MAX_DURATION_MS) throw new Error('must not exceed 366d');
  return ms;
}
