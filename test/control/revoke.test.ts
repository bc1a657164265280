/** Ending keys, one and many, and freezing: what holds when the answer has been given. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { handle, parseHandle } from '../../src/ids.ts';
import type { RunningCall } from '../../src/proxy/running.ts';
import { admission, openHouse } from './house.ts';

const house = await openHouse();

/** A call of the key as the data plane has it: admitted, and `sent` or not. */
function running(keyId: string, sent: boolean, vendor = 'stripe'): RunningCall {
  const id = house.deps.ids.next();
  const known = { id, keyId: parseHandle('key', keyId)!, vendor, clue: null };
  const call = { ...known, sent, unheard: false, stopped: null };
  house.deps.running.add(call);
  return call;
}

async function verdict(keyId: string): Promise<string> {
  const { ledger, ids, clock } = house.deps;
  const call = admission(parseHandle('key', keyId)!, ids.next(), clock.now());
  const decided = await ledger.admit(call);
  return decided.kind === 'refused' ? decided.refusal.code : decided.kind;
}

test('after a revoke has been answered, nothing is admitted and nothing admitted is sent', async () => {
  const key = await house.issue();
  const other = await house.issue();
  const sent = running(key.id, true);
  const waiting = running(key.id, false);
  const others = running(other.id, false);
  const { status, json } = await house.ask('DELETE', `/vault/keys/${key.id}?reason=runaway%20loop`);
  assert.equal(status, 200);
  assert.deepEqual(json, {
    id: key.id,
    revoked_at: '2026-11-22T09:00:00.000Z',
    already_revoked: false,
    revoked: [key.id],
    in_flight: [handle('call', sent.id)],
  });
  assert.equal(waiting.stopped, 'key_revoked');
  assert.equal(others.stopped, null);
  assert.equal(await verdict(key.id), 'key_revoked');
  assert.equal(await verdict(other.id), 'admitted');
  const shown = await house.ask('GET', `/vault/keys/${key.id}`);
  assert.equal(shown.json.revoked_reason, 'runaway loop');
  assert.equal(shown.json.state, 'revoked');
});

test('calls are stopped in the very turn in which the ledger has ended their keys', async () => {
  const { ledger } = house.deps;
  const key = await house.issue();
  const seen: (string | null)[] = [];
  /** Looks at the call in the first microtask after those that waited for `done`. */
  const watch = <T>(call: RunningCall, done: Promise<T>): Promise<T> => {
    done.then(() => queueMicrotask(() => seen.push(call.stopped)));
    return done;
  };
  const { revoke, setFreeze } = ledger;
  try {
    const first = running(key.id, false);
    ledger.setFreeze = (...args) => watch(first, setFreeze.apply(ledger, args));
    await house.ask('POST', '/vault/revocations', { freeze: 'stripe' });
    const second = running(key.id, false);
    ledger.revoke = (...args) => watch(second, revoke.apply(ledger, args));
    await house.ask('DELETE', `/vault/keys/${key.id}`);
  } finally {
    Object.assign(ledger, { revoke, setFreeze });
    await house.ask('POST', '/vault/revocations', { unfreeze: 'stripe' });
  }
  assert.deepEqual(seen, ['frozen', 'key_revoked']);
});

test('a second revoke answers the same time and says that it was revoked before', async () => {
  const key = await house.issue();
  const first = await house.ask('DELETE', `/vault/keys/${key.id}`);
  house.clock.ms += 5_000;
  const second = await house.ask('DELETE', `/vault/keys/${key.id}?reason=late`);
  assert.equal(second.status, 200);
  assert.equal(second.json.revoked_at, first.json.revoked_at);
  assert.equal(second.json.already_revoked, true);
  const shown = await house.ask('GET', `/vault/keys/${key.id}`);
  assert.equal(shown.json.revoked_reason, null);
});

test('a revoke ends the keys below, with their calls', async () => {
  const parent = await house.issue();
  const child = await house.issue({ parent: parent.id });
  const call = running(child.id, false);
  await house.ask('DELETE', `/vault/keys/${parent.id}`);
  assert.equal(call.stopped, 'key_revoked');
  assert.equal(await verdict(child.id), 'key_revoked');
});

test('a key that does not exist, or is named by its own text, is not found', async () => {
  assert.equal((await house.ask('DELETE', '/vault/keys/key_0000000000001')).status, 404);
  const key = await house.issue();
  const answer = await house.ask('DELETE', `/vault/keys/${key.vault_key}`);
  assert.equal(answer.status, 404);
  assert.match(answer.json.detail as string, /named by its id/);
  assert.ok(!answer.text.includes(key.vault_key));
  assert.ok(!house.logged.join().includes(key.vault_key));
  assert.equal(await verdict(key.id), 'admitted');
});

test('a reason in the body of a DELETE is refused, because it would be lost', async () => {
  const key = await house.issue();
  const headers = { 'content-length': '17' };
  const answer = await house.ask('DELETE', `/vault/keys/${key.id}`, '{"reason":"stop"}', {
    headers,
  });
  assert.equal(answer.status, 400);
  assert.match(answer.json.detail as string, /takes no body/);
  assert.equal(await verdict(key.id), 'admitted');
});

test('many keys are revoked by label, label prefix, vendor or all', async () => {
  const a1 = await house.issue({ agent_run_label: 'many/a' });
  const a2 = await house.issue({ agent_run_label: 'many/a' });
  const b = await house.issue({ agent_run_label: 'many/b' });
  const c = await house.issue({ agent_run_label: 'manyother', vendor: 'second' });
  const sent = running(a2.id, true);
  const waiting = running(a1.id, false);
  const post = async (body: object) => (await house.ask('POST', '/vault/revocations', body)).json;
  const byLabel = await post({ label: 'many/a', reason: 'stop' });
  assert.deepEqual((byLabel.revoked as string[]).sort(), [a1.id, a2.id].sort());
  assert.deepEqual(byLabel.in_flight, [handle('call', sent.id)]);
  assert.equal(waiting.stopped, 'key_revoked');
  assert.equal(await verdict(b.id), 'admitted');
  const byPrefix = await post({ label_prefix: 'many/' });
  assert.ok((byPrefix.revoked as string[]).includes(b.id));
  assert.equal(await verdict(b.id), 'key_revoked');
  const byVendor = await post({ vendor: 'second' });
  assert.deepEqual(byVendor.revoked, [c.id]);
  const last = await house.issue();
  assert.ok(((await post({ all: true })).revoked as string[]).includes(last.id));
  assert.deepEqual((await post({ all: true })).revoked, []);
});

test('a revocation without exactly one plain target revokes nothing', async () => {
  const key = await house.issue();
  const cases: [body: object, field: string][] = [
    [{}, 'label'],
    [{ reason: 'x' }, 'label'],
    [{ label: 'a', vendor: 'stripe' }, 'vendor'],
    [{ label_prefix: '' }, 'label_prefix'],
    [{ label: '' }, 'label'],
    [{ all: false }, 'all'],
    [{ all: 'yes' }, 'all'],
    [{ vendor: 'stirpe' }, 'vendor'],
    [{ prefix: 'a', all: true }, 'prefix'],
    [{ freeze: 'everything' }, 'freeze'],
    [{ all: true, reason: 'x'.repeat(501) }, 'reason'],
  ];
  for (const [body, field] of cases) {
    const answer = await house.ask('POST', '/vault/revocations', body);
    assert.equal(answer.status, 400, JSON.stringify(body));
    assert.ok(field in answer.fields, answer.text);
  }
  assert.equal(await verdict(key.id), 'admitted');
});

test('a freeze stops a vendor and what waits to be sent to it; unfrozen, the keys work', async () => {
  const key = await house.issue();
  const sent = running(key.id, true);
  const waiting = running(key.id, false);
  const other = running(key.id, false, 'second');
  const answer = await house.ask('POST', '/vault/revocations', {
    freeze: 'stripe',
    reason: 'audit',
  });
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.json.revoked, []);
  assert.ok((answer.json.in_flight as string[]).includes(handle('call', sent.id)));
  assert.equal(waiting.stopped, 'frozen');
  assert.equal(other.stopped, null);
  assert.equal(await verdict(key.id), 'frozen');
  const frozen = (await house.ask('GET', '/vault/revocations')).json.freezes as object[];
  assert.equal(frozen.length, 1);
  assert.deepEqual(
    { ...frozen[0], by: '' },
    {
      vendor: 'stripe',
      at: new Date(house.clock.ms).toISOString(),
      by: '',
      reason: 'audit',
    },
  );
  const after = await house.ask('POST', '/vault/revocations', { unfreeze: 'stripe' });
  assert.deepEqual(after.json.freezes, []);
  assert.equal(await verdict(key.id), 'admitted');
});

test('everything can be frozen', async () => {
  const key = await house.issue();
  const second = running(key.id, false, 'second');
  await house.ask('POST', '/vault/revocations', { freeze: '*' });
  assert.equal(second.stopped, 'frozen');
  assert.equal(await verdict(key.id), 'frozen');
  await house.ask('POST', '/vault/revocations', { unfreeze: '*' });
  assert.equal(await verdict(key.id), 'admitted');
});
