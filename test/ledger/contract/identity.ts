/** One idempotency key, one execution: repetitions, resends, what a crash leaves, and the pruning. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AtDesk } from '../contract.ts';
import { codeOf, DAY, fact, HOUR, named, usd } from '../desk.ts';

const REPLY = Buffer.from('sealed reply');
/** The end of a call whose reply may be given again. */
const KEPT = { sealedReply: REPLY, keepIdentity: true };

export function identityContract(name: string, at: AtDesk): void {
  test(`${name}: the same key again gets the first reply, byte for byte, and costs nothing`, async () => {
    const key = await at().issue({ totalCap: usd(5) });
    const first = await at().hold(key, 5, named('k'));
    at().cost(first, 5, KEPT);
    const again = await at().admit(key, 5, named('k'));
    assert.equal(again.kind, 'replay');
    assert.equal(again.kind === 'replay' && again.firstId, first);
    assert.deepEqual(again.kind === 'replay' && Buffer.from(again.sealedReply), REPLY);
    const row = await at().ledger.call(again.id);
    assert.deepEqual([row?.state, row?.cost, row?.replayOf], ['replayed', 0n, first]);
    assert.deepEqual(await at().standing(key), { spent: 5, held: 0 });
  });

  test(`${name}: of ten callers with one key at once, one is admitted and nine wait for it`, async () => {
    const key = await at().issue({ totalCap: usd(50) });
    const verdicts = await Promise.all(
      Array.from({ length: 10 }, () => at().admit(key, 5, named('k'))),
    );
    const [first, ...others] = verdicts;
    assert.equal(first!.kind, 'admitted');
    for (const other of others) {
      assert.equal(other.kind === 'in_flight' && other.firstId, first!.id);
      assert.equal(await at().ledger.call(other.id), undefined, 'who waits has no row');
    }
    const patient = await at().admit(key, 5, { ...named('k'), waited: true });
    assert.equal(codeOf(patient), 'idempotency_in_flight');
    assert.deepEqual(await at().standing(key), { spent: 0, held: 5 });
  });

  test(`${name}: another request under the key is refused, while the first runs and after`, async () => {
    const key = await at().issue({ totalCap: usd(50) });
    const first = await at().hold(key, 5, named('k', 'one'));
    assert.equal(codeOf(await at().admit(key, 6, named('k', 'two'))), 'idempotency_mismatch');
    at().cost(first, 5, KEPT);
    assert.equal(codeOf(await at().admit(key, 6, named('k', 'two'))), 'idempotency_mismatch');
    assert.deepEqual(await at().standing(key), { spent: 5, held: 0 });
  });

  test(`${name}: an identity belongs to one vault key and one vendor`, async () => {
    const [one, two] = [
      await at().issue({ totalCap: usd(50) }),
      await at().issue({ totalCap: usd(50) }),
    ];
    at().cost(await at().hold(one, 5, named('k')), 5, KEPT);
    await at().hold(two, 5, named('k'));
    await at().hold(one, 5, { ...named('k'), vendor: 'second' });
  });

  test(`${name}: what the vendor would answer anew starts over under the same key`, async () => {
    const key = await at().issue({ totalCap: usd(50) });
    const first = await at().hold(key, 5, named('k'));
    at().settle(first, 'released', { httpStatus: 429 });
    const second = await at().hold(key, 5, named('k', 'another body'));
    assert.notEqual(second, first);
    const declined = await at().hold(key, 5, named('declined'));
    at().settle(declined, 'released', { httpStatus: 402, ...KEPT });
    assert.equal((await at().admit(key, 5, named('declined'))).kind, 'replay');
  });

  test(`${name}: an unknown outcome is sent again under the first hold, once at a time`, async () => {
    const key = await at().issue({ totalCap: usd(5) });
    const first = await at().hold(key, 5, named('k'));
    at().settle(first, 'unknown', { keepIdentity: true });
    const resend = await at().admit(key, 5, named('k'));
    assert.equal(resend.kind, 'resend');
    assert.equal(resend.kind === 'resend' && resend.firstId, first);
    assert.equal((await at().admit(key, 5, named('k'))).kind, 'in_flight');
    assert.deepEqual(await at().standing(key), { spent: 0, held: 5 });
    at().cost(resend.id, 5, { ...KEPT, replayedByVendor: true });
    assert.deepEqual(await at().standing(key), { spent: 5, held: 0 });
    assert.equal(await at().stateOf(first), 'settled');
    const row = await at().ledger.call(resend.id);
    assert.deepEqual([row?.state, row?.cost, row?.replayOf], ['replayed', 0n, first]);
    const replay = await at().admit(key, 5, named('k'));
    assert.equal(replay.kind === 'replay' && replay.firstId, first);
  });

  test(`${name}: the reply that a resend brings is kept, also of a call that was found out meanwhile`, async () => {
    const key = await at().issue({ totalCap: usd(5) });
    const first = await at().hold(key, 5, named('k'));
    at().settle(first, 'unknown', { keepIdentity: true });
    const found = { vendorObjectId: 'pi_k', objects: [fact('pi_k', 5, 'open')] };
    await at().ledger.resolve({
      ...{ id: first, at: at().now, outcome: 'held', cost: null, ...found },
      ...{ sealedReply: null, by: 'vendor', why: 'it was found', lookAt: null },
    });
    const resend = await at().admit(key, 5, named('k'));
    assert.equal(resend.kind, 'resend');
    at().settle(resend.id, 'held', { ...KEPT, ...found, replayedByVendor: true });
    const replay = await at().admit(key, 5, named('k'));
    assert.equal(replay.kind === 'replay' && replay.firstId, first);
    assert.deepEqual(await at().standing(key), { spent: 0, held: 5 });
  });

  test(`${name}: what an operator settled for less than it would cost is not sent again`, async () => {
    const key = await at().issue({ totalCap: usd(20) });
    const settled = async (id: bigint, cost: number) =>
      at().ledger.resolve({
        ...{ id, at: at().now, outcome: 'settled', cost: usd(cost), vendorObjectId: null },
        ...{ objects: [], sealedReply: null, by: 'apikey_1', why: 'on the bill', lookAt: null },
      });
    for (const [name, cost, expected] of [
      ['less', 1, 'outcome_unknown'],
      ['all', 5, 'resend'],
    ] as const) {
      const first = await at().hold(key, 5, named(name));
      at().settle(first, 'unknown', { keepIdentity: true });
      await settled(first, cost);
      assert.equal(codeOf(await at().admit(key, 5, named(name))), expected, name);
    }
    assert.deepEqual(await at().standing(key), { spent: 6, held: 0 });
  });

  test(`${name}: while a call is sent again, its first attempt has no say any more`, async () => {
    const key = await at().issue({ totalCap: usd(5) });
    const first = await at().hold(key, 5, named('k'));
    at().settle(first, 'unknown', { keepIdentity: true });
    const again = await at().admit(key, 5, named('k'));
    at().settle(first, 'released');
    assert.deepEqual(await at().standing(key), { spent: 0, held: 5 });
    assert.equal((await at().admit(key, 5, named('k'))).kind, 'in_flight');
    at().cost(again.id, 5, KEPT);
    assert.deepEqual(await at().standing(key), { spent: 5, held: 0 });
  });

  test(`${name}: a resend that proves nothing leaves the hold and may be repeated`, async () => {
    const key = await at().issue({ totalCap: usd(5) });
    const first = await at().hold(key, 5, named('k'));
    at().settle(first, 'unknown', { keepIdentity: true });
    const lost = await at().admit(key, 5, named('k'));
    at().settle(lost.id, 'unknown', { keepIdentity: true });
    const refused = await at().admit(key, 5, named('k'));
    assert.equal(refused.kind, 'resend');
    // A 4xx that the vendor does not store (its own rate limit) is not about the first execution.
    at().settle(refused.id, 'released', { httpStatus: 429 });
    assert.deepEqual(await at().standing(key), { spent: 0, held: 5 });
    const last = await at().admit(key, 5, named('k'));
    at().settle(last.id, 'released', { httpStatus: 402, ...KEPT });
    assert.deepEqual(await at().standing(key), { spent: 0, held: 0 });
    assert.equal(await at().stateOf(first), 'released');
  });

  test(`${name}: an unknown outcome is not sent again when the vendor would execute it anew`, async () => {
    const key = await at().issue({ totalCap: usd(10) });
    const never = { ...named('never'), idempotencyWindowMs: 0 };
    at().settle(await at().hold(key, 5, never), 'unknown', { keepIdentity: true });
    assert.equal(codeOf(await at().admit(key, 5, never)), 'outcome_unknown');
    at().clock.advance(-2_000);
    assert.equal(codeOf(await at().admit(key, 5, never)), 'outcome_unknown');
    at().clock.advance(2_000);
    at().settle(await at().hold(key, 5, named('old')), 'unknown', { keepIdentity: true });
    at().clock.advance(23 * HOUR);
    assert.equal(codeOf(await at().admit(key, 5, named('old'))), 'outcome_unknown');
    assert.deepEqual(await at().standing(key), { spent: 0, held: 10 });
  });

  test(`${name}: nor when a clock that was set back does not say how long ago the first was sent`, async () => {
    const key = await at().issue({ totalCap: usd(10) });
    at().clock.advance(2 * DAY);
    at().settle(await at().hold(key, 5, named('k')), 'unknown', { keepIdentity: true });
    // Two clocks of one time may differ by this much.
    at().clock.advance(-60_000);
    const again = await at().admit(key, 5, named('k'));
    assert.equal(again.kind, 'resend');
    at().settle(again.id, 'unknown', { keepIdentity: true });
    at().clock.advance(60_000 - 2 * DAY);
    assert.equal(codeOf(await at().admit(key, 5, named('k'))), 'outcome_unknown');
    assert.deepEqual(await at().standing(key), { spent: 0, held: 5 });
  });

  test(`${name}: a call that was found out without its answer is told of, for 24 hours`, async () => {
    const key = await at().issue({ totalCap: usd(50) });
    const never = { ...named('k'), idempotencyWindowMs: 0 };
    const first = await at().hold(key, 5, never);
    at().settle(first, 'unknown', { keepIdentity: true });
    const told = async () => {
      const again = await at().admit(key, 5, never);
      assert.ok(again.kind === 'refused', again.kind);
      return `${again.refusal.code}: ${again.refusal.message} ${again.refusal.remedy}`;
    };
    assert.match(await told(), /^outcome_unknown: .*outcome is not known.* Wait: Keybrake looks/);
    at().clock.advance(DAY);
    await at().ledger.resolve({
      ...{ id: first, at: at().now, outcome: 'settled', cost: usd(4), objects: [] },
      ...{ vendorObjectId: 'SM1', sealedReply: null, by: 'vendor', why: 'found', lookAt: null },
    });
    at().clock.advance(DAY - 1);
    assert.match(await told(), /was carried out \(SM1\), cost 4\.00 USD, and its answer did not/);
    assert.deepEqual(await at().standing(key), { spent: 4, held: 0 });
    at().clock.advance(1);
    await at().hold(key, 5, never);
  });

  test(`${name}: after 24 hours a key may be used again`, async () => {
    const key = await at().issue({ totalCap: usd(50) });
    at().cost(await at().hold(key, 5, named('k')), 5, KEPT);
    at().clock.advance(DAY - 1);
    assert.equal((await at().admit(key, 5, named('k'))).kind, 'replay');
    at().clock.advance(1);
    await at().hold(key, 5, named('k', 'another body'));
  });

  test(`${name}: the pruning takes old replies and identities, none that is young or unknown`, async () => {
    const key = await at().issue({ totalCap: usd(50) });
    at().cost(await at().hold(key, 5, named('old')), 5, KEPT);
    const unknown = await at().hold(key, 5, { ...named('unknown'), idempotencyWindowMs: 9 * DAY });
    at().settle(unknown, 'unknown', { keepIdentity: true });
    at().clock.advance(DAY);
    at().cost(await at().hold(key, 5, named('young')), 5, KEPT);
    while ((await at().ledger.prune(at().now)) > 0);
    assert.equal((await at().admit(key, 5, named('young'))).kind, 'replay');
    assert.equal((await at().admit(key, 5, named('old'))).kind, 'admitted');
    const resend = await at().admit(key, 5, { ...named('unknown'), idempotencyWindowMs: 9 * DAY });
    assert.equal(resend.kind === 'resend' && resend.firstId, unknown);
  });

  test(`${name}: after a crash, what was under way is unknown, stays counted, and can be sent again`, async () => {
    const key = await at().issue({ totalCap: usd(20) });
    const nameless = await at().hold(key, 5);
    const first = await at().hold(key, 5, named('first'));
    const unknown = await at().hold(key, 5, named('resent'));
    at().settle(unknown, 'unknown', { keepIdentity: true });
    const resend = await at().admit(key, 5, named('resent'));
    const open = await at().hold(key, 1, named('open'));
    at().settle(open, 'held', {
      ...KEPT,
      vendorObjectId: 'pi_crash',
      objects: [fact('pi_crash', 1, 'open')],
    });
    await at().reopen();
    assert.deepEqual(await at().standing(key), { spent: 0, held: 16 });
    const states = [nameless, first, unknown, resend.id, open].map((id) => at().stateOf(id));
    assert.deepEqual(await Promise.all(states), [
      ...['unknown', 'unknown', 'unknown', 'unknown'],
      'held',
    ]);
    assert.equal(codeOf(await at().admit(key, 5)), 'cap_exceeded');
    // The process that made these calls is gone, and so is whatever it would still say of them.
    at().settle(nameless, 'released');
    assert.equal(await at().stateOf(nameless), 'unknown');

    for (const [id, idempotencyKey] of [
      [first, 'first'],
      [unknown, 'resent'],
    ] as const) {
      const again = await at().admit(key, 5, named(idempotencyKey));
      assert.equal(again.kind === 'resend' && again.firstId, id);
      at().cost(again.id, 5, KEPT);
      assert.equal(await at().stateOf(id), 'settled');
    }
    assert.deepEqual(await at().standing(key), { spent: 10, held: 6 });
    assert.equal((await at().admit(key, 1, named('open'))).kind, 'replay');
  });

  test(`${name}: a resend that a crash cut off leaves the first one to be sent again`, async () => {
    const key = await at().issue({ totalCap: usd(5) });
    const first = await at().hold(key, 5, named('k'));
    for (let crash = 0; crash < 2; crash++) {
      await at().reopen();
      const again = await at().admit(key, 5, named('k'));
      assert.equal(again.kind === 'resend' && again.firstId, first);
    }
    assert.deepEqual(await at().standing(key), { spent: 0, held: 5 });
  });
}
