/**
 * curl, as documentation shows it: the credential as a Bearer token or as the user of `-u`, and the
 * answer as a person at a terminal sees it.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { installDebian, present } from '../support/debian.ts';
import { type Keybrake, startKeybrake } from '../support/keybrake.ts';
import { issueKey, revokeKey } from '../support/management.ts';
import { run } from '../support/process.ts';

const missing = (await present('curl')) ? null : await installDebian('curl');
describe('curl', () => {
  if (missing !== null) test('is there', { skip: missing }, () => {});
  else guarantees();
});

interface Answer {
  status: number;
  headers: Headers;
  body: { id?: string; error?: { type: string; code: string; message: string } };
}

/** Runs curl and takes its `-i` output apart. */
async function curl(...args: string[]): Promise<Answer> {
  const { code, stdout, stderr } = await run('curl', ['-sS', '-i', '--max-time', '30', ...args]);
  assert.equal(code, 0, stderr);
  const [head = '', body = ''] = stdout.split(/\r\n\r\n([\s\S]*)/);
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = new Headers();
  for (const line of lines) {
    const [name = '', value = ''] = line.split(/: ?(.*)/);
    headers.append(name, value);
  }
  return { status: Number(statusLine.split(' ')[1]), headers, body: JSON.parse(body) };
}

function guarantees(): void {
  let keybrake: Keybrake;
  before(async () => {
    keybrake = await startKeybrake();
  });
  after(async () => {
    await keybrake?.close();
  });

  const charge = (cents: number) => [
    ...['-d', `amount=${cents}`, '-d', 'currency=usd'],
    ...['-d', 'payment_method=pm_card_visa', '-d', 'confirm=true'],
  ];

  test('a Bearer key pays, and the headers tell the cost and what is left', async () => {
    const { vault_key } = await issueKey(keybrake, { total_usd_cap: 50 });
    const bearer = ['-H', `Authorization: Bearer ${vault_key}`];
    const paid = await curl(
      `${keybrake.url}/stripe/v1/payment_intents`,
      ...bearer,
      ...charge(2900),
    );
    assert.equal(paid.status, 200);
    assert.match(paid.body.id ?? '', /^pi_/);
    assert.equal(paid.headers.get('x-keybrake-cost-usd'), '29.00');
    assert.equal(paid.headers.get('x-keybrake-remaining-usd'), '21.00');
    assert.match(paid.headers.get('x-keybrake-call-id') ?? '', /^call_/);
  });

  test('the key as the user of -u pays too, with and without the vendor in the path', async () => {
    const { vault_key } = await issueKey(keybrake, { total_usd_cap: 10 });
    for (const path of ['/stripe/v1/payment_intents', '/v1/payment_intents']) {
      const paid = await curl(keybrake.url + path, '-u', `${vault_key}:`, ...charge(500));
      assert.equal(paid.status, 200);
    }
  });

  test('past the cap: 429 in the vendor’s shape, marked as final', async () => {
    const { vault_key } = await issueKey(keybrake, { total_usd_cap: 5 });
    const url = `${keybrake.url}/stripe/v1/payment_intents`;
    const refused = await curl(url, '-u', `${vault_key}:`, ...charge(501));
    assert.equal(refused.status, 429);
    assert.equal(refused.headers.get('x-keybrake-cap-hit'), 'true');
    assert.equal(refused.headers.get('x-keybrake-reason'), 'cap_exceeded');
    assert.equal(refused.headers.get('stripe-should-retry'), 'false');
    assert.equal(refused.headers.get('retry-after'), null);
    assert.equal(refused.body.error?.code, 'cap_exceeded');
  });

  test('a revoked key and one that never was get 401 and their reason', async () => {
    const key = await issueKey(keybrake);
    await revokeKey(keybrake, key.id);
    const url = `${keybrake.url}/stripe/v1/payment_intents`;
    const revoked = await curl(url, '-u', `${key.vault_key}:`, ...charge(500));
    assert.equal(revoked.status, 401);
    assert.equal(revoked.headers.get('x-keybrake-reason'), 'key_revoked');
    const end = key.vault_key.endsWith('0') ? '1' : '0';
    const wrong = `${key.vault_key.slice(0, -1)}${end}`;
    const unknown = await curl(url, '-u', `${wrong}:`, ...charge(500));
    assert.equal(unknown.status, 401);
    assert.equal(unknown.headers.get('x-keybrake-reason'), 'key_unknown');
  });

  test('a key asks what it has left, and gives itself up', async () => {
    const { vault_key } = await issueKey(keybrake, { total_usd_cap: 5 });
    const bearer = ['-H', `Authorization: Bearer ${vault_key}`];
    const self = await curl(`${keybrake.url}/vault/self`, ...bearer);
    assert.equal(self.status, 200);
    assert.equal((self.body as { remaining_usd?: number }).remaining_usd, 5);
    const given = await curl(`${keybrake.url}/vault/self`, '-X', 'DELETE', ...bearer);
    assert.ok(given.status < 300, String(given.status));
    const after = await curl(`${keybrake.url}/stripe/v1/payment_intents`, ...bearer, ...charge(1));
    assert.equal(after.status, 401);
  });
}
