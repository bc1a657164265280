/**
 * The usual scene of a guarantee's test: a server with its sandbox vendor, gone when the test ends,
 * and the short questions that every one of them asks of an answer or a key.
 */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { micros } from './agreement.ts';
import { type Keybrake, type StartOptions, startKeybrake } from './keybrake.ts';
import { auditRows, keySpend, type Server } from './management.ts';
import { type ManualClock, manualClock } from './manual-clock.ts';
import type { Answer } from './run.ts';

export async function start(t: TestContext, options: StartOptions = {}): Promise<Keybrake> {
  const keybrake = await startKeybrake(options);
  t.after(() => keybrake.close());
  return keybrake;
}

/** Server and vendor on one clock that only the test moves. */
export async function startAt(
  t: TestContext,
  instant: string,
  options: StartOptions = {},
): Promise<{ clock: ManualClock; keybrake: Keybrake }> {
  const clock = manualClock(instant);
  const sandbox = { ...options.sandbox, clock };
  return { clock, keybrake: await start(t, { ...options, clock, sandbox }) };
}

/** What a key counts, in dollars. */
export async function spendOf(server: Server, id: string): Promise<[spent: number, held: number]> {
  const { spent_usd, held_usd } = await keySpend(server, id);
  return [spent_usd, held_usd];
}

/** Waits until so many rows are in this state; `meanwhile` is done at each look. */
export async function becomes(
  server: Server,
  run: { id: string },
  state: string,
  count = 1,
  meanwhile: () => void = () => undefined,
): Promise<void> {
  for (let looks = 0; looks < 2_000; looks++) {
    const rows = await auditRows(server, { key: run.id });
    if (rows.filter((row) => row.state === state).length === count) return;
    meanwhile();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.fail(`no row became ${state}`);
}

/** The amounts that a cap refusal states, in micro-dollars. */
export function capIn(answer: Answer): Record<'cap' | 'spent' | 'held' | 'needed', bigint> {
  const { error } = answer.json as { error: { vault: Record<string, string> } };
  const read = (name: string) => micros(Number(error.vault[name]));
  return {
    cap: read('cap_usd'),
    spent: read('spent_usd'),
    held: read('held_usd'),
    needed: read('needed_usd'),
  };
}

/** The brake was hit on purpose: said in every way that a client may look for. */
export function assertCapHit(answer: Answer, code = 'cap_exceeded'): void {
  assertCode(answer, 429, code);
  assert.equal(answer.headers['x-keybrake-cap-hit'], 'true');
  assert.equal(answer.headers['stripe-should-retry'], 'false');
}

/** Refused for another reason than a cap. */
export function assertRefused(answer: Answer, status: number, code: string): void {
  assertCode(answer, status, code);
  assert.equal(answer.headers['x-keybrake-cap-hit'], undefined);
}

function assertCode(answer: Answer, status: number, code: string): void {
  assert.equal(answer.status, status, answer.body.toString());
  assert.equal(answer.code, code);
  assert.equal(answer.headers['x-keybrake-reason'], code);
}
