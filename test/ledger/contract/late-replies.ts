/** Replies that come late or out of a vendor's store: what they say of an object may be out of date. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Quote } from '../../../src/vendors/vendor.ts';
import type { AtDesk } from '../contract.ts';
import { admission, cents, type Desk, fact, named, usd } from '../desk.ts';

const KEPT = { sealedReply: new Uint8Array([1]), keepIdentity: true };

/** A confirmation: its price is what the object has that is not counted yet. */
function confirming(objectId: string) {
  return { quote: { kind: 'object', objectId, of: 'amount', limit: null } as Quote, objectId };
}

/** What a reply says of a payment of $7. */
function saying(pi: string, state: 'open' | 'declined') {
  return { vendorObjectId: pi, objects: [fact(pi, 7, state)] };
}

/** A retrieval shows that this much of a payment of $7 has moved. */
async function shown(desk: Desk, key: { id: bigint }, pi: string, moved: number): Promise<void> {
  const id = await desk.hold(key, 0, { quote: { kind: 'free' }, class: 'free' });
  const objects = [fact(pi, 7, 'final', { moved: cents(moved) })];
  desk.cost(id, 0, { vendorObjectId: pi, objects });
}

async function payment(desk: Desk, pi: string): Promise<{ id: bigint }> {
  const key = await desk.issue({ totalCap: usd(10) });
  desk.settle(await desk.hold(key, 7), 'held', saying(pi, 'open'));
  return key;
}

export function lateReplyContract(name: string, at: AtDesk): void {
  test(`${name}: a decline that comes late takes no hold from the attempt after it`, async () => {
    const key = await payment(at(), 'pi_late');
    const declined = await at().hold(key, 0, confirming('pi_late'));
    const accepted = await at().hold(key, 0, confirming('pi_late'));
    at().settle(accepted, 'held', saying('pi_late', 'open'));
    at().settle(declined, 'released', saying('pi_late', 'declined'));
    assert.deepEqual(await at().standing(key), { spent: 0, held: 7 });
    // One that was made after it does.
    const last = await at().hold(key, 0, confirming('pi_late'));
    at().settle(last, 'released', saying('pi_late', 'declined'));
    assert.deepEqual(await at().standing(key), { spent: 0, held: 0 });
  });

  test(`${name}: a late decline takes no hold from an attempt that holds by itself, whichever came first`, async () => {
    // The first one was admitted before the declined one; the second came before it, and waited.
    for (const first of ['admitted', 'waited'] as const) {
      const pi = `pi_${first}`;
      const key = await at().issue({ totalCap: usd(50) });
      at().settle(await at().hold(key, 7), 'released', saying(pi, 'declined'));
      const accepted = at().nextId();
      const admit = () =>
        at().ledger.admit(admission(accepted, at().now, key.id, 0, confirming(pi)));
      if (first === 'admitted') assert.equal((await admit()).kind, 'admitted');
      at().clock.advance(10);
      const declined = await at().hold(key, 0, confirming(pi));
      at().clock.advance(10);
      if (first === 'waited') assert.equal((await admit()).kind, 'admitted');
      at().clock.advance(10);
      at().settle(accepted, 'held', { ...saying(pi, 'open'), latencyMs: 30 });
      at().settle(declined, 'released', saying(pi, 'declined'));
      assert.deepEqual(await at().standing(key), { spent: 0, held: 7 }, first);
      // One that was made after it was answered does.
      at().clock.advance(30);
      const last = await at().hold(key, 0, confirming(pi));
      at().settle(last, 'released', saying(pi, 'declined'));
      assert.deepEqual(await at().standing(key), { spent: 0, held: 0 }, first);
    }
  });

  test(`${name}: a decline out of the vendor's store takes no hold from a later attempt`, async () => {
    const key = await payment(at(), 'pi_stored');
    const identity = named('stored decline');
    const lost = await at().hold(key, 0, { ...confirming('pi_stored'), ...identity });
    at().settle(lost, 'unknown', { keepIdentity: true });
    const accepted = await at().hold(key, 0, confirming('pi_stored'));
    at().settle(accepted, 'held', saying('pi_stored', 'open'));
    const again = await at().admit(key, 0, { ...confirming('pi_stored'), ...identity });
    assert.equal(again.kind, 'resend');
    const stored = { ...KEPT, ...saying('pi_stored', 'declined'), replayedByVendor: true };
    at().settle(again.id, 'released', stored);
    assert.equal(await at().stateOf(lost), 'released');
    assert.deepEqual(await at().standing(key), { spent: 0, held: 7 });
  });

  test(`${name}: a resend that was lost too stands in the way of nothing once the first is proven`, async () => {
    const key = await payment(at(), 'pi_lost');
    const confirm = { ...confirming('pi_lost'), ...named('lost twice') };
    at().settle(await at().hold(key, 0, confirm), 'unknown', { keepIdentity: true });
    at().settle((await at().admit(key, 0, confirm)).id, 'unknown', { keepIdentity: true });
    const proof = await at().admit(key, 0, confirm);
    at().settle(proof.id, 'released', { ...KEPT, ...saying('pi_lost', 'declined') });
    assert.deepEqual(await at().standing(key), { spent: 0, held: 0 });
  });

  test(`${name}: what a failing resend tells of the object is told of the first one's hold`, async () => {
    const key = await at().issue({ totalCap: usd(7) });
    const first = await at().hold(key, 7, named('failing'));
    at().settle(first, 'unknown', { keepIdentity: true });
    const again = await at().admit(key, 7, named('failing'));
    at().settle(again.id, 'unknown', { keepIdentity: true, vendorObjectId: 'pi_failing' });
    await shown(at(), key, 'pi_failing', 7);
    assert.deepEqual(await at().standing(key), { spent: 7, held: 0 });
    assert.equal(await at().stateOf(first), 'settled');
  });

  test(`${name}: a stored reply does not reopen what another one has shown to be final`, async () => {
    const key = await at().issue({ totalCap: usd(7) });
    const first = await at().hold(key, 7, named('reopened'));
    at().settle(first, 'unknown', { keepIdentity: true });
    await shown(at(), key, 'pi_final', 4);
    const again = await at().admit(key, 7, named('reopened'));
    const stored = { ...KEPT, ...saying('pi_final', 'open'), replayedByVendor: true };
    at().settle(again.id, 'held', stored);
    assert.deepEqual(await at().standing(key), { spent: 4, held: 0 });
  });

  test(`${name}: a crash in a resend of what has been resolved leaves it to be asked for again`, async () => {
    const key = await at().issue({ totalCap: usd(7) });
    const first = await at().hold(key, 7, named('resolved'));
    at().settle(first, 'unknown', { keepIdentity: true, vendorObjectId: 'pi_resolved' });
    await shown(at(), key, 'pi_resolved', 7);
    assert.equal(await at().stateOf(first), 'settled');
    assert.equal((await at().admit(key, 7, named('resolved'))).kind, 'resend');
    await at().reopen();
    const again = await at().admit(key, 7, named('resolved'));
    assert.equal(again.kind === 'resend' && again.firstId, first);
    assert.deepEqual(await at().standing(key), { spent: 7, held: 0 });
  });

  for (const [whose, spent] of [
    ['its own key', 7],
    ['another key', 14],
  ] as const) {
    test(`${name}: a creation that is found late counts what was settled by ${whose} since ${spent === 7 ? 'no more' : 'all the same'}`, async () => {
      const pi = `pi_found_${spent}`;
      const parent = await at().issue({ totalCap: usd(20) });
      const [key, other] = [
        await at().issue({ totalCap: usd(20), parentId: parent.id }),
        await at().issue({ totalCap: usd(20), parentId: parent.id }),
      ];
      // Its reply was written down by nobody; the caller has it, and goes on.
      const lost = await at().hold(key, 7);
      at().settle(lost, 'unknown', { keepIdentity: true });
      const facts = [fact(pi, 7, 'open')];
      const by = spent === 7 ? key : other;
      const confirmed = await at().hold(by, 7, { ...confirming(pi), facts });
      const paid = { vendorObjectId: pi, objects: [fact(pi, 7, 'final')] };
      at().settle(confirmed, 'held', paid);
      assert.deepEqual(await at().standing(parent), { spent: 7, held: 7 });
      await at().ledger.resolve({
        ...{ id: lost, at: at().now, outcome: 'held', cost: null, ...paid },
        ...{ sealedReply: null, by: 'vendor', why: 'it was found', lookAt: null },
      });
      assert.deepEqual(await at().standing(parent), { spent, held: 0 });
    });
  }
}
