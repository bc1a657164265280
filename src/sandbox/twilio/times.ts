/** Times as Twilio writes and reads them: RFC 2822 in the first API, RFC 3339 in the newer ones. */

/** `Thu, 24 Aug 2023 05:01:45 +0000` */
export function rfc2822(ms: number): string {
  return new Date(ms).toUTCString().replace('GMT', '+0000');
}

/** `2015-07-30T20:00:00Z` */
export function isoSeconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** A date or a time in any usual form; a date alone is its midnight in UTC. NaN: it is neither. */
export function readTime(text: string): number {
  return Date.parse(text);
}
