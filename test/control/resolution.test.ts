/** Calls that nobody could find out: listed, and settled or released by an admin with a reason, once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { handle, parseHandle } from '../../src/ids.ts';
import { admission, type Json, openHouse, settlement } from './house.ts';

const house = await openHouse();
const { ledger, ids } = house.deps;

/** A call of a new key that was sent and never answered; $1 is held for it. */
async function lost(): Promise<{ key: Json; id: string }> {
  const key = await house.issue();
  const id = ids.next();
  await ledger.admit(admission(parseHandle('key', String(key.id))!, id, house.clock.ms));
  ledger.settle({ ...settlement(id, house.clock.ms, 0n), outcome: 'unknown', cost: null });
  return { key, id: handle('call', id) };
}

async function counted(key: Json): Promise<unknown[]> {
  const { json } = await house.ask('GET', `/vault/keys/${key.id}`);
  return [json.spent_usd, json.held_usd];
}

const resolve = (id: string, body: object, role: 'admin' | 'issuer' = 'admin') =>
  house.ask('POST', `/vault/calls/${id}/resolution`, body, {
    authorization: `Bearer ${house.keys[role]}`,
  });

test('an unresolved call is listed until an admin settles it, and then says who and why', async () => {
  const { key, id } = await lost();
  const list = async () => {
    const { json } = await house.ask('GET', `/vault/calls?unresolved=true&key=${key.id}`);
    return (json.data as Json[]).map((row) => row.id);
  };
  assert.deepEqual(await list(), [id]);
  assert.deepEqual(await counted(key), [0, 1]);
  const answer = await resolve(id, { outcome: 'settled', cost_usd: 0.4, reason: 'on the bill' });
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual([answer.json.state, answer.json.cost_usd], ['settled', 0.4]);
  assert.match(String(answer.json.resolved_by), /^apikey_/);
  assert.equal(answer.json.resolution, 'on the bill');
  assert.deepEqual(await counted(key), [0.4, 0]);
  assert.deepEqual(await list(), []);
});

test('settled without a cost costs what was held; released gives it back', async () => {
  const one = await lost();
  await resolve(one.id, { outcome: 'settled', reason: 'seen in the dashboard' });
  assert.deepEqual(await counted(one.key), [1, 0]);
  const two = await lost();
  await resolve(two.id, { outcome: 'released', reason: 'not in the dashboard' });
  assert.deepEqual(await counted(two.key), [0, 0]);
});

test('a resolution holds: what has ended is a conflict, and nothing moves', async () => {
  const { key, id } = await lost();
  await resolve(id, { outcome: 'settled', reason: 'first' });
  const again = await resolve(id, { outcome: 'released', reason: 'second' });
  assert.deepEqual([again.status, again.json.code], [409, 'conflict']);
  assert.match(String(again.json.detail), /settled/);
  assert.deepEqual(await counted(key), [1, 0]);
  const shown = await house.ask('GET', `/vault/calls/${id}`);
  assert.equal(shown.json.resolution, 'first');
});

test('it takes an admin, a reason, and no cost for money that did not move', async () => {
  const { key, id } = await lost();
  assert.equal((await resolve(id, { outcome: 'released', reason: 'x' }, 'issuer')).status, 403);
  const bare = await resolve(id, { outcome: 'lost' });
  assert.deepEqual(Object.keys(bare.fields).sort(), ['outcome', 'reason']);
  const both = await resolve(id, { outcome: 'released', cost_usd: 1, reason: 'x' });
  assert.deepEqual(Object.keys(both.fields), ['cost_usd']);
  assert.equal(
    (await resolve('call_0000000000000', { outcome: 'released', reason: 'x' })).status,
    404,
  );
  assert.deepEqual(await counted(key), [0, 1]);
});
