/** PATCH /vault/keys/{id}, and the lists and views of keys. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHandle } from '../../src/ids.ts';
import { admission, openHouse, settlement } from './house.ts';

const house = await openHouse();

async function spend(keyId: string, micros: bigint, settled: boolean): Promise<void> {
  const { ledger, ids, clock } = house.deps;
  const id = ids.next();
  const quote = { kind: 'exact', micros } as const;
  const call = admission(parseHandle('key', keyId)!, id, clock.now(), { quote });
  const verdict = await ledger.admit(call);
  assert.equal(verdict.kind, 'admitted');
  if (settled) ledger.settle(settlement(id, clock.now(), micros));
}

test('a change keeps what was spent, and its history says who changed what from what', async () => {
  const key = await house.issue({ daily_usd_cap: 10 });
  await spend(key.id, 2_500_000n, true);
  const answer = await house.ask('PATCH', `/vault/keys/${key.id}`, {
    total_usd_cap: 200.5,
    max_calls: 3,
    allowed_endpoints: ['POST /v1/refunds'],
    expires_in: '3h',
  });
  assert.equal(answer.status, 200, answer.text);
  const { json } = answer;
  assert.equal(json.total_usd_cap, 200.5);
  assert.equal(json.daily_usd_cap, 10);
  assert.equal(json.spent_usd, 2.5);
  const [change] = json.history as { at: string; by: string; changes: object }[];
  assert.equal(change?.at, '2026-11-22T09:00:00.000Z');
  assert.match(change!.by, /^apikey_/);
  assert.deepEqual(change!.changes, {
    total_usd_cap: { from: 100, to: 200.5 },
    max_calls: { from: null, to: 3 },
    allowed_endpoints: { from: null, to: ['POST /v1/refunds'] },
    expires_at: { from: '2026-11-23T09:00:00.000Z', to: '2026-11-22T12:00:00.000Z' },
  });
});

test('a cap below what is spent leaves nothing, and no negative amount', async () => {
  const key = await house.issue();
  await spend(key.id, 5_000_000n, true);
  const { json } = await house.ask('PATCH', `/vault/keys/${key.id}`, { total_usd_cap: 3 });
  assert.equal(json.remaining_usd, 0);
  assert.equal(json.spent_usd, 5);
  assert.equal((json.budgets as { remaining_usd: number }[])[0]!.remaining_usd, 0);
});

test('null takes a limit away, but not the last cap', async () => {
  const key = await house.issue({ daily_usd_cap: 10, per_call_usd_cap: 1, max_calls: 5 });
  const path = `/vault/keys/${key.id}`;
  const fewer = { total_usd_cap: null, per_call_usd_cap: null, max_calls: null };
  assert.equal((await house.ask('PATCH', path, fewer)).status, 200);
  const answer = await house.ask('PATCH', path, { daily_usd_cap: null });
  assert.equal(answer.status, 400);
  assert.match(answer.fields.daily_usd_cap!, /last cap/);
  assert.equal((await house.ask('GET', path)).json.daily_usd_cap, 10);
});

test('two changes at once cannot each take away the cap that the other one counts on', async () => {
  const key = await house.issue({ daily_usd_cap: 10 });
  const path = `/vault/keys/${key.id}`;
  const answers = await Promise.all([
    house.ask('PATCH', path, { daily_usd_cap: null }),
    house.ask('PATCH', path, { total_usd_cap: null }),
  ]);
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409]);
});

test('a change of nothing, of what cannot change, or with a faulty value is refused', async () => {
  const key = await house.issue();
  const path = `/vault/keys/${key.id}`;
  const cases: [body: object, field: string][] = [
    [{}, 'body'],
    [{ agent_run_label: 'other' }, 'agent_run_label'],
    [{ total_usd_cap: -1 }, 'total_usd_cap'],
    [{ expires_in: '0s' }, 'expires_in'],
    [{ expires_at: '2020-01-01T00:00:00Z' }, 'expires_at'],
    [{ expires_at: null }, 'expires_at'],
    [{ allowed_endpoints: [] }, 'allowed_endpoints'],
    [{ max_calls: 0 }, 'max_calls'],
  ];
  for (const [body, field] of cases) {
    const answer = await house.ask('PATCH', path, body);
    assert.equal(answer.status, 400);
    assert.deepEqual(Object.keys(answer.fields), [field]);
  }
  const after = await house.ask('GET', path);
  assert.deepEqual(after.json.history, []);
});

test('a revoked key cannot be changed, and one that does not exist is not found', async () => {
  const key = await house.issue();
  await house.ask('DELETE', `/vault/keys/${key.id}`);
  const revoked = await house.ask('PATCH', `/vault/keys/${key.id}`, { total_usd_cap: 1 });
  assert.equal(revoked.status, 409);
  assert.equal(revoked.json.code, 'conflict');
  const none = await house.ask('PATCH', '/vault/keys/key_0000000000001', { total_usd_cap: 1 });
  assert.equal(none.status, 404);
});

test('a key shows what is spent, held and left on each budget', async () => {
  const key = await house.issue({ daily_usd_cap: 10 });
  await spend(key.id, 1_250_000n, true);
  await spend(key.id, 500_000n, false);
  const { json } = await house.ask('GET', `/vault/keys/${key.id}`);
  const budget = (json.budgets as { kind: string }[]).find(({ kind }) => kind === 'daily');
  assert.deepEqual(budget, {
    kind: 'daily',
    cap_usd: 10,
    spent_usd: 1.25,
    held_usd: 0.5,
    remaining_usd: 8.25,
    window_start: '2026-11-22T09:00:00.000Z',
    window_end: '2026-11-23T09:00:00.000Z',
  });
  assert.equal(json.spent_usd, 1.25);
  assert.equal(json.held_usd, 0.5);
  assert.equal(json.remaining_usd, 8.25);
  assert.equal(json.calls, 2);
});

test("a total budget counts from the key's issue and has no end", async () => {
  const key = await house.issue({ total_usd_cap: 10 });
  const { json } = await house.ask('GET', `/vault/keys/${key.id}`);
  const budgets = json.budgets as { kind: string; window_start: string; window_end: unknown }[];
  const total = budgets.find(({ kind }) => kind === 'total');
  assert.deepEqual([total?.window_start, total?.window_end], [json.issued_at, null]);
});

test('keys are listed newest first, filtered, page by page without gaps or repeats', async () => {
  const made: string[] = [];
  for (let index = 0; index < 7; index++) {
    const vendor = index % 2 === 0 ? 'stripe' : 'second';
    made.push((await house.issue({ agent_run_label: `paged/${index}`, vendor })).id);
  }
  const seen: string[] = [];
  let cursor = '';
  do {
    const page = await house.ask('GET', `/vault/keys?label_prefix=paged/&limit=3${cursor}`);
    seen.push(...(page.json.data as { id: string }[]).map(({ id }) => id));
    cursor = page.json.next_cursor ? `&cursor=${page.json.next_cursor}` : '';
  } while (cursor);
  assert.deepEqual(seen, made.toReversed());
  await house.ask('DELETE', `/vault/keys/${made[0]}`);
  const count = async (query: string) =>
    ((await house.ask('GET', `/vault/keys?${query}`)).json.data as unknown[]).length;
  assert.equal(await count('label=paged/3'), 1);
  assert.equal(await count('label_prefix=paged/&vendor=second'), 3);
  assert.equal(await count('label_prefix=paged/&state=revoked'), 1);
  assert.equal(await count('label_prefix=paged/&state=live'), 6);
  house.clock.ms += 86_400_000;
  assert.equal(await count('label_prefix=paged/&state=expired'), 6);
  assert.equal(await count('label_prefix=paged/&state=live'), 0);
});
