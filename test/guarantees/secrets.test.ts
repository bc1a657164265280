/**
 * Guarantee: a credential is in clear only where it has to be. A session of every kind of request,
 * right and wrong, is played against a server process; then everything that it wrote (its output,
 * its files, its replies, what it sent to the vendor) is searched for every credential, in every
 * form in which one could hide.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { copyFileSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { newApiKey, newVaultKey } from '../../src/ids.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';
import { makeDataDir, type SpawnedKeybrake, spawnKeybrake } from '../support/keybrake.ts';

const FORM = 'application/x-www-form-urlencoded';
const BODY = 'amount=100&currency=usd';

/** What must not be found, by what it is. */
const secrets = new Map<string, string>();
/** Everything that the server answered, head and body. */
const replies: string[] = [];

const dataDir = makeDataDir();
const apiKey = newApiKey('admin');
let sandbox: Sandbox;
let server: SpawnedKeybrake;
let settings: Record<string, string>;

before(async () => {
  sandbox = await startSandbox({ secret: `sk_test_real${randomBytes(15).toString('hex')}` });
  settings = {
    KEYBRAKE_API_KEY: apiKey,
    KEYBRAKE_STRIPE_SECRET: sandbox.secret,
    KEYBRAKE_STRIPE_BASE_URL: sandbox.stripeUrl,
    KEYBRAKE_SANDBOX: '0',
  };
  server = await spawnKeybrake(dataDir, settings);
  secrets.set('the real secret', sandbox.secret).set('the management key', apiKey);
});
after(async () => {
  server.process.kill('SIGTERM');
  await server.ended;
  await sandbox.close();
  rmSync(dataDir, { recursive: true });
});

interface Ask {
  method?: string;
  authorization?: string | null;
  headers?: Record<string, string>;
  body?: string | object;
  /** The answer shows this one credential, this once. */
  shows?: string;
}

async function ask(path: string, options: Ask = {}) {
  const { method = options.body === undefined ? 'GET' : 'POST', body, shows } = options;
  const { authorization = `Bearer ${apiKey}` } = options;
  const reply = await fetch(server.url + path, {
    method,
    redirect: 'manual',
    headers: {
      ...(authorization !== null && { authorization }),
      ...(body !== undefined && {
        'content-type': typeof body === 'string' ? FORM : 'application/json',
      }),
      ...options.headers,
    },
    body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await reply.text();
  const json = /[/+]json$/.test(reply.headers.get('content-type') ?? '') ? JSON.parse(text) : {};
  const shown: unknown = shows === undefined ? undefined : json[shows];
  const head = JSON.stringify([...reply.headers]);
  replies.push(head + (typeof shown === 'string' ? text.replaceAll(shown, '') : text));
  return { status: reply.status, headers: reply.headers, json, text };
}

/** Issues a vault key, the text of which nobody may see again. */
async function issue(fields: object): Promise<{ id: string; key: string }> {
  const body = { agent_run_label: 'nightly', vendor: 'stripe', total_usd_cap: 50, ...fields };
  const { json, text, status } = await ask('/vault/keys', { body, shows: 'vault_key' });
  assert.equal(status, 201, text);
  secrets.set(`vault key ${json.id}`, json.vault_key);
  return { id: json.id, key: json.vault_key };
}

const call = (key: string, options: Ask & { path?: string } = {}) =>
  ask(options.path ?? '/v1/payment_intents', {
    authorization: `Bearer ${key}`,
    ...(options.method === 'GET' ? {} : { body: BODY }),
    ...options,
  });

/** Calls that are right, refused, replayed, and disturbed in every way a vendor can. */
async function playCalls(key: string, keyId: string): Promise<void> {
  await call(key);
  const once = { headers: { 'idempotency-key': 'secrets-1', 'x-keybrake-task-id': 'task-1' } };
  await call(key, once);
  assert.equal((await call(key, once)).headers.get('x-keybrake-replayed'), 'true');
  assert.equal((await call(key, { ...once, body: `${BODY}&description=x` })).status, 400);
  assert.equal((await call(key, { body: 'amount=9999900&currency=usd' })).status, 429);
  assert.equal((await call(key, { body: 'amount=100&currency=eur' })).status, 403);
  assert.equal((await call(key, { path: '/v1/webhook_endpoints' })).status, 403);
  assert.equal((await call(key, { path: '/v1/../v1/charges', body: 'amount=1;a' })).status, 400);
  assert.equal((await call(newVaultKey(false))).status, 401);
  const decline = `${BODY}&confirm=true&payment_method=pm_card_chargeDeclined`;
  assert.equal((await call(key, { body: decline })).status, 402);
  for (const fault of [
    { kind: 'hangup', at: 'before', reset: true },
    { kind: 'hangup', at: 'midway' },
    { kind: 'status', status: 500, executes: true, stored: true },
    { kind: 'status', status: 429 },
    { kind: 'garbage', as: 'broken_http' },
    { kind: 'garbage', as: 'wrong_type' },
    { kind: 'redirect', location: 'https://elsewhere.example/?a=b' },
    { kind: 'headers', headers: { 'set-cookie': 'a=b', 'x-keybrake-call-id': 'x' } },
  ] as const) {
    sandbox.faults.next({ do: fault });
    await call(key, { headers: { 'idempotency-key': `secrets-${JSON.stringify(fault)}` } });
  }
  assert.equal((await ask('/vault/self', { authorization: `Bearer ${key}` })).json.id, keyId);
}

/** An account with a secret of its own, which the vendor refuses: it tells the end of what it got. */
async function playAccounts(): Promise<void> {
  const first = `sk_test_stored${randomBytes(12).toString('hex')}`;
  const second = `sk_test_rotated${randomBytes(12).toString('hex')}`;
  secrets.set('a stored secret', first).set('a rotated secret', second);
  const account = { vendor: 'stripe', account: 'stored', base_url: sandbox.stripeUrl };
  assert.equal((await ask('/vault/accounts', { body: { ...account, secret: first } })).status, 201);
  const { key } = await issue({ account: 'stored' });
  assert.equal((await call(key)).status, 401);
  await ask('/vault/accounts', { body: { ...account, secret: second } });
  await call(key);
  await ask('/vault/accounts', { body: { ...account, account: second, secret: first } });
  await ask('/vault/accounts', { body: { ...account, secret: `${first} x` } });
  await ask('/vault/accounts', { body: { ...account, [second]: first } });
  await ask('/vault/accounts', { body: { ...account, base_url: `https://${first}@x.example` } });
  await ask(`/vault/accounts/stripe/${second}`, { method: 'DELETE' });
  await ask('/vault/accounts');
}

/** Every route of the management API, read and written. */
async function playManagement(keyId: string): Promise<void> {
  for (const path of ['/healthz', '/readyz', '/metrics', '/vault/openapi.json', '/nothing', '/']) {
    await ask(path);
    await ask(path, { authorization: null });
  }
  for (const accept of ['application/json', 'text/csv', 'application/x-ndjson']) {
    const { status } = await ask('/vault/calls', { headers: { accept } });
    assert.equal(status, 200);
  }
  for (const group of ['label', 'key', 'vendor', 'task', 'endpoint', 'hour', 'day']) {
    await ask(`/vault/spend?group_by=${group}`);
  }
  await ask(`/vault/keys/${keyId}`, { method: 'PATCH', body: { total_usd_cap: 60 } });
  await ask(`/vault/keys/${keyId}`);
  await ask('/vault/keys?limit=200');
  await ask('/vault/revocations');
  for (const role of ['issuer', 'auditor']) {
    const { json, status } = await ask('/vault/api-keys', {
      body: { name: role, role },
      shows: 'api_key',
    });
    assert.equal(status, 201, JSON.stringify(json));
    secrets.set(`the ${role}'s key`, json.api_key);
    await ask('/vault/keys', { authorization: `Bearer ${json.api_key}`, body: {} });
    await ask('/vault/accounts', { authorization: `Bearer ${json.api_key}` });
  }
  await ask('/vault/api-keys');
}

/** Credentials where they do not belong: both kinds, in every place of a call and of a request. */
async function playMistakes(key: string): Promise<void> {
  const encoded = key.replaceAll('_', '%5F');
  for (const wrong of [key, apiKey]) {
    const refused = [
      { path: `/v1/customers/${wrong}` },
      { path: `/v1/customers/${wrong.replaceAll('_', '%5f')}` },
      { path: `/v1/customers/x/../${wrong}` },
      { path: `/v1/customers/..%2f${wrong.replaceAll('_', '%255f')}` },
      { path: `/stripe/${wrong}/v1/payment_intents` },
      { path: `/v1/payment_intents?expand[]=${wrong}` },
      {
        path: `/v1/customers?email=${wrong.replaceAll('_', '%5F')}`,
        method: 'GET',
        body: undefined,
      },
      { body: `${BODY}&customer=${wrong}` },
      { body: `${BODY}&metadata[key]=${wrong.replaceAll('k', '%6b')}` },
      { body: `${BODY}&metadata[${wrong}]=x` },
      { body: `amount=${wrong}&currency=usd` },
      { body: `amount=100&currency=${wrong}` },
      { body: `${wrong}=100` },
      { path: '/v1/refunds', body: `payment_intent=${wrong}` },
      { headers: { 'idempotency-key': wrong } },
      { headers: { 'user-agent': `app/1 (${wrong})` } },
      { headers: { 'x-api-key': wrong } },
      { headers: { cookie: `key=${wrong}` } },
      { headers: { 'stripe-version': wrong } },
      { headers: { 'stripe-account': wrong } },
    ] as (Ask & { path?: string })[];
    for (const mistake of refused) {
      const { status, text } = await call(key, mistake);
      assert.ok(status === 400 || status === 403, `${JSON.stringify(mistake)}: ${status} ${text}`);
    }
    // Of the run, and not forwarded: these calls go through, without the credential.
    for (const name of ['x-keybrake-task-id', 'x-keybrake-task-name', 'x-agent-run-id']) {
      assert.equal((await call(key, { headers: { [name]: `run ${wrong}` } })).status, 200);
    }
    await call(key, { headers: { 'x-keybrake-attempt': wrong, traceparent: `00-${wrong}-1-01` } });
    await ask('/v1/balance', { authorization: `Bearer ${key}~${wrong}` });
    await ask('/v1/balance', { authorization: `Basic ${btoa(`${key}~${wrong}:`)}` });
    for (const path of [`/vault/keys/${wrong}`, `/vault/calls?label=${wrong}`, `/${wrong}`]) {
      await ask(path);
      await ask(path, { authorization: null });
      await ask(path, { method: 'DELETE' });
    }
    for (const field of ['agent_run_label', 'vendor', 'account', 'parent', 'expires_in', wrong]) {
      await ask('/vault/keys', {
        body: { agent_run_label: 'x', total_usd_cap: 1, [field]: wrong },
      });
    }
    await ask('/vault/keys', { body: `{"agent_run_label": "${wrong}` });
    await ask('/vault/keys', { body: [wrong], headers: { 'content-type': 'application/json' } });
    await ask('/vault/revocations', { body: { label: wrong, reason: wrong } });
    await ask('/vault/api-keys', { body: { name: wrong, role: 'auditor' } });
  }
  await ask('/vault/keys', { authorization: `Bearer ${key}` });
  await ask('/vault/self', { authorization: `Bearer ${apiKey}` });
  await ask('/vault/self', { authorization: `Bearer ${key.slice(0, -1)}` });
  await call(key, { authorization: `Bearer ${encoded}` });
  await call(key, { authorization: `Bearer ${key.slice(0, -1)}` });
  await call(key, { authorization: `Basic ${btoa(`x:${key.slice(0, -1)}`)}` });
}

/** The forms in which the credential could stand somewhere; of base64, at each of its offsets. */
function formsOf(secret: string): string[] {
  const forms = [secret, secret.slice(-24), encodeURIComponent(secret), [...secret].join('\0')];
  const hex = Buffer.from(secret).toString('hex');
  forms.push(hex, hex.toUpperCase(), hex.replace(/../g, '%$&'));
  for (const encoding of ['base64', 'base64url'] as const) {
    for (const offset of [0, 1, 2]) {
      const text = Buffer.from('x'.repeat(offset) + secret).toString(encoding);
      // The characters at both ends are shared with whatever stands beside the secret.
      forms.push(text.slice(4, -4));
    }
  }
  return forms;
}

function assertNoSecretIn(bytes: string, where: string): void {
  for (const [name, secret] of secrets) {
    for (const form of formsOf(secret)) {
      const at = bytes.indexOf(form);
      const around = at < 0 ? '' : bytes.slice(Math.max(0, at - 120), at + 160);
      assert.ok(at < 0, `${name} stands in ${where}: …${around}…`);
    }
  }
}

const KEY_FILES = ['master-key', 'api-key'];

/** Every file of the data folder but those that are keys, in Latin-1. */
function filesOf(folder: string): [name: string, bytes: string][] {
  const names = readdirSync(folder).filter((name) => !KEY_FILES.includes(name));
  return names.map((name) => [name, readFileSync(join(folder, name), 'latin1')]);
}

test('a session of every kind leaves no credential in what the server wrote, answered or sent', async () => {
  const { id, key } = await issue({});
  await playCalls(key, id);
  await playAccounts();
  await playMistakes(key);
  await playManagement(id);
  const doomed = await issue({ agent_run_label: 'doomed' });
  await ask('/vault/self', { method: 'DELETE', authorization: `Bearer ${doomed.key}` });
  assert.equal((await call(doomed.key)).status, 401);
  await ask('/vault/revocations', { body: { freeze: '*', reason: 'the drill' } });
  assert.equal((await call(key)).status, 403);
  await ask('/vault/revocations', { body: { unfreeze: '*' } });
  await ask('/vault/calls', { headers: { accept: 'text/csv' } });

  assert.ok(replies.length > 150 && secrets.size >= 8, `only ${replies.length} answers`);
  replies.forEach((reply, i) => {
    assertNoSecretIn(reply, `reply ${i}`);
  });
  for (const [name, bytes] of filesOf(dataDir)) assertNoSecretIn(bytes, name);
  assert.match(server.output(), /"task":"task-1"/, 'the log is not in the output');
  assertNoSecretIn(server.output(), 'the output');
  for (const { rawHeaders, ...request } of sandbox.stripe.received) {
    const { authorization, ...headers } = request.headers;
    assert.match(authorization!, /^Bearer sk_test_/);
    const rest = JSON.stringify({ ...request, headers, authorization: null });
    assertNoSecretIn(rest, `the request to ${request.path}`);
    assert.equal(rawHeaders.filter((name) => /^authorization$/i.test(name)).length, 1);
  }
});

/** The ledger's files as they are on the disk at this moment, in a folder of their own. */
function copyOfLedger(): string {
  const folder = makeDataDir();
  for (const name of ['keybrake.db', 'keybrake.db-wal']) {
    copyFileSync(join(dataDir, name), join(folder, name));
  }
  return folder;
}

/** What the server says when it does not start; one that starts all the same is stopped. */
async function refusalToStart(folder: string, environment: Record<string, string>) {
  const started = await spawnKeybrake(folder, environment).catch((error: Error) => error);
  if (started instanceof Error) return started.message;
  started.process.kill('SIGTERM');
  await started.ended;
  return assert.fail('the server started');
}

test('a copy of the ledger alone opens neither accounts nor replies', async (t) => {
  const folder = copyOfLedger();
  t.after(() => rmSync(folder, { recursive: true }));
  const db = new DatabaseSync(join(folder, 'keybrake.db'));
  const sealed = [
    ...db.prepare('SELECT sealed FROM replies').all(),
    ...db.prepare('SELECT sealed FROM vendor_accounts').all(),
  ].map((row) => Buffer.from(row.sealed as Uint8Array).toString('latin1'));
  db.close();
  assert.ok(sealed.length >= 3);
  for (const bytes of sealed) assert.doesNotMatch(bytes, /payment_intent|sk_test|"secret"/);

  const { KEYBRAKE_API_KEY: _, ...rest } = settings;
  assert.match(
    await refusalToStart(folder, rest),
    /ended with 1:[\s\S]*its master key does not: set KEYBRAKE_MASTER_KEY, or restore/,
  );
});

test('under another master key the server does not start, and says so in a line', async (t) => {
  const folder = copyOfLedger();
  t.after(() => rmSync(folder, { recursive: true }));
  const other = { ...settings, KEYBRAKE_MASTER_KEY: randomBytes(32).toString('base64') };
  for (const accounts of ['with a stored account', 'with sealed replies alone']) {
    const message = await refusalToStart(folder, other);
    assert.match(message, /ended with 1:/, accounts);
    assert.match(message, /does not open with this master key/);
    assert.doesNotMatch(message, /\n {4}at /, 'a stack is no clear line');
    const db = new DatabaseSync(join(folder, 'keybrake.db'));
    db.exec('DELETE FROM vendor_accounts');
    db.close();
  }
});

test('the data folder and its keys are for their owner alone', () => {
  assert.equal(statSync(dataDir).mode & 0o777, 0o700);
  assert.equal(statSync(join(dataDir, 'master-key')).mode & 0o777, 0o600);
});
