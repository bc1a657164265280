/** How holds end: once, on every budget that they were counted on, in any order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Settlement } from '../../../src/ledger/ledger.ts';
import type { AtDesk } from '../contract.ts';
import { codeOf, type Desk, named, usd } from '../desk.ts';

/** The ends of a call that made no object, and what is counted after each. */
const ENDS = [
  { end: { outcome: 'settled', cost: usd(3) }, state: 'settled', spent: 3, held: 0 },
  { end: { outcome: 'settled', cost: usd(2) }, state: 'settled', spent: 2, held: 0 },
  { end: { outcome: 'settled', cost: 0n }, state: 'settled', spent: 0, held: 0 },
  { end: { outcome: 'released' }, state: 'released', spent: 0, held: 0 },
  { end: { outcome: 'unknown' }, state: 'unknown', spent: 0, held: 3 },
  { end: { outcome: 'held' }, state: 'held', spent: 0, held: 3 },
  {
    end: { outcome: 'released', refused: 'key_revoked' },
    ...{ state: 'refused', spent: 0, held: 0 },
  },
  {
    end: { outcome: 'settled', cost: usd(3), replayedByVendor: true },
    ...{ state: 'settled', spent: 0, held: 0 },
  },
] as const satisfies { end: Partial<Settlement>; state: string; spent: number; held: number }[];

const settle = (desk: Desk, id: bigint, end: Partial<Settlement>) =>
  desk.settle(id, end.outcome!, end);

export function settlementContract(name: string, at: AtDesk): void {
  for (const { end, state, spent, held } of ENDS) {
    const what = JSON.stringify(end, (_, value) =>
      typeof value === 'bigint' ? Number(value) / 1e6 : value,
    );
    test(`${name}: a hold of 3 that ends ${what} counts ${spent} spent and ${held} held`, async () => {
      const parent = await at().issue({ totalCap: usd(10) });
      const key = await at().issue({ totalCap: usd(10), dailyCap: usd(10), parentId: parent.id });
      const id = await at().hold(key, 3);
      settle(at(), id, end);
      assert.equal(await at().stateOf(id), state);
      for (const each of [key, parent]) {
        assert.deepEqual(await at().standing(each), { spent, held });
        for (const budget of (await at().view(each)).budgets) {
          assert.deepEqual([budget.spent, budget.held], [usd(spent), usd(held)]);
        }
      }
    });

    test(`${name}: whatever comes after ${what} changes nothing`, async () => {
      for (const { end: late } of ENDS) {
        const key = await at().issue({ totalCap: usd(10) });
        const id = await at().hold(key, 3);
        settle(at(), id, end);
        const before = [await at().standing(key), await at().ledger.call(id)];
        settle(at(), id, { ...late, httpStatus: 599 });
        assert.deepEqual([await at().standing(key), await at().ledger.call(id)], before);
      }
    });
  }

  test(`${name}: the end of a call that nobody made changes nothing`, async () => {
    at().cost(at().nextId(), 5);
    await at().ledger.flush();
  });

  test(`${name}: a settlement is seen by what is asked for after it`, async () => {
    const key = await at().issue({ totalCap: usd(1) });
    const id = await at().hold(key, 1);
    at().settle(id, 'released');
    await at().hold(key, 1);
    const { rows } = await at().ledger.calls({ keyId: key.id, state: 'released' }, { limit: 9 });
    assert.equal(rows.length, 1);
  });

  test(`${name}: in whatever order calls end, the sums are the same`, async () => {
    const ends = fc.array(fc.constantFrom(...ENDS), { minLength: 2, maxLength: 8 });
    const orders = fc.array(fc.nat(), { minLength: 8, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(ends, orders, async (each, order) => {
        const key = await at().issue({ totalCap: usd(100), dailyCap: usd(100) });
        const ids = await Promise.all(each.map(() => at().hold(key, 3)));
        const shuffled = ids
          .map((id, index) => ({ id, end: each[index]!.end, rank: order[index]! }))
          .sort((a, b) => a.rank - b.rank);
        for (const { id, end } of shuffled) settle(at(), id, end);
        const sum = (of: 'spent' | 'held') => each.reduce((total, end) => total + end[of], 0);
        assert.deepEqual(await at().standing(key), { spent: sum('spent'), held: sum('held') });
      }),
      { numRuns: 15 },
    );
  });

  test(`${name}: a vendor that bills more than was quoted shows as an overrun, and nothing more is let in`, async () => {
    const key = await at().issue({ totalCap: usd(5), dailyCap: usd(5) });
    const estimate = { quote: { kind: 'estimated' as const, micros: usd(4) } };
    const id = await at().hold(key, 0, estimate);
    at().cost(id, 7);
    assert.deepEqual(await at().standing(key), { spent: 7, held: 0 });
    assert.equal((await at().ledger.call(id))?.cost, usd(7));
    assert.equal((await at().view(key)).remaining, 0n);
    const micro = { quote: { kind: 'exact' as const, micros: 1n } };
    assert.equal(codeOf(await at().admit(key, 0, micro)), 'cap_exceeded');
    await at().ledger.changeKey(key.id, { totalCap: usd(8), dailyCap: null }, 'test', at().now);
    await at().hold(key, 1);
  });

  test(`${name}: an end that cannot be recorded leaves the call unknown, counted and open to a retry`, async () => {
    const key = await at().issue({ totalCap: usd(5) });
    const identity = named('too much to record');
    const id = await at().hold(key, 3, identity);
    const beside = await at().hold(key, 1);
    at().cost(beside, 1);
    at().settle(id, 'settled', { cost: 1n << 70n, keepIdentity: true });
    assert.deepEqual(await at().standing(key), { spent: 1, held: 3 });
    assert.equal(await at().stateOf(id), 'unknown');
    const again = await at().admit(key, 3, identity);
    assert.equal(again.kind, 'resend');
    // The same of the call that was sent again: the first is not taken for running for ever.
    at().settle(again.id, 'settled', { cost: 1n << 70n, keepIdentity: true });
    assert.equal((await at().admit(key, 3, identity)).kind, 'resend');
    assert.deepEqual(await at().standing(key), { spent: 1, held: 3 });
  });

  test(`${name}: the row tells how the call ended`, async () => {
    const key = await at().issue({ totalCap: usd(5), label: 'row/1' });
    const context = {
      ...{ runId: 'run', taskId: 'task', taskName: 'name', attempt: 2, traceId: 'trace' },
      customer: 'cus_1',
    };
    const id = await at().hold(key, 3, context);
    at().clock.advance(40);
    at().cost(id, 3, {
      ...{ httpStatus: 201, vendorRequestId: 'req_1', vendorObjectId: 'pi_row' },
      ...{ latencyMs: 12.5, upstreamMs: 11.25 },
    });
    const row = await at().ledger.call(id);
    assert.deepEqual(row, {
      ...{ id, at: at().now - 40, node: 0, keyId: key.id, label: 'row/1', ...context },
      ...{ vendor: 'stripe', account: 'default', method: 'POST', path: '/v1/payment_intents' },
      ...{ operation: 'payment_intents.create', policyVerdict: 'allow', verdictReason: null },
      ...{ state: 'settled', quoteKind: 'exact', quote: usd(3), cost: usd(3) },
      ...{ currency: 'usd', amount: 300n, capUsageAfter: usd(3) },
      ...{ idempotencyKey: null, fingerprint: null, httpStatus: 201, vendorRequestId: 'req_1' },
      ...{ vendorObjectId: 'pi_row', replayOf: null, latencyMs: 12.5, upstreamMs: 11.25 },
      settledAt: at().now,
      ...{ rateDate: null, onBehalfOf: null, resolvedBy: null, resolution: null },
    });
  });
}
