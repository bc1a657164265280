/** One thing that `keybrake doctor` looked at, and what it found. */
type Verdict = 'ok' | 'warn' | 'fail';

export interface Finding {
  check: string;
  verdict: Verdict;
  found: string;
  /** What to do about it. */
  remedy?: string;
}
