/** What one open call does to the look for the others. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { AccountBook } from '../../src/accounts.ts';
import { openSqliteLedger } from '../../src/ledger/sqlite.ts';
import type { Sender } from '../../src/proxy/forward.ts';
import { RunningCalls } from '../../src/proxy/running.ts';
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

/** A vendor that is asked one question and then knows; `name` is said, for there are two of them. */
function asking(name: string): Vendor {
  const { investigate } = costing(({ quote }) => quote);
  return {
    ...{ ...stripe, name },
    investigate(call, replies, ...more) {
      if (replies.length > 0) return investigate(call, replies, ...more);
      const question = { method: 'GET', path: `/${call.id}`, query: '', headers: {}, body: '' };
      return { next: 'look', lookUp: { ...question, method: 'GET' } };
    },
  };
}

/** A vendor that lists what it made, of which the oldest that is nobody's is the call's. */
function listing(made: readonly string[]): Vendor {
  const investigate: Vendor['investigate'] = ({ taken, state }, replies) => {
    if (state === 'held') return { next: 'wait', ms: HOUR };
    const question = { path: '/list', query: '', headers: {}, body: '' };
    if (replies.length === 0) return { next: 'look', lookUp: { method: 'GET', ...question } };
    const conclusion: Conclusion = {
      ...{ outcome: 'held', cost: null, repeatable: true, replayedByVendor: false, objects: [] },
      ...{ vendorRequestId: null, vendorObjectId: made.find((id) => !taken.has(id))! },
    };
    return { next: 'conclude', conclusion, why: 'it is in the list', reply: null };
  };
  return { ...stripe, investigate };
}

async function deskWith(
  t: TestContext,
  vendors: readonly Vendor[],
  upstream: Sender = { send: () => assert.fail('nothing is to be asked') },
) {
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
  const running = new RunningCalls(desk.clock);
  const accounts = await AccountBook.open(desk.ledger, MASTER_KEY, desk.clock);
  for (const vendor of vendors) {
    accounts.addBuiltIn(vendor, 'default', `https://${vendor.name}`, { secret: 'sk_test_1' });
  }
  const resolver = new Resolver({
    vendors: new Map(vendors.map((vendor) => [vendor.name, vendor])),
    accounts,
    tariffs: new TariffBook(),
    ledger: desk.ledger,
    ...{ upstream, running },
    seal: new ReplySeal(MASTER_KEY),
    clock: desk.clock,
    log: { info: () => undefined, error: (_, message) => void faults.push(message) },
    metrics: { resolved: () => undefined, drift: () => undefined },
  });
  return { desk, resolver, running, faults };
}

test('a call whose end cannot be recorded keeps nobody else from being looked for', async (t) => {
  const vendor = costing(({ quote }) => (quote === usd(1) ? -1n : quote));
  const { desk, resolver, faults } = await deskWith(t, [vendor]);
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

test('a vendor that does not answer is asked once a round, and delays no other', async (t) => {
  const asked: string[] = [];
  let lost: bigint[] = [];
  const upstream: Sender = {
    async send({ baseUrl, path }) {
      asked.push(baseUrl);
      if (lost.some((id) => path === `/${id}`)) return { kind: 'not_sent', why: 'no connection' };
      const reply = { status: 200, headers: new Map(), body: new Uint8Array() };
      return { kind: 'reply', reply, upstreamMs: 1 };
    },
  };
  const { desk, resolver } = await deskWith(t, [asking('silent'), asking('other')], upstream);
  const key = await desk.issue({ totalCap: usd(50) });
  const held = async () => (await desk.standing(key)).held;
  for (const vendor of ['silent', 'silent', 'silent', 'other', 'silent']) {
    const id = await desk.hold(key, 1, { vendor });
    desk.settle(id, 'unknown', { lookAt: desk.now });
    if (vendor === 'silent') lost.push(id);
  }
  await resolver.round();
  assert.deepEqual(asked, ['https://silent', 'https://other']);
  assert.equal(await held(), 4);
  assert.equal(await resolver.round(), 0, 'not at once again');
  // Only the first one cannot be asked for: it does not stand in front of the others again.
  lost = lost.slice(0, 1);
  desk.clock.advance(HOUR / 120);
  assert.equal(await resolver.round(), 3);
  assert.equal(await held(), 1);
  desk.clock.advance(HOUR / 120);
  assert.equal(await resolver.round(), 1);
  assert.equal(await held(), 1, 'it stays counted');
});

test('a lost call takes no object of one like it that is under way, or was answered during the look', async (t) => {
  for (const ends of ['after the look', 'during the look'] as const) {
    let during = () => {};
    const upstream: Sender = {
      async send() {
        during();
        const reply = { status: 200, headers: new Map(), body: new Uint8Array() };
        return { kind: 'reply', reply, upstreamMs: 1 };
      },
    };
    const vendor = listing(['SM_other', 'SM_lost']);
    const { desk, resolver, running } = await deskWith(t, [vendor], upstream);
    const key = await desk.issue({ totalCap: usd(50) });
    const lost = await desk.hold(key, 1, { clue: 'alike' });
    desk.settle(lost, 'unknown', { lookAt: desk.now });
    const other = await desk.hold(key, 1, { clue: 'alike' });
    const state = { id: other, keyId: key.id, vendor: vendor.name, clue: 'alike' };
    running.add({ ...state, sent: true, unheard: false, stopped: null });
    const answer = () => {
      desk.settle(other, 'held', { vendorObjectId: 'SM_other' });
      running.remove(other);
    };
    if (ends === 'during the look') during = answer;
    await resolver.round();
    assert.equal(await desk.stateOf(lost), 'unknown', ends);
    if (ends === 'after the look') answer();
    during = () => {};
    desk.clock.advance(HOUR);
    await resolver.round();
    const row = await desk.ledger.call(lost);
    assert.deepEqual([row?.state, row?.vendorObjectId], ['held', 'SM_lost'], ends);
  }
});
