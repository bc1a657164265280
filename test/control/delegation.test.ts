/** A run that may delegate issues narrower keys with its own, and ends them; no other run may. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Json, openHouse } from './house.ts';

const house = await openHouse();
const CHILD = { agent_run_label: 'part-1', total_usd_cap: 5 };

interface Issued extends Json {
  id: string;
  vault_key: string;
}

function as(key: Json, method: string, path: string, body?: object) {
  const authorization = `Bearer ${key.vault_key}`;
  return house.ask(method, path, body, { authorization });
}

async function delegated(key: Json, body: object = CHILD): Promise<Issued> {
  const answer = await as(key, 'POST', '/vault/self/keys', body);
  assert.equal(answer.status, 201, answer.text);
  return answer.json as Issued;
}

test('a key with may_delegate issues a narrower key, which is its child and works', async () => {
  const key = await house.issue({ may_delegate: true });
  const child = await delegated(key);
  assert.equal(child.parent, key.id);
  assert.equal(child.issued_by, key.id);
  assert.equal(child.expires_at, key.expires_at);
  const seen = await as(child, 'GET', '/vault/self');
  assert.deepEqual([seen.status, seen.json.remaining_usd], [200, 5]);
});

test('a key without it issues none, and no field makes it', async () => {
  const key = await house.issue();
  const before = await house.keyCount();
  const answer = await as(key, 'POST', '/vault/self/keys', { ...CHILD, may_delegate: true });
  assert.deepEqual([answer.status, answer.json.code], [403, 'forbidden']);
  assert.equal(await house.keyCount(), before);
});

test('a child is never wider, names no parent of its own, and passes the right on only when it is said', async () => {
  const key = await house.issue({ may_delegate: true });
  const other = await house.issue();
  const wider = await as(key, 'POST', '/vault/self/keys', { ...CHILD, total_usd_cap: 101 });
  assert.deepEqual(Object.keys(wider.fields), ['total_usd_cap']);
  const elsewhere = await as(key, 'POST', '/vault/self/keys', { ...CHILD, parent: other.id });
  assert.deepEqual(Object.keys(elsewhere.fields), ['parent']);
  const plain = await delegated(key);
  assert.equal((await as(plain, 'POST', '/vault/self/keys', CHILD)).status, 403);
  const trusted = await delegated(key, { ...CHILD, may_delegate: true });
  const grandchild = await delegated(trusted, { agent_run_label: 'part-1/a', total_usd_cap: 1 });
  assert.equal(grandchild.parent, trusted.id);
});

test('a revoked key issues none, and its whole subtree has ended with it', async () => {
  const key = await house.issue({ may_delegate: true });
  const child = await delegated(key, { ...CHILD, may_delegate: true });
  const grandchild = await delegated(child, { ...CHILD, total_usd_cap: 1 });
  await house.ask('DELETE', `/vault/keys/${key.id}`);
  for (const each of [key, child, grandchild]) {
    const seen = await as(each, 'GET', '/vault/self');
    assert.deepEqual([seen.status, seen.json.code], [401, 'key_revoked']);
  }
  const answer = await as(child, 'POST', '/vault/self/keys', CHILD);
  assert.deepEqual([answer.status, answer.json.code], [401, 'key_revoked']);
});

test('a run ends keys below its own, however deep, and no others', async () => {
  const key = await house.issue({ may_delegate: true });
  const child = await delegated(key, { ...CHILD, may_delegate: true });
  const grandchild = await delegated(child, { ...CHILD, total_usd_cap: 1 });
  const stranger = await house.issue({ may_delegate: true });
  const theirs = await delegated(stranger);
  for (const id of [stranger.id, theirs.id, key.id, 'key_0000000000000']) {
    assert.equal((await as(key, 'DELETE', `/vault/self/keys/${id}`)).status, 404);
  }
  assert.equal((await as(child, 'DELETE', `/vault/self/keys/${key.id}`)).status, 404);
  const ended = await as(key, 'DELETE', `/vault/self/keys/${grandchild.id}?reason=done`);
  assert.deepEqual([ended.status, ended.json.id], [200, grandchild.id]);
  const shown = await house.ask('GET', `/vault/keys/${grandchild.id}`);
  assert.deepEqual([shown.json.state, shown.json.revoked_reason], ['revoked', 'done']);
  assert.equal((await as(child, 'GET', '/vault/self')).status, 200);
});
