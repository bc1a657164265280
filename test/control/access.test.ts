/** Who may do what: the roles, the run's own key, and what is answered to everybody else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { controlRoutes } from '../../src/control/control.ts';
import { handle, newVaultKey } from '../../src/ids.ts';
import type { Role } from '../../src/ledger/ledger.ts';
import { KEY, openHouse } from './house.ts';

const house = await openHouse();
const ROLES: Role[] = ['auditor', 'issuer', 'admin'];

/** The least role for each route; a route that is not here is a fault of this test. */
const LEAST: Record<string, Role | 'public' | 'run'> = {
  'POST /vault/keys': 'issuer',
  'GET /vault/keys': 'auditor',
  'GET /vault/keys/{id}': 'auditor',
  'PATCH /vault/keys/{id}': 'admin',
  'DELETE /vault/keys/{id}': 'issuer',
  'POST /vault/revocations': 'issuer',
  'GET /vault/revocations': 'auditor',
  'GET /vault/calls': 'auditor',
  'GET /vault/calls/{id}': 'auditor',
  'POST /vault/calls/{id}/resolution': 'admin',
  'GET /vault/shadow-report': 'auditor',
  'GET /vault/spend': 'auditor',
  'GET /vault/vendors': 'auditor',
  'POST /vault/accounts': 'admin',
  'GET /vault/accounts': 'auditor',
  'PUT /vault/accounts/{vendor}/{account}': 'admin',
  'DELETE /vault/accounts/{vendor}/{account}': 'admin',
  'POST /vault/api-keys': 'admin',
  'GET /vault/api-keys': 'auditor',
  'DELETE /vault/api-keys/{id}': 'admin',
  'GET /vault/self': 'run',
  'DELETE /vault/self': 'run',
  'POST /vault/self/keys': 'run',
  'DELETE /vault/self/keys/{id}': 'run',
  'GET /healthz': 'public',
  'GET /readyz': 'public',
  'GET /metrics': 'public',
  'GET /vault/openapi.json': 'public',
};

const routes = controlRoutes(house.deps).map(({ method, path }) => ({
  name: `${method} ${path}`,
  method,
  path: path.replace(/\{\w+\}/g, 'none'),
}));

test('the matrix names every route there is', () => {
  assert.deepEqual(routes.map(({ name }) => name).sort(), Object.keys(LEAST).sort());
});

for (const { name, method, path } of routes) {
  const least = LEAST[name]!;
  test(`${name} is for ${least}`, async () => {
    const status = async (authorization: string | null) => {
      const body = ['POST', 'PUT', 'PATCH'].includes(method) ? {} : undefined;
      return (await house.ask(method, path, body, { authorization })).status;
    };
    if (least === 'public') {
      assert.equal(await status(null), 200);
      return;
    }
    assert.equal(await status(null), 401);
    assert.equal(await status('Bearer nobody'), 401);
    for (const role of ROLES) {
      const answered = await status(`Bearer ${house.keys[role]}`);
      if (least === 'run') assert.equal(answered, 401, role);
      else if (ROLES.indexOf(role) < ROLES.indexOf(least)) assert.equal(answered, 403, role);
      else assert.ok(![401, 403, 405].includes(answered), `${role}: ${answered}`);
    }
  });
}

test('a 401 says how to authenticate, a 403 which role is needed, both as problems', async () => {
  const none = await house.ask('GET', '/vault/keys', undefined, { authorization: null });
  assert.match(none.headers.get('www-authenticate')!, /^Bearer/);
  assert.equal(none.json.code, 'unauthorized');
  const authorization = `Bearer ${house.keys.auditor}`;
  const low = await house.ask('POST', '/vault/keys', KEY, { authorization });
  assert.equal(low.json.code, 'forbidden');
  assert.match(low.json.detail as string, /role issuer or admin; this one is auditor/);
  assert.equal(await house.keyCount(), 0);
});

test('an issuer revokes keys and freezes nothing', async () => {
  const authorization = `Bearer ${house.keys.issuer}`;
  const post = (body: object) => house.ask('POST', '/vault/revocations', body, { authorization });
  assert.equal((await post({ label: 'x' })).status, 200);
  assert.equal((await post({ freeze: 'stripe' })).status, 403);
  assert.equal((await post({ unfreeze: 'stripe' })).status, 403);
  assert.deepEqual(await house.deps.ledger.freezes(), []);
});

test('every form of Authorization but one Bearer is refused', async () => {
  const { admin } = house.keys;
  const basic = Buffer.from(`${admin}:`).toString('base64');
  const forms = [
    `Basic ${basic}`,
    admin,
    `Bearer ${admin} x`,
    `Bearer ${admin}, Bearer x`,
    'Bearer',
  ];
  for (const authorization of forms) {
    assert.equal((await house.ask('GET', '/vault/keys', undefined, { authorization })).status, 401);
  }
  const authorization = `bearer ${admin}`;
  assert.equal((await house.ask('GET', '/vault/keys', undefined, { authorization })).status, 200);
});

test('a run sees its own key as Bearer or either half of Basic, with or without a task', async () => {
  const key = await house.issue({ metadata: { secretplan: 'x' } });
  const text = `${key.vault_key}~task-1`;
  for (const authorization of [
    `Bearer ${key.vault_key}`,
    `Bearer ${text}`,
    `Basic ${Buffer.from(`${text}:`).toString('base64')}`,
    `Basic ${Buffer.from(`user:${key.vault_key}`).toString('base64')}`,
  ]) {
    const { status, json } = await house.ask('GET', '/vault/self', undefined, { authorization });
    assert.equal(status, 200);
    assert.equal(json.id, key.id);
    assert.equal(json.total_usd_cap, 100);
    assert.equal(json.spent_usd, 0);
    assert.equal(json.held_usd, 0);
    assert.equal(json.remaining_usd, 100);
    assert.equal(json.expires_at, key.expires_at);
    for (const hidden of ['metadata', 'history', 'issued_by', 'vault_key']) {
      assert.ok(!(hidden in json), hidden);
    }
  }
});

test('a run opens nothing but its own key', async () => {
  const key = await house.issue();
  const authorization = `Bearer ${key.vault_key}`;
  for (const { method, path, name } of routes) {
    if (['public', 'run'].includes(LEAST[name]!)) continue;
    const answer = await house.ask(method, path, undefined, { authorization });
    assert.equal(answer.status, 401, name);
    assert.ok(!answer.text.includes(key.vault_key));
  }
});

test('a run gives itself up, and again without harm', async () => {
  const key = await house.issue();
  const authorization = `Bearer ${key.vault_key}`;
  const first = await house.ask('DELETE', '/vault/self', undefined, { authorization });
  assert.equal(first.status, 200);
  assert.equal(first.json.id, key.id);
  assert.equal(first.json.already_revoked, false);
  house.clock.ms += 1;
  const second = await house.ask('DELETE', '/vault/self', undefined, { authorization });
  assert.equal(second.json.already_revoked, true);
  const shown = await house.ask('GET', '/vault/self', undefined, { authorization });
  assert.equal(shown.status, 401);
  assert.equal(shown.json.code, 'key_revoked');
});

test('a key that has expired, or was never issued, is answered as that', async () => {
  const key = await house.issue({ expires_in: '1s' });
  house.clock.ms += 1_000;
  const self = (text: string) =>
    house.ask('GET', '/vault/self', undefined, { authorization: `Bearer ${text}` });
  const expired = await self(key.vault_key);
  assert.deepEqual([expired.status, expired.json.code], [401, 'key_expired']);
  const unknown = await self(newVaultKey(false));
  assert.deepEqual([unknown.status, unknown.json.code], [401, 'key_unknown']);
});

test('a management key is made, shown once, works, and is removed', async () => {
  const made = await house.ask('POST', '/vault/api-keys', { name: 'ci', role: 'issuer' });
  assert.equal(made.status, 201);
  assert.match(made.json.api_key as string, /^keybrake_issuer_/);
  assert.equal(made.headers.get('cache-control'), 'no-store');
  const list = await house.ask('GET', '/vault/api-keys');
  assert.ok(list.text.includes(made.json.id as string));
  assert.ok(!list.text.includes(made.json.api_key as string));
  const authorization = `Bearer ${made.json.api_key}`;
  assert.equal((await house.ask('POST', '/vault/keys', KEY, { authorization })).status, 201);
  assert.equal((await house.ask('DELETE', `/vault/api-keys/${made.json.id}`)).status, 204);
  assert.equal((await house.ask('POST', '/vault/keys', KEY, { authorization })).status, 401);
  assert.equal((await house.ask('DELETE', `/vault/api-keys/${made.json.id}`)).status, 404);
});

test('a management key needs a name and a role that there is', async () => {
  const { fields } = await house.ask('POST', '/vault/api-keys', { name: '', role: 'root' });
  assert.deepEqual(Object.keys(fields).sort(), ['name', 'role']);
});

test('the last administrator stays, also when two remove each other at once', async () => {
  const own = await openHouse();
  const [admin] = (await own.deps.ledger.apiKeys()).filter(({ role }) => role === 'admin');
  const first = handle('apikey', admin!.id);
  const answer = await own.ask('DELETE', `/vault/api-keys/${first}`);
  assert.equal(answer.status, 409);
  assert.equal(answer.json.code, 'conflict');
  const made = await own.ask('POST', '/vault/api-keys', { name: 'other', role: 'admin' });
  const answers = await Promise.all([
    own.ask('DELETE', `/vault/api-keys/${made.json.id}`),
    own.ask('DELETE', `/vault/api-keys/${first}`, undefined, {
      authorization: `Bearer ${made.json.api_key}`,
    }),
  ]);
  assert.deepEqual(answers.map(({ status }) => status).sort(), [204, 409]);
});
