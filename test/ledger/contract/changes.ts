/** What an operator does while calls go on: revoke, freeze, change caps; and what keeps over a start. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RevocationTarget } from '../../../src/ledger/ledger.ts';
import type { AtDesk } from '../contract.ts';
import { codeOf, DAY, type Desk, HOUR, newKey, usd } from '../desk.ts';

const revoke = (desk: Desk, target: RevocationTarget) =>
  desk.ledger.revoke(target, 'enough', 'test', desk.now);

export function changeContract(name: string, at: AtDesk): void {
  test(`${name}: a revoke is seen by every admission that is asked for after it, answered or not`, async () => {
    const [key, other] = [
      await at().issue({ totalCap: usd(99) }),
      await at().issue({ totalCap: usd(99) }),
    ];
    const sent = await at().hold(key, 1);
    const many = (of: typeof key) =>
      Promise.all(Array.from({ length: 20 }, () => at().admit(of, 1)));
    const before = many(key);
    const revoked = revoke(at(), { key: key.id });
    const after = many(key);
    const elsewhere = many(other);
    for (const verdict of await after) assert.equal(codeOf(verdict), 'key_revoked');
    for (const verdict of await elsewhere) assert.equal(verdict.kind, 'admitted');
    // Those that were asked for before may be overtaken, and are one or the other.
    for (const verdict of await before) assert.match(codeOf(verdict), /^(admitted|key_revoked)$/);
    assert.deepEqual(await revoked, [key.id]);
    const { revokedAt, revokedReason, calls } = await at().view(key);
    assert.deepEqual([revokedAt, revokedReason], [at().now, 'enough']);
    // What was sent before still ends.
    at().cost(sent, 1);
    assert.deepEqual(await at().standing(key), { spent: 1, held: calls - 1 });
  });

  test(`${name}: a revoke is idempotent: the first reason and time stay`, async () => {
    const key = await at().issue({ totalCap: usd(9) });
    const since = at().now;
    await revoke(at(), { key: key.id });
    at().clock.advance(HOUR);
    const again = await at().ledger.revoke({ key: key.id }, 'later', 'test', at().now);
    assert.deepEqual(again, [key.id]);
    const { revokedAt, revokedReason } = await at().view(key);
    assert.deepEqual([revokedAt, revokedReason], [since, 'enough']);
    assert.deepEqual(await revoke(at(), { key: 1n }), []);
  });

  test(`${name}: a revoke takes the whole subtree, and nothing above or beside it`, async () => {
    const top = await at().issue({ totalCap: usd(9) });
    const middle = await at().issue({ totalCap: usd(9), parentId: top.id });
    const leaf = await at().issue({ totalCap: usd(9), parentId: middle.id });
    const beside = await at().issue({ totalCap: usd(9), parentId: top.id });
    assert.deepEqual(await revoke(at(), { key: middle.id }), [middle.id, leaf.id]);
    assert.equal(codeOf(await at().admit(leaf, 1)), 'key_revoked');
    for (const key of [top, beside]) await at().hold(key, 1);
    await assert.rejects(at().issue({ totalCap: 1n, parentId: leaf.id }), /parent.*revoked/);
  });

  test(`${name}: runs issue ten thousand keys under one, at any depth, and an operator any number`, async () => {
    const [top, beside] = [
      await at().issue({ totalCap: usd(9) }),
      await at().issue({ totalCap: usd(9) }),
    ];
    const middle = await at().issue({ totalCap: usd(9), parentId: top.id, byRun: true });
    const issue = (parentId: bigint, byRun: boolean) =>
      at().issue({ totalCap: usd(1), parentId, byRun });
    await Promise.all(
      Array.from({ length: 9_999 }, (_, n) => issue(n % 2 ? top.id : middle.id, true)),
    );
    for (const parent of [top, middle]) {
      await assert.rejects(issue(parent.id, true), /10000 keys under key_\w+, and may not/);
    }
    await issue(top.id, false);
    await issue(beside.id, true);
    assert.equal((await revoke(at(), { key: top.id })).length, 10_002);
  });

  test(`${name}: a chain of keys has eight at most: each call is decided on all of them`, async () => {
    let key = await at().issue({ totalCap: usd(9) });
    for (let depth = 2; depth <= 8; depth++) {
      key = await at().issue({ totalCap: usd(9), parentId: key.id });
    }
    await at().hold(key, 1);
    await assert.rejects(at().issue({ totalCap: usd(9), parentId: key.id }), /at most 8 deep/);
  });

  test(`${name}: labels and prefixes are text: no character in them stands for others`, async () => {
    const labels = ['run_%', 'run_%/1', 'runX%', 'run_', 'RUN_%/1', 'run_%/ä'];
    const keys = new Map<string, bigint>();
    for (const label of labels) keys.set(label, (await at().issue({ label, totalCap: 1n })).id);
    const ids = (...names: string[]) => names.map((each) => keys.get(each)!);
    assert.deepEqual(await revoke(at(), { label: 'run_%' }), ids('run_%'));
    assert.deepEqual(await revoke(at(), { labelPrefix: 'run_%' }), ids('run_%/1', 'run_%/ä'));
    assert.deepEqual(await revoke(at(), { labelPrefix: 'run_%' }), []);
    assert.equal((await at().view({ id: keys.get('runX%')! })).revokedAt, null);
  });

  test(`${name}: a revoke by vendor takes every key that may call it`, async () => {
    const vendors = (...names: string[]) => at().issue({ vendors: names, totalCap: usd(1) });
    const [only, both, other] = [
      await vendors('v1'),
      await vendors('v1', 'v2'),
      await vendors('v2'),
    ];
    assert.deepEqual(await revoke(at(), { vendor: 'v1' }), [only.id, both.id]);
    assert.equal((await at().view(other)).revokedAt, null);
  });

  test(`${name}: a freeze holds every key of a vendor back, until it is lifted`, async () => {
    const key = await at().issue({ vendors: ['cold', 'warm'], totalCap: usd(9) });
    const call = (vendor: string) => at().admit(key, 1, { vendor });
    const freeze = { vendor: 'cold', at: at().now, by: 'test', reason: 'incident' };
    const [, frozen, warm] = await Promise.all([
      at().ledger.setFreeze(freeze),
      call('cold'),
      call('warm'),
    ]);
    assert.deepEqual([codeOf(frozen), warm.kind], ['frozen', 'admitted']);
    assert.deepEqual(await at().ledger.freezes(), [freeze]);
    await at().reopen();
    assert.equal(codeOf(await call('cold')), 'frozen');
    assert.equal(await at().ledger.removeFreeze('cold'), true);
    assert.equal(await at().ledger.removeFreeze('cold'), false);
    assert.equal((await call('cold')).kind, 'admitted');
    await at().ledger.setFreeze({ ...freeze, vendor: '*' });
    assert.equal(codeOf(await call('warm')), 'frozen');
    await at().ledger.removeFreeze('*');
  });

  test(`${name}: a lowered cap keeps what is counted, and lets nothing more in until there is room`, async () => {
    const key = await at().issue({ totalCap: usd(10), dailyCap: usd(10) });
    const first = await at().hold(key, 6);
    const patch = { totalCap: usd(2), perCallCap: usd(9) };
    const changed = await at().ledger.changeKey(key.id, patch, 'operator', at().now);
    assert.equal(changed?.remaining, 0n);
    assert.deepEqual(await at().standing(key), { spent: 0, held: 6 });
    const refused = await at().admit(key, 1);
    assert.deepEqual(refused.kind === 'refused' && refused.refusal.cap, {
      ...{ kind: 'total', keyId: key.id, cap: usd(2), spent: 0n, held: usd(6), needed: usd(1) },
    });
    at().cost(first, 1);
    await at().hold(key, 1);
    assert.equal(codeOf(await at().admit(key, 1)), 'cap_exceeded');
    await at().ledger.changeKey(key.id, { totalCap: usd(3) }, 'operator', at().now);
    await at().hold(key, 1);
    assert.deepEqual((await at().view(key)).history, [
      {
        at: at().now,
        by: 'operator',
        changes: {
          totalCap: { from: '10000000', to: '2000000' },
          perCallCap: { from: null, to: '9000000' },
        },
      },
      {
        at: at().now,
        by: 'operator',
        changes: { totalCap: { from: '2000000', to: '3000000' } },
      },
    ]);
  });

  test(`${name}: a changed daily cap holds in every window, also in one that a clock set back returns to`, async () => {
    const key = await at().issue({ dailyCap: usd(10) });
    await at().hold(key, 1);
    at().clock.advance(DAY);
    await at().ledger.changeKey(key.id, { dailyCap: usd(2) }, 'operator', at().now);
    at().clock.advance(-DAY);
    assert.equal(codeOf(await at().admit(key, 2)), 'cap_exceeded');
    await at().reopen();
    const refused = await at().admit(key, 2);
    assert.equal(refused.kind === 'refused' && refused.refusal.cap?.cap, usd(2));
    await at().hold(key, 1);
    assert.equal((await at().view(key)).remaining, 0n);
  });

  test(`${name}: a changed expiry, endpoint list and call limit hold for the next call`, async () => {
    const key = await at().issue({ totalCap: usd(10) });
    await at().hold(key, 1);
    const change = (patch: object) => at().ledger.changeKey(key.id, patch, 'test', at().now);
    await change({ maxCalls: 1 });
    assert.equal(codeOf(await at().admit(key, 1)), 'call_limit_reached');
    await change({ maxCalls: null, allowedEndpoints: ['GET /v1/charges'] });
    assert.equal(codeOf(await at().admit(key, 1)), 'endpoint_not_allowed');
    await change({ allowedEndpoints: null, expiresAt: at().now });
    assert.equal(codeOf(await at().admit(key, 1)), 'key_expired');
    await change({ expiresAt: null });
    await at().hold(key, 1);
  });

  test(`${name}: a change that makes no sense is refused, and changes nothing`, async () => {
    const parent = await at().issue({ totalCap: usd(5), expiresAt: at().now + HOUR });
    const key = await at().issue({
      ...{ totalCap: usd(5), parentId: parent.id, expiresAt: at().now + HOUR },
    });
    const change = (id: bigint, patch: object) =>
      at().ledger.changeKey(id, patch, 'test', at().now);
    await assert.rejects(change(key.id, { totalCap: usd(6) }), /above the parent/);
    await assert.rejects(change(key.id, { expiresAt: null }), /outlive its parent/);
    await assert.rejects(change(key.id, { totalCap: null }), /at least one/);
    await revoke(at(), { key: key.id });
    await assert.rejects(change(key.id, { totalCap: usd(1) }), /revoked/);
    assert.equal(await change(1n, { totalCap: usd(1) }), undefined);
    const view = await at().view(key);
    assert.deepEqual([view.policy.totalCap, view.history], [usd(5), []]);
  });

  test(`${name}: a key, its policy and its standing are the same after a start`, async () => {
    const fields = {
      ...{ label: 'kept', metadata: { team: 'ops' }, dailyCap: usd(3), totalCap: usd(7) },
      ...{ perCallCap: usd(2), maxCalls: 9, allowedEndpoints: ['payment_intents.*'] },
      rateLimit: { calls: 5, windowMs: 60_000 },
      params: { currency: { in: ['usd'] }, amount: { max: 5_000 } },
      expiresAt: at().now + HOUR,
    };
    const key = newKey(at().nextId(), at().now, fields);
    const issued = await at().ledger.issueKey(key);
    at().cost(await at().hold(issued, 2), 1);
    await at().ledger.changeKey(key.id, { totalCap: usd(8) }, 'test', at().now);
    await revoke(at(), { key: key.id });
    const before = await at().view(issued);
    assert.deepEqual(before.policy, { ...key.policy, totalCap: usd(8) });
    await at().reopen();
    assert.deepEqual(await at().view(issued), before);
    assert.deepEqual(await at().ledger.findKey(key.hash), {
      ...{ id: key.id, label: 'kept', vendors: ['stripe'], account: 'default' },
      ...{ params: fields.params, onBehalfOf: [], prices: {}, chain: [key.id] },
    });
    assert.equal(await at().ledger.findKey(Buffer.alloc(32)), undefined);
  });

  test(`${name}: ids grow over a start, also with the clock set back`, async () => {
    const key = await at().issue({ totalCap: usd(9) });
    const last = await at().hold(key, 1);
    at().clock.advance(-HOUR);
    await at().reopen();
    assert.ok(at().ledger.lastId >= last);
    const next = await at().hold(key, 1);
    assert.ok(next > last, 'the row would be there already');
    at().clock.advance(HOUR);
    assert.deepEqual(await at().standing(key), { spent: 0, held: 2 });
  });

  test(`${name}: accounts and management keys are stored, replaced, removed, and kept over a start`, async () => {
    const account = {
      ...{ vendor: 'stripe', account: 'stored', baseUrl: 'https://one.test' },
      ...{ sealed: Buffer.from([1, 2, 3]), createdAt: 1, rotatedAt: null },
    };
    const stored = async () =>
      (await at().ledger.accounts()).map((each) => ({ ...each, sealed: [...each.sealed] }));
    await at().ledger.putAccount(account);
    const rotated = { ...account, sealed: Buffer.from([9]), rotatedAt: 2 };
    await at().ledger.putAccount(rotated);
    const hash = Buffer.alloc(32, 5);
    const apiKey = { id: at().nextId(), name: 'ci', role: 'issuer' as const, createdAt: 3 };
    await at().ledger.addApiKey(apiKey, hash);
    await at().reopen();
    assert.deepEqual(await stored(), [{ ...rotated, sealed: [9] }]);
    assert.deepEqual(await at().ledger.findApiKey(hash), apiKey);
    assert.deepEqual(await at().ledger.apiKeys(), [apiKey]);
    assert.deepEqual(
      [
        await at().ledger.removeAccount('stripe', 'stored'),
        await at().ledger.removeAccount('stripe', 'stored'),
        await at().ledger.removeApiKey(apiKey.id),
        await at().ledger.removeApiKey(apiKey.id),
      ],
      [true, false, true, false],
    );
    assert.equal(await at().ledger.findApiKey(hash), undefined);
    assert.deepEqual(await stored(), []);
  });
}
