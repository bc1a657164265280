/** Who may spend what: budgets, windows, parents, limits. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusal } from '../../../src/errors.ts';
import type { AtDesk } from '../contract.ts';
import { codeOf, DAY, HOUR, messageOf, usd } from '../desk.ts';

export function admissionContract(name: string, at: AtDesk): void {
  test(`${name}: of fifty callers at once, as many are admitted as the cap holds`, async () => {
    const key = await at().issue({ totalCap: usd(10) });
    const verdicts = await Promise.all(Array.from({ length: 50 }, () => at().admit(key, 1)));
    assert.equal(verdicts.filter(({ kind }) => kind === 'admitted').length, 10);
    const refused = verdicts.filter((verdict) => verdict.kind === 'refused');
    assert.equal(refused.length, 40);
    for (const verdict of refused) {
      assert.equal(verdict.refusal.code, 'cap_exceeded');
      assert.equal(verdict.remaining, 0n);
      const { keyId, ...report } = verdict.refusal.cap!;
      assert.equal(keyId, key.id);
      const at = { kind: 'total', cap: usd(10), spent: 0n, held: usd(10), needed: usd(1) };
      assert.deepEqual(report, at);
      assert.equal(verdict.refusal.retryAfterS, 5, 'holds may still come back');
    }
    assert.deepEqual(await at().standing(key), { spent: 0, held: 10 });
  });

  test(`${name}: spend equal to the cap is allowed, one micro-dollar more is not`, async () => {
    const key = await at().issue({ totalCap: usd(2) });
    const exact = (micros: bigint) => ({ quote: { kind: 'exact' as const, micros } });
    assert.equal(codeOf(await at().admit(key, 0, exact(usd(2) + 1n))), 'cap_exceeded');
    const verdict = await at().admit(key, 0, exact(usd(2)));
    assert.equal(verdict.kind === 'admitted' && verdict.remaining, 0n);
    assert.equal(codeOf(await at().admit(key, 0, exact(1n))), 'cap_exceeded');
    // What costs nothing needs nothing.
    assert.equal(codeOf(await at().admit(key, 0, { quote: { kind: 'free' } })), 'admitted');
  });

  test(`${name}: when nothing held can make room, the refusal tells nobody to wait`, async () => {
    const key = await at().issue({ totalCap: usd(2) });
    at().cost(await at().hold(key, 1), 1);
    await at().hold(key, 1);
    const waits = await at().admit(key, 1);
    assert.equal(waits.kind === 'refused' && waits.refusal.retryAfterS, 5);
    const never = await at().admit(key, 1.5);
    assert.equal(never.kind === 'refused' && never.refusal.retryAfterS, undefined);
  });

  test(`${name}: a daily cap counts in windows of 24 hours from the key's issue`, async () => {
    const key = await at().issue({ dailyCap: usd(5), totalCap: usd(12) });
    at().clock.advance(DAY - 1);
    await at().hold(key, 5);
    assert.equal(codeOf(await at().admit(key, 1)), 'cap_exceeded');
    at().clock.advance(1);
    const late = await at().hold(key, 5);
    at().clock.advance(2 * DAY);
    // A settlement counts in the window of its admission.
    at().cost(late, 5);
    const refused = await at().admit(key, 3);
    assert.equal(refused.kind === 'refused' && refused.refusal.cap?.kind, 'total');
    await at().hold(key, 2);
    const { budgets } = await at().view(key);
    const daily = budgets.find(({ kind }) => kind === 'daily')!;
    assert.deepEqual([daily.spent, daily.held], [0n, usd(2)]);
    assert.equal(daily.windowStart, key.issuedAt + 3 * DAY);
    assert.equal(daily.windowEnd, key.issuedAt + 4 * DAY);
  });

  test(`${name}: a child draws on its own budget and on every ancestor's`, async () => {
    const top = await at().issue({ totalCap: usd(10) });
    const middle = await at().issue({ dailyCap: usd(8), parentId: top.id });
    const [one, two] = [
      await at().issue({ totalCap: usd(6), parentId: middle.id }),
      await at().issue({ totalCap: usd(6), parentId: middle.id }),
    ];
    const call = await at().hold(one, 6);
    assert.equal(codeOf(await at().admit(one, 1)), 'cap_exceeded');
    const refused = await at().admit(two, 3);
    assert.equal(refused.kind === 'refused' && refused.refusal.cap?.keyId, middle.id);
    await at().hold(two, 2);
    await at().hold(top, 2);
    const last = await at().admit(top, 1);
    assert.equal(last.kind === 'refused' && last.refusal.cap?.keyId, top.id);
    at().settle(call, 'released');
    assert.deepEqual(await at().standing(one), { spent: 0, held: 0 });
    assert.deepEqual(await at().standing(middle), { spent: 0, held: 2 });
    assert.deepEqual(await at().standing(top), { spent: 0, held: 4 });
    assert.equal((await at().view(one)).remaining, usd(6));
    assert.equal((await at().view(two)).remaining, usd(4));
  });

  test(`${name}: the dead end of a parent is its children's`, async () => {
    const parent = await at().issue({ totalCap: usd(9), expiresAt: at().now + HOUR });
    const child = await at().issue({ totalCap: usd(9), parentId: parent.id });
    await at().hold(child, 1);
    at().clock.advance(HOUR);
    assert.equal(codeOf(await at().admit(child, 1)), 'key_expired');
    await assert.rejects(at().issue({ parentId: 1n, totalCap: 1n }), /parent key does not exist/);
  });

  test(`${name}: a key's limits on one call, on calls and on their rate are each their own refusal`, async () => {
    const key = await at().issue({
      ...{ totalCap: usd(100), perCallCap: usd(3), maxCalls: 3 },
      rateLimit: { calls: 2, windowMs: 1_000 },
    });
    assert.equal(codeOf(await at().admit(key, 3.01)), 'call_cap_exceeded');
    await at().hold(key, 3);
    await at().hold(key, 1);
    const fast = await at().admit(key, 1);
    assert.equal(codeOf(fast), 'rate_limited');
    assert.equal(fast.kind === 'refused' && fast.refusal.retryAfterS, 1);
    at().clock.advance(500);
    await at().hold(key, 1);
    at().clock.advance(HOUR);
    assert.equal(codeOf(await at().admit(key, 1)), 'call_limit_reached');
    assert.equal((await at().view(key)).calls, 3, 'refused calls are not counted');
  });

  test(`${name}: an expired key and an endpoint that is not allowed are refused, with a row`, async () => {
    const key = await at().issue({
      ...{ totalCap: usd(9), expiresAt: at().now + 10 },
      allowedEndpoints: ['GET /v1/charges'],
    });
    const refused = await at().admit(key, 1, { taskId: 'not-allowed' });
    assert.equal(codeOf(refused), 'endpoint_not_allowed');
    // What was attempted, and what is allowed.
    assert.match(messageOf(refused), /POST \/v1\/payment_intents .*allowed: GET \/v1\/charges\./);
    const row = await at().ledger.call(refused.id);
    assert.equal(row?.state, 'refused');
    assert.equal(row?.verdictReason, 'endpoint_not_allowed');
    assert.equal(row?.policyVerdict, 'refuse');
    at().clock.advance(10);
    assert.equal(codeOf(await at().admit(key, 1)), 'key_expired');
    const open = await at().issue({ totalCap: usd(9) });
    const withheld = await at().admit(open, 0, { class: 'withheld', quote: { kind: 'free' } });
    assert.equal(codeOf(withheld), 'endpoint_not_allowed');
  });

  test(`${name}: what the proxy refuses, and what has no price, is recorded and holds nothing`, async () => {
    const key = await at().issue({ totalCap: usd(9) });
    const ambiguous = refusal('request_ambiguous', 'two readings');
    assert.equal(codeOf(await at().admit(key, 1, { refusal: ambiguous })), 'request_ambiguous');
    const unpriced = { quote: { kind: 'unpriced' as const, reason: 'no rate' } };
    assert.equal(codeOf(await at().admit(key, 1, unpriced)), 'unpriced');
    assert.deepEqual(await at().standing(key), { spent: 0, held: 0 });
    const { rows } = await at().ledger.calls({ keyId: key.id }, { limit: 9 });
    assert.deepEqual(rows.map(({ verdictReason }) => verdictReason).sort(), [
      'request_ambiguous',
      'unpriced',
    ]);
  });

  test(`${name}: a shadow key lets through what it would have refused, and says so`, async () => {
    const key = await at().issue({ totalCap: usd(1), mode: 'shadow' });
    const id = await at().hold(key, 5);
    assert.equal((await at().ledger.call(id))?.policyVerdict, 'would_refuse');
    assert.equal((await at().ledger.call(id))?.verdictReason, 'cap_exceeded');
    at().cost(id, 5);
    assert.deepEqual(await at().standing(key), { spent: 5, held: 0 });
    assert.equal((await at().view(key)).remaining, 0n);
    await at().ledger.revoke({ key: key.id }, null, 'test', at().now);
    assert.equal(codeOf(await at().admit(key, 1)), 'key_revoked');
  });

  test(`${name}: a shadow key below one that enforces keeps to that one's caps`, async () => {
    const parent = await at().issue({ totalCap: usd(1) });
    const key = await at().issue({ totalCap: usd(9), mode: 'shadow', parentId: parent.id });
    assert.equal(codeOf(await at().admit(key, 5)), 'cap_exceeded');
    await at().hold(key, 1);
  });
}
