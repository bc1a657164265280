/**
 * A task that is tried again repeats the calls of its earlier attempts: its SDK sends new keys, or
 * none, and nothing may be charged twice all the same.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AtDesk } from '../contract.ts';
import { codeOf, ofTask, usd } from '../desk.ts';

const REPLY = Buffer.from('sealed reply');
const KEPT = { sealedReply: REPLY, keepIdentity: true };

export function attemptContract(name: string, at: AtDesk): void {
  test(`${name}: the next attempt of a task gets the first one's reply, with a new key and without`, async () => {
    const key = await at().issue({ totalCap: usd(50) });
    const first = await at().hold(key, 5, ofTask(0, 'made by the SDK'));
    at().cost(first, 5, KEPT);
    for (const [attempt, made] of [
      [1, 'made anew'],
      [2, null],
    ] as const) {
      const again = await at().admit(key, 5, ofTask(attempt, made));
      assert.equal(again.kind === 'replay' && again.firstId, first, `attempt ${attempt}`);
    }
    assert.deepEqual(await at().standing(key), { spent: 5, held: 0 });
  });

  test(`${name}: calls that are alike within an attempt are as many as they are, and so is their repetition`, async () => {
    const key = await at().issue({ totalCap: usd(50) });
    const made: bigint[] = [];
    for (let n = 0; n < 2; n++) {
      made.push(await at().hold(key, 5, ofTask(0)));
      at().cost(made[n]!, 5, KEPT);
    }
    for (const expected of made) {
      const again = await at().admit(key, 5, ofTask(1));
      assert.equal(again.kind === 'replay' && again.firstId, expected);
    }
    await at().hold(key, 5, ofTask(1));
    assert.deepEqual(await at().standing(key), { spent: 10, held: 5 }, 'the third is a new call');
  });

  test(`${name}: an unknown call is sent again with its own key, by each try of the SDK`, async () => {
    const key = await at().issue({ totalCap: usd(50) });
    const first = await at().hold(key, 5, ofTask(0, 'first'));
    at().settle(first, 'unknown', { keepIdentity: true });
    for (let n = 0; n < 2; n++) {
      const again = await at().admit(key, 5, ofTask(1, 'second'));
      assert.deepEqual(
        again.kind === 'resend' && [again.firstId, again.firstKey],
        [first, 'first'],
        `try ${n}`,
      );
      at().settle(again.id, 'unknown', { keepIdentity: true });
    }
    const keyless = await at().hold(key, 5, { ...ofTask(0), fingerprint: 'another' });
    at().settle(keyless, 'unknown', { keepIdentity: true });
    const later = await at().admit(key, 5, { ...ofTask(1), fingerprint: 'another' });
    assert.deepEqual(later.kind === 'resend' && later.firstKey, null, 'the one made of its id');
    assert.deepEqual(await at().standing(key), { spent: 0, held: 10 });
  });

  test(`${name}: one that is running is waited for; at a vendor without keys it is not sent again`, async () => {
    const key = await at().issue({ totalCap: usd(50) });
    const never = { idempotencyWindowMs: 0 };
    const first = await at().hold(key, 5, { ...ofTask(0), ...never });
    const early = await at().admit(key, 5, { ...ofTask(1), ...never });
    assert.equal(early.kind === 'in_flight' && early.firstId, first);
    at().settle(first, 'unknown', { keepIdentity: true });
    assert.equal(codeOf(await at().admit(key, 5, { ...ofTask(1), ...never })), 'outcome_unknown');
    assert.deepEqual(await at().standing(key), { spent: 0, held: 5 });
  });

  test(`${name}: what moved nothing is tried anew; another task, body, key or vendor is another call`, async () => {
    const key = await at().issue({ totalCap: usd(50) });
    const other = await at().issue({ totalCap: usd(50) });
    at().settle(await at().hold(key, 5, ofTask(0)), 'released');
    const first = await at().hold(key, 5, ofTask(1));
    at().cost(first, 5, KEPT);
    await at().hold(key, 5, { ...ofTask(2), taskId: 'other' });
    await at().hold(key, 5, { ...ofTask(2), fingerprint: 'other' });
    await at().hold(key, 5, { ...ofTask(2), vendor: 'second' });
    await at().hold(other, 5, ofTask(2));
    assert.equal(codeOf(await at().admit(key, 5, ofTask(2))), 'replay');
    await at().hold(key, 5, { ...ofTask(0), taskId: null });
    await at().hold(key, 5, { ...ofTask(0), attempt: null });
  });

  test(`${name}: what an attempt has no answer of yet is repeated before anything is new`, async () => {
    const key = await at().issue({ totalCap: usd(50) });
    const lost = await at().hold(key, 5, ofTask(0, 'one'));
    at().settle(lost, 'unknown', { keepIdentity: true });
    const done = await at().hold(key, 5, ofTask(0, 'two'));
    at().cost(done, 5, KEPT);
    const firstOf = async (made: string | null) => {
      const again = await at().admit(key, 5, ofTask(1, made));
      assert.ok(again.kind === 'resend' || again.kind === 'replay', codeOf(again));
      return again;
    };
    // The vendor was not reached, or did not answer: the caller tries again, with a key or without.
    for (const end of ['released', 'unknown'] as const) {
      const again = await firstOf(end === 'released' ? null : 'three');
      assert.equal(again.firstId, lost);
      at().settle(again.id, end, { keepIdentity: end === 'unknown' });
    }
    const proof = await firstOf('four');
    assert.equal(proof.firstId, lost);
    // It was declined, so it is among those that were executed no more; the second one still is.
    at().settle(proof.id, 'released', { httpStatus: 402, ...KEPT });
    assert.equal((await firstOf('five')).firstId, done);
    await at().hold(key, 5, ofTask(1, 'six'));
    assert.deepEqual(await at().standing(key), { spent: 5, held: 5 });
  });

  test(`${name}: a repetition of another task's call, by its key, takes the place of none`, async () => {
    const key = await at().issue({ totalCap: usd(50) });
    const shared = { ...ofTask(0, 'shared'), taskId: 'other' };
    at().cost(await at().hold(key, 5, shared), 5, KEPT);
    const own = await at().hold(key, 5, ofTask(0, 'own'));
    at().cost(own, 5, KEPT);
    assert.equal(codeOf(await at().admit(key, 5, ofTask(1, 'shared'))), 'replay');
    const again = await at().admit(key, 5, ofTask(1, 'made anew'));
    assert.equal(again.kind === 'replay' && again.firstId, own, codeOf(again));
    assert.deepEqual(await at().standing(key), { spent: 10, held: 0 });
  });

  test(`${name}: while a repetition is on its way, another like it waits for what it brings`, async () => {
    const key = await at().issue({ totalCap: usd(50) });
    const first = await at().hold(key, 5, ofTask(0, 'one'));
    at().settle(first, 'unknown', { keepIdentity: true });
    const again = await at().admit(key, 5, ofTask(1, 'two'));
    assert.equal(again.kind, 'resend');
    assert.equal(codeOf(await at().admit(key, 5, ofTask(1, 'three'))), 'in_flight');
    at().cost(again.id, 5, KEPT);
    assert.equal(codeOf(await at().admit(key, 5, ofTask(1, 'three'))), 'admitted');
  });

  test(`${name}: what its caller did not hear of is repeated by the same attempt, which a broker delivers again`, async () => {
    const key = await at().issue({ totalCap: usd(50) });
    const repeats = async (first: bigint, made: string | null, kind = 'replay') => {
      const again = await at().admit(key, 5, ofTask(0, made));
      assert.equal(again.kind, kind);
      assert.ok(again.kind === 'replay' || again.kind === 'resend');
      assert.equal(again.firstId, first);
      return again.id;
    };
    const heard = await at().hold(key, 5, ofTask(0, 'one'));
    at().cost(heard, 5, KEPT);
    const [early, late] = [
      await at().hold(key, 5, ofTask(0, 'two')),
      await at().hold(key, 5, { ...ofTask(0), unheard: true }),
    ];
    at().ledger.unheard(early);
    assert.equal(codeOf(await at().admit(key, 5, ofTask(0, 'three'))), 'in_flight');
    at().cost(early, 5, KEPT);
    at().settle(late, 'unknown', { keepIdentity: true });
    // The worker died once more before it heard of the first one.
    at().ledger.unheard(await repeats(early, 'four'));
    await repeats(early, 'five');
    const resent = await repeats(late, null, 'resend');
    at().cost(resent, 5, KEPT);
    await at().hold(key, 5, ofTask(0, 'six'));
    assert.deepEqual(await at().standing(key), { spent: 15, held: 5 });
  });

  test(`${name}: nor does an attempt execute anew what it sent again and did not hear of`, async () => {
    const key = await at().issue({ totalCap: usd(50) });
    const lost = await at().hold(key, 5, ofTask(0, 'one'));
    at().settle(lost, 'unknown', { keepIdentity: true });
    const resend = async (made: string) => {
      const again = await at().admit(key, 5, ofTask(0, made));
      assert.equal(again.kind === 'resend' && again.firstId, lost, codeOf(again));
      return (again as { id: bigint }).id;
    };
    // Of the first one it was told that nobody knows; its worker died while it tried again.
    await resend('one');
    await at().reopen();
    const resent = await resend('two');
    at().ledger.unheard(resent);
    assert.equal(codeOf(await at().admit(key, 5, ofTask(0, 'three'))), 'in_flight');
    at().cost(resent, 5, KEPT);
    const again = await at().admit(key, 5, ofTask(0, 'three'));
    assert.equal(again.kind === 'replay' && again.firstId, lost, codeOf(again));
    // One that got the stored reply of what it had heard before is as good as told.
    const repeated = await at().admit(key, 5, ofTask(0, 'one'));
    assert.equal(repeated.kind, 'replay');
    at().ledger.unheard((repeated as { id: bigint }).id);
    await at().hold(key, 5, ofTask(0, 'four'));
    assert.deepEqual(await at().standing(key), { spent: 5, held: 5 });
  });

  test(`${name}: nobody heard of what was under way when the process ended`, async () => {
    const key = await at().issue({ totalCap: usd(50) });
    const lost = await at().hold(key, 5, ofTask(0, 'one'));
    await at().reopen();
    const again = await at().admit(key, 5, ofTask(0, 'two'));
    assert.equal(again.kind === 'resend' && again.firstId, lost, codeOf(again));
  });

  test(`${name}: of a call that was found without its answer, a task is told what makes another like it`, async () => {
    const key = await at().issue({ totalCap: usd(50) });
    const never = { idempotencyWindowMs: 0 };
    const first = await at().hold(key, 5, { ...ofTask(0, 'one'), ...never });
    at().settle(first, 'unknown', { keepIdentity: true });
    await at().ledger.resolve({
      ...{ id: first, at: at().now, outcome: 'settled', cost: usd(5), vendorObjectId: 'SM1' },
      ...{ objects: [], sealedReply: null, by: 'vendor', why: 'found', lookAt: null },
    });
    // A key of its own is not enough: the task's next attempt is taken to repeat the first.
    for (const made of ['one', 'two']) {
      const again = await at().admit(key, 5, { ...ofTask(1, made), ...never });
      assert.ok(again.kind === 'refused');
      assert.match(again.refusal.remedy!, /a new idempotency key, and another X-Keybrake-Task-Id/);
    }
    const other = { ...ofTask(1, 'three'), ...never, taskId: 'other' };
    assert.equal(codeOf(await at().admit(key, 5, other)), 'admitted');
  });

  test(`${name}: an attempt that was given up and still lives repeats what the next one did`, async () => {
    const key = await at().issue({ totalCap: usd(50) });
    const late = await at().hold(key, 5, ofTask(0));
    at().cost(late, 5, KEPT);
    assert.equal(codeOf(await at().admit(key, 5, ofTask(1))), 'replay');
    const next = await at().hold(key, 5, ofTask(1));
    at().cost(next, 5, KEPT);
    const again = await at().admit(key, 5, ofTask(0));
    assert.equal(again.kind === 'replay' && again.firstId, next, codeOf(again));
    await at().hold(key, 5, ofTask(0));
    assert.deepEqual(await at().standing(key), { spent: 10, held: 5 });
  });
}
