/**
 * A tree of keys is one budget: whatever a run hands on to its parts, they cannot spend more than
 * it could, and ending it ends them. And what a key says of a price is what such a call costs.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Keybrake } from '../support/keybrake.ts';
import { auditRows, type IssuedKey, revokeKey } from '../support/management.ts';
import { eachOf, idOf, type Run, runWith, startRun } from '../support/run.ts';
import { assertCapHit, assertRefused, spendOf, start } from '../support/scene.ts';

/** A key that the run issues with its own. */
async function delegate(t: TestContext, server: Keybrake, run: Run, fields: object): Promise<Run> {
  const reply = await fetch(`${server.url}/vault/self/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${run.vault_key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ agent_run_label: 'part', total_usd_cap: 50, ...fields }),
  });
  const key = (await reply.json()) as IssuedKey;
  assert.equal(reply.status, 201, JSON.stringify(key));
  return runWith(t, server, key);
}

test('children at once spend what fits the parent, and not a cent more', async (t) => {
  const keybrake = await start(t, { sandbox: { latencyMs: { min: 0, max: 3 }, latencySeed: 5 } });
  const run = await startRun(t, keybrake, { total_usd_cap: 60, may_delegate: true });
  const parts: Run[] = [];
  for (let n = 0; n < 3; n++) {
    parts.push(await delegate(t, keybrake, run, { may_delegate: n === 0 }));
  }
  parts.push(await delegate(t, keybrake, parts[0]!, { total_usd_cap: 10 }));
  const answers = await eachOf(Array.from({ length: 400 }), 80, (_, n) =>
    parts[n % parts.length]!.charge(77),
  );
  const paid = answers.filter(({ status }) => status === 200).length;
  assert.equal(paid, 77, '77 × 0.77 = 59.29 is the most that fits 60');
  for (const answer of answers) if (answer.status !== 200) assertCapHit(answer);
  assert.equal(keybrake.sandbox.stripe.movedCents(), 77n * 77n);
  assert.deepEqual(await spendOf(keybrake, run.id), [59.29, 0]);
  const [, , , grandchild] = parts;
  assert.ok((await spendOf(keybrake, grandchild!.id))[0] <= 10, 'its own cap holds as well');
});

test('revoking a key ends its whole subtree, and no byte of it is sent afterwards', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake, { may_delegate: true });
  const child = await delegate(t, keybrake, run, { may_delegate: true });
  const grandchild = await delegate(t, keybrake, child, { total_usd_cap: 5 });
  const stranger = await startRun(t, keybrake);
  assert.equal((await grandchild.charge(100)).status, 200);
  await revokeKey(keybrake, run.id);
  const { requests } = keybrake.sandbox.stripe;
  for (const each of [run, child, grandchild]) {
    assertRefused(await each.charge(100), 401, 'key_revoked');
  }
  assert.equal(keybrake.sandbox.stripe.requests, requests);
  assert.equal((await stranger.charge(100)).status, 200);
});

test('the key’s price is what a call without one costs, once it was carried out', async (t) => {
  const keybrake = await start(t);
  const price = { endpoint: 'POST /v1/customers/{id}', price_usd: 2.5 };
  const priced = await startRun(t, keybrake, { total_usd_cap: 6, prices: [price] });
  const plain = await startRun(t, keybrake);
  const customer = idOf(await plain.call({ path: '/v1/customers', fields: { name: 'A' } }));
  const credit = { path: `/v1/customers/${customer}`, fields: { balance: -500 } };
  const before = keybrake.sandbox.stripe.requests;
  assertRefused(await plain.call(credit), 403, 'unpriced');
  assert.equal(keybrake.sandbox.stripe.requests, before, 'it was not sent');
  const made = await priced.call(credit);
  assert.equal(made.status, 200, made.body.toString());
  assert.equal(made.headers['x-keybrake-cost-usd'], '2.50');
  const nobody = { ...credit, path: '/v1/customers/cus_nobody' };
  assert.equal((await priced.call(nobody)).status, 404);
  assert.deepEqual(await spendOf(keybrake, priced.id), [2.5, 0], 'a rejection costs nothing');
  assert.equal((await priced.call(credit)).status, 200);
  assertCapHit(await priced.call(credit));
  assert.deepEqual(await spendOf(keybrake, priced.id), [5, 0]);
  const free = { path: `/v1/customers/${customer}`, fields: { name: 'B' } };
  assert.equal((await priced.call(free)).status, 200, 'what has a price of its own keeps it');
  assert.deepEqual(await spendOf(keybrake, priced.id), [5, 0]);
  const rows = await auditRows(keybrake, { key: priced.id });
  assert.deepEqual(
    rows.map(({ state }) => state),
    ['settled', 'released', 'settled', 'refused', 'settled'],
  );
});

test('a priced call of which no answer came is unknown, and stays counted at the key’s price', async (t) => {
  const keybrake = await start(t);
  const price = { endpoint: 'customers.update', price_usd: 2.5 };
  const run = await startRun(t, keybrake, { total_usd_cap: 4, prices: [price] });
  const customer = idOf(await run.call({ path: '/v1/customers', fields: { name: 'A' } }));
  keybrake.sandbox.faults.next({ do: { kind: 'hangup', at: 'after' } });
  const credit = { path: `/v1/customers/${customer}`, fields: { balance: -500 } };
  const lost = await run.call({ ...credit, idempotencyKey: 'once' });
  assert.equal(lost.status, 504);
  assert.deepEqual(await spendOf(keybrake, run.id), [0, 2.5]);
  const again = await run.call({ ...credit, idempotencyKey: 'once' });
  assert.equal(again.status, 200);
  assert.deepEqual(await spendOf(keybrake, run.id), [2.5, 0]);
});
