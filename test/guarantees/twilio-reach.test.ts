/**
 * Whose account at Twilio a run reaches, and what of it: its own alone, with the real token that it
 * never sees, and nothing that leaks one or moves control.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditRows } from '../support/management.ts';
import { assertRefused, start } from '../support/scene.ts';
import { priceFile } from '../support/tariff-files.ts';
import { inAccount, OTHER, PLACEHOLDER, sidOf, startTexter, US } from '../support/texter.ts';

test('the account’s SID takes the place of the placeholder, and the real token the key’s', async (t) => {
  const keybrake = await start(t);
  const run = await startTexter(t, keybrake);
  const { twilio, twilioAccountSid: sid, twilioAuthToken: token } = keybrake.sandbox;
  const basic = (user: string, password: string) => ({
    authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
  });
  for (const headers of [
    basic(PLACEHOLDER, run.vault_key),
    basic(run.vault_key, 'x'),
    basic(sid, `${run.vault_key}~task-7`),
  ]) {
    const answer = await run.text({}, { headers });
    assert.equal(answer.json.account_sid, sid, 'the SID is no secret');
  }
  const own = await run.post(inAccount('Messages.json', sid), { To: US, From: US, Body: 'a' });
  assert.equal(own.status, 201);
  const rooted = await run.get(`/2010-04-01/Accounts/${PLACEHOLDER}/Messages.json`);
  assert.equal(rooted.status, 200);
  for (const { path, headers } of twilio.received) {
    assert.equal(path, `/2010-04-01/Accounts/${sid}/Messages.json`);
    assert.equal(headers.authorization, basic(sid, token).authorization);
  }
  assert.equal(twilio.received.length, 5);
  const rows = await auditRows(keybrake, { key: run.id });
  assert.equal(rows[2]!.task_id, 'task-7');
  assert.ok(!keybrake.logged().includes(token));
});

test('another account is out of reach, in the path as in a field', async (t) => {
  const keybrake = await start(t);
  const run = await startTexter(t, keybrake);
  const named = await startTexter(t, keybrake, {
    allowed_endpoints: ['/2010-04-01/Accounts/**', 'incoming_phone_numbers.*'],
  });
  for (const who of [run, named]) {
    const path = inAccount('Messages.json', OTHER);
    assertRefused(await who.post(path, { To: US, From: US, Body: 'a' }), 403, 'scope_not_allowed');
    assertRefused(await who.get(path), 403, 'scope_not_allowed');
    assertRefused(
      await who.get(inAccount('Messages.json?AccountSid=') + OTHER),
      403,
      'scope_not_allowed',
    );
  }
  const moved = await named.post(inAccount('IncomingPhoneNumbers/PN1.json'), { AccountSid: OTHER });
  assertRefused(moved, 403, 'scope_not_allowed');
  assert.equal(keybrake.sandbox.twilio.requests, 0);
});

test('a vault key in the path is refused, and stands in no row', async (t) => {
  const keybrake = await start(t);
  const run = await startTexter(t, keybrake);
  const answer = await run.get(inAccount('Messages.json', run.vault_key));
  assertRefused(answer, 400, 'request_ambiguous');
  const [row] = await auditRows(keybrake, { key: run.id });
  assert.ok(!row!.path.includes(run.vault_key));
  assert.equal(keybrake.sandbox.twilio.requests, 0);
});

test('a run that is held to one script runs no other, wherever the request has it', async (t) => {
  const settings = { KEYBRAKE_TWILIO_PRICES: priceFile(t, '{"prices": {"voice/US": 0.014}}') };
  const keybrake = await start(t, { settings });
  const Url = 'https://example.com/hello.xml';
  const forbidden = { Twiml: { max: 0 }, ApplicationSid: { max: 0 }, FallbackUrl: { max: 0 } };
  const run = await startTexter(t, keybrake, { params: { Url: { in: [Url] }, ...forbidden } });
  const call = (fields: Record<string, string>) =>
    run.post(inAccount('Calls.json'), { To: US, From: US, TimeLimit: '60', ...fields });
  sidOf(await call({ Url }));
  for (const fields of [
    {},
    { Url: `${Url}?a` },
    { Twiml: '<Response/>' },
    { Url, Twiml: '<Response/>' },
    { Url, ApplicationSid: `AP${'0'.repeat(32)}` },
    { Url, FallbackUrl: 'https://b.example' },
  ] as Record<string, string>[]) {
    assertRefused(await call(fields), 403, 'scope_not_allowed');
  }
  assert.equal(keybrake.sandbox.twilio.list('call').length, 1);
});

test('what leaks a token or moves control never reaches Twilio, unless the key names it', async (t) => {
  const keybrake = await start(t);
  const run = await startTexter(t, keybrake);
  for (const path of [
    'Keys.json',
    'Tokens.json',
    'IncomingPhoneNumbers.json',
    'Usage/Triggers.json',
  ]) {
    assertRefused(
      await run.post(inAccount(path), { PhoneNumber: US }),
      403,
      'endpoint_not_allowed',
    );
  }
  assertRefused(await run.get('/twilio/2010-04-01/Accounts.json'), 403, 'endpoint_not_allowed');
  assertRefused(await run.get('/twilio/nothing/v1/Things'), 403, 'endpoint_not_allowed');
  assertRefused(await run.post(inAccount('Calls/CA1/Recordings.json'), {}), 403, 'unpriced');
  assert.equal(keybrake.sandbox.twilio.requests, 0);
  const named = await startTexter(t, keybrake, { allowed_endpoints: ['accounts.fetch'] });
  assert.equal((await named.get(`/twilio/2010-04-01/Accounts/${PLACEHOLDER}.json`)).status, 200);
});

// ---------------------------------------------------------------- prices, calls, other products
