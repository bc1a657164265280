/** Open calls: which are due, how they end, and that what has ended is left alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type CallRow,
  type DueCall,
  LedgerConflict,
  type Resolution,
} from '../../../src/ledger/ledger.ts';
import type { Quote } from '../../../src/vendors/vendor.ts';
import type { AtDesk } from '../contract.ts';
import { cents, codeOf, DAY, type Desk, fact, HOUR, named, usd } from '../desk.ts';

const MINUTE = HOUR / 60;
/** A call that costs nothing. */
const FREE = { quote: { kind: 'free' }, class: 'free' } as const;

function resolve(
  desk: Desk,
  id: bigint,
  fields: Partial<Resolution>,
): Promise<CallRow | undefined> {
  return desk.ledger.resolve({
    ...{ id, at: desk.now, outcome: 'unknown', cost: null, objects: [], vendorObjectId: null },
    ...{ sealedReply: null, by: 'vendor', why: 'was looked for', lookAt: null },
    ...fields,
  });
}

function ofAmount(objectId: string, dollars?: number): Quote {
  const limit = dollars === undefined ? null : { minor: cents(dollars) };
  return { kind: 'object', objectId, of: 'amount', limit };
}

/** Of this key: other tests of the file leave open calls behind. */
async function due(desk: Desk, key: { id: bigint }): Promise<DueCall[]> {
  const all = await desk.ledger.dueCalls(desk.now, 10_000);
  return all.filter(({ row }) => row.keyId === key.id);
}

async function dueIds(desk: Desk, key: { id: bigint }): Promise<bigint[]> {
  return (await due(desk, key)).map(({ row }) => row.id);
}

async function unresolved(desk: Desk, key: { id: bigint }): Promise<bigint[]> {
  const page = await desk.ledger.calls({ keyId: key.id, unresolved: true }, { limit: 100 });
  return page.rows.map((row) => row.id);
}

export function openCallContract(name: string, at: AtDesk): void {
  test(`${name}: an open call is due when it was said to be, with its clue, and not after its end`, async () => {
    const key = await at().issue({ totalCap: usd(50) });
    const id = await at().hold(key, 3, { clue: 'to +1555' });
    at().settle(id, 'unknown', { lookAt: at().now + MINUTE });
    assert.deepEqual(await dueIds(at(), key), []);
    at().clock.advance(MINUTE);
    const [first] = await due(at(), key);
    assert.deepEqual([first?.row.id, first?.clue, first?.looks], [id, 'to +1555', 0]);
    await resolve(at(), id, { lookAt: at().now + MINUTE, why: 'not yet' });
    assert.deepEqual(await dueIds(at(), key), []);
    at().clock.advance(MINUTE);
    assert.equal((await due(at(), key))[0]?.looks, 1);
    await resolve(at(), id, { outcome: 'released', why: 'it is not there' });
    assert.deepEqual(await dueIds(at(), key), []);
    assert.deepEqual(await at().standing(key), { spent: 0, held: 0 });
    const row = await at().ledger.call(id);
    assert.deepEqual(
      [row?.state, row?.resolvedBy, row?.resolution],
      ['released', 'vendor', 'it is not there'],
    );
  });

  test(`${name}: what is found out ends the hold once, and never again`, async () => {
    const key = await at().issue({ totalCap: usd(50) });
    const id = await at().hold(key, 3);
    at().settle(id, 'unknown');
    const row = await resolve(at(), id, {
      outcome: 'settled',
      cost: usd(2),
      vendorObjectId: 'SM1',
    });
    assert.deepEqual([row?.state, row?.cost, row?.vendorObjectId], ['settled', usd(2), 'SM1']);
    for (const outcome of ['released', 'settled', 'unknown'] as const) {
      await assert.rejects(resolve(at(), id, { outcome, cost: usd(9) }), LedgerConflict);
    }
    assert.deepEqual(await at().standing(key), { spent: 2, held: 0 });
    assert.equal(await resolve(at(), 1n, {}), undefined);
  });

  test(`${name}: a reply that was found out late is given again for a day from then`, async () => {
    const key = await at().issue({ totalCap: usd(50) });
    const id = await at().hold(key, 3, named('k'));
    at().settle(id, 'unknown', { keepIdentity: true });
    at().clock.advance(22 * HOUR);
    const sealedReply = Buffer.from('sealed reply');
    await resolve(at(), id, { outcome: 'settled', cost: usd(3), sealedReply });
    at().clock.advance(DAY - 1);
    while ((await at().ledger.prune(at().now)) > 0);
    assert.equal((await at().admit(key, 3, named('k'))).kind, 'replay');
    assert.deepEqual(await at().standing(key), { spent: 3, held: 0 });
    at().clock.advance(1);
    assert.equal(await at().ledger.prune(at().now), 1);
    await at().hold(key, 3, named('k'));
  });

  test(`${name}: a call that is being sent is nobody's to resolve`, async () => {
    const key = await at().issue({ totalCap: usd(50) });
    const id = await at().hold(key, 3, named('k'));
    await assert.rejects(resolve(at(), id, { outcome: 'released' }), /being sent/);
    at().settle(id, 'unknown', { keepIdentity: true, lookAt: at().now });
    assert.deepEqual(await dueIds(at(), key), [id]);
    const again = await at().admit(key, 3, named('k'));
    assert.equal(again.kind, 'resend');
    assert.deepEqual(await dueIds(at(), key), [], 'nor to be looked for');
    await assert.rejects(resolve(at(), id, { outcome: 'released' }), /being sent/);
    await assert.rejects(resolve(at(), again.id, { outcome: 'released' }), /under the hold of/);
    at().settle(again.id, 'settled', { cost: usd(3), keepIdentity: true });
    assert.deepEqual(await at().standing(key), { spent: 3, held: 0 });
  });

  test(`${name}: what was found out before a call was sent again says nothing of that attempt`, async () => {
    const key = await at().issue({ totalCap: usd(50) });
    const id = await at().hold(key, 3, named('again'));
    const first = at().now;
    at().settle(id, 'unknown', { keepIdentity: true, lookAt: at().now });
    assert.equal((await due(at(), key))[0]?.sentAt, first);
    await resolve(at(), id, { sentAt: first, lookAt: at().now + HOUR });
    at().clock.advance(MINUTE);
    const again = await at().admit(key, 3, named('again'));
    assert.equal(again.kind, 'resend');
    at().settle(again.id, 'unknown', { lookAt: at().now });
    const late = resolve(at(), id, { outcome: 'released', sentAt: first });
    await assert.rejects(late, /was sent again since/);
    assert.deepEqual(await at().standing(key), { spent: 0, held: 3 });
    const [next] = await due(at(), key);
    assert.deepEqual([next?.row.id, next?.looks, next?.sentAt], [id, 0, first + MINUTE]);
    at().clock.advance(MINUTE);
    await resolve(at(), id, { sentAt: first + MINUTE, lookAt: at().now + HOUR });
    const third = await at().admit(key, 3, named('again'));
    assert.equal(third.kind, 'resend');
    await at().reopen();
    const [lost] = await due(at(), key);
    assert.deepEqual([lost?.row.id, lost?.sentAt], [id, first + 2 * MINUTE], 'a crash under way');
    await resolve(at(), id, { outcome: 'released', sentAt: first + 2 * MINUTE });
    assert.deepEqual(await at().standing(key), { spent: 0, held: 0 });
  });

  test(`${name}: proof that nothing moved frees the key; an answer that was found is its answer`, async () => {
    const key = await at().issue({ totalCap: usd(50) });
    const never = { idempotencyWindowMs: 0 };
    const lost = await at().hold(key, 3, { ...named('lost'), ...never });
    at().settle(lost, 'unknown', { keepIdentity: true });
    assert.equal(
      codeOf(await at().admit(key, 3, { ...named('lost'), ...never })),
      'outcome_unknown',
    );
    await resolve(at(), lost, { outcome: 'released' });
    assert.equal(codeOf(await at().admit(key, 3, { ...named('lost'), ...never })), 'admitted');

    const found = await at().hold(key, 3, { ...named('found'), ...never });
    at().settle(found, 'unknown', { keepIdentity: true });
    const sealedReply = Buffer.from('what the caller never got');
    await resolve(at(), found, { outcome: 'settled', cost: usd(3), sealedReply });
    const again = await at().admit(key, 3, { ...named('found'), ...never });
    assert.deepEqual(again.kind === 'replay' && Buffer.from(again.sealedReply), sealedReply);
  });

  test(`${name}: a call of which only the object is found holds on, and ends with the object`, async () => {
    const key = await at().issue({ totalCap: usd(50) });
    const id = await at().hold(key, 7);
    at().settle(id, 'unknown');
    const open = fact('pi_found', 7, 'open');
    const row = await resolve(at(), id, {
      ...{ outcome: 'held', vendorObjectId: open.id, objects: [open], lookAt: at().now + MINUTE },
    });
    assert.deepEqual([row?.state, row?.vendorObjectId], ['held', 'pi_found']);
    at().clock.advance(MINUTE);
    assert.deepEqual(await dueIds(at(), key), [id]);
    await resolve(at(), id, { outcome: 'held', objects: [fact('pi_found', 4, 'final')] });
    assert.equal(await at().stateOf(id), 'settled');
    assert.deepEqual(await at().standing(key), { spent: 4, held: 0 });
    assert.deepEqual(await dueIds(at(), key), []);
  });

  test(`${name}: however often an object is looked at, its money counts once`, async () => {
    const key = await at().issue({ totalCap: usd(50) });
    const raise = (pi: string, dollars: number) =>
      at().hold(key, 0, { quote: ofAmount(pi, dollars), objectId: pi });
    const id = await at().hold(key, 7);
    const open = fact('pi_looked', 7, 'open');
    at().settle(id, 'held', { vendorObjectId: open.id, objects: [open] });
    for (let look = 0; look < 3; look++) {
      await resolve(at(), id, { outcome: 'held', vendorObjectId: open.id, objects: [open] });
    }
    const raised = await raise(open.id, 10);
    assert.deepEqual(await at().standing(key), { spent: 0, held: 10 });
    at().settle(raised, 'released', { httpStatus: 402 });
    const done = fact('pi_looked', 7, 'final', { moved: cents(4) });
    await resolve(at(), id, { outcome: 'held', vendorObjectId: open.id, objects: [done] });
    assert.deepEqual(await at().standing(key), { spent: 4, held: 0 });
    await raise(open.id, 10);
    assert.deepEqual(await at().standing(key), { spent: 4, held: 6 });

    const payout = await at().hold(key, 5);
    const sent = fact('po_looked', 5, 'open');
    at().settle(payout, 'held', { vendorObjectId: sent.id, objects: [sent] });
    const paid = { outcome: 'settled', cost: usd(5), vendorObjectId: sent.id } as const;
    await resolve(at(), payout, { ...paid, objects: [fact('po_looked', 5, 'final')] });
    await raise(sent.id, 7);
    assert.deepEqual(await at().standing(key), { spent: 9, held: 8 });

    const untold = await at().hold(key, 3);
    at().settle(untold, 'held', { vendorObjectId: 'ii_looked' });
    await resolve(at(), untold, { outcome: 'settled', cost: null, vendorObjectId: 'ii_looked' });
    assert.deepEqual(await at().standing(key), { spent: 12, held: 8 }, 'what was held for it');
  });

  test(`${name}: a call that turns out to wait for another object ends with that one`, async () => {
    const key = await at().issue({ totalCap: usd(50) });
    const id = await at().hold(key, 7);
    at().settle(id, 'held', { vendorObjectId: 'qt_1' });
    const row = await resolve(at(), id, { outcome: 'held', vendorObjectId: 'in_1' });
    assert.deepEqual([row?.state, row?.vendorObjectId], ['held', 'in_1']);
    const told = await at().hold(key, 0, { quote: { kind: 'free' }, class: 'free' });
    at().cost(told, 0, { vendorObjectId: 'in_1', objects: [fact('in_1', 7, 'final')] });
    assert.deepEqual(await at().standing(key), { spent: 7, held: 0 });
  });

  test(`${name}: a decline that was looked up gives back no hold that a newer attempt stands on`, async () => {
    const key = await at().issue({ totalCap: usd(50) });
    const id = await at().hold(key, 7);
    const open = fact('pi_retried', 7, 'open');
    at().settle(id, 'held', { vendorObjectId: open.id, objects: [open] });
    const looks = (lookedAt: number) =>
      resolve(at(), id, {
        ...{ outcome: 'held', vendorObjectId: open.id, lookedAt, lookAt: at().now + MINUTE },
        objects: [fact('pi_retried', 7, 'declined')],
      });
    const before = at().now;
    const confirm = () => at().hold(key, 0, { quote: ofAmount(open.id), objectId: open.id });
    const confirming = await confirm();
    assert.equal((await looks(before))?.state, 'held', 'an attempt is under way');
    at().clock.advance(MINUTE);
    at().settle(confirming, 'held', { vendorObjectId: open.id, objects: [open] });
    assert.equal((await looks(before))?.state, 'held', 'an attempt was answered since the look');
    assert.deepEqual(await at().standing(key), { spent: 0, held: 7 });
    at().clock.advance(MINUTE);
    assert.deepEqual(await dueIds(at(), key), [id]);
    assert.equal((await looks(at().now))?.state, 'released', 'the look was after all attempts');
    assert.deepEqual(await at().standing(key), { spent: 0, held: 0 });
    const again = await confirm();
    assert.deepEqual(await at().standing(key), { spent: 0, held: 7 });
    at().settle(again, 'held', { vendorObjectId: open.id, objects: [fact(open.id, 7, 'final')] });
    assert.deepEqual(await at().standing(key), { spent: 7, held: 0 });
  });

  test(`${name}: a lost attempt that is found declined gives back what its payment holds, with its own end`, async () => {
    const key = await at().issue({ totalCap: usd(50) });
    const open = fact('pi_lost', 7, 'open');
    const made = await at().hold(key, 7);
    at().settle(made, 'held', { vendorObjectId: open.id, objects: [open] });
    const lost = await at().hold(key, 0, { quote: ofAmount(open.id), objectId: open.id });
    at().settle(lost, 'unknown', { keepIdentity: true });
    await resolve(at(), lost, {
      ...{ outcome: 'held', vendorObjectId: open.id, lookedAt: at().now },
      objects: [fact(open.id, 7, 'declined')],
    });
    assert.deepEqual(await at().standing(key), { spent: 0, held: 0 });
    assert.equal((await at().ledger.call(made))?.state, 'released');
  });

  test(`${name}: what a crash left is due at once; what nobody can find out is listed for the operator`, async () => {
    const key = await at().issue({ totalCap: usd(50) });
    const id = await at().hold(key, 3);
    const free = await at().hold(key, 0, { quote: { kind: 'free' }, class: 'free' });
    await at().reopen();
    assert.deepEqual(await dueIds(at(), key), [id, free]);
    for (const each of [id, free]) await resolve(at(), each, { why: 'the account is gone' });
    assert.deepEqual(await dueIds(at(), key), []);
    assert.deepEqual(await unresolved(at(), key), [id], 'a call that costs nothing is no trouble');
    assert.equal((await at().ledger.call(id))?.resolution, 'the account is gone');
    await resolve(at(), id, {
      outcome: 'settled',
      cost: usd(3),
      by: 'apikey_1',
      why: 'on the bill',
    });
    assert.deepEqual(await unresolved(at(), key), []);
    const row = await at().ledger.call(id);
    assert.deepEqual([row?.resolvedBy, row?.resolution], ['apikey_1', 'on the bill']);
  });

  test(`${name}: the vendor objects of a time are those that its rows answer for`, async () => {
    const key = await at().issue({ totalCap: usd(50) });
    at().clock.advance(HOUR);
    const before = at().now;
    at().cost(await at().hold(key, 1), 1, { vendorObjectId: 'SM_first' });
    at().clock.advance(10 * MINUTE);
    at().cost(await at().hold(key, 1), 1, { vendorObjectId: 'SM_second' });
    // Somebody looked at the one whose answer was lost, which is nobody's yet.
    at().cost(await at().hold(key, 0, FREE), 0, { vendorObjectId: 'SM_lost' });
    const { ledger } = at();
    const between = (from: number, to: number) =>
      ledger.objectsBetween('stripe', 'default', from, to);
    assert.deepEqual(await between(before, before + MINUTE), ['SM_first']);
    assert.deepEqual(await between(before + MINUTE, at().now), ['SM_second']);
    assert.deepEqual(await ledger.objectsBetween('stripe', 'another', before, at().now), []);
  });

  test(`${name}: what a look finds to be held for another object counts for that one`, async () => {
    const key = await at().issue({ totalCap: usd(15) });
    const make = await at().hold(key, 7);
    at().settle(make, 'held', {
      vendorObjectId: 'ii_billed',
      objects: [fact('ii_billed', 7, 'open')],
    });
    const objects = [fact('in_billing', 7, 'open')];
    await resolve(at(), make, { outcome: 'held', vendorObjectId: 'in_billing', objects });
    const facts = [fact('in_billing', 9, 'open')];
    await at().hold(key, 0, { quote: ofAmount('in_billing'), facts });
    assert.deepEqual(await at().standing(key), { spent: 0, held: 9 });
  });

  test(`${name}: a vendor that shows as executed what was given back is believed, once`, async () => {
    const key = await at().issue({ totalCap: usd(50) });
    const lost = await at().hold(key, 5, named('k'));
    at().settle(lost, 'unknown', { keepIdentity: true });
    await resolve(at(), lost, { outcome: 'released', by: 'apikey_1', why: 'it is not there' });
    const stored = {
      ...{ replayedByVendor: true, vendorObjectId: 'pi_there', keepIdentity: false },
      objects: [fact('pi_there', 5, 'final')],
    };
    for (let time = 0; time < 2; time++) {
      at().settle(await at().hold(key, 5, named('k')), 'held', stored);
      assert.deepEqual(await at().standing(key), { spent: 5, held: 0 }, `time ${time}`);
    }
    // Of a key that was never given back, whoever executed it has counted it.
    at().settle(await at().hold(key, 5, named('another')), 'held', stored);
    assert.deepEqual(await at().standing(key), { spent: 5, held: 0 });
  });
}
