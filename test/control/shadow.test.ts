/** The report of what a shadow key would have been refused: by reason and endpoint, with the money. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHandle } from '../../src/ids.ts';
import type { Admission } from '../../src/ledger/ledger.ts';
import { admission, type Json, openHouse, settlement } from './house.ts';

const house = await openHouse();
const { ledger, ids } = house.deps;

async function call(key: Json, dollars: bigint, over: Partial<Admission> = {}): Promise<void> {
  const id = ids.next();
  const quote = { kind: 'exact', micros: dollars * 1_000_000n } as const;
  const keyId = parseHandle('key', String(key.id))!;
  await ledger.admit(admission(keyId, id, house.clock.ms, { quote, ...over }));
  ledger.settle(settlement(id, house.clock.ms, quote.micros));
}

test('what would have been refused is summed by reason and endpoint, beside what was allowed', async () => {
  const shadow = await house.issue({
    ...{ mode: 'shadow', total_usd_cap: 10, per_call_usd_cap: 5, agent_run_label: 'trial/1' },
    allowed_endpoints: ['payment_intents.create'],
  });
  await call(shadow, 4n);
  await call(shadow, 5n);
  await call(shadow, 3n);
  await call(shadow, 2n);
  await call(shadow, 9n);
  await call(shadow, 1n, { operation: 'payouts.create', path: '/v1/payouts' });
  const enforced = await house.issue({ total_usd_cap: 1, agent_run_label: 'trial/2' });
  await call(enforced, 2n);
  const { json } = await house.ask('GET', '/vault/shadow-report?label_prefix=trial/');
  const rows = json.data as Json[];
  assert.deepEqual(
    rows.map(({ code, endpoint, calls, amount_usd }) => [code, endpoint, calls, amount_usd]),
    [
      ['call_cap_exceeded', 'payment_intents.create', 1, 9],
      ['cap_exceeded', 'payment_intents.create', 2, 5],
      ['endpoint_not_allowed', 'payouts.create', 1, 1],
    ],
  );
  assert.deepEqual(json.would_refuse, { calls: 4, amount_usd: 15 });
  assert.deepEqual(json.allowed, { calls: 2, amount_usd: 9 });
  const { example } = rows[0]!;
  const shown = await house.ask('GET', `/vault/calls/${example}`);
  assert.equal(shown.json.policy_verdict, 'would_refuse');
  const listed = await house.ask('GET', '/vault/calls?verdict=would_refuse&label=trial/1');
  assert.equal((listed.json.data as Json[]).length, 4);
});
