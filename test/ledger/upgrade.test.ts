/** A ledger that the version before rates and looks has written: its money, objects and open calls go on. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { test } from 'node:test';
import { openSqliteLedger } from '../../src/ledger/sqlite.ts';
import type { Quote } from '../../src/vendors/vendor.ts';
import { ownFolder } from '../support/keybrake.ts';
import { manualClock } from '../support/manual-clock.ts';
import { cents, codeOf, DAY, Desk, named, usd } from './desk.ts';

const MIGRATIONS = join(import.meta.dirname, '../../migrations');
const AT = manualClock().now();
const KEY = { id: 10n };

const POLICY = {
  ...{ vendors: ['stripe'], account: 'default', dailyCap: null, totalCap: `${usd(100)}` },
  ...{ perCallCap: null, maxCalls: null, rateLimit: null, allowedEndpoints: null, params: {} },
  ...{ mode: 'enforce', expiresAt: null },
};

type Row = Record<string, SQLInputValue>;

/** A ledger as migrations 1 and 2 made it, with the rows that its code wrote. */
function oldLedger(dataDir: string): void {
  const db = new DatabaseSync(join(dataDir, 'keybrake.db'));
  db.exec('CREATE TABLE migrations (id INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT');
  for (const name of readdirSync(MIGRATIONS).sort().slice(0, 2)) {
    db.exec(readFileSync(join(MIGRATIONS, name), 'utf8'));
    db.prepare('INSERT INTO migrations VALUES (?, 0)').run(Number(name.slice(0, 4)));
  }
  const put = (table: string, row: Row) => {
    const names = Object.keys(row);
    const places = names.map(() => '?').join(', ');
    db.prepare(`INSERT INTO ${table} (${names.join(', ')}) VALUES (${places})`).run(
      ...Object.values(row),
    );
  };
  put('vault_keys', {
    ...{ id: KEY.id, hash: new Uint8Array(32), agent_run_label: 'run', metadata: '{}' },
    ...{ policy: JSON.stringify(POLICY), issued_at: AT, issued_by: 'test' },
  });
  const budget = { key_id: KEY.id, spent: usd(9), held: usd(15), calls: 5 };
  put('budgets', { ...budget, kind: 'total', window_start: 0, cap: usd(100), ceiling: usd(100) });
  const daily = { kind: 'daily', window_start: AT, cap: 1n << 62n, ceiling: 1n << 62n };
  put('budgets', { ...budget, ...daily });
  const call = (id: bigint, state: string, dollars: number, more: Row = {}) =>
    put('calls', {
      ...{ id, at: AT, node: 0, vault_key_id: KEY.id, agent_run_label: 'run', vendor: 'stripe' },
      ...{ account: 'default', method: 'POST', path: '/v1/payment_intents', quote_kind: 'exact' },
      ...{ policy_verdict: 'allow', state, quote_usd: usd(dollars), ...more },
    });
  call(20n, 'settled', 9, { cost_usd: usd(9), vendor_object_id: 'pi_paid', settled_at: AT });
  call(21n, 'held', 7, { vendor_object_id: 'pi_open' });
  const lost = { idempotency_key: 'lost', fingerprint: 'body', identity: 1 };
  call(22n, 'unknown', 5, lost);
  call(23n, 'unknown', 0, { idempotency_key: 'lost', fingerprint: 'body', replay_of: 22n });
  call(24n, 'held', 3, { running_id: 24n });
  call(25n, 'refused', 50, { verdict_reason: 'cap_exceeded', settled_at: AT });
  const told = { idempotency_key: 'told', fingerprint: 'body', identity: 1 };
  call(26n, 'settled', 0, { cost_usd: 0, ...told });
  put('replies', { call_id: 26n, sealed: new Uint8Array(9) });
  const object = { vendor: 'stripe', account: 'default', unit: 10_000 };
  const paid = { amount: usd(9), counted: usd(9), settled: usd(9), moved: usd(9) };
  put('objects', { ...object, id: 'pi_paid', ...paid, refunded: usd(2) });
  put('objects', { ...object, id: 'pi_open', amount: usd(7), counted: usd(7) });
  put('objects', { ...object, id: 'ch_paid', alias_of: 'pi_paid', unit: null });
  db.close();
}

test('an older ledger goes on: its objects are priced as before, its open calls are looked for', async (t) => {
  const dataDir = ownFolder(t);
  oldLedger(dataDir);
  const desk = await Desk.open({
    open: () => openSqliteLedger({ dataDir }),
    remove: async () => undefined,
  });
  t.after(() => desk.ledger.close());
  assert.deepEqual(await desk.standing(KEY), { spent: 9, held: 15 });

  const due = await desk.ledger.dueCalls(desk.now, 100);
  assert.deepEqual(
    due.map(({ row }) => [row.id, row.state]),
    [
      [21n, 'held'],
      [22n, 'unknown'],
      [24n, 'unknown'],
    ],
  );

  const of = (objectId: string, what: 'amount' | 'refundable', dollars?: number) => {
    const limit = dollars === undefined ? null : { minor: cents(dollars) };
    return { quote: { kind: 'object', objectId, of: what, limit } satisfies Quote };
  };
  const price = async (fields: { quote: Quote }) => {
    const verdict = await desk.admit(KEY, 0, fields);
    return verdict.kind === 'admitted' ? Number(verdict.quote) / 1e6 : codeOf(verdict);
  };
  assert.equal(await price(of('pi_open', 'amount')), 0, 'it is counted since it was made');
  assert.equal(await price(of('pi_open', 'amount', 8)), 1);
  assert.equal(await price(of('ch_paid', 'refundable')), 7);
  assert.equal(await price(of('ch_paid', 'refundable', 1)), 1);

  const again = await desk.admit(KEY, 5, named('lost'));
  assert.equal(again.kind === 'resend' && again.firstId, 22n);
  desk.cost(again.id, 5, { keepIdentity: true });
  assert.equal(await desk.stateOf(22n), 'settled');
  assert.deepEqual((await desk.view(KEY)).policy.prices, {});

  desk.clock.advance(DAY - 1);
  while ((await desk.ledger.prune(desk.now)) > 0);
  assert.equal((await desk.admit(KEY, 0, named('told'))).kind, 'replay');
  desk.clock.advance(1);
  assert.equal(await desk.ledger.prune(desk.now), 1);
});
