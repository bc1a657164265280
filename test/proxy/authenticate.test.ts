/** Against a real ledger: what is remembered of a key, and what never is. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { readCredential } from '../../src/credential.ts';
import { newVaultKey } from '../../src/ids.ts';
import { Authenticator } from '../../src/proxy/authenticate.ts';
import { type Keybrake, startKeybrake } from '../support/keybrake.ts';
import { issueKey, revokeKey } from '../support/management.ts';

let server: Keybrake;
before(async () => {
  server = await startKeybrake();
});
after(() => server.close());

const bearer = (key: string) => readCredential(`Bearer ${key}`);

test('a key is looked up in the ledger, with its task', async () => {
  const { vault_key } = await issueKey(server, { agent_run_label: 'nightly', account: 'sandbox' });
  const caller = await new Authenticator(server.ledger).authenticate(bearer(`${vault_key}~t-1`));
  assert.ok('key' in caller);
  const { label, vendors, account } = caller.key;
  assert.deepEqual([label, vendors, account], ['nightly', ['stripe'], 'sandbox']);
  assert.equal(caller.taskId, 't-1');
});

test('a key that is issued after it was asked for is known at once', async () => {
  const authenticator = new Authenticator(server.ledger);
  const unknown = await authenticator.authenticate(bearer(newVaultKey(true)));
  assert.ok('code' in unknown && unknown.code === 'key_unknown');
  const { vault_key } = await issueKey(server);
  assert.ok('key' in (await authenticator.authenticate(bearer(vault_key))));
});

test('a remembered key is no living key: the ledger refuses the call after a revoke', async () => {
  const { id, vault_key } = await issueKey(server);
  const headers = { authorization: `Bearer ${vault_key}` };
  const before = await fetch(`${server.url}/v1/balance`, { headers });
  assert.equal(before.status, 200);
  await revokeKey(server, id);
  const after = await fetch(`${server.url}/v1/balance`, { headers });
  assert.equal(after.headers.get('x-keybrake-reason'), 'key_revoked');
});

test('a ledger that cannot be read is no reason to let anybody in', async () => {
  const other = await startKeybrake();
  const { vault_key } = await issueKey(other);
  await other.ledger.close();
  const answer = await fetch(`${other.url}/v1/balance`, {
    headers: { authorization: `Bearer ${vault_key}` },
  });
  assert.equal(answer.status, 503);
  assert.equal(answer.headers.get('x-keybrake-reason'), 'ledger_unavailable');
  assert.equal(other.sandbox.stripe.requests, 0);
  await other.close();
});
