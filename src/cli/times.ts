/**
 * Times as a person reads them: UTC, and how far away. The server's own text stays in --json.
 */

/** `2026-01-31 09:15:02Z` of an RFC 3339 time; `-` when there is none. */
export function shortTime(rfc3339: string | null | undefined): string {
  return rfc3339 ? rfc3339.replace('T', ' ').replace(/(?:\.\d+)?Z$/, 'Z') : '-';
}

/** `09:15:02.120`: the time of day of an RFC 3339 time, UTC, for lines that follow each other. */
export function clockTime(rfc3339: string): string {
  return rfc3339.slice(11, 23);
}

/** `in 2 h`, `3 d ago`: how far a time is from `now` (milliseconds). */
export function distance(rfc3339: string | null | undefined, now: number): string {
  if (!rfc3339) return '-';
  const ms = Date.parse(rfc3339) - now;
  const text = span(Math.abs(ms));
  return ms >= 0 ? `in ${text}` : `${text} ago`;
}

/** A length of time in its largest unit: `45 s`, `12 min`, `2 h`, `3 d`. */
export function span(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_170) return `${Math.round(seconds / 60)} min`;
  if (seconds < 171_000) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}
