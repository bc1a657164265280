/**
 * The scene of a test of Twilio through Keybrake: a run that texts and calls, what its key counts,
 * and a server that looks for prices as fast as the clock is moved.
 */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { micros } from './agreement.ts';
import type { Keybrake, StartOptions } from './keybrake.ts';
import { auditRows, countStates, keySpend } from './management.ts';
import type { ManualClock } from './manual-clock.ts';
import { type Answer, type Run, startRun } from './run.ts';
import { becomes, startAt } from './scene.ts';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** A segment to the United States: the list price and the dearest carrier's fee; a picture. */
export const QUOTE = 14_500n;
export const MMS_QUOTE = 32_000n;
/** The fake's carriers take as much for a picture as for a segment. */
export const MMS = 28_200n;
export const PLACEHOLDER = `AC${'0'.repeat(32)}`;
export const OTHER = `AC${'2e'.repeat(16)}`;
export const US = '+14155552671';
export const GB = '+447400123450';
export const SERVICE = `/twilio/verify/v2/Services/VA${'0'.repeat(32)}`;

export const inAccount = (path: string, sid = PLACEHOLDER) =>
  `/twilio/2010-04-01/Accounts/${sid}/${path}`;

type Options = Parameters<Run['call']>[0];

export interface Texter extends Run {
  text(fields?: Record<string, string>, options?: Options): Promise<Answer>;
  post(path: string, fields: Record<string, string>, options?: Options): Promise<Answer>;
  get(path: string): Promise<Answer>;
}

export async function startTexter(
  t: TestContext,
  keybrake: Keybrake,
  fields: object = {},
): Promise<Texter> {
  const run = await startRun(t, keybrake, { vendor: 'twilio', ...fields });
  const post: Texter['post'] = (path, fields, options = {}) =>
    run.call({ path, fields, ...options });
  const message = { To: US, From: '+15005550006', Body: 'Hello' };
  return {
    ...run,
    post,
    text: (more = {}, options = {}) =>
      post(inAccount('Messages.json'), { ...message, ...more }, options),
    get: (path) => run.call({ method: 'GET', path }),
  };
}

export const sidOf = (answer: Answer): string => {
  assert.equal(answer.status, 201, answer.body.toString());
  return answer.json.sid as string;
};

/** What the key counts, in micro-dollars, which is what its rows say. */
export async function counts(keybrake: Keybrake, run: Run) {
  const rows = await auditRows(keybrake, { key: run.id, limit: '200' });
  const sum = (...states: string[]) =>
    rows
      .filter(({ state }) => states.includes(state))
      .reduce((all, row) => all + micros(row.cost_usd ?? row.quote_usd), 0n);
  const key = await keySpend(keybrake, run.id);
  const [spent, held] = [micros(key.spent_usd), micros(key.held_usd)];
  assert.equal(sum('settled'), spent, 'spent is not its rows’ cost');
  assert.equal(sum('held', 'unknown'), held, 'held is not its rows’ quotes');
  return { spent, held, states: countStates(rows) };
}

/** Server and vendor on one clock, and open calls looked for as fast as they are due. */
export function looking(t: TestContext, options: StartOptions = {}) {
  return startAt(t, '2026-11-24T09:00:00Z', { resolvePauseMs: 5, ...options });
}

export async function settleAll(
  keybrake: Keybrake,
  run: Run,
  clock: ManualClock,
  messages: number,
) {
  await becomes(keybrake, run, 'settled', messages, () => clock.advance(SECOND));
}
