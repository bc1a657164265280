/**
 * Messages and calls are braked like money: each is held at its estimate before it goes out, costs
 * what Twilio states once it does, and is never sent twice to find out what became of it. What the
 * fake Twilio's own books say is the truth.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { micros } from '../support/agreement.ts';
import type { Keybrake, StartOptions } from '../support/keybrake.ts';
import { auditRows, countStates, keySpend } from '../support/management.ts';
import type { ManualClock } from '../support/manual-clock.ts';
import { type Answer, eachOf, type Run, startRun } from '../support/run.ts';
import { assertRefused, becomes, start, startAt } from '../support/scene.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A segment to the United States: the list price and the dearest carrier's fee; a picture. */
const QUOTE = 14_500n;
const MMS_QUOTE = 32_000n;
/** The fake's carriers take as much for a picture as for a segment. */
const MMS = 28_200n;
const PLACEHOLDER = `AC${'0'.repeat(32)}`;
const OTHER = `AC${'2e'.repeat(16)}`;
const US = '+14155552671';
const GB = '+447400123450';
const SERVICE = `/twilio/verify/v2/Services/VA${'0'.repeat(32)}`;

const inAccount = (path: string, sid = PLACEHOLDER) => `/twilio/2010-04-01/Accounts/${sid}/${path}`;

type Options = Parameters<Run['call']>[0];

interface Texter extends Run {
  text(fields?: Record<string, string>, options?: Options): Promise<Answer>;
  post(path: string, fields: Record<string, string>, options?: Options): Promise<Answer>;
  get(path: string): Promise<Answer>;
}

async function startTexter(
  t: TestContext,
  keybrake: Keybrake,
  fields: object = {},
): Promise<Texter> {
  const run = await startRun(t, keybrake, { vendor: 'twilio', ...fields });
  const post: Texter['post'] = (path, fields, options = {}) =>
    run.call({ path, fields, ...options });
  const message = { To: US, From: '+15005550006', Body: 'Hello' };
  return {
    ...run,
    post,
    text: (more = {}, options = {}) =>
      post(inAccount('Messages.json'), { ...message, ...more }, options),
    get: (path) => run.call({ method: 'GET', path }),
  };
}

const sidOf = (answer: Answer): string => {
  assert.equal(answer.status, 201, answer.body.toString());
  return answer.json.sid as string;
};

/** What the key counts, in micro-dollars, which is what its rows say. */
async function counts(keybrake: Keybrake, run: Run) {
  const rows = await auditRows(keybrake, { key: run.id, limit: '200' });
  const sum = (...states: string[]) =>
    rows
      .filter(({ state }) => states.includes(state))
      .reduce((all, row) => all + micros(row.cost_usd ?? row.quote_usd), 0n);
  const key = await keySpend(keybrake, run.id);
  const [spent, held] = [micros(key.spent_usd), micros(key.held_usd)];
  assert.equal(sum('settled'), spent, 'spent is not its rows’ cost');
  assert.equal(sum('held', 'unknown'), held, 'held is not its rows’ quotes');
  return { spent, held, states: countStates(rows) };
}

/** Server and vendor on one clock, and open calls looked for as fast as they are due. */
function looking(t: TestContext, options: StartOptions = {}) {
  return startAt(t, '2026-11-24T09:00:00Z', { resolvePauseMs: 5, ...options });
}

/** A file of the operator's prices; gives its path. */
function priceFile(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'keybrake-prices-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'prices.json');
  writeFileSync(file, text);
  return file;
}

async function settleAll(keybrake: Keybrake, run: Run, clock: ManualClock, messages: number) {
  await becomes(keybrake, run, 'settled', messages, () => clock.advance(SECOND));
}

test('of 300 messages, 50 at a time, as many go out as fit the cap, and not one more', async (t) => {
  const { clock, keybrake } = await looking(t, {
    sandbox: { latencyMs: { min: 0, max: 4 }, twilioPrices: { carrierFee: 6_200n } },
  });
  const run = await startTexter(t, keybrake, { total_usd_cap: 1, expires_in: '2d' });
  const { twilio } = keybrake.sandbox;
  const answers = await eachOf(Array.from({ length: 300 }), 50, (_, index) =>
    run.text({ To: `+1415555${1000 + index}` }),
  );
  const sent = answers.filter(({ status }) => status === 201);
  assert.equal(sent.length, 68); // 68 × 0.0145 = 0.986
  for (const answer of answers.filter(({ status }) => status !== 201)) {
    assertRefusedForCap(answer);
  }
  assert.equal(twilio.sentMessages().count, 68n);
  assert.equal(twilio.executions, 68);
  await settleAll(keybrake, run, clock, 68);
  const { spent, held } = await counts(keybrake, run);
  assert.deepEqual([spent, held], [twilio.billedMicros(), 0n]);
  assert.ok(spent <= 1_000_000n);
});

function assertRefusedForCap(answer: Answer): void {
  assert.equal(answer.status, 429, answer.body.toString());
  assert.equal(answer.headers['x-keybrake-cap-hit'], 'true');
  const { code, status, message, details } = answer.json as {
    code: number;
    status: number;
    message: string;
    details: Record<string, string>;
  };
  assert.deepEqual([code, status, details.cap_usd], [79429, 429, '1.00']);
  assert.match(message, /needs 0\.0145 USD/);
}

test('a message costs what Twilio states: the rest of its hold comes back, and the drift is measured', async (t) => {
  const { clock, keybrake } = await looking(t);
  const run = await startTexter(t, keybrake, { total_usd_cap: 0.0145 });
  sidOf(await run.text());
  assert.deepEqual(await counts(keybrake, run), { spent: 0n, held: QUOTE, states: { held: 1 } });
  assert.equal((await run.text()).code, 'cap_exceeded', 'what is held is not to be had');
  await settleAll(keybrake, run, clock, 1);
  const { spent, held } = await counts(keybrake, run);
  assert.deepEqual([spent, held], [8_300n, 0n], 'no carrier took a fee here');
  assert.equal(keybrake.sandbox.twilio.billedMicros(), 8_300n);
  const metrics = await (
    await fetch(`${keybrake.url}/metrics`, {
      headers: { authorization: `Bearer ${keybrake.apiKey}` },
    })
  ).text();
  assert.match(metrics, /keybrake_quote_drift_usd_sum\{vendor="twilio"\} -0\.0062\n/);
});

test('a vendor that bills more than was estimated is recorded as it bills, and the key admits nothing more', async (t) => {
  const { clock, keybrake } = await looking(t, {
    sandbox: { twilioPrices: { segments: { '1415': 50_000n } } },
  });
  const run = await startTexter(t, keybrake, { total_usd_cap: 0.03 });
  sidOf(await run.text());
  await settleAll(keybrake, run, clock, 1);
  assert.equal((await counts(keybrake, run)).spent, 50_000n);
  assert.equal((await run.text()).code, 'cap_exceeded');
  assert.equal(keybrake.sandbox.twilio.sentMessages().count, 1n);
});

test('long texts, pictures and failed messages are counted as Twilio bills them', async (t) => {
  const { clock, keybrake } = await looking(t, {
    sandbox: { twilioPrices: { carrierFee: 6_200n } },
  });
  const run = await startTexter(t, keybrake, { expires_in: '7d' });
  sidOf(await run.text({ Body: '😀'.repeat(67) }));
  sidOf(await run.text({ MediaUrl: 'https://a.example/1.png' }));
  sidOf(await run.text({ To: '+15005550009' })); // fails, for a price
  assert.equal((await counts(keybrake, run)).held, 3n * QUOTE + MMS_QUOTE + QUOTE);
  await settleAll(keybrake, run, clock, 3);
  const { spent } = await counts(keybrake, run);
  assert.deepEqual(
    [spent, spent],
    [3n * QUOTE + MMS + 1_000n, keybrake.sandbox.twilio.billedMicros()],
  );
  sidOf(await run.text({ To: '+15005550011' })); // fails, and no price is ever stated
  const sentAt = clock.now();
  await becomes(keybrake, run, 'settled', 4, () => clock.advance(10 * MINUTE));
  assert.ok(clock.now() - sentAt >= DAY);
  assert.equal((await counts(keybrake, run)).spent, spent + 1_000n);
});

test('a price that a client reads ends the hold at once', async (t) => {
  const { clock, keybrake } = await looking(t, { resolvePauseMs: HOUR });
  const run = await startTexter(t, keybrake);
  const sid = sidOf(await run.text());
  clock.advance(SECOND);
  const shown = await run.get(inAccount(`Messages/${sid}.json`));
  assert.equal(shown.json.price, '-0.00830');
  assert.deepEqual(await counts(keybrake, run), {
    spent: 8_300n,
    held: 0n,
    states: { settled: 2 },
  });
});

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

test('a scheduled message is held until it goes out; cancelled, its money comes back', async (t) => {
  const { clock, keybrake } = await looking(t);
  const run = await startTexter(t, keybrake, { expires_in: '30d' });
  const at = (ms: number) => ({
    From: '',
    MessagingServiceSid: `MG${'0'.repeat(32)}`,
    ScheduleType: 'fixed',
    SendAt: new Date(clock.now() + ms).toISOString(),
  });
  const cancelled = sidOf(await run.text(at(5 * DAY)));
  sidOf(await run.text(at(5 * DAY)));
  for (let hours = 0; hours < 60; hours++) clock.advance(HOUR);
  assert.deepEqual((await counts(keybrake, run)).held, 2n * QUOTE);
  const cancel = await run.post(inAccount(`Messages/${cancelled}.json`), { Status: 'canceled' });
  assert.equal(cancel.json.status, 'canceled');
  assert.deepEqual((await counts(keybrake, run)).held, QUOTE);
  await becomes(keybrake, run, 'settled', 2, () => clock.advance(HOUR)); // it, and the cancelling
  const { spent, held, states } = await counts(keybrake, run);
  assert.deepEqual([spent, held, states.released], [8_300n, 0n, 1]);
  assert.equal(keybrake.sandbox.twilio.sentMessages().count, 1n);
});

test('two messages without a key are two; with one key they are one, and Twilio sees no key', async (t) => {
  const keybrake = await start(t, { resolvePauseMs: HOUR });
  const run = await startTexter(t, keybrake);
  const { twilio } = keybrake.sandbox;
  assert.notEqual(sidOf(await run.text()), sidOf(await run.text()));
  const options = { idempotencyKey: 'order-1' };
  const first = await run.text({}, options);
  const again = await run.text({}, options);
  assert.deepEqual(again.body, first.body);
  assert.equal(again.headers['x-keybrake-replayed'], 'true');
  assert.equal((await run.text({ Body: 'Other' }, options)).code, 'idempotency_mismatch');
  assert.equal(twilio.sentMessages().count, 3n);
  assert.ok(twilio.received.every(({ idempotencyKey }) => idempotencyKey === null));
  const rejected = { idempotencyKey: 'order-2' };
  assert.equal((await run.text({ To: '+15005550004' }, rejected)).json.code, 21610);
  sidOf(await run.text({}, rejected));
});

test('a message of unknown outcome is not sent again: it is found in the list and answered from there', async (t) => {
  const { clock, keybrake } = await looking(t);
  const run = await startTexter(t, keybrake, { expires_in: '2d' });
  const { twilio, twilioFaults } = keybrake.sandbox;
  sidOf(await run.text()); // the same message, answered: it is not the one that was lost
  clock.advance(2 * SECOND);
  twilioFaults.next({ do: { kind: 'hangup', at: 'after' } });
  const options = { idempotencyKey: 'order-1' };
  assertRefused(await run.text({}, options), 504, 'outcome_unknown');
  assertRefused(await run.text({}, options), 504, 'outcome_unknown');
  assert.equal(twilio.sentMessages().count, 2n, 'a retry with the same key is not sent');
  await becomes(keybrake, run, 'settled', 2, () => clock.advance(SECOND));
  const [lost] = twilio.list('message');
  const again = await run.text({}, options);
  assert.deepEqual([sidOf(again), again.headers['x-keybrake-replayed']], [lost!.id, 'true']);
  assert.equal(twilio.sentMessages().count, 2n, 'nothing was sent to find out');
  const { spent, held } = await counts(keybrake, run);
  assert.deepEqual([spent, held], [twilio.billedMicros(), 0n]);
});

test('a message that never arrived comes back after ten minutes, not before', async (t) => {
  const { clock, keybrake } = await looking(t);
  const run = await startTexter(t, keybrake);
  const { twilio, twilioFaults } = keybrake.sandbox;
  twilioFaults.next({ do: { kind: 'hangup', at: 'before' } });
  const options = { idempotencyKey: 'order-1' };
  assertRefused(await run.text({}, options), 504, 'outcome_unknown');
  const sentAt = clock.now();
  await becomes(keybrake, run, 'released', 1, () => clock.advance(10 * SECOND));
  const passed = clock.now() - sentAt;
  assert.ok(passed >= 10 * MINUTE && passed < 30 * MINUTE, `after ${passed} ms`);
  assert.ok(
    twilio.received.filter(({ method }) => method === 'GET').length >= 2,
    'and looks before',
  );
  assert.equal((await counts(keybrake, run)).held, 0n);
  sidOf(await run.text({}, options));
  assert.equal(twilio.sentMessages().count, 1n);
});

test('an answer that cannot be read stays counted until Twilio tells', async (t) => {
  const { clock, keybrake } = await looking(t);
  const run = await startTexter(t, keybrake, { expires_in: '2d' });
  const { twilioFaults } = keybrake.sandbox;
  for (const fault of [
    { kind: 'garbage', as: 'text' },
    { kind: 'status', status: 500, executes: true },
  ] as const) {
    twilioFaults.next({ do: fault });
    await run.text();
  }
  assert.deepEqual((await counts(keybrake, run)).held, 2n * QUOTE);
  await becomes(keybrake, run, 'settled', 2, () => clock.advance(SECOND));
  const { spent } = await counts(keybrake, run);
  assert.equal(spent, keybrake.sandbox.twilio.billedMicros());
});

test('a busy Twilio is not paid', async (t) => {
  const keybrake = await start(t);
  const run = await startTexter(t, keybrake);
  keybrake.sandbox.twilioFaults.next({ do: { kind: 'status', status: 429 } });
  assert.equal((await run.text()).status, 429);
  assert.deepEqual(await counts(keybrake, run), { spent: 0n, held: 0n, states: { released: 1 } });
});

// ---------------------------------------------------------------- whose account, and where

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
