/** One idempotency key and its callers, and a vendor that outlives the server in front of it. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';
import { type Keybrake, makeDataDir, startKeybrake } from '../support/keybrake.ts';
import type { Answer, Run } from '../support/run.ts';

export const HOUR_MS = 3_600_000;
export const KEY = { idempotencyKey: 'order-1001' };

export function tenAtOnce(run: Run, cents = 2_900): Promise<Answer[]> {
  return Promise.all(Array.from({ length: 10 }, () => run.charge(cents, KEY)));
}

/** A copy that Keybrake gave from its store: byte for byte, and free. */
export function assertReplayOf(first: Answer, answer: Answer): void {
  assert.equal(answer.status, first.status);
  assert.deepEqual(answer.body, first.body);
  assert.equal(answer.headers['x-keybrake-replayed'], 'true');
  assert.equal(answer.headers['x-keybrake-cost-usd'], '0.00');
  assert.equal(answer.headers['request-id'], first.headers['request-id']);
}

export function split(answers: Answer[]): { first: Answer; copies: Answer[] } {
  const first = answers.find((answer) => answer.headers['x-keybrake-replayed'] === undefined);
  assert.ok(first, 'every answer is a copy');
  return { first, copies: answers.filter((answer) => answer !== first) };
}

/** A vendor that outlives the server in front of it. */
export async function lastingVendor(t: TestContext): Promise<{
  vendor: Sandbox;
  restart(): Promise<Keybrake>;
}> {
  const vendor = await startSandbox();
  const dataDir = makeDataDir();
  const settings = {
    KEYBRAKE_STRIPE_SECRET: vendor.secret,
    KEYBRAKE_STRIPE_BASE_URL: vendor.stripeUrl,
  };
  let running: Keybrake | undefined;
  t.after(async () => {
    await running?.close();
    await vendor.close();
    rmSync(dataDir, { recursive: true });
  });
  return {
    vendor,
    async restart() {
      await running?.close();
      running = await startKeybrake({ dataDir, settings });
      return { ...running, sandbox: vendor };
    },
  };
}
