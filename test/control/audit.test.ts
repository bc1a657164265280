/** The audit and the totals: pages, filters, streams, and what a spreadsheet makes of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { handle, parseHandle } from '../../src/ids.ts';
import type { Admission } from '../../src/ledger/ledger.ts';
import { LedgerUnavailable } from '../../src/ledger/ledger.ts';
import { admission, type Json, openHouse, settlement } from './house.ts';

const house = await openHouse();
const { ledger, ids } = house.deps;

const COLUMNS =
  'id,at,node,vault_key_id,agent_run_label,agent_run_id,task_id,task_name,attempt,trace_id,vendor,account,' +
  'method,path,operation,customer_scope_id,policy_verdict,verdict_reason,state,quote_kind,quote_usd,cost_usd,' +
  'currency,amount,cap_usage_after_usd,idempotency_key,fingerprint,http_status,vendor_request_id,' +
  'vendor_object_id,replay_of,latency_ms,upstream_ms,settled_at,' +
  'rate_date,on_behalf_of,resolved_by,resolution';

const evil = await house.issue({ agent_run_label: '=HYPERLINK("http://x","y")' });
const plain = await house.issue({ agent_run_label: 'audit/plain' });

async function call(key: string, micros: bigint, over: Partial<Admission>, cost?: bigint) {
  const id = ids.next();
  const quote = { kind: 'exact', micros } as const;
  const at = house.clock.ms;
  await ledger.admit(admission(parseHandle('key', key)!, id, at, { quote, ...over }));
  if (cost !== undefined) ledger.settle(settlement(id, at, cost));
  return id;
}

const start = house.clock.ms;
const settled = await call(
  plain.id,
  2_500_000n,
  { taskId: 't-1', taskName: 'a "quoted", task' },
  8_300n,
);
house.clock.ms += 3_600_000;
const held = await call(plain.id, 1_000_000n, { taskId: '-2+3', amount: 2n ** 60n });
const refused = await call(plain.id, 999_000_000n, { taskId: '+49 151' });
await call(evil.id, 500_000n, { taskId: '@SUM(A1)', taskName: '\tcmd' }, 500_000n);

const get = async (query: string) => house.ask('GET', `/vault/calls?${query}`);
const idsOf = (json: Json) => (json.data as { id: string }[]).map(({ id }) => id);

test('a call is shown with every column of the audit, amounts exact', async () => {
  const answer = await house.ask('GET', `/vault/calls/${handle('call', settled)}`);
  assert.equal(Object.keys(answer.json).join(','), COLUMNS);
  assert.equal(answer.json.cost_usd, 0.0083);
  assert.match(answer.text, /"cost_usd":0\.0083,/);
  assert.equal(answer.json.agent_run_label, 'audit/plain');
  assert.equal(answer.json.vault_key_id, plain.id);
  const big = await house.ask('GET', `/vault/calls/${handle('call', held)}`);
  assert.match(big.text, /"amount":1152921504606846976,/, 'beyond 2^53, every digit');
  assert.equal((await house.ask('GET', '/vault/calls/call_0000000000001')).status, 404);
  assert.equal((await house.ask('GET', `/vault/calls/${plain.id}`)).status, 404);
});

test('every filter narrows to what it names', async () => {
  const cases: [query: string, count: number][] = [
    [`key=${plain.id}`, 3],
    ['label=audit/plain', 3],
    ['label_prefix=audit', 3],
    ['label_prefix=%3DHYPER', 1],
    ['task_id=t-1', 1],
    ['vendor=second', 0],
    ['state=held', 1],
    ['state=refused', 1],
    ['code=cap_exceeded', 1],
    ['code=frozen', 0],
    [`since=${new Date(start + 1).toISOString()}`, 3],
    [`until=${new Date(start + 1).toISOString()}`, 1],
    [`since=${encodeURIComponent('2026-11-22T11:00:00+01:00')}`, 3],
    ['label=audit/plain&state=settled', 1],
  ];
  for (const [query, count] of cases) {
    const { json, status, text } = await get(query);
    assert.equal(status, 200, text);
    assert.equal(idsOf(json).length, count, query);
  }
});

test('pages follow each other without gaps or repeats, also when rows arrive in between', async () => {
  const all = idsOf((await get('limit=200')).json);
  const first = await get('limit=2');
  await call(evil.id, 1n, {}, 1n);
  const second = await get(`limit=2&cursor=${first.json.next_cursor}`);
  assert.deepEqual([...idsOf(first.json), ...idsOf(second.json)], all);
  assert.equal(second.json.next_cursor, null);
});

test('a spreadsheet gets text where it would see a formula, and plain numbers as numbers', async () => {
  const answer = await house.ask('GET', '/vault/calls', undefined, {
    headers: { accept: 'text/csv' },
  });
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('content-type')!, /^text\/csv/);
  assert.match(answer.headers.get('content-disposition')!, /attachment/);
  const lines = answer.text.split('\r\n');
  assert.equal(lines[0], COLUMNS);
  assert.equal(lines.at(-1), '', 'every line ends');
  assert.ok(answer.text.includes(`,"'=HYPERLINK(""http://x"",""y"")",`));
  assert.ok(answer.text.includes(",'-2+3,"));
  assert.ok(answer.text.includes(",'+49 151,"));
  assert.ok(answer.text.includes(",'@SUM(A1),"));
  assert.ok(answer.text.includes(",'\tcmd,"));
  assert.ok(answer.text.includes(',"a ""quoted"", task",'));
  assert.ok(answer.text.includes(',2.50,0.0083,usd,'));
});

test('NDJSON has the same objects as the pages', async () => {
  const headers = { accept: 'application/x-ndjson' };
  const answer = await house.ask('GET', '/vault/calls?label=audit/plain', undefined, { headers });
  assert.equal(answer.headers.get('content-type'), 'application/x-ndjson');
  const rows = answer.text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(rows, (await get('label=audit/plain')).json.data);
});

test('the format is the one the client likes most, and JSON when it names none there is', async () => {
  const cases: [accept: string, type: RegExp][] = [
    ['*/*', /^application\/json/],
    ['text/html', /^application\/json/],
    ['application/json;q=0.5, text/csv', /^text\/csv/],
    ['text/csv;q=0, application/json', /^application\/json/],
    ['text/csv;q=0', /^application\/json/],
    ['application/ndjson', /^application\/x-ndjson/],
    ['TEXT/CSV', /^text\/csv/],
  ];
  for (const [accept, type] of cases) {
    const answer = await house.ask('GET', '/vault/calls', undefined, { headers: { accept } });
    assert.match(answer.headers.get('content-type')!, type, accept);
  }
});

test('a stream has everything that matches, read page by page as it is taken', async () => {
  const many = await openHouse();
  const key = await many.issue({ total_usd_cap: 1000 });
  const keyId = parseHandle('key', key.id)!;
  const calls = Array.from({ length: 450 }, () =>
    admission(keyId, many.deps.ids.next(), many.clock.ms, { quote: { kind: 'free' } }),
  );
  await Promise.all(calls.map((each) => many.deps.ledger.admit(each)));
  let reads = 0;
  const read = many.deps.ledger.calls.bind(many.deps.ledger);
  many.deps.ledger.calls = (...args) => {
    reads++;
    return read(...args);
  };
  const response = await many.app.request('/vault/calls', {
    headers: { authorization: `Bearer ${many.keys.auditor}`, accept: 'text/csv' },
  });
  assert.equal(reads, 1, 'nothing is read ahead of the reader');
  assert.equal((await response.text()).split('\r\n').length, 450 + 2);
  assert.equal(reads, 3);
});

test('a page size does not apply to a stream', async () => {
  const headers = { accept: 'text/csv' };
  const answer = await house.ask('GET', '/vault/calls?limit=5', undefined, { headers });
  assert.equal(answer.status, 400);
  assert.deepEqual(Object.keys(answer.fields), ['limit']);
});

test('a ledger that is lost before a stream begins is a 503, and while it runs breaks it off', async () => {
  const headers = { authorization: `Bearer ${house.keys.auditor}`, accept: 'text/csv' };
  const read = house.deps.ledger.calls;
  try {
    house.deps.ledger.calls = () => Promise.reject(new LedgerUnavailable('gone'));
    const lost = await house.app.request('/vault/calls', { headers });
    assert.equal(lost.status, 503);
    let page = 0;
    house.deps.ledger.calls = async (filter, query) => {
      if (page++ > 0) throw new LedgerUnavailable('gone');
      return { ...(await read.call(house.deps.ledger, filter, query)), next: 1n };
    };
    const broken = await house.app.request('/vault/calls', { headers });
    assert.equal(broken.status, 200);
    await assert.rejects(broken.text());
  } finally {
    house.deps.ledger.calls = read;
  }
});

test('totals are grouped, filtered, exact, and add up', async () => {
  const spend = async (query: string) => (await house.ask('GET', `/vault/spend?${query}`)).json;
  const byLabel = await spend('group_by=label');
  const group = (byLabel.data as { group: string }[]).find((row) => row.group === 'audit/plain');
  assert.deepEqual(group, {
    group: 'audit/plain',
    calls: 3,
    refused: 1,
    spent_usd: 0.0083,
    held_usd: 1,
  });
  const byKey = await spend(`group_by=key&key=${plain.id}`);
  assert.deepEqual(byKey.data, [{ ...group, group: plain.id }]);
  assert.deepEqual(byKey.total, { calls: 3, refused: 1, spent_usd: 0.0083, held_usd: 1 });
  const byHour = (await spend('group_by=hour&label=audit/plain')).data as { group: string }[];
  assert.deepEqual(byHour.map((row) => row.group).sort(), [
    '2026-11-22T09:00:00Z',
    '2026-11-22T10:00:00Z',
  ]);
  for (const by of ['vendor', 'task', 'endpoint', 'day']) {
    const { data, total } = (await spend(`group_by=${by}`)) as {
      data: { calls: number }[];
      total: { calls: number };
    };
    assert.equal(
      data.reduce((sum, row) => sum + row.calls, 0),
      total.calls,
      by,
    );
  }
  const none = await spend('group_by=label&label=nobody');
  assert.deepEqual(none, { data: [], total: { calls: 0, refused: 0, spent_usd: 0, held_usd: 0 } });
});

test('a refused call is in the audit with its verdict', async () => {
  const { json } = await house.ask('GET', `/vault/calls/${handle('call', refused)}`);
  assert.equal(json.policy_verdict, 'refuse');
  assert.equal(json.verdict_reason, 'cap_exceeded');
  assert.equal(json.state, 'refused');
});
