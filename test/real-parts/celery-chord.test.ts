/**
 * The published Celery chord (examples/celery) on a real Redis, in a real worker with four
 * processes, against a real server: the budget holds over the whole chord, and a reply that got
 * lost is not paid for twice.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Keybrake, startKeybrake } from '../support/keybrake.ts';
import { auditRows, countStates, keySpend, keysLabelled } from '../support/management.ts';
import { type Running, stay } from '../support/process.ts';
import { type Python, python } from '../support/python.ts';
import { type Redis, startRedis } from '../support/redis.ts';
import { type Relay, startRelay } from '../support/relay.ts';

const EXAMPLE = join(import.meta.dirname, '..', '..', 'examples', 'celery');
const RUN_CHORD = join(import.meta.dirname, '..', 'support', 'python', 'run_chord.py');
const CENTS = 500;

interface TaskEnd {
  id: string;
  state: string;
  error: string | null;
  result: unknown;
}

interface Chord {
  header: TaskEnd[];
  callback: TaskEnd;
}

interface Edition {
  module: string;
  /** Attempts that one call of the SDK makes when its connection breaks. */
  sdkAttempts: number;
  /** Whether the charges are confirmed, so that money moves; else they are only created. */
  confirms: boolean;
}

// All that is waited for comes before the first suite: `after` runs as soon as no registered test is
// left, and would stop Redis while the second environment is still being installed.
const EDITIONS = [
  [await python('current'), { module: 'billing', sdkAttempts: 3, confirms: true }],
  [await python('stripe5'), { module: 'billing_stripe5', sdkAttempts: 1, confirms: false }],
] as const;
const redis = await startRedis();
after(async () => {
  if (!('skip' in redis)) await redis.close();
});

for (const [environment, edition] of EDITIONS) {
  describe(`the Celery chord of ${edition.module}.py`, () => {
    if ('skip' in redis) test('runs', { skip: redis.skip }, () => {});
    else if ('skip' in environment) test('runs', { skip: environment.skip }, () => {});
    else guarantees(environment, redis, edition);
  });
}

function guarantees(environment: Python, redis: Redis, edition: Edition): void {
  let keybrake: Keybrake;
  let relay: Relay;
  let worker: Running;
  let folder: string;
  let env: Record<string, string>;

  before(async () => {
    keybrake = await startKeybrake();
    relay = await startRelay(keybrake.url);
    folder = await mkdtemp(join(tmpdir(), 'keybrake-celery-'));
    env = {
      VAULT_URL: relay.url,
      KEYBRAKE_API_KEY: keybrake.apiKey,
      CELERY_BROKER_URL: redis.url,
      PYTHONPATH: EXAMPLE,
      PYTHONDONTWRITEBYTECODE: '1',
    };
    const args = ['-A', edition.module, 'worker', '--concurrency', '4', '--loglevel', 'INFO'];
    worker = stay(environment.bin('celery'), args, { cwd: folder, env });
  });
  after(async () => {
    await worker?.stop();
    await relay?.close();
    await keybrake?.close();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  async function runBilling(customers: string[], budgetUsd: number): Promise<Chord> {
    relay.seen.length = 0;
    const order = { customer_ids: customers, amount_cents: CENTS, budget_usd: budgetUsd };
    const args = [RUN_CHORD, edition.module, JSON.stringify(order), '90'];
    const { code, stdout, stderr } = await environment.run(args, { cwd: folder, env });
    assert.equal(code, 0, `${stderr}\n${worker.output().slice(-4000)}`);
    return JSON.parse(stdout) as Chord;
  }

  /** The newest chord's key and rows. */
  async function newestRun() {
    const [keyId] = await keysLabelled(keybrake, 'celery-billing/');
    assert.ok(keyId);
    const spend = await keySpend(keybrake, keyId);
    const rows = await auditRows(keybrake, { key: keyId });
    return { spend, rows };
  }

  /** What the vendor's books say can move or has moved, in cents. */
  const vendorCents = () => {
    const books = keybrake.sandbox.stripe;
    return Number(books.movedCents() + books.openCents());
  };

  test('60 customers on a budget for 40: the vendor charged 40, the rest were rate limited', async () => {
    const before = vendorCents();
    const customers = Array.from({ length: 60 }, (_, i) => `cus_capped${i}`);
    const { header, callback } = await runBilling(customers, 200);

    assert.equal(vendorCents() - before, 40 * CENTS);
    const ended = header.filter(({ state }) => state === 'SUCCESS');
    const failed = header.filter(({ state }) => state === 'FAILURE');
    assert.deepEqual([ended.length, failed.length], [40, 20]);
    for (const { error, result } of failed) assert.match(`${error} ${result}`, /RateLimitError/);
    // As Celery documents a chord: one failed task, and the callback is not run.
    assert.deepEqual([callback.state, callback.error], ['FAILURE', 'ChordError']);
    assert.doesNotMatch(worker.output(), /billing_complete\[[^\]]+\] received/);

    const { spend, rows } = await newestRun();
    assert.equal(spend.spent_usd + spend.held_usd, 200);
    assert.equal(rows.length, 60);
    const admitted = edition.confirms ? 'settled' : 'held';
    assert.deepEqual(countStates(rows), { [admitted]: 40, refused: 20 });
    for (const row of rows) assert.match(row.agent_run_label, /^celery-billing\/[0-9a-f-]{36}$/);
    // A refusal is final: nobody asked again.
    assert.equal(relay.seen.filter(({ status }) => status === 429).length, 20);
  });

  test('a chord within its budget runs its callback, which reads the results', async () => {
    const customers = Array.from({ length: 8 }, (_, i) => `cus_fits${i}`);
    const { header, callback } = await runBilling(customers, 40);
    assert.ok(header.every(({ state }) => state === 'SUCCESS'));
    assert.equal(callback.state, 'SUCCESS', String(callback.result));
    const successful = edition.confirms ? 8 : 0;
    assert.deepEqual(callback.result, { processed: 8, successful });
  });

  test('a reply lost on its way back is retried by Celery and charged once', async () => {
    const before = vendorCents();
    // As many as the SDK tries by itself, so that it is the task that must try again.
    let losses = edition.sdkAttempts;
    relay.lose = ({ body }) => body.includes('customer=cus_lost1') && losses-- > 0;
    const { header, callback } = await runBilling(['cus_lost0', 'cus_lost1', 'cus_lost2'], 15);
    relay.lose = () => false;

    const { path } = relay.seen.find(({ status }) => status === null) ?? {};
    assert.equal(path, '/stripe/v1/payment_intents');
    assert.match(worker.output(), /charge_customer\[[^\]]+\] retry: Retry in/);
    assert.ok(header.every(({ state }) => state === 'SUCCESS'));
    assert.equal(callback.state, 'SUCCESS', String(callback.result));
    assert.equal(vendorCents() - before, 3 * CENTS);

    const { spend, rows } = await newestRun();
    assert.equal(spend.spent_usd + spend.held_usd, 15);
    assert.equal(rows.filter(({ state }) => state === 'replayed').length, edition.sdkAttempts);
    assert.equal(rows.length, 3 + edition.sdkAttempts);
  });

  test('a reply lost between vendor and Keybrake stays counted, and is charged once', async () => {
    const before = vendorCents();
    const match = { bodyIncludes: 'customer=cus_broken1' };
    keybrake.sandbox.faults.next({ match, do: { kind: 'hangup', at: 'after' } });
    const { header } = await runBilling(['cus_broken0', 'cus_broken1', 'cus_broken2'], 15);

    // The answer is a 504: today's SDK sends the same key again by itself, and gets the first
    // payment; 5.0.0 raises APIError, which the task does not retry, and the money stays counted.
    const ends = header.map(({ state }) => state);
    if (edition.sdkAttempts > 1) assert.deepEqual(ends, ['SUCCESS', 'SUCCESS', 'SUCCESS']);
    else assert.deepEqual(ends, ['SUCCESS', 'FAILURE', 'SUCCESS']);
    assert.equal(relay.seen.filter(({ status }) => status === 504).length, 1);
    assert.equal(vendorCents() - before, 3 * CENTS);
    const { spend } = await newestRun();
    assert.equal(spend.spent_usd + spend.held_usd, 15);
  });
}
