/**
 * A store that cannot be opened: full, read-only, damaged, of another version or key, or taken by
 * another server. The start is refused in one line, or nothing is let through, and what is there is
 * left as it is. The failures are real ones of the operating system's.
 */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { startHeldVendor } from '../support/held-vendor.ts';
import {
  ownFolder,
  type SpawnedKeybrake,
  serverIn,
  spawnKeybrake,
  stop,
} from '../support/keybrake.ts';
import { auditRows, countStates, issueKey, putAccount } from '../support/management.ts';
import { runWith } from '../support/run.ts';
import { assertRefused, spendOf } from '../support/scene.ts';
import { limitFileSize, smallDisk } from '../support/small-disk.ts';

/** A bound for what hangs, not a measure. */
const BOUND = { timeout: 60_000 };

/** Starts a server, has something done with it, and stops it. */
async function withFirstLife<T>(
  t: TestContext,
  folder: string,
  work: (server: SpawnedKeybrake) => Promise<T>,
  settings: Record<string, string> = {},
): Promise<T> {
  const server = await serverIn(t, folder, settings);
  const result = await work(server);
  await stop(server);
  return result;
}

/** A start that must fail: with status 1 and one line, which is returned. */
async function refusedStart(
  folder: string,
  settings: Record<string, string> = {},
  nodeArguments: string[] = [],
): Promise<string> {
  const error = await spawnKeybrake(folder, settings, nodeArguments).then(
    (server) => {
      server.process.kill('SIGKILL');
      throw new Error(`it started:\n${server.output()}`);
    },
    (reason: Error) => reason,
  );
  const [, status, line] =
    /^the server ended with (\S+):\n(keybrake: .*)\n$/.exec(error.message) ?? [];
  assert.ok(line, error.message);
  assert.equal(status, '1');
  return line;
}

test(
  'a data folder that cannot be written is refused in one line, and keeps what it has',
  BOUND,
  async (t) => {
    const disk = smallDisk(t);
    const folder = disk?.folder ?? ownFolder(t);
    const first = await serverIn(t, folder);
    const key = await issueKey(first, { account: 'sandbox' });
    // Killed, it leaves its log behind: the ledger opens, and only a write shows what is wrong.
    first.process.kill('SIGKILL');
    await first.ended;
    // No file may grow: a limit of this process, and so of its children.
    limitFileSize(process.pid, statSync(join(folder, 'keybrake.db-wal')).size);
    const limited = await refusedStart(folder).finally(() => limitFileSize(process.pid, null));
    assert.match(limited, /the ledger cannot be written: /);
    if (disk) {
      await stop(await serverIn(t, folder));
      disk.fill();
      const full = await refusedStart(folder).finally(disk.free);
      assert.match(full, /the ledger in \S+ cannot be opened: .*; its disk is full/);
      disk.makeReadOnly();
      assert.match(await refusedStart(folder), /the ledger cannot be written: .*readonly/);
      disk.makeWritable();
    }
    const again = await serverIn(t, folder);
    assert.deepEqual(await spendOf(again, key.id), [0, 0]);
  },
);

test('a data folder that is none is refused in one line', BOUND, async (t) => {
  const folder = ownFolder(t);
  const file = join(folder, 'file');
  writeFileSync(file, '');
  assert.match(await refusedStart(file), /is not a folder/);
  assert.match(await refusedStart(join(file, 'data')), /cannot be made/);
});

test('a ledger that is no database is refused in one line, and left as it is', BOUND, async (t) => {
  const folder = ownFolder(t);
  await withFirstLife(t, folder, (first) => issueKey(first));
  const file = join(folder, 'keybrake.db');
  const garbage = Buffer.alloc(100_000, 'no database');
  writeFileSync(file, garbage);
  assert.match(await refusedStart(folder), /the ledger in \S+ cannot be opened: .*not a database/);
  assert.deepEqual(readFileSync(file), garbage);
});

test('a damaged ledger lets nothing through', BOUND, async (t) => {
  const folder = ownFolder(t);
  const vendor = await startHeldVendor(t);
  vendor.letIn();
  const key = await withFirstLife(
    t,
    folder,
    async (first) => {
      const issued = await issueKey(first);
      assert.equal((await runWith(t, first, issued).charge(100)).status, 200);
      return issued;
    },
    vendor.settings,
  );
  // The header and the schema are whole, so it opens; every table behind them is not.
  const file = join(folder, 'keybrake.db');
  const bytes = readFileSync(file);
  writeFileSync(file, bytes.fill(0xa5, 4_096));
  const server = await serverIn(t, folder, vendor.settings).catch((error: Error) => error);
  if (server instanceof Error) {
    assert.match(server.message, /^the server ended with 1:\nkeybrake: .*malformed.*\n$/);
  } else {
    assertRefused(await runWith(t, server, key).charge(100), 503, 'ledger_unavailable');
  }
  assert.equal(vendor.sandbox.stripe.requests, 1);
});

test('a ledger that is gone takes its keys with it: nothing is let through', BOUND, async (t) => {
  const folder = ownFolder(t);
  const vendor = await startHeldVendor(t);
  vendor.letIn();
  const key = await withFirstLife(t, folder, (first) => issueKey(first), vendor.settings);
  rmSync(join(folder, 'keybrake.db'));
  const server = await serverIn(t, folder, vendor.settings);
  assertRefused(await runWith(t, server, key).charge(100), 401, 'key_unknown');
  assert.equal(vendor.sandbox.stripe.requests, 0);
});

test('a ledger of a newer version is refused in one line', BOUND, async (t) => {
  const folder = ownFolder(t);
  await withFirstLife(t, folder, (first) => issueKey(first, { account: 'sandbox' }));
  const db = new DatabaseSync(join(folder, 'keybrake.db'));
  db.exec('INSERT INTO migrations (id, applied_at) VALUES (999, 0)');
  db.close();
  assert.match(await refusedStart(folder), /written by a newer Keybrake/);
});

test('without its master key, or with another one, a ledger is not opened', BOUND, async (t) => {
  const folder = ownFolder(t);
  const stored = { secret: 'sk_test_stored_in_the_ledger' };
  await withFirstLife(t, folder, (first) => putAccount(first, 'stripe', 'default', stored));
  const file = join(folder, 'master-key');
  const saved = readFileSync(file);
  const another = Buffer.alloc(32, 7).toString('base64');

  rmSync(file);
  assert.match(await refusedStart(folder), /its master key does not/);
  writeFileSync(file, another);
  assert.match(await refusedStart(folder), /master key/);
  writeFileSync(file, 'not base64');
  assert.match(await refusedStart(folder), /does not hold 32 bytes/);
  writeFileSync(file, saved);
  assert.match(await refusedStart(folder, { KEYBRAKE_MASTER_KEY: another }), /master key/);
  await serverIn(t, folder);
});

test(
  'a second server on a data folder is refused in one line, and the first goes on',
  BOUND,
  async (t) => {
    const folder = ownFolder(t);
    const vendor = await startHeldVendor(t);
    const first = await serverIn(t, folder, vendor.settings);
    const run = runWith(t, first, await issueKey(first));
    const underWay = run.charge(100);
    await vendor.waiting(1);
    assert.match(
      await refusedStart(folder),
      /another Keybrake is using the data folder \S+; stop it/,
    );
    vendor.letIn();
    assert.equal((await underWay).status, 200);
    assert.equal((await run.charge(100)).status, 200);
    assert.deepEqual(countStates(await auditRows(first, { key: run.id })), { settled: 2 });
  },
);
