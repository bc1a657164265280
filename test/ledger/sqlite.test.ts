/** The embedded store keeps the ledger's contract; and what is SQLite's alone. */
import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { openDataFolder } from '../../src/ledger/sqlite/database.ts';
import { openSqliteLedger } from '../../src/ledger/sqlite.ts';
import { makeDataDir, ownFolder } from '../support/keybrake.ts';
import { ledgerContract } from './contract.ts';
import { codeOf, Desk, type Store, usd } from './desk.ts';

async function sqliteStore(): Promise<Store & { dataDir: string }> {
  const dataDir = makeDataDir();
  return {
    dataDir,
    open: () => openSqliteLedger({ dataDir }),
    remove: async () => rmSync(dataDir, { recursive: true }),
  };
}

ledgerContract('sqlite', sqliteStore);

test('sqlite: the database refuses a budget over its ceiling, whatever the code does', async (t) => {
  const store = await sqliteStore();
  t.after(() => store.remove());
  const desk = await Desk.open(store);
  const key = await desk.issue({ totalCap: 1_000_000n });
  await desk.hold(key, 1);
  await desk.ledger.close();
  const db = new DatabaseSync(join(store.dataDir, 'keybrake.db'));
  t.after(() => db.close());
  assert.throws(
    () => db.exec("UPDATE budgets SET held = held + 1 WHERE kind = 'total'"),
    /CHECK constraint failed/,
  );
});

test('sqlite: a commit returns after its fsync', (t) => {
  const dataDir = ownFolder(t);
  const folder = openDataFolder(dataDir);
  t.after(() => folder.close());
  const pragma = (name: string) => Object.values(folder.db.prepare(`PRAGMA ${name}`).get()!)[0];
  // In WAL mode FULL (2) syncs the log at each commit; with less, a power cut takes commits back.
  assert.deepEqual([pragma('journal_mode'), pragma('synchronous')], ['wal', 2n]);
});

test('sqlite: an admission is on disk when it is answered', async (t) => {
  const store = await sqliteStore();
  t.after(() => store.remove());
  const desk = await Desk.open(store);
  t.after(() => desk.ledger.close());
  const key = await desk.issue({ totalCap: 1_000_000n });
  const id = await desk.hold(key, 1);
  // Another connection, as another process would have it, in the same instant.
  const db = new DatabaseSync(join(store.dataDir, 'keybrake.db'), {
    readOnly: true,
    readBigInts: true,
  });
  t.after(() => db.close());
  const row = db.prepare('SELECT state, quote_usd FROM calls WHERE id = ?').get(id);
  assert.deepEqual({ ...row }, { state: 'held', quote_usd: 1_000_000n });
});

test('sqlite: a ledger that was closed is one whole file, also when reports were read', async (t) => {
  const store = await sqliteStore();
  t.after(() => store.remove());
  const desk = await Desk.open(store);
  const key = await desk.issue({ totalCap: 1_000_000n });
  const id = await desk.hold(key, 1);
  assert.ok(await desk.ledger.call(id));
  await desk.ledger.close();
  // Whoever copies keybrake.db alone from a stopped server must not lose what came last.
  assert.deepEqual(readdirSync(store.dataDir).sort(), ['keybrake.db', 'keybrake.lock']);
});

test('sqlite: after a batch that failed, holds of calls under way are still waited for', async (t) => {
  const store = await sqliteStore();
  t.after(() => store.remove());
  const desk = await Desk.open(store);
  t.after(() => desk.ledger.close());
  const key = await desk.issue({ totalCap: usd(5) });
  const running = await desk.hold(key, 3);
  await assert.rejects(desk.admit(key, 1, { amount: 1n << 70n }), /too large/);
  assert.equal(codeOf(await desk.admit(key, 3, { holds: 'wait' })), 'wait');
  desk.settle(running, 'released');
  assert.equal(codeOf(await desk.admit(key, 3, { holds: 'wait' })), 'admitted');
});
