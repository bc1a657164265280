/** Lists and totals: complete, without repeats, and the same money as the budgets. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CallFilter, Page, SpendGroup, SpendRow } from '../../../src/ledger/ledger.ts';
import type { AtDesk } from '../contract.ts';
import { type Desk, HOUR, usd } from '../desk.ts';

/** Every page of a list; `between` runs after each. */
async function allPages<T>(
  page: (before: bigint | undefined) => Promise<Page<T>>,
  between: () => Promise<unknown> = async () => undefined,
): Promise<T[]> {
  const rows: T[] = [];
  for (let before: bigint | undefined; ; ) {
    const { rows: some, next } = await page(before);
    rows.push(...some);
    if (next === null) return rows;
    before = next;
    await between();
  }
}

/** Two labels, two tasks, every state, over two hours. */
async function varied(desk: Desk, label: string) {
  const keys = [
    await desk.issue({ label: `${label}/a`, totalCap: usd(50) }),
    await desk.issue({ label: `${label}/b`, totalCap: usd(50) }),
  ];
  for (const [index, key] of [...keys, ...keys].entries()) {
    const fields = { taskId: index % 2 ? null : `task-${index}` };
    desk.cost(await desk.hold(key, 5, fields), 4);
    desk.settle(await desk.hold(key, 3, fields), 'released');
    desk.settle(await desk.hold(key, 2, fields), 'unknown');
    await desk.hold(key, 1, { ...fields, operation: null, path: '/v1/other' });
    await desk.admit(key, 60, fields);
    desk.clock.advance(HOUR / 2);
  }
  return keys;
}

export function reportContract(name: string, at: AtDesk): void {
  test(`${name}: the pages of calls are complete, newest first, without repeats, while calls go on`, async () => {
    const key = await at().issue({ totalCap: usd(100) });
    const ids: bigint[] = [];
    for (let i = 0; i < 11; i++) ids.push(await at().hold(key, 1));
    for (const limit of [1, 4, 11, 200]) {
      const filter = { keyId: key.id };
      const seen = await allPages(
        (before) => at().ledger.calls(filter, before === undefined ? { limit } : { limit, before }),
        () => at().admit(key, 1),
      );
      const old = seen.map(({ id }) => id).filter((id) => ids.includes(id));
      assert.deepEqual(old, [...ids].reverse());
      assert.equal(new Set(seen.map(({ id }) => id)).size, seen.length);
    }
  });

  test(`${name}: every filter of calls takes what it names and nothing else`, async () => {
    const since = at().now;
    const [a] = await varied(at(), 'filter');
    const all = await allPages((before) =>
      at().ledger.calls(
        { labelPrefix: 'filter/' },
        before === undefined ? { limit: 200 } : { limit: 200, before },
      ),
    );
    assert.equal(all.length, 20);
    const filters: [CallFilter, (row: (typeof all)[number]) => boolean][] = [
      [{ keyId: a!.id }, (row) => row.keyId === a!.id],
      [{ label: 'filter/b' }, (row) => row.label === 'filter/b'],
      [{ taskId: 'task-2' }, (row) => row.taskId === 'task-2'],
      [{ state: 'unknown' }, (row) => row.state === 'unknown'],
      [{ code: 'cap_exceeded' }, (row) => row.verdictReason === 'cap_exceeded'],
      [{ since: since + HOUR / 2 }, (row) => row.at >= since + HOUR / 2],
      [{ until: since + HOUR / 2 }, (row) => row.at < since + HOUR / 2],
      [{ vendor: 'stripe' }, () => true],
      [{ vendor: 'another' }, () => false],
    ];
    for (const [filter, takes] of filters) {
      const { rows } = await at().ledger.calls(
        { labelPrefix: 'filter/', ...filter },
        { limit: 200 },
      );
      assert.deepEqual(
        rows,
        all.filter(takes),
        JSON.stringify(filter, (_, v) => `${v}`),
      );
    }
  });

  test(`${name}: totals by every group are the sums of their rows`, async () => {
    await varied(at(), 'totals');
    const filter = { labelPrefix: 'totals/' };
    const { rows } = await at().ledger.calls(filter, { limit: 200 });
    const hour = (ms: number, length: number) =>
      `${new Date(ms).toISOString().slice(0, length)}${length === 13 ? ':00:00Z' : 'T00:00:00Z'}`;
    const groupOf: Record<SpendGroup, (row: (typeof rows)[number]) => string> = {
      label: (row) => row.label,
      key: (row) => `${row.keyId}`,
      vendor: (row) => row.vendor,
      task: (row) => row.taskId ?? '',
      endpoint: (row) => row.operation ?? `${row.method} ${row.path}`,
      hour: (row) => hour(row.at, 13),
      day: (row) => hour(row.at, 10),
    };
    for (const [group, nameOf] of Object.entries(groupOf) as [SpendGroup, typeof groupOf.label][]) {
      const expected = new Map<string, SpendRow>();
      for (const row of rows) {
        const group = nameOf(row);
        const { calls, refused, spent, held } = expected.get(group) ?? NOTHING;
        const holds = row.state === 'held' || row.state === 'unknown';
        expected.set(group, {
          group,
          calls: calls + 1,
          refused: refused + (row.state === 'refused' ? 1 : 0),
          spent: spent + (row.cost ?? 0n),
          held: held + (holds ? row.quote : 0n),
        });
      }
      const totals = await at().ledger.spend(group, filter);
      const byName = (a: SpendRow, b: SpendRow) => (a.group < b.group ? -1 : 1);
      assert.deepEqual(totals.sort(byName), [...expected.values()].sort(byName), group);
    }
  });

  test(`${name}: a key's rows come to what its budgets say`, async () => {
    for (const key of await varied(at(), 'sums')) {
      const [total] = await at().ledger.spend('key', { keyId: key.id });
      const { spent, held } = await at().view(key);
      assert.deepEqual([total?.spent, total?.held], [spent, held]);
    }
  });

  test(`${name}: keys are listed by label, prefix, vendor and state, in complete pages`, async () => {
    const issue = (label: string, more = {}) =>
      at().issue({ label: `list/${label}`, totalCap: usd(1), vendors: ['listed'], ...more });
    const live = await issue('live');
    const expired = await issue('expired', { expiresAt: at().now });
    const revoked = await issue('revoked');
    const other = await issue('%', { vendors: ['listed', 'other'] });
    await at().ledger.revoke({ key: revoked.id }, null, 'test', at().now);
    const list = async (filter: object, limit = 50) => {
      const views = await allPages((before) =>
        at().ledger.keys(
          { labelPrefix: 'list/', ...filter },
          before === undefined ? { limit } : { limit, before },
          at().now,
        ),
      );
      return views.map(({ id }) => id);
    };
    const all = [other.id, revoked.id, expired.id, live.id];
    for (const limit of [1, 2, 3, 4, 50]) assert.deepEqual(await list({}, limit), all);
    assert.deepEqual(await list({ state: 'live' }), [other.id, live.id]);
    assert.deepEqual(await list({ state: 'expired' }), [expired.id]);
    assert.deepEqual(await list({ state: 'revoked' }), [revoked.id]);
    assert.deepEqual(await list({ vendor: 'other' }), [other.id]);
    assert.deepEqual(await list({ label: 'list/live' }), [live.id]);
    assert.deepEqual(await list({ labelPrefix: 'list/%' }), [other.id]);
  });
}

const NOTHING = { calls: 0, refused: 0, spent: 0n, held: 0n };
