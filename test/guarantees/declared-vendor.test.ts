/**
 * A vendor of the operator's own, described in a file: the worked example of docs/vendors/declare.md
 * through a real server, against a vendor that writes down what it is sent.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Keybrake, startKeybrake } from '../support/keybrake.ts';
import {
  auditRows,
  type IssuedKey,
  issueKey,
  keySpend,
  putAccount,
} from '../support/management.ts';
import { type ManualClock, manualClock } from '../support/manual-clock.ts';
import { headerOf, type Recorder, startRecorder } from '../support/recorder.ts';
import { EXAMPLE } from '../vendors/declared.ts';

const BASIC = `Basic ${Buffer.from('77:ps_real12345').toString('base64')}`;
const LETTER = { pages: 10, recipients: ['a', 'b'] };
/** Ten pages at $0.04 and two stamps at $0.85. */
const LETTER_USD = 2.1;

let clock: ManualClock;
let keybrake: Keybrake;
let vendor: Recorder;
let label = 0;

const folder = mkdtempSync(join(tmpdir(), 'keybrake-declared-'));
before(async () => {
  writeFileSync(join(folder, 'printshop.yaml'), EXAMPLE);
  clock = manualClock('2026-11-24T09:00:00Z');
  vendor = await startRecorder();
  const settings = { KEYBRAKE_VENDORS: folder };
  keybrake = await startKeybrake({ settings, clock, resolvePauseMs: 20 });
  const credentials = { secret: 'ps_real12345', shop_id: '77' };
  await putAccount(keybrake, 'printshop', 'default', { ...credentials, base_url: vendor.url });
});
after(async () => {
  await keybrake?.close();
  await vendor?.close();
  rmSync(folder, { recursive: true });
});

const issue = (more: object = {}) =>
  issueKey(keybrake, {
    vendor: 'printshop',
    total_usd_cap: 100,
    agent_run_label: `printshop-${++label}`,
    ...more,
  });
const rows = () => auditRows(keybrake, { label: `printshop-${label}` });
const spendOf = async ({ id }: IssuedKey) => {
  const { spent_usd, held_usd } = await keySpend(keybrake, id);
  return [spent_usd, held_usd];
};

async function call(
  { vault_key }: IssuedKey,
  path: string,
  body?: object,
  headers: Record<string, string> = { 'x-print-key': vault_key },
) {
  const answer = await fetch(`${keybrake.url}/printshop${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const text = await answer.text();
  return {
    status: answer.status,
    reason: answer.headers.get('x-keybrake-reason'),
    replayed: answer.headers.get('x-keybrake-replayed'),
    json: text === '' ? null : JSON.parse(text),
  };
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10));
}

function answering(status: number, body: unknown, headers: Record<string, string> = {}): void {
  vendor.seen.length = 0;
  vendor.answer = { status, body, headers };
}

test('a call is priced, sent with the real credentials and settled as the file says', async () => {
  const key = await issue();
  answering(201, { id: 'l_1', state: 'queued' }, { 'x-print-request-id': 'req_1' });
  const made = await call(key, '/v1/letters', LETTER);
  assert.equal(made.status, 201, JSON.stringify(made));
  assert.deepEqual(await spendOf(key), [LETTER_USD, 0]);
  const [sent] = vendor.seen;
  assert.equal(sent?.target, '/v1/letters');
  assert.equal(headerOf(sent!, 'authorization'), BASIC);
  assert.equal(headerOf(sent!, 'x-print-key'), undefined);
  assert.doesNotMatch(JSON.stringify(sent), /vault_key/);
  assert.deepEqual(JSON.parse(sent!.body), LETTER);
  // Without a key of the client's own the proxy gives it one, under the vendor's name of it.
  assert.match(headerOf(sent!, 'x-print-request') ?? '', /^keybrake-call_/);
  const [row] = await rows();
  assert.deepEqual(
    [row?.operation, row?.state, row?.vendor_object_id, row?.cost_usd],
    ['letters.create', 'settled', 'l_1', LETTER_USD],
  );
});

test('past the cap it is refused in the vendor’s own shape, and nothing is sent', async () => {
  const key = await issue({ total_usd_cap: LETTER_USD });
  answering(201, { id: 'l_1', state: 'queued' });
  await call(key, '/v1/letters', LETTER);
  const refused = await call(key, '/v1/letters', LETTER);
  assert.deepEqual([refused.status, refused.reason], [429, 'cap_exceeded']);
  assert.equal(refused.json.ok, false);
  assert.deepEqual([refused.json.error.code, refused.json.error.status], ['cap_exceeded', 429]);
  assert.equal(vendor.seen.length, 1);
});

test('an idempotency key in the vendor’s own header is one execution, and is sent again when unknown', async () => {
  const key = await issue();
  const headers = { 'x-print-key': key.vault_key, 'x-print-request': 'order-1' };
  answering(503, {});
  assert.equal((await call(key, '/v1/letters', LETTER, headers)).status, 503);
  assert.deepEqual(await spendOf(key), [0, LETTER_USD]);
  vendor.answer = { status: 201, body: { id: 'l_1', state: 'printed' } };
  assert.equal((await call(key, '/v1/letters', LETTER, headers)).status, 201);
  const again = await call(key, '/v1/letters', LETTER, {
    ...headers,
    'x-print-request': 'order-1',
  });
  assert.deepEqual([again.status, again.replayed, again.json.id], [201, 'true', 'l_1']);
  assert.deepEqual(
    vendor.seen.map((each) => headerOf(each, 'x-print-request')),
    ['order-1', 'order-1'],
  );
  assert.deepEqual(await spendOf(key), [LETTER_USD, 0]);
  const other = await call(key, '/v1/letters', { ...LETTER, pages: 11 }, headers);
  assert.equal(other.reason, 'idempotency_mismatch');
});

test('a price that is known later is looked for, and the rest of the hold comes back', async () => {
  const key = await issue();
  answering(200, { id: 'pc_1' });
  await call(key, '/v1/parcels', {});
  assert.deepEqual(await spendOf(key), [0, 30]);
  assert.equal((await rows())[0]?.state, 'held');
  vendor.answer = { status: 200, body: { state: 'sorting' } };
  clock.advance(60_000);
  await until(() => vendor.seen.length === 2);
  assert.deepEqual([vendor.seen[1]?.method, vendor.seen[1]?.target], ['GET', '/v1/parcels/pc_1']);
  assert.equal(headerOf(vendor.seen[1]!, 'authorization'), BASIC);
  // Written down as looked for: the next look counts from there.
  await until(async () => (await keybrake.ledger.dueCalls(clock.now(), 10)).length === 0);
  assert.deepEqual(await spendOf(key), [0, 30]);
  vendor.answer = { status: 200, body: { state: 'weighed', postage: '-12.40' } };
  clock.advance(600_000);
  await until(async () => (await rows())[0]?.state !== 'held');
  assert.deepEqual(await spendOf(key), [12.4, 0]);
  assert.deepEqual(
    (await rows()).map(({ state, cost_usd }) => [state, cost_usd]),
    [['settled', 12.4]],
  );
});

test('what the file withholds or does not know is refused, and a key names what it may', async () => {
  answering(200, {});
  const open = await issue();
  for (const [path, reason] of [
    ['/v1/keys/k_1', 'endpoint_not_allowed'],
    ['/v1/nothing', 'endpoint_not_allowed'],
  ] as const) {
    assert.equal((await call(open, path)).reason, reason);
  }
  assert.equal((await call(open, '/v1/subscriptions', {})).reason, 'unpriced');
  const narrow = await issue({ allowed_endpoints: ['letters.*'] });
  assert.equal((await call(narrow, '/v1/letters/l_1')).status, 200);
  assert.equal((await call(narrow, '/v1/parcels', {})).reason, 'endpoint_not_allowed');
  assert.equal(vendor.seen.length, 1);
});

test('a header that chooses whose money it is needs the key’s leave', async () => {
  answering(200, {});
  const key = await issue();
  const headers = { 'x-print-key': key.vault_key, 'x-print-customer': 'acme' };
  assert.equal(
    (await call(key, '/v1/letters/l_1', undefined, headers)).reason,
    'scope_not_allowed',
  );
  assert.equal(vendor.seen.length, 0);
});

test('an account needs the credentials that the file names, in their form', async () => {
  const store = async (fields: object) => {
    const answer = await fetch(`${keybrake.url}/vault/accounts`, {
      method: 'POST',
      headers: { authorization: `Bearer ${keybrake.apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ vendor: 'printshop', account: 'other', ...fields }),
    });
    const { errors = [] } = (await answer.json()) as {
      errors?: { field: string; message: string }[];
    };
    return [answer.status, ...errors.map(({ field, message }) => `${field} ${message}`)];
  };
  assert.deepEqual(await store({ secret: 'ps_real12345' }), [
    400,
    'shop_id is required for printshop',
  ]);
  assert.deepEqual(await store({ secret: 'nothing', shop_id: '1' }), [
    400,
    'secret must be a key of the print shop, ps_ and the rest of it',
  ]);
  const [status, ...others] = await store({ secret: 'ps_real12345', shop_id: '1' });
  assert.deepEqual([status, others], [201, []]);
});

test('when a file is taken away its keys are refused, and its accounts can still be removed', async (t) => {
  const [shop, dataDir] = ['a', 'b'].map(() => mkdtempSync(join(tmpdir(), 'keybrake-declared-')));
  writeFileSync(join(shop!, 'printshop.yaml'), EXAMPLE);
  t.after(() => {
    for (const each of [shop!, dataDir!]) rmSync(each, { recursive: true });
  });
  const first = await startKeybrake({ settings: { KEYBRAKE_VENDORS: shop! }, dataDir: dataDir! });
  const credentials = { secret: 'ps_real12345', shop_id: '77' };
  await putAccount(first, 'printshop', 'default', { ...credentials, base_url: vendor.url });
  const key = await issueKey(first, { vendor: 'printshop' });
  await first.close();

  const second = await startKeybrake({ dataDir: dataDir! });
  t.after(() => second.close());
  answering(200, {});
  const headers = { authorization: `Bearer ${key.vault_key}` };
  const refused = await fetch(`${second.url}/v1/letters/l_1`, { headers });
  assert.equal(refused.headers.get('x-keybrake-reason'), 'vendor_not_allowed');
  // The header is no credential any more, so this is not even a call.
  const asOwn = await fetch(`${second.url}/v1/letters/l_1`, {
    headers: { 'x-print-key': key.vault_key },
  });
  assert.equal(asOwn.status, 404);
  assert.equal(vendor.seen.length, 0);
  const manage = (method: string, body?: object) =>
    fetch(`${second.url}/vault/accounts/printshop/default`, {
      method,
      headers: { authorization: `Bearer ${second.apiKey}`, 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    });
  const replaced = await manage('PUT', { secret: 'ps_other12345' });
  assert.equal(replaced.status, 409);
  assert.match(await replaced.text(), /has no description here any more/);
  assert.equal((await manage('DELETE')).status, 204);
  assert.equal((await manage('DELETE')).status, 404);
});
