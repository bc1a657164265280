/**
 * Mail is braked like money: every recipient counts before it is written to, nobody outside of a
 * key's domains is, and a call that nobody answered is found out at Resend and never sent again to
 * find out. What the fake Resend's own books say is the truth.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { micros } from '../support/agreement.ts';
import type { Keybrake, StartOptions } from '../support/keybrake.ts';
import { auditRows, countStates, keySpend } from '../support/management.ts';
import type { ManualClock } from '../support/manual-clock.ts';
import { type Answer, eachOf, idOf, type Run, startRun } from '../support/run.ts';
import { assertRefused, becomes, start, startAt } from '../support/scene.ts';

const EACH = 900n;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const MAIL = { from: 'Shop <shop@shop.example>', to: ['a@a.example'], subject: 'Order', text: '.' };

interface Mailer extends Run {
  send(mail?: object, options?: Parameters<Run['call']>[0]): Promise<Answer>;
  batch(mails: object[], options?: Parameters<Run['call']>[0]): Promise<Answer>;
}

async function startMailer(
  t: TestContext,
  keybrake: Keybrake,
  fields: object = {},
): Promise<Mailer> {
  const run = await startRun(t, keybrake, { vendor: 'resend', ...fields });
  return {
    ...run,
    send: (mail = {}, options = {}) =>
      run.call({ path: '/resend/emails', json: { ...MAIL, ...mail }, ...options }),
    batch: (mails, options = {}) =>
      run.call({ path: '/resend/emails/batch', json: mails, ...options }),
  };
}

/** Spent and held of the keys are their rows' and, of both, no less than the vendor took in. */
async function assertCounts(
  keybrake: Keybrake,
  run: Run,
  recipients: { spent: bigint; held?: bigint },
): Promise<Record<string, number>> {
  const { spent, held = 0n } = recipients;
  const rows = await auditRows(keybrake, { key: run.id, limit: '200' });
  const sum = (state: string) =>
    rows
      .filter((row) => row.state === state)
      .reduce((all, row) => all + micros(row.cost_usd ?? row.quote_usd), 0n);
  const key = await keySpend(keybrake, run.id);
  assert.deepEqual(
    [micros(key.spent_usd), micros(key.held_usd)],
    [spent * EACH, held * EACH],
    'what the key counts',
  );
  assert.equal(sum('settled'), spent * EACH, 'spent is not its rows’ cost');
  assert.equal(sum('held') + sum('unknown'), held * EACH, 'held is not its rows’ quotes');
  return countStates(rows);
}

const recipients = (keybrake: Keybrake, ...places: ('billed' | 'scheduled' | 'cancelled')[]) =>
  keybrake.sandbox.resend.total(...places).recipients;

async function looking(
  t: TestContext,
  options: StartOptions = {},
): Promise<{ clock: ManualClock; keybrake: Keybrake }> {
  return startAt(t, '2026-11-24T09:00:00Z', { resolvePauseMs: 5, ...options });
}

test('of 300 mails to three, 40 at a time, as many go out as fit the cap, and not one more', async (t) => {
  const keybrake = await start(t, { sandbox: { latencyMs: { min: 0, max: 4 }, latencySeed: 3 } });
  const run = await startMailer(t, keybrake, { total_usd_cap: 0.5 });
  const mail = { cc: 'b@a.example', bcc: ['c@a.example'] };
  const answers = await eachOf(Array.from({ length: 300 }), 40, () => run.send(mail));
  const sent = answers.filter(({ status }) => status === 200);
  assert.equal(sent.length, 185); // 185 × 0.0027 = 0.4995
  for (const answer of answers.filter(({ status }) => status !== 200)) {
    assert.deepEqual([answer.status, answer.code], [429, 'cap_exceeded']);
    assert.equal(answer.headers['x-keybrake-cap-hit'], 'true');
    const { statusCode, vault } = answer.json as {
      statusCode: number;
      vault: { needed_usd: string };
    };
    assert.deepEqual([statusCode, vault.needed_usd], [429, '0.0027']);
    assert.match(answer.headers['content-type'] ?? '', /^application\/json/);
  }
  assert.equal(recipients(keybrake, 'billed'), 555n);
  assert.equal(keybrake.sandbox.resend.requests, 185);
  assert.deepEqual(await assertCounts(keybrake, run, { spent: 555n }), {
    settled: 185,
    refused: 115,
  });
});

test('the price is the setting’s', async (t) => {
  const keybrake = await start(t, { settings: { KEYBRAKE_RESEND_EMAIL_USD: '0.25' } });
  const run = await startMailer(t, keybrake, { total_usd_cap: 0.5 });
  assert.equal((await run.send()).headers['x-keybrake-cost-usd'], '0.25');
  assert.equal((await run.send()).headers['x-keybrake-remaining-usd'], '0.00');
  assert.equal((await run.send()).code, 'cap_exceeded');
});

test('a batch counts every recipient of every mail, and only those of the mails that were taken', async (t) => {
  const keybrake = await start(t);
  const run = await startMailer(t, keybrake, { total_usd_cap: 0.0099 });
  const one = { ...MAIL, to: 'a@a.example', cc: ['b@a.example', 'c@a.example'] };
  const tooMany = await run.batch([
    one,
    one,
    one,
    { ...one, cc: [], bcc: ['d@a.example', 'e@a.example'] },
  ]);
  assert.equal(tooMany.code, 'cap_exceeded', '12 recipients where 11 fit');
  assert.equal(keybrake.sandbox.resend.requests, 0);
  assert.equal((await run.batch([one, MAIL])).headers['x-keybrake-cost-usd'], '0.0036');
  assert.equal(recipients(keybrake, 'billed'), 4n);
  const { text, ...invalid } = MAIL;
  const strict = await run.batch([MAIL, invalid]);
  assert.deepEqual([strict.status, strict.headers['x-keybrake-cost-usd']], [422, '0.00']);
  const headers = { 'x-batch-validation': 'permissive' };
  const permissive = await run.batch([{ ...invalid, cc: one.cc }, one, MAIL], { headers });
  assert.equal(permissive.status, 200);
  assert.equal((permissive.json.errors as unknown[]).length, 1);
  assert.equal(permissive.headers['x-keybrake-cost-usd'], '0.0036');
  assert.equal(recipients(keybrake, 'billed'), 8n);
  await assertCounts(keybrake, run, { spent: 8n });
});

test('two keyless calls are two mails, each under a key of the proxy’s; two with one key are one', async (t) => {
  const keybrake = await start(t);
  const run = await startMailer(t, keybrake);
  const { resend } = keybrake.sandbox;
  const [first, second] = [idOf(await run.send()), idOf(await run.send())];
  assert.notEqual(first, second);
  const keys = resend.received.map(({ idempotencyKey }) => idempotencyKey ?? '');
  for (const key of keys) assert.match(key, /^keybrake-call_\w{13}-[0-9a-f]{16}$/);
  assert.notEqual(keys[0], keys[1]);
  assert.ok(keys.every((key) => key.length <= 256));

  const third = await run.send({}, { idempotencyKey: 'order-1' });
  const fourth = await run.send({}, { idempotencyKey: 'order-1' });
  assert.deepEqual(fourth.body, third.body);
  assert.equal(fourth.headers['x-keybrake-replayed'], 'true');
  assert.equal(resend.received.length, 3);
  assert.equal(resend.received[2]!.idempotencyKey, 'order-1');
  const other = await run.send({ cc: 'b@a.example' }, { idempotencyKey: 'order-1' });
  assert.equal(other.code, 'idempotency_mismatch');
  const headers = { 'x-batch-validation': 'permissive' };
  assert.equal((await run.batch([MAIL], { idempotencyKey: 'b-1' })).status, 200);
  const changed = await run.batch([MAIL], { idempotencyKey: 'b-1', headers });
  assert.equal(changed.code, 'idempotency_mismatch');
  assert.equal(recipients(keybrake, 'billed'), 4n);
  await assertCounts(keybrake, run, { spent: 4n });
});

test('a lost answer is asked for again under the same key, and Resend answers from its store', async (t) => {
  const keybrake = await start(t, { resolvePauseMs: HOUR });
  const run = await startMailer(t, keybrake);
  const { resend, resendFaults } = keybrake.sandbox;
  resendFaults.next({ do: { kind: 'hangup', at: 'after' } });
  const lost = await run.send({}, { idempotencyKey: 'order-1' });
  assertRefused(lost, 504, 'outcome_unknown');
  await assertCounts(keybrake, run, { spent: 0n, held: 1n });
  const again = await run.send({}, { idempotencyKey: 'order-1' });
  assert.equal(again.status, 200);
  assert.deepEqual([resend.requests, resend.replays], [2, 1]);
  assert.equal(recipients(keybrake, 'billed'), 1n);
  await assertCounts(keybrake, run, { spent: 1n });
});

test('what was rejected costs nothing, what broke stays counted', async (t) => {
  const keybrake = await start(t, { resolvePauseMs: HOUR });
  const run = await startMailer(t, keybrake);
  const { resendFaults } = keybrake.sandbox;
  assert.equal((await run.send({ from: 'nobody' })).status, 422);
  for (const status of [429, 409, 403]) {
    resendFaults.next({ do: { kind: 'status', status } });
    assert.equal((await run.send()).status, status);
  }
  await assertCounts(keybrake, run, { spent: 0n });
  resendFaults.next({ do: { kind: 'status', status: 500 } });
  assert.equal((await run.send()).status, 500);
  resendFaults.next({ do: { kind: 'garbage', as: 'wrong_type' } });
  assert.equal((await run.send()).status, 200);
  await assertCounts(keybrake, run, { spent: 0n, held: 2n });
});

test('a key writes to its domains alone: neither to, cc nor bcc, one mail or many, leads elsewhere', async (t) => {
  const keybrake = await start(t);
  const run = await startMailer(t, keybrake, {
    params: { recipients: { domain: ['a.example', '*.shop.example'] } },
  });
  const { resend } = keybrake.sandbox;
  const good = { cc: 'Bob <b@eu.shop.example>', bcc: ['c@A.example'] };
  assert.equal((await run.send(good)).status, 200);
  assert.equal((await run.batch([MAIL, { ...MAIL, ...good }])).status, 200);
  const reached = resend.requests;
  const bad = [
    'x@evil.example',
    ['a@a.example', 'x@evil.example'],
    'a@shop.example',
    'x@a.example.evil.io',
  ];
  for (const field of ['to', 'cc', 'bcc']) {
    for (const value of bad) {
      assertRefused(await run.send({ [field]: value }), 403, 'scope_not_allowed');
      assertRefused(await run.batch([MAIL, { ...MAIL, [field]: value }]), 403, 'scope_not_allowed');
    }
    assertRefused(
      await run.send({ [field]: 'x@evil.example, a@a.example' }),
      400,
      'request_ambiguous',
    );
  }
  assertRefused(await run.send({ headers: { Bcc: 'x@evil.example' } }), 400, 'request_ambiguous');
  assertRefused(await run.send({ BCC: 'x@evil.example' }), 400, 'request_ambiguous');
  assert.equal(resend.requests, reached);
  for (const email of resend.all()) {
    assert.doesNotMatch([...email.to, ...email.cc, ...email.bcc].join(), /evil/);
  }
  const narrow = await startMailer(t, keybrake, { params: { to: { domain: ['a.example'] } } });
  assert.equal((await narrow.send()).status, 200);
  assertRefused(await narrow.batch([MAIL]), 403, 'scope_not_allowed');
  assert.equal(resend.requests, reached + 1);
});

test('a scheduled mail is held; cancelled, its money comes back, on whichever key', async (t) => {
  const { clock, keybrake } = await looking(t);
  const run = await startMailer(t, keybrake, { total_usd_cap: 0.0018, expires_in: '7d' });
  const later = { scheduled_at: new Date(clock.now() + 2 * HOUR).toISOString(), cc: 'b@a.example' };
  const id = idOf(await run.send(later));
  assert.deepEqual(await assertCounts(keybrake, run, { spent: 0n, held: 2n }), { held: 1 });
  assert.equal((await run.send()).code, 'cap_exceeded', 'what is held is not to be had');
  const moved = { scheduled_at: new Date(clock.now() + 3 * HOUR).toISOString() };
  const path = `/resend/emails/${id}`;
  assert.equal((await run.call({ method: 'PATCH', path, json: moved })).status, 200);
  await assertCounts(keybrake, run, { spent: 0n, held: 2n });
  const other = await startMailer(t, keybrake);
  assert.equal((await other.call({ path: `${path}/cancel`, json: {} })).status, 200);
  await assertCounts(keybrake, run, { spent: 0n });
  assert.equal(recipients(keybrake, 'cancelled'), 2n);
  assert.equal((await run.send({ cc: 'b@a.example' })).status, 200);
  await assertCounts(keybrake, run, { spent: 2n });
  assert.equal((await other.call({ path: `${path}/cancel`, json: {} })).status, 422, 'once');
  await assertCounts(keybrake, run, { spent: 2n });
});

test('a scheduled mail is settled when it has gone out, and released when it was cancelled elsewhere', async (t) => {
  const { clock, keybrake } = await looking(t);
  const run = await startMailer(t, keybrake, { expires_in: '7d' });
  const { resend } = keybrake.sandbox;
  const at = (ms: number) => ({ scheduled_at: new Date(clock.now() + ms).toISOString() });
  idOf(await run.send(at(30 * MINUTE)));
  clock.advance(10 * MINUTE);
  await assertCounts(keybrake, run, { spent: 0n, held: 1n });
  clock.advance(22 * MINUTE);
  await becomes(keybrake, run, 'settled');
  assert.deepEqual(await assertCounts(keybrake, run, { spent: 1n }), { settled: 1 });
  assert.equal(recipients(keybrake, 'billed'), 1n);

  const cancelled = resend.find(idOf(await run.send(at(2 * HOUR))))!;
  cancelled.canceledAt = clock.now();
  resend.save(cancelled);
  clock.advance(3 * HOUR);
  await becomes(keybrake, run, 'released');
  assert.deepEqual(await assertCounts(keybrake, run, { spent: 1n }), { settled: 1, released: 1 });
});

test('a lost mail is found in Resend’s list, settled, and answered to whoever asks again', async (t) => {
  const { clock, keybrake } = await looking(t);
  const run = await startMailer(t, keybrake);
  const { resend, resendFaults } = keybrake.sandbox;
  idOf(await run.send()); // the same mail, answered: it is not the one that was lost
  resendFaults.next({ do: { kind: 'hangup', at: 'after' } });
  const options = { idempotencyKey: 'order-2' };
  assert.equal((await run.send({}, options)).code, 'outcome_unknown');
  const [second] = resend.all();
  clock.advance(MINUTE);
  await becomes(keybrake, run, 'settled', 2);
  assert.deepEqual(await assertCounts(keybrake, run, { spent: 2n }), { settled: 2 });
  const rows = await auditRows(keybrake, { key: run.id });
  assert.equal(rows[1]!.vendor_object_id, second!.id);
  const executed = resend.executions;
  const again = await run.send({}, options);
  assert.deepEqual(
    [again.json, again.headers['x-keybrake-replayed']],
    [{ id: second!.id }, 'true'],
  );
  assert.equal(resend.executions, executed, 'nothing was executed to find out');
  assert.equal(recipients(keybrake, 'billed'), 2n);
});

test('a mail that never arrived is released after ten minutes, not before', async (t) => {
  const { clock, keybrake } = await looking(t);
  const run = await startMailer(t, keybrake);
  const { resend, resendFaults } = keybrake.sandbox;
  resendFaults.next({ do: { kind: 'hangup', at: 'before' } });
  const options = { idempotencyKey: 'order-3' };
  assert.equal((await run.send({}, options)).code, 'outcome_unknown');
  const sentAt = clock.now();
  await becomes(keybrake, run, 'released', 1, () => clock.advance(10_000));
  const passed = clock.now() - sentAt;
  assert.ok(passed >= 10 * MINUTE && passed < 20 * MINUTE, `after ${passed} ms`);
  assert.ok(
    resend.received.filter(({ method }) => method === 'GET').length >= 2,
    'and looks before',
  );
  await assertCounts(keybrake, run, { spent: 0n });
  assert.equal((await run.send({}, options)).status, 200, 'the same key starts anew');
  assert.equal(recipients(keybrake, 'billed'), 1n);
  await assertCounts(keybrake, run, { spent: 1n });
});

test('a lost batch is found mail by mail', async (t) => {
  const { clock, keybrake } = await looking(t);
  const run = await startMailer(t, keybrake);
  const { resend, resendFaults } = keybrake.sandbox;
  resendFaults.next({ do: { kind: 'status', status: 502, executes: true } });
  const batch = [MAIL, { ...MAIL, to: ['b@a.example', 'c@a.example'] }];
  assert.equal((await run.batch(batch, { idempotencyKey: 'b-1' })).status, 502);
  clock.advance(MINUTE);
  await becomes(keybrake, run, 'settled');
  await assertCounts(keybrake, run, { spent: 3n });
  const again = await run.batch(batch, { idempotencyKey: 'b-1' });
  const [second, first] = resend.all();
  assert.deepEqual(again.json, { data: [{ id: first!.id }, { id: second!.id }] });
  assert.equal(recipients(keybrake, 'billed'), 3n);
});

test('what leaks a token, moves a domain or writes to an unknown many never reaches Resend', async (t) => {
  const keybrake = await start(t);
  const run = await startMailer(t, keybrake);
  const withheld: [method: string, path: string][] = [
    ['POST', '/api-keys'],
    ['GET', '/api-keys'],
    ['POST', '/API-Keys'],
    ['POST', '/domains'],
    ['PATCH', '/domains/d_1'],
    ['GET', '/webhooks/w_1'],
    ['GET', '/logs/l_1'],
    ['POST', '/emails/e_1/share'],
    ['POST', '/automations'],
  ];
  for (const [method, path] of withheld) {
    const body = method === 'GET' ? {} : { json: { name: 'x' } };
    const answer = await run.call({ method, path: `/resend${path}`, ...body });
    assertRefused(answer, 403, 'endpoint_not_allowed');
  }
  for (const path of ['/broadcasts/b_1/send', '/events/send', '/inboxes/i_1/drafts/d_1/send']) {
    assertRefused(await run.call({ path: `/resend${path}`, json: {} }), 403, 'unpriced');
  }
  assertRefused(await run.send({ audience_id: 'aud_1' }), 403, 'unpriced');
  assert.equal(keybrake.sandbox.resend.requests, 0);
  const named = await startMailer(t, keybrake, { allowed_endpoints: ['GET /api-keys'] });
  assert.equal((await named.call({ method: 'GET', path: '/resend/api-keys' })).status, 200);
  assert.equal(keybrake.sandbox.resend.requests, 1);
});

test('Resend sees the real key and a name, whatever the client sent, at the root as by prefix', async (t) => {
  const keybrake = await start(t);
  const run = await startMailer(t, keybrake);
  assert.equal((await run.send()).status, 200);
  const rooted = await run.call({
    path: '/emails',
    json: MAIL,
    headers: { 'user-agent': 'mine/1' },
  });
  assert.equal(rooted.status, 200);
  const { resend, resendSecret } = keybrake.sandbox;
  assert.deepEqual(
    resend.received.map(({ path, headers }) => [
      path,
      headers['user-agent'],
      headers.authorization,
    ]),
    [
      ['/emails', 'keybrake', `Bearer ${resendSecret}`],
      ['/emails', 'mine/1', `Bearer ${resendSecret}`],
    ],
  );
  assert.ok(!keybrake.logged().includes(resendSecret));
});
