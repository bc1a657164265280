/** What vendor objects do to holds: made, open, final, declined, raised, given back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Settlement } from '../../../src/ledger/ledger.ts';
import type { ObjectFact, Quote } from '../../../src/vendors/vendor.ts';
import type { AtDesk } from '../contract.ts';
import { CENT, cents, codeOf, type Desk, fact, type KeyFields, usd } from '../desk.ts';

/** A price that only the object knows. */
function of(objectId: string, what: 'amount' | 'refundable', dollars?: number) {
  const limit = dollars === undefined ? null : { minor: BigInt(dollars * 100) };
  return { quote: { kind: 'object', objectId, of: what, limit } as Quote, objectId };
}

const FREE = { quote: { kind: 'free' } as Quote, class: 'free' as const };

/** A call about an object, and the reply that came: it holds until the object is final. */
function held(desk: Desk, id: bigint, about: ObjectFact, more: Partial<Settlement> = {}): void {
  desk.settle(id, 'held', { vendorObjectId: about.id, objects: [about], ...more });
}

/** A free call (a retrieval) that was told this of an object. */
async function told(desk: Desk, key: { id: bigint }, about: ObjectFact): Promise<void> {
  const id = await desk.hold(key, 0, FREE);
  desk.cost(id, 0, { vendorObjectId: about.id, objects: [about] });
}

let made = 0;
const newName = (kind: string) => `${kind}_${++made}`;

/** A key with a payment of `dollars` that was created and is in this state. */
async function payment(
  desk: Desk,
  dollars: number,
  state: ObjectFact['state'],
  { more = {}, fields = {} }: { more?: Partial<ObjectFact>; fields?: KeyFields } = {},
) {
  const key = await desk.issue({ totalCap: usd(100), ...fields });
  const pi = newName('pi');
  const id = await desk.hold(key, dollars);
  held(desk, id, fact(pi, dollars, state, more));
  return { key, pi, id };
}

export function objectContract(name: string, at: AtDesk): void {
  test(`${name}: a payment that is done when it is made is settled at what moved`, async () => {
    const { key, id } = await payment(at(), 7, 'final');
    assert.equal(await at().stateOf(id), 'settled');
    assert.deepEqual(await at().standing(key), { spent: 7, held: 0 });
    const part = await payment(at(), 7, 'final', { more: { moved: cents(4) } });
    assert.deepEqual(await at().standing(part.key), { spent: 4, held: 0 });
  });

  test(`${name}: a payment that may still move holds until a reply says what moved`, async () => {
    const { key, pi, id } = await payment(at(), 7, 'open');
    assert.deepEqual(await at().standing(key), { spent: 0, held: 7 });
    await told(at(), key, fact(pi, 7, 'open'));
    assert.deepEqual(await at().standing(key), { spent: 0, held: 7 });
    await told(at(), key, fact(pi, 7, 'final'));
    assert.deepEqual(await at().standing(key), { spent: 7, held: 0 });
    assert.equal(await at().stateOf(id), 'settled');
    // What is told twice counts once.
    await told(at(), key, fact(pi, 7, 'final'));
    assert.deepEqual(await at().standing(key), { spent: 7, held: 0 });
  });

  test(`${name}: it counts once, however often it is confirmed and captured`, async () => {
    const { key, pi } = await payment(at(), 7, 'open');
    for (const state of ['open', 'final'] as const) {
      const id = await at().hold(key, 0, of(pi, 'amount'));
      held(at(), id, fact(pi, 7, state));
    }
    assert.deepEqual(await at().standing(key), { spent: 7, held: 0 });
    const { rows } = await at().ledger.calls({ keyId: key.id }, { limit: 9 });
    assert.deepEqual(
      rows.map(({ quote }) => quote),
      [0n, 0n, usd(7)],
    );
  });

  test(`${name}: of a payment that is captured in part, the rest comes back`, async () => {
    const { key, pi } = await payment(at(), 7, 'open');
    const capture = await at().hold(key, 0, of(pi, 'amount', 3));
    held(at(), capture, fact(pi, 7, 'final', { moved: cents(3) }));
    assert.deepEqual(await at().standing(key), { spent: 3, held: 0 });
  });

  test(`${name}: what is cancelled comes back, and does not come back twice`, async () => {
    const { key, pi, id } = await payment(at(), 7, 'open');
    for (let times = 0; times < 2; times++) {
      await told(at(), key, fact(pi, 7, 'final', { moved: 0n }));
      assert.deepEqual(await at().standing(key), { spent: 0, held: 0 });
    }
    assert.equal(await at().stateOf(id), 'settled');
  });

  test(`${name}: a decline gives the hold back, and the next attempt is priced anew`, async () => {
    const { key, pi, id } = await payment(at(), 7, 'open');
    await told(at(), key, fact(pi, 7, 'declined'));
    assert.deepEqual(await at().standing(key), { spent: 0, held: 0 });
    assert.equal(await at().stateOf(id), 'released');
    const again = await at().hold(key, 0, of(pi, 'amount'));
    assert.deepEqual(await at().standing(key), { spent: 0, held: 7 });
    held(at(), again, fact(pi, 7, 'final'));
    assert.deepEqual(await at().standing(key), { spent: 7, held: 0 });
  });

  test(`${name}: a decline on creation leaves an object whose confirmation costs all of it`, async () => {
    const key = await at().issue({ totalCap: usd(10) });
    const pi = newName('pi');
    const id = await at().hold(key, 7);
    const declined = fact(pi, 7, 'declined');
    at().settle(id, 'released', { httpStatus: 402, vendorObjectId: pi, objects: [declined] });
    assert.deepEqual(await at().standing(key), { spent: 0, held: 0 });
    const again = await at().hold(key, 0, of(pi, 'amount'));
    assert.deepEqual(await at().standing(key), { spent: 0, held: 7 });
    at().settle(again, 'released', { httpStatus: 402, vendorObjectId: pi, objects: [declined] });
    assert.deepEqual(await at().standing(key), { spent: 0, held: 0 });
    await at().hold(key, 0, of(pi, 'amount'));
    assert.equal(codeOf(await at().admit(key, 4)), 'cap_exceeded');
  });

  test(`${name}: a raise costs the difference, and only where the cap has room for it`, async () => {
    const { key, pi } = await payment(at(), 7, 'open', { fields: { totalCap: usd(10) } });
    assert.equal(codeOf(await at().admit(key, 0, of(pi, 'amount', 11))), 'cap_exceeded');
    const raise = await at().hold(key, 0, of(pi, 'amount', 10));
    assert.deepEqual(await at().standing(key), { spent: 0, held: 10 });
    held(at(), raise, fact(pi, 10, 'open'));
    await told(at(), key, fact(pi, 10, 'final'));
    assert.deepEqual(await at().standing(key), { spent: 10, held: 0 });
  });

  test(`${name}: a raise that is refused gives back the difference alone`, async () => {
    const { key, pi } = await payment(at(), 7, 'open');
    const raise = await at().hold(key, 0, of(pi, 'amount', 10));
    at().settle(raise, 'released', { httpStatus: 402, vendorObjectId: pi });
    assert.deepEqual(await at().standing(key), { spent: 0, held: 7 });
    await at().hold(key, 0, of(pi, 'amount', 9));
    assert.deepEqual(await at().standing(key), { spent: 0, held: 9 });
  });

  test(`${name}: what moved is counted once among the calls that hold for it, whichever is told first`, async () => {
    const { key, pi, id } = await payment(at(), 7, 'open');
    const raise = await at().hold(key, 0, of(pi, 'amount', 10));
    await told(at(), key, fact(pi, 7, 'final'));
    assert.deepEqual(await at().standing(key), { spent: 7, held: 3 });
    held(at(), raise, fact(pi, 7, 'final'));
    assert.deepEqual(await at().standing(key), { spent: 7, held: 0 });
    assert.equal((await at().ledger.call(id))?.cost, usd(7));
    assert.equal((await at().ledger.call(raise))?.cost, 0n);
  });

  test(`${name}: a vendor that moved more than was held shows it`, async () => {
    const { key, pi } = await payment(at(), 7, 'open', { fields: { totalCap: usd(8) } });
    await told(at(), key, fact(pi, 12, 'final'));
    assert.deepEqual(await at().standing(key), { spent: 12, held: 0 });
    assert.equal((await at().view(key)).remaining, 0n);
  });

  test(`${name}: it shows it also while other calls on the object are on their way`, async () => {
    const { key, pi } = await payment(at(), 7, 'open', { fields: { totalCap: usd(11) } });
    const [confirm, raise] = [
      await at().hold(key, 0, of(pi, 'amount')),
      await at().hold(key, 0, of(pi, 'amount', 10)),
    ];
    await told(at(), key, fact(pi, 12, 'final'));
    // What the raise holds is for the raise to take; the confirmation will take nothing.
    assert.deepEqual(await at().standing(key), { spent: 9, held: 3 });
    for (const id of [confirm, raise]) held(at(), id, fact(pi, 12, 'final'));
    assert.deepEqual(await at().standing(key), { spent: 12, held: 0 });
  });

  test(`${name}: an object that nobody saw, or whose currency has no rate, has no price`, async () => {
    const key = await at().issue({ totalCap: usd(100) });
    assert.equal(codeOf(await at().admit(key, 0, of('pi_never_seen', 'amount'))), 'unpriced');
    const foreign = newName('pi');
    await told(at(), key, fact(foreign, 7, 'open', { currency: 'eur', unit: null }));
    assert.equal(codeOf(await at().admit(key, 0, of(foreign, 'amount'))), 'unpriced');
    const { pi } = await payment(at(), 7, 'open');
    const elsewhere = { ...of(pi, 'amount'), account: 'another' };
    assert.equal(codeOf(await at().admit(key, 0, elsewhere)), 'unpriced');
  });

  test(`${name}: what is final in a currency without a rate costs what was held for it, or nothing`, async () => {
    const foreign = { currency: 'eur', unit: null };
    for (const [when, moved, cost] of [
      ['at once', 7, 5],
      ['later', 7, 5],
      ['at once', 0, 0],
      ['later', 0, 0],
    ] as const) {
      // The key gave it a price, for nobody else could.
      const key = await at().issue({ totalCap: usd(100) });
      const id = await at().hold(key, 5, { quote: { kind: 'estimated', micros: usd(5) } });
      const invoice = newName('in');
      const over = fact(invoice, 7, 'final', { ...foreign, moved: cents(moved) });
      held(at(), id, when === 'later' ? fact(invoice, 7, 'open', foreign) : over);
      if (when === 'later') await told(at(), key, over);
      assert.deepEqual(await at().standing(key), { spent: cost, held: 0 }, `${when}, ${moved}`);
    }
  });

  test(`${name}: a refund counts as money that goes out, up to what was received`, async () => {
    const charge = newName('ch');
    const { key, pi } = await payment(at(), 7, 'final', { more: { aliases: [charge] } });
    const part = await at().hold(key, 0, of(charge, 'refundable', 3));
    assert.deepEqual(await at().standing(key), { spent: 7, held: 3 });
    at().cost(part, 3, { vendorObjectId: newName('re') });
    // Without an amount, a refund is of all the rest, by whichever name.
    const rest = await at().hold(key, 0, of(pi, 'refundable'));
    assert.deepEqual(await at().standing(key), { spent: 10, held: 4 });
    at().settle(rest, 'released', { httpStatus: 400 });
    assert.deepEqual(await at().standing(key), { spent: 10, held: 0 });
    const again = await at().hold(key, 0, of(pi, 'refundable'));
    at().cost(again, 4);
    assert.deepEqual(await at().standing(key), { spent: 14, held: 0 });
    const nothing = await at().admit(key, 0, of(pi, 'refundable'));
    assert.equal(nothing.kind === 'admitted' && nothing.quote, 0n);
  });

  test(`${name}: what is refunded counts by the rate of the payment, whatever today's is`, async () => {
    const then = { currency: 'eur', unit: CENT * 2n, rateDate: '2026-11-16' };
    const now = { currency: 'eur', unit: CENT * 9n, rateDate: '2026-11-23' };
    const { key, pi } = await payment(at(), 7, 'final', { more: then });
    assert.deepEqual(await at().standing(key), { spent: 14, held: 0 });
    const refunds: [state: ObjectFact['state'], cost: number, rate: Partial<ObjectFact>][] = [
      ['final', 9, now],
      ['open', 0, now],
      ['final', 0, { ...now, unit: null, rateDate: null }],
    ];
    for (const [index, [state, cost, rate]] of refunds.entries()) {
      const [re, counted] = [newName('re'), 14 + 2 * index];
      const id = await at().hold(key, 0, of(pi, 'refundable', 1));
      assert.deepEqual(await at().standing(key), { spent: counted, held: 2 });
      const about = { vendorObjectId: re, objects: [fact(re, 1, state, rate)] };
      if (state === 'open') at().settle(id, 'held', about);
      else at().settle(id, 'settled', { cost: rate.unit === null ? null : usd(cost), ...about });
      if (state === 'open') await told(at(), key, fact(re, 1, 'final', now));
      assert.deepEqual(await at().standing(key), { spent: counted + 2, held: 0 });
    }
    const failed = await at().hold(key, 0, of(pi, 'refundable', 1));
    const back = fact(newName('re'), 1, 'final', { ...now, moved: 0n });
    at().settle(failed, 'settled', { cost: 0n, vendorObjectId: back.id, objects: [back] });
    assert.deepEqual(await at().standing(key), { spent: 20, held: 0 });
  });

  test(`${name}: the last of several refunds holds all that it will cost, also in small units`, async () => {
    // A yen of 6,432.1 micro-dollars: each part is rounded up by itself, and so is the last.
    const yen = { currency: 'jpy', unit: 6_432_100_000n, rateDate: '2026-11-23', amount: 100n };
    for (const from of ['own calls', 'the vendor'] as const) {
      const key = await at().issue({ totalCap: usd(2) });
      const ch = newName('ch');
      const told33 = from === 'own calls' ? null : 33n;
      held(
        at(),
        await at().hold(key, 1),
        fact(ch, 1, 'final', { ...yen, moved: 100n, refunded: told33 }),
      );
      const part = async (minor: bigint | null): Promise<[quote: bigint, cost: bigint]> => {
        const limit = minor === null ? null : { minor };
        const quote: Quote = { kind: 'object', objectId: ch, of: 'refundable', limit };
        const refund = await at().admit(key, 0, { quote, objectId: ch });
        assert.ok(refund.kind === 'admitted');
        const amount = minor ?? 34n;
        const re = fact(newName('re'), 0, 'final', { ...yen, amount, moved: amount });
        at().settle(refund.id, 'settled', { vendorObjectId: re.id, objects: [re] });
        return [refund.quote, (await at().ledger.call(refund.id))?.cost ?? -1n];
      };
      if (from === 'own calls') assert.deepEqual(await part(33n), [212_260n, 212_260n]);
      assert.deepEqual(await part(33n), [212_260n, 212_260n]);
      assert.deepEqual(await part(null), [218_692n, 218_692n], from);
    }
  });

  test(`${name}: a refund that its charge tells of before its own reply counts once`, async () => {
    const { key, pi } = await payment(at(), 7, 'final');
    const part = await at().hold(key, 0, of(pi, 'refundable', 3));
    await told(at(), key, fact(pi, 7, 'final', { refunded: cents(3) }));
    at().cost(part, 3, { vendorObjectId: newName('re') });
    const rest = await at().admit(key, 0, of(pi, 'refundable'));
    assert.equal(rest.kind === 'admitted' && rest.quote, usd(4));
    at().settle(rest.id, 'released', { httpStatus: 400 });
    // What went past Keybrake counts too.
    await told(at(), key, fact(pi, 7, 'final', { refunded: cents(5) }));
    const last = await at().admit(key, 0, of(pi, 'refundable'));
    assert.equal(last.kind === 'admitted' && last.quote, usd(2));
  });

  test(`${name}: a refund that was seen before its own reply came is the call's that made it`, async () => {
    const { key, pi } = await payment(at(), 7, 'final');
    const refund = await at().hold(key, 0, of(pi, 'refundable'));
    const re = newName('re');
    await told(at(), key, fact(re, 7, 'final'));
    held(at(), refund, fact(re, 7, 'open'));
    assert.deepEqual(await at().standing(key), { spent: 14, held: 0 });
  });

  test(`${name}: a refund of what is not received yet must state its amount`, async () => {
    const { key, pi } = await payment(at(), 7, 'open');
    assert.equal(codeOf(await at().admit(key, 0, of(pi, 'refundable'))), 'unpriced');
    await at().hold(key, 0, of(pi, 'refundable', 2));
    assert.deepEqual(await at().standing(key), { spent: 0, held: 9 });
  });

  test(`${name}: an object is one for all keys: who captures it ends the maker's hold`, async () => {
    const { key, pi } = await payment(at(), 7, 'open');
    const other = await at().issue({ totalCap: usd(100) });
    const capture = await at().hold(other, 0, of(pi, 'amount'));
    held(at(), capture, fact(pi, 7, 'final'));
    assert.deepEqual(await at().standing(key), { spent: 7, held: 0 });
    assert.deepEqual(await at().standing(other), { spent: 0, held: 0 });
  });

  test(`${name}: what had moved of an object before anybody here saw it is nobody's here`, async () => {
    // An invoice of $50 of which $20 were paid past Keybrake: told before the call, or by a read.
    for (const first of ['asked', 'read', 'read before'] as const) {
      const key = await at().issue({ totalCap: usd(100) });
      const invoice = newName('in');
      const partly = fact(invoice, 50, 'open', { moved: cents(20) });
      const facts = first === 'asked' ? [partly] : [];
      if (first === 'read before') await told(at(), key, fact(invoice, 50, 'open'));
      if (first !== 'asked') await told(at(), key, partly);
      const pay = await at().hold(key, 0, { ...of(invoice, 'amount'), facts });
      assert.deepEqual(await at().standing(key), { spent: 0, held: 30 }, first);
      held(at(), pay, fact(invoice, 50, 'final'));
      assert.deepEqual(await at().standing(key), { spent: 30, held: 0 }, first);
    }
  });

  test(`${name}: what moved of an object that an open call is about is that call's`, async () => {
    const key = await at().issue({ totalCap: usd(100) });
    const pi = newName('pi');
    const lost = await at().hold(key, 7);
    at().settle(lost, 'unknown', { vendorObjectId: pi });
    const facts = [fact(pi, 7, 'final')];
    await at().hold(key, 0, { ...of(pi, 'refundable'), facts });
    assert.deepEqual(await at().standing(key), { spent: 0, held: 14 });
    await told(at(), key, fact(pi, 7, 'final'));
    assert.deepEqual(await at().standing(key), { spent: 7, held: 7 });
    assert.equal((await at().ledger.call(lost))?.cost, usd(7));
  });

  test(`${name}: so it is when a lost call is found to have made what was seen before`, async () => {
    const key = await at().issue({ totalCap: usd(10) });
    const pi = newName('pi');
    const lost = await at().hold(key, 10);
    at().settle(lost, 'unknown');
    // Captured in parts, of which one had moved when it was read.
    const partly = fact(pi, 10, 'open', { moved: cents(6) });
    await told(at(), key, partly);
    await at().ledger.resolve({
      ...{ id: lost, at: at().now, outcome: 'held', cost: null, objects: [partly] },
      ...{ vendorObjectId: pi, sealedReply: null, by: 'vendor', why: 'found', lookAt: null },
    });
    assert.equal(codeOf(await at().admit(key, 0, of(pi, 'amount', 12))), 'cap_exceeded');
  });

  test(`${name}: what is held for a part is held for the whole once it belongs to it`, async () => {
    for (const first of ['asked', 'read'] as const) {
      const key = await at().issue({ totalCap: usd(15) });
      const [item, invoice] = [newName('ii'), newName('in')];
      const make = await at().hold(key, 7);
      held(at(), make, fact(item, 7, 'open'));
      const part = fact(item, 7, 'open', { partOf: invoice });
      if (first === 'read') await told(at(), key, part);
      const facts = [fact(invoice, 9, 'open'), ...(first === 'asked' ? [part] : [])];
      const pay = await at().hold(key, 0, { ...of(invoice, 'amount'), facts });
      assert.deepEqual(await at().standing(key), { spent: 0, held: 9 }, first);
      held(at(), pay, fact(invoice, 9, 'final'));
      assert.deepEqual(await at().standing(key), { spent: 9, held: 0 }, first);
      assert.equal((await at().ledger.call(make))?.cost, usd(7));
    }
  });

  test(`${name}: a whole that is over ends what its parts hold, told in one reply`, async () => {
    const key = await at().issue({ totalCap: usd(15) });
    const [item, invoice] = [newName('ii'), newName('in')];
    held(at(), await at().hold(key, 7), fact(item, 7, 'open'));
    const id = await at().hold(key, 0, FREE);
    const part = fact(item, 7, 'open', { partOf: invoice });
    at().cost(id, 0, { vendorObjectId: invoice, objects: [fact(invoice, 9, 'final'), part] });
    assert.deepEqual(await at().standing(key), { spent: 9, held: 0 });
  });

  test(`${name}: a reply from the vendor's own store says nothing new of an object`, async () => {
    const { key, pi } = await payment(at(), 7, 'open');
    const again = await at().hold(key, 7);
    const stale = { vendorObjectId: pi, objects: [fact(pi, 7, 'declined')] };
    at().cost(again, 7, { ...stale, replayedByVendor: true });
    assert.deepEqual(await at().standing(key), { spent: 0, held: 7 });
  });
}
