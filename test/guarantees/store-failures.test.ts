/**
 * A store that fails under a running server: full, not to be written, or its thread gone. Calls are
 * refused, nothing reaches the vendor, and nothing that was under way is lost. The failures are real
 * ones of the operating system's.
 */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import Stripe from 'stripe';
import { sdk } from '../sandbox/client.ts';
import { type HeldVendor, startHeldVendor } from '../support/held-vendor.ts';
import { ownFolder, type SpawnedKeybrake, serverIn, stop } from '../support/keybrake.ts';
import { auditRows, countStates, issueKey } from '../support/management.ts';
import { type Run, runWith } from '../support/run.ts';
import { assertRefused, spendOf, start } from '../support/scene.ts';
import { limitFileSize, smallDisk } from '../support/small-disk.ts';

/** A bound for what hangs, not a measure. */
const BOUND = { timeout: 60_000 };

async function readiness(server: { url: string }): Promise<{ status: number; reason?: string }> {
  const reply = await fetch(`${server.url}/readyz`);
  const { reason } = (await reply.json()) as { reason?: string };
  return { status: reply.status, ...(reason === undefined ? {} : { reason }) };
}

async function ask(server: SpawnedKeybrake, method: string, path: string, body?: object) {
  const reply = await fetch(server.url + path, {
    method,
    headers: { authorization: `Bearer ${server.apiKey}`, 'content-type': 'application/json' },
    body: body ? JSON.stringify(body) : null,
  });
  return { status: reply.status, problem: (await reply.json()) as { code?: string } };
}

interface Way {
  name: string;
  /** Prepares a folder, and how its store is broken and mended while `pid` runs. */
  prepare(t: TestContext): {
    folder: string;
    fail(pid: number): void;
    mend(pid: number): void;
  };
}

const FULL: Way = {
  name: 'the disk is full',
  prepare(t) {
    const disk = smallDisk(t);
    if (disk) return { folder: disk.folder, fail: disk.fill, mend: disk.free };
    // No file can grow, which is what a full disk comes to.
    const folder = ownFolder(t);
    const log = join(folder, 'keybrake.db-wal');
    return {
      folder,
      fail: (pid) => limitFileSize(pid, statSync(log).size),
      mend: (pid) => limitFileSize(pid, null),
    };
  },
};

const NO_WRITES: Way = {
  name: 'the store takes no write at all',
  prepare(t) {
    return {
      folder: ownFolder(t),
      fail: (pid) => limitFileSize(pid, 0),
      mend: (pid) => limitFileSize(pid, null),
    };
  },
};

interface Failing {
  vendor: HeldVendor;
  server: SpawnedKeybrake;
  run: Run;
  mend(): void;
  restart(): Promise<SpawnedKeybrake>;
}

/** Five charges wait at the vendor's door when the store fails. */
async function failing(t: TestContext, way: Way): Promise<[Failing, Promise<number[]>]> {
  const vendor = await startHeldVendor(t);
  const { folder, fail, mend } = way.prepare(t);
  const server = await serverIn(t, folder, vendor.settings);
  const run = runWith(t, server, await issueKey(server));
  const calls = Promise.all([1, 2, 3, 4, 5].map(() => run.charge(100)));
  const statuses = calls.then((answers) => answers.map(({ status }) => status));
  statuses.catch(() => undefined);
  await vendor.waiting(5);
  const pid = server.process.pid!;
  fail(pid);
  return [
    {
      ...{ vendor, server, run },
      mend: () => mend(pid),
      restart: () => serverIn(t, folder, vendor.settings),
    },
    statuses,
  ];
}

for (const way of [FULL, NO_WRITES]) {
  test(
    `${way.name}: calls are refused, and what was under way is written when it can be`,
    BOUND,
    async (t) => {
      const [{ vendor, server, run, mend, restart }, underWay] = await failing(t, way);
      assertRefused(await run.charge(100, { idempotencyKey: 'once' }), 503, 'ledger_unavailable');
      const { status, reason } = await readiness(server);
      assert.equal(status, 503);
      assert.match(reason!, /^the ledger cannot be written: /);

      vendor.letIn();
      assert.deepEqual(await underWay, [200, 200, 200, 200, 200]);
      assertRefused(await run.charge(100), 503, 'ledger_unavailable');
      const issued = await ask(server, 'POST', '/vault/keys', {
        ...{ vendor: 'stripe', agent_run_label: 'late', total_usd_cap: 1 },
      });
      assert.deepEqual([issued.status, issued.problem.code], [503, 'ledger_unavailable']);
      const revoked = await ask(server, 'DELETE', `/vault/keys/${run.id}`);
      assert.deepEqual([revoked.status, revoked.problem.code], [503, 'ledger_unavailable']);
      assert.equal(vendor.sandbox.stripe.requests, 5);

      mend();
      while ((await readiness(server)).status !== 200) await sleep(20);
      assert.deepEqual(countStates(await auditRows(server, { key: run.id })), { settled: 5 });
      assert.deepEqual(await spendOf(server, run.id), [5, 0]);
      assert.equal((await run.charge(100, { idempotencyKey: 'once' })).status, 200);
      assert.equal(vendor.sandbox.stripe.movedCents(), 600n);
      await stop(server);
      const next = await restart();
      assert.deepEqual(await spendOf(next, run.id), [6, 0]);
      assert.equal((await ask(next, 'GET', '/vault/keys?label=late')).status, 200);
      assert.equal((await auditRows(next, { label: 'late' })).length, 0);
    },
  );

  test(
    `${way.name} until the server is stopped: it stops, and what it could not write stays counted`,
    BOUND,
    async (t) => {
      const [{ vendor, server, run, mend, restart }, underWay] = await failing(t, way);
      vendor.letIn();
      assert.deepEqual(await underWay, [200, 200, 200, 200, 200]);
      await stop(server);
      assert.match(server.output(), /5 ends of calls are not written/);
      if (way === FULL) mend();
      const next = await restart();
      assert.deepEqual(countStates(await auditRows(next, { key: run.id })), { unknown: 5 });
      assert.deepEqual(await spendOf(next, run.id), [0, 5]);
    },
  );
}

test('stripe-node raises its own error when the ledger cannot be written', BOUND, async (t) => {
  const [{ server, run, vendor }] = await failing(t, NO_WRITES);
  const stripe = sdk(server.url, run.vault_key);
  await assert.rejects(stripe.paymentIntents.create({ amount: 100, currency: 'usd' }), (error) => {
    assert.ok(error instanceof Stripe.errors.StripeAPIError, String(error));
    assert.equal(error.statusCode, 503);
    assert.equal(error.code, 'ledger_unavailable');
    return true;
  });
  assert.equal(vendor.sandbox.stripe.requests, 0);
});

test(
  'when the thread that writes dies, the process ends with status 1 and loses nothing',
  BOUND,
  async (t) => {
    const folder = ownFolder(t);
    const vendor = await startHeldVendor(t);
    const preload = new URL('../support/end-ledger-thread.ts', import.meta.url).pathname;
    const server = await serverIn(t, folder, vendor.settings, ['--import', preload]);
    const run = runWith(t, server, await issueKey(server));
    const underWay = run.charge(100, { idempotencyKey: 'once' });
    await vendor.waiting(1);
    server.process.kill('SIGUSR2');
    await assert.rejects(underWay);
    assert.equal(await server.ended, 1);
    assert.match(server.output(), /^keybrake: The ledger has ended/m);

    vendor.letIn();
    const next = await serverIn(t, folder, vendor.settings);
    assert.deepEqual(await spendOf(next, run.id), [0, 1]);
    const again = await runWith(t, next, run).charge(100, { idempotencyKey: 'once' });
    assert.equal(again.status, 200);
    assert.deepEqual(await spendOf(next, run.id), [1, 0]);
    assert.equal(vendor.sandbox.stripe.movedCents(), 100n);
  },
);

test(
  'without the thread that writes, a call is refused and not ready is said',
  BOUND,
  async (t) => {
    const threads: Worker[] = [];
    const seen = (thread: Worker) => void threads.push(thread);
    process.on('worker', seen);
    const death = Promise.withResolvers<Error>();
    const keybrake = await start(t, { onDeath: death.resolve });
    process.off('worker', seen);
    const run = runWith(t, keybrake, await issueKey(keybrake, { account: 'sandbox' }));
    assert.equal((await run.charge(100)).status, 200);
    await threads[0]!.terminate();
    assert.match((await death.promise).message, /thread ended/);
    assertRefused(await run.charge(100), 503, 'ledger_unavailable');
    assert.equal((await readiness(keybrake)).status, 503);
    assert.equal(keybrake.sandbox.stripe.requests, 1);
  },
);
