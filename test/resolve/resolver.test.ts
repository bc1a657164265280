/** What one open call does to the look for the others. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { AccountBook } from '../../src/accounts.ts';
import { openSqliteLedger } from '../../src/ledger/sqlite.ts';
import { ReplySeal } from '../../src/proxy/sealed-reply.ts';
import { Resolver } from '../../src/resolve/resolver.ts';
import { TariffBook } from '../../src/tariffs/book.ts';
import { stripe } from '../../src/vendors/stripe/stripe.ts';
import type { Conclusion, OpenCall, Vendor } from '../../src/vendors/vendor.ts';
import { Desk, HOUR, usd } from '../ledger/desk.ts';
import { makeDataDir } from '../support/keybrake.ts';

const MASTER_KEY = new Uint8Array(32);

/** A vendor of which every open call has cost this. */
function costing(cost: (call: OpenCall) => bigint): Vendor {
  const investigate: Vendor['investigate'] = (call) => {
    const conclusion: Conclusion = {
      ...{ outcome: 'settled', cost: cost(call), repeatable: false, replayedByVendor: false },
      ...{ vendorRequestId: null, vendorObjectId: null, objects: [] },
    };
    return { next: 'conclude', conclusion, why: 'it says so', reply: null };
  };
  return { ...stripe, investigate };
}

async function deskWith(t: TestContext, vendor: Vendor) {
  const dataDir = makeDataDir();
  const desk = await Desk.open({
    open: () => openSqliteLedger({ dataDir }),
    remove: async () => undefined,
  });
  t.after(async () => {
    await desk.ledger.close();
    rmSync(dataDir, { recursive: true });
  });
  const faults: string[] = [];
  const resolver = new Resolver({
    vendors: new Map([[vendor.name, vendor]]),
    accounts: await AccountBook.open(desk.ledger, MASTER_KEY, desk.clock),
    tariffs: new TariffBook(),
    ledger: desk.ledger,
    upstream: { send: () => assert.fail('nothing is to be asked') },
    seal: new ReplySeal(MASTER_KEY),
    clock: desk.clock,
    log: { info: () => undefined, error: (_, message) => void faults.push(message) },
    metrics: { resolved: () => undefined, drift: () => undefined },
  });
  return { desk, resolver, faults };
}

test('a call whose end cannot be recorded keeps nobody else from being looked for', async (t) => {
  const vendor = costing(({ quote }) => (quote === usd(1) ? -1n : quote));
  const { desk, resolver, faults } = await deskWith(t, vendor);
  const key = await desk.issue({ totalCap: usd(50) });
  const ids: bigint[] = [];
  for (const dollars of [1, 2, 3]) {
    const id = await desk.hold(key, dollars);
    desk.settle(id, 'unknown', { lookAt: desk.now });
    ids.push(id);
  }
  assert.equal(await resolver.round(), 3);
  assert.deepEqual(await Promise.all(ids.map((id) => desk.stateOf(id))), [
    ...['unknown', 'settled', 'settled'],
  ]);
  assert.equal(faults.length, 1);
  assert.equal(await resolver.round(), 0, 'not at once again');
  desk.clock.advance(HOUR);
  assert.equal(await resolver.round(), 1);
  assert.deepEqual(await desk.standing(key), { spent: 5, held: 1 });
});
