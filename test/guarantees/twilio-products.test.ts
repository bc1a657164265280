/**
 * What is no message: phone calls by the minute, verifications, lookups, and the prices that Twilio
 * itself is asked for. Each counts before it goes out.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from '../support/run.ts';
import { assertRefused, becomes, start } from '../support/scene.ts';
import { priceFile } from '../support/tariff-files.ts';
import {
  counts,
  DAY,
  GB,
  HOUR,
  inAccount,
  looking,
  QUOTE,
  SECOND,
  SERVICE,
  settleAll,
  sidOf,
  startTexter,
  US,
} from '../support/texter.ts';

test('the price of a country is asked of Twilio once a day, before its first call goes out', async (t) => {
  const { clock, keybrake } = await looking(t, { resolvePauseMs: HOUR });
  const run = await startTexter(t, keybrake, { expires_in: '7d' });
  const { twilio, twilioAuthToken: token } = keybrake.sandbox;
  const asked = () => twilio.received.filter(({ path }) => path.startsWith('/pricing/'));
  for (let sent = 0; sent < 3; sent++) sidOf(await run.text({ To: GB }));
  assert.deepEqual(
    asked().map(({ path }) => path),
    ['/pricing/v1/Messaging/Countries/GB'],
  );
  assert.ok(asked()[0]!.headers.authorization!.startsWith('Basic '));
  assert.ok(!keybrake.logged().includes(token));
  // The dearest of three carriers, though this number is with a cheaper one.
  assert.equal((await counts(keybrake, run)).held, 3n * 52_400n);
  clock.advance(DAY);
  sidOf(await run.text({ To: GB }));
  assert.equal(asked().length, 2);
  const nowhere = await run.text({ To: '+8613800138000' });
  assertRefused(nowhere, 403, 'unpriced');
  assert.match(nowhere.json.message as string, /Pricing API answered 404 for CN/);
  assert.equal(twilio.sentMessages().count, 4n);
});

test('a call is held for the minutes that it may take, and costs those that it took', async (t) => {
  const { clock, keybrake } = await looking(t);
  const run = await startTexter(t, keybrake, { total_usd_cap: 0.2, expires_in: '2d' });
  const { twilio } = keybrake.sandbox;
  const call = { To: US, From: US, Url: 'https://a.example/twiml' };
  assertRefused429(await run.post(inAccount('Calls.json'), call), 'four hours do not fit');
  assert.equal(
    sidOf(await run.post(inAccount('Calls.json'), { ...call, TimeLimit: '600' })).slice(0, 2),
    'CA',
  );
  assert.deepEqual((await counts(keybrake, run)).held, 10n * 14_000n);
  await settleAll(keybrake, run, clock, 1);
  const { spent, held } = await counts(keybrake, run);
  assert.deepEqual([spent, held], [2n * 14_000n, 0n], '75 seconds');
  assert.equal(spent, twilio.billedMicros('call'));
});

function assertRefused429(answer: Answer, why: string): void {
  assert.deepEqual([answer.status, answer.code], [429, 'cap_exceeded'], why);
}

test('a recorded call costs its recording too, though its client reads a price that leaves it out', async (t) => {
  const prices = '{"prices": {"voice/US": 0.014, "voice-recording": 0.0025}}';
  const settings = { KEYBRAKE_TWILIO_PRICES: priceFile(t, prices) };
  const { clock, keybrake } = await looking(t, { settings });
  const run = await startTexter(t, keybrake, { expires_in: '2d' });
  const fields = { To: US, From: US, Url: 'https://a.example', TimeLimit: '120', Record: 'true' };
  const sid = sidOf(await run.post(inAccount('Calls.json'), fields));
  assert.equal((await counts(keybrake, run)).held, 2n * (14_000n + 2_500n));
  const read = () => run.get(inAccount(`Calls/${sid}.json`));
  let shown = await read();
  for (; shown.json.price === null; shown = await read()) clock.advance(SECOND);
  await becomes(keybrake, run, 'held', 0, () => clock.advance(SECOND));
  const minutes = BigInt(Math.ceil(Number(shown.json.duration) / 60));
  const { spent } = await counts(keybrake, run);
  assert.equal(spent, keybrake.sandbox.twilio.billedMicros() + minutes * 2_500n);
});

test('a verification counts as it is quoted, each time that it is sent', async (t) => {
  const keybrake = await start(t);
  const run = await startTexter(t, keybrake, { total_usd_cap: 0.15 });
  const fields = { To: US, Channel: 'sms' };
  for (let sent = 0; sent < 2; sent++) sidOf(await run.post(`${SERVICE}/Verifications`, fields));
  assert.deepEqual((await counts(keybrake, run)).spent, 2n * (50_000n + QUOTE));
  const check = await run.post(`${SERVICE}/VerificationCheck`, { To: US, Code: '123456' });
  assert.equal(check.json.status, 'approved');
  assert.equal(check.headers['x-keybrake-cost-usd'], '0.00');
  assert.equal((await run.post(`${SERVICE}/Verifications`, fields)).code, 'cap_exceeded');
  const { twilio } = keybrake.sandbox;
  assert.ok(twilio.billedMicros() <= (await counts(keybrake, run)).spent);
  assert.ok(twilio.received.every(({ path }) => path.startsWith('/verify/v2/')));
});

test('a lookup is a GET that costs, by the fields that it asks for', async (t) => {
  const file = priceFile(t, '{"prices": {"lookup/caller_name": 0.01, "lookup/sim_swap": 0.04}}');
  const keybrake = await start(t, { settings: { KEYBRAKE_TWILIO_PRICES: file } });
  const run = await startTexter(t, keybrake, { total_usd_cap: 0.06 });
  const lookUp = (query = '') => run.get(`/twilio/lookups/v2/PhoneNumbers/${US}${query}`);
  assert.equal((await lookUp()).headers['x-keybrake-cost-usd'], '0.00');
  assert.equal(
    (await lookUp('?Fields=caller_name,sim_swap')).headers['x-keybrake-cost-usd'],
    '0.05',
  );
  assert.equal((await lookUp('?Fields=caller_name')).headers['x-keybrake-cost-usd'], '0.01');
  assert.equal((await lookUp('?Fields=caller_name')).code, 'cap_exceeded');
  assert.equal((await lookUp()).status, 200, 'one that costs nothing fits any cap');
  assertRefused(await lookUp('?Fields=line_status'), 403, 'unpriced');
  assertRefused(await lookUp('?Fields=validation&Fields=caller_name'), 400, 'request_ambiguous');
  const { spent } = await counts(keybrake, run);
  assert.deepEqual([spent, keybrake.sandbox.twilio.billedMicros('lookup')], [60_000n, 60_000n]);
});
