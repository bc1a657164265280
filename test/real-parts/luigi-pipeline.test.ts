/**
 * The published Luigi pipeline (examples/luigi) as a real `luigi` process with three workers,
 * against a real server: the budget stops the run, and a second run of the same run id charges
 * nobody again.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Keybrake, startKeybrake } from '../support/keybrake.ts';
import { auditRows, countStates, keySpend, keysLabelled } from '../support/management.ts';
import { run } from '../support/process.ts';
import { type Python, python } from '../support/python.ts';

const EXAMPLE = join(import.meta.dirname, '..', '..', 'examples', 'luigi');
/** Where the published code keeps its outputs. */
const CHARGED = '/tmp/charged';
const VAULT_KEYS = '/tmp/vault-keys';
const CENTS = 500;

for (const [name, version] of [
  ['current', 'the current stripe-python'],
  ['stripe5', 'stripe-python 5.0.0'],
] as const) {
  const environment = await python(name);
  describe(`the Luigi pipeline with ${version}`, () => {
    if ('skip' in environment) test('runs', { skip: environment.skip }, () => {});
    else guarantees(environment);
  });
}

function guarantees(environment: Python): void {
  let keybrake: Keybrake;
  let folder: string;
  const runs: string[] = [];

  before(async () => {
    keybrake = await startKeybrake();
    folder = await mkdtemp(join(tmpdir(), 'keybrake-luigi-'));
  });
  after(async () => {
    await keybrake?.close();
    if (folder) await rm(folder, { recursive: true, force: true });
    for (const id of runs) {
      await rm(join(CHARGED, id), { recursive: true, force: true });
      await rm(join(VAULT_KEYS, `${id}.txt`), { force: true });
    }
    // Only when they are empty: another run on this machine may use them.
    for (const shared of [CHARGED, VAULT_KEYS]) await rmdir(shared).catch(() => {});
  });

  function newRun(): string {
    const id = `test-${randomUUID().slice(0, 8)}`;
    runs.push(id);
    return id;
  }

  /** Runs the pipeline and returns Luigi's own summary. */
  async function pipeline(runId: string, customers: string[], budgetUsd: number): Promise<string> {
    const args = ['--module', 'billing', 'BillingPipeline', '--local-scheduler', '--workers', '3'];
    args.push('--customer-ids', JSON.stringify(customers), '--amount-cents', String(CENTS));
    args.push('--run-id', runId, '--budget-usd', String(budgetUsd));
    const { code, stdout, stderr } = await run(environment.bin('luigi'), args, {
      cwd: folder,
      env: {
        VAULT_URL: keybrake.url,
        KEYBRAKE_API_KEY: keybrake.apiKey,
        PYTHONPATH: EXAMPLE,
        PYTHONDONTWRITEBYTECODE: '1',
      },
      timeoutMs: 120_000,
    });
    assert.equal(code, 0, stderr);
    return stdout + stderr;
  }

  const vendorCents = () => Number(keybrake.sandbox.stripe.openCents());
  const charged = async (runId: string) => await readdir(join(CHARGED, runId));

  async function spendOf(runId: string): Promise<number> {
    const [keyId] = await keysLabelled(keybrake, `luigi/${runId}`);
    assert.ok(keyId);
    const { spent_usd, held_usd } = await keySpend(keybrake, keyId);
    return spent_usd + held_usd;
  }

  test('the budget stops the run where it ends, and vendor, ledger and outputs agree', async () => {
    const runId = newRun();
    const customers = Array.from({ length: 16 }, (_, i) => `cus_a${i}`);
    const before = vendorCents();
    const summary = await pipeline(runId, customers, 50);

    assert.equal(vendorCents() - before, 10 * CENTS);
    assert.equal((await charged(runId)).length, 10);
    assert.equal(await spendOf(runId), 50);
    const rows = await auditRows(keybrake, { label: `luigi/${runId}` });
    assert.deepEqual(countStates(rows), { held: 10, refused: 6 });
    assert.match(summary, /6 failed/);
    assert.match(summary, /RateLimitError/);
  });

  test('the same run again issues no second key and charges nobody twice', async () => {
    const runId = newRun();
    const customers = Array.from({ length: 6 }, (_, i) => `cus_b${i}`);
    const before = vendorCents();
    await pipeline(runId, customers, 30);
    assert.equal(vendorCents() - before, 6 * CENTS);

    // Two tasks died between their call and their output.
    const lost = ['cus_b1', 'cus_b4'];
    for (const id of lost) await rm(join(CHARGED, runId, `${id}.json`));
    const summary = await pipeline(runId, customers, 30);

    assert.match(summary, /This progress looks :\)/);
    assert.equal(vendorCents() - before, 6 * CENTS);
    assert.equal((await charged(runId)).length, 6);
    assert.equal(await spendOf(runId), 30);
    assert.equal((await keysLabelled(keybrake, `luigi/${runId}`)).length, 1);
    const rows = await auditRows(keybrake, { label: `luigi/${runId}` });
    assert.deepEqual(countStates(rows), { held: 6, replayed: lost.length });
    const replayed = rows.filter(({ state }) => state === 'replayed');
    assert.deepEqual(
      replayed.map((row) => row.idempotency_key).sort(),
      lost.map((id) => `${runId}-${id}-${CENTS}`),
    );
  });
}
