/**
 * How SQLite reaches the rows that a statement is about: by an index that finds a few of them. A
 * statement that walks through all calls of a key answers just as well, and a ledger that is small
 * shows no difference; after a day of calls each one waits for all before it.
 */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { migrate } from '../../src/ledger/sqlite/database.ts';
import { Reports } from '../../src/ledger/sqlite/reports.ts';
import { Writer } from '../../src/ledger/sqlite/writer.ts';
import { makeDataDir } from '../support/keybrake.ts';

/** Remembers what is prepared. */
class Recording extends DatabaseSync {
  readonly statements = new Set<string>();

  override prepare(sql: string): StatementSync {
    if (/^\s*(SELECT|UPDATE|DELETE)/.test(sql)) this.statements.add(sql);
    return super.prepare(sql);
  }

  /** The ways to the rows, of all statements since the last time, that visit more than they find. */
  walks(): string[] {
    const ways = [...this.statements].flatMap((sql) => {
      const parameters = Array(sql.split('?').length - 1).fill(null);
      return super.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...parameters);
    });
    this.statements.clear();
    const details = ways.map(({ detail }) => String(detail));
    const walks = details.filter((way) => /^SCAN|calls_key \(vault_key_id=\?\)/.test(way));
    return [...new Set(walks)].filter((way) => way !== 'SCAN CONSTANT ROW').sort();
  }
}

function openLedger(t: TestContext): Recording {
  const dataDir = makeDataDir();
  const db = new Recording(join(dataDir, 'keybrake.db'), { readBigInts: true });
  t.after(() => {
    db.close();
    rmSync(dataDir, { recursive: true });
  });
  migrate(db);
  db.statements.clear();
  return db;
}

test('no statement of the writer walks through calls that have ended, or through keys', (t) => {
  const db = openLedger(t);
  const writer = new Writer(db, 0);
  writer.recover();
  writer.run(['prune', [0]]);
  assert.ok(db.statements.size > 30, `${db.statements.size} statements`);
  // At a start, and after a batch that failed: the management keys, and what was under way.
  assert.deepEqual(db.walks(), ['SCAN api_keys', 'SCAN calls USING INDEX calls_open']);
});

test('the list of what is unresolved reads the calls that are open, and no others', (t) => {
  const db = openLedger(t);
  new Reports(db).calls({ unresolved: true }, { limit: 10 });
  assert.deepEqual(db.walks(), ['SCAN calls USING INDEX calls_open']);
});
