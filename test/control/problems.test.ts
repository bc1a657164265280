/** What is answered when something goes wrong, and what never stands in such an answer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CATALOGUE } from '../../src/errors.ts';
import { newVaultKey } from '../../src/ids.ts';
import { LedgerConflict, LedgerUnavailable } from '../../src/ledger/ledger.ts';
import { KEY, openHouse } from './house.ts';

const house = await openHouse();

test('a path that does not exist is a 404, a method that it lacks a 405 with those it has', async () => {
  for (const path of [
    '/',
    '/vault',
    '/vault/key',
    '/vault/keys/',
    '/vault/keys/a/b',
    '/VAULT/keys',
  ]) {
    const answer = await house.ask('GET', path);
    assert.equal(answer.status, 404, path);
    assert.equal(answer.json.code, 'not_found');
  }
  const answer = await house.ask('PUT', '/vault/keys');
  assert.equal(answer.status, 405);
  assert.equal(answer.json.code, 'method_not_allowed');
  assert.equal(answer.headers.get('allow'), 'POST, GET, HEAD');
  const one = await house.ask('POST', '/vault/keys/key_0000000000001', {});
  assert.equal(one.headers.get('allow'), 'GET, HEAD, PATCH, DELETE');
  assert.equal(
    (await house.ask('OPTIONS', '/vault/self')).headers.get('allow'),
    'GET, HEAD, DELETE',
  );
});

test('HEAD answers as GET does, without a body', async () => {
  const answer = await house.ask('HEAD', '/vault/keys');
  assert.equal(answer.status, 200);
  assert.equal(answer.text, '');
});

test('a lost ledger is a 503 on every route that needs it, and a contradiction a 409', async () => {
  const broken = await openHouse();
  const key = await broken.issue();
  const { ledger } = broken.deps;
  const findApiKey = ledger.findApiKey.bind(ledger);
  const lost = () => Promise.reject(new LedgerUnavailable('disk full at /secret/path'));
  Object.assign(ledger, {
    issueKey: lost,
    key: lost,
    keys: lost,
    calls: lost,
    revoke: lost,
    spend: lost,
  });
  for (const [method, path, body] of [
    ['POST', '/vault/keys', KEY],
    ['GET', '/vault/keys', undefined],
    ['GET', `/vault/keys/${key.id}`, undefined],
    ['DELETE', `/vault/keys/${key.id}`, undefined],
    ['POST', '/vault/revocations', { all: true }],
    ['GET', '/vault/calls', undefined],
    ['GET', '/vault/spend?group_by=label', undefined],
  ] as const) {
    const answer = await broken.ask(method, path, body);
    assert.equal(answer.status, 503, path);
    assert.equal(answer.json.code, 'ledger_unavailable');
    assert.ok(answer.headers.has('retry-after'));
    assert.ok(!answer.text.includes('/secret/path'));
  }
  Object.assign(ledger, { findApiKey: lost });
  assert.equal((await broken.ask('GET', '/vault/accounts')).status, 503);
  Object.assign(ledger, {
    findApiKey,
    issueKey: () => Promise.reject(new LedgerConflict('the parent key was revoked')),
  });
  const conflict = await broken.ask('POST', '/vault/keys', KEY);
  assert.deepEqual([conflict.status, conflict.json.code], [409, 'conflict']);
  assert.equal(conflict.json.detail, 'the parent key was revoked');
});

test('a fault of ours tells the reader an id, and the log the rest', async () => {
  const faulty = await openHouse();
  faulty.deps.ledger.keys = () => Promise.reject(new Error('internal detail'));
  const answer = await faulty.ask('GET', '/vault/keys');
  assert.equal(answer.status, 500);
  assert.equal(answer.json.code, 'internal');
  assert.ok(!answer.text.includes('internal detail'));
  const line = faulty.logged.find((text) => text.includes('internal detail'));
  assert.ok(line?.includes(answer.json.request_id as string));
});

test('every change is logged with who made it and on which route, never with its path as sent', async () => {
  const key = await house.issue();
  await house.ask('DELETE', `/vault/keys/${key.id}?reason=x`);
  const line = JSON.parse(house.logged.at(-1)!.replace(/control$/, ''));
  assert.match(line.by, /^apikey_/);
  delete line.by;
  assert.deepEqual(line, { method: 'DELETE', path: '/vault/keys/{id}', status: 200 });
});

test('a problem has the status and title of the catalogue and refers to its entry', async () => {
  const { json } = await house.ask('GET', '/vault/keys/key_0000000000001');
  assert.deepEqual(json, {
    type: '/docs/errors.md#not_found',
    title: CATALOGUE.not_found.title,
    status: 404,
    code: 'not_found',
    detail: 'there is no vault key with this id',
  });
});

const vaultKey = newVaultKey(false);
const SECRETS = [
  vaultKey,
  'keybrake_admin_0123456789abcdefghjkmnpqrstvwxyz01234567',
  'sk_live_51AbCdEfGhIjKlMnOpQrStUv',
  're_AbCdEfGh_1234567890AbCdEfGhIjKl',
  'whsec_AbCdEfGhIjKlMnOpQrStUvWx',
  'SG.AbCdEfGhIjKlMnOpQrStUv.AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCdEfG',
  '9f86d081884c7d659a2feaa0c55ad015',
];

for (const secret of SECRETS) {
  test(`${secret.slice(0, 8)}… in the wrong place is in no answer and no log line`, async () => {
    const inBody = [
      { ...KEY, [secret]: 1 },
      { ...KEY, vendor: secret },
      { ...KEY, vendors: [secret], vendor: undefined },
      { ...KEY, account: secret },
      { ...KEY, account: secret.toLowerCase().replaceAll('_', '-') },
      { ...KEY, total_usd_cap: secret },
      { ...KEY, rate_limit: secret },
      { ...KEY, mode: secret },
      { ...KEY, parent: secret },
      { ...KEY, expires_in: secret },
      { ...KEY, expires_at: secret },
      { ...KEY, allowed_endpoints: [secret] },
      { ...KEY, allowed_endpoints: [`POST /v1/${secret}$`] },
      { ...KEY, params: { [`${secret} `]: { max: 1 } } },
      { ...KEY, params: { a: { [secret]: 1 } } },
      { ...KEY, params: { a: secret } },
      { ...KEY, metadata: { [`${secret}\n`]: 'x' } },
      { ...KEY, metadata: secret },
      { ...KEY, agent_run_label: `${secret}\n` },
      `{"vendor": ${secret}}`,
      `{"${secret}":1,"${secret}":2}`,
      secret,
    ];
    const before = await house.keyCount();
    const encoded = encodeURIComponent(secret);
    const answers = [
      ...(await Promise.all(inBody.map((body) => house.ask('POST', '/vault/keys', body)))),
      await house.ask('GET', `/vault/keys?${encoded}=1`),
      await house.ask('GET', `/vault/keys?state=${encoded}`),
      await house.ask('GET', `/vault/keys?cursor=${encoded}`),
      await house.ask('GET', `/vault/calls?code=${encoded}`),
      await house.ask('GET', `/vault/keys/${encoded}`),
      await house.ask('DELETE', `/vault/keys/${encoded}`),
      await house.ask('PUT', `/vault/accounts/${encoded}/${encoded}`, { secret: 'x' }),
      await house.ask('GET', `/vault/${encoded}`),
      await house.ask('GET', '/vault/keys', undefined, { authorization: `Bearer ${secret}` }),
      await house.ask('GET', '/vault/keys', undefined, { authorization: secret }),
      await house.ask('GET', '/vault/self', undefined, { authorization: `Bearer ${secret}` }),
    ];
    for (const answer of answers) {
      assert.ok(answer.status >= 400 && answer.status < 500, answer.text);
      assert.ok(!answer.text.includes(secret), answer.text);
      assert.ok(!answer.text.includes(secret.slice(0, 20)), answer.text);
    }
    assert.ok(!house.logged.join('\n').includes(secret));
    assert.equal(await house.keyCount(), before);
  });
}

test('what has the form of a credential is not stored as a name, a label or a note', async () => {
  const cases: [fields: object, field: string][] = [
    [{ agent_run_label: `run ${vaultKey}` }, 'agent_run_label'],
    [{ metadata: { key: SECRETS[2] } }, 'metadata.key'],
    [{ params: { customer: { in: [SECRETS[2]] } } }, 'params.customer.in[0]'],
    [{ params: { sk_live_51AbCdEfGhIjKl: { max: 1 } } }, 'params'],
    [{ allowed_endpoints: [`/v1/${SECRETS[2]}`] }, 'allowed_endpoints[0]'],
  ];
  for (const [fields, field] of cases) {
    const answer = await house.ask('POST', '/vault/keys', { ...KEY, ...fields });
    assert.equal(answer.status, 400, answer.text);
    assert.deepEqual(Object.keys(answer.fields), [field]);
  }
  const named = await house.ask('POST', '/vault/api-keys', { name: SECRETS[2], role: 'issuer' });
  assert.deepEqual(Object.keys(named.fields), ['name']);
  await house.issue({
    agent_run_label: 'task_live_1234567890/550e8400-e29b-41d4-a716-446655440000',
  });
});

test('readiness says why not, liveness and metrics need no key', async () => {
  assert.deepEqual((await house.ask('GET', '/readyz?x=1')).json, { status: 'ready' });
  const draining = await openHouse((deps) => ({ ...deps, ready: () => 'shutting down' }));
  const answer = await draining.ask('GET', '/readyz', undefined, { authorization: null });
  assert.equal(answer.status, 503);
  assert.deepEqual(answer.json, { status: 'not_ready', reason: 'shutting down' });
  const metrics = await house.ask('GET', '/metrics', undefined, { authorization: null });
  assert.equal(metrics.text, 'up 1\n');
  assert.equal(metrics.headers.get('content-type'), 'text/plain; version=0.0.4');
});
