/** E-mails of the fake Resend: what is answered, and how many recipients are billed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { email, type JsonReply, resendOf, send, startStill } from './wire.ts';

const HOUR_MS = 60 * 60 * 1000;

const idOf = ({ json }: JsonReply) => json.id as string;
const many = (count: number) => Array.from({ length: count }, (_, i) => `n${i}@reader.example`);

function refused({ status, json }: JsonReply, expected: number, name: string): void {
  assert.equal(status, expected);
  assert.deepEqual(Object.keys(json), ['statusCode', 'message', 'name']);
  assert.deepEqual([json.statusCode, json.name], [expected, name]);
}

test('to, cc and bcc are billed each, also the same address twice', async (t) => {
  const { sandbox } = await startStill(t);
  const call = resendOf(sandbox);
  const sent = await call('POST', '/emails', email({ cc: many(2), bcc: ['one@reader.example'] }));
  assert.equal(sent.status, 200);
  assert.deepEqual(Object.keys(sent.json), ['id']);
  await call('POST', '/emails', email({ to: many(50) }));
  assert.deepEqual(sandbox.resend.total('billed'), { emails: 2n, recipients: 54n });
  const read = await call('GET', `/emails/${idOf(sent)}`);
  assert.deepEqual(read.json.to, ['one@reader.example']);
  assert.deepEqual([read.json.cc, read.json.last_event], [many(2), 'delivered']);
  assert.equal(read.headers['x-resend-monthly-quota'], '54');
});

test('what is refused is not executed and not billed', async (t) => {
  const { sandbox } = await startStill(t);
  const call = resendOf(sandbox);
  const cases: [unknown, number, string][] = [
    [email({ from: undefined }), 422, 'missing_required_field'],
    [email({ to: [] }), 422, 'missing_required_field'],
    [email({ subject: undefined }), 422, 'missing_required_field'],
    [email({ text: undefined }), 422, 'missing_required_field'],
    [email({ from: 'Acme' }), 422, 'invalid_from_address'],
    [email({ to: 'a@x.example, b@x.example' }), 422, 'validation_error'],
    [email({ to: many(51) }), 422, 'validation_error'],
    [email({ cc: [7] }), 422, 'validation_error'],
    [email({ subject: 7 }), 422, 'validation_error'],
    [email({ scheduled_at: 'yesterday' }), 422, 'validation_error'],
    [[email()], 422, 'validation_error'],
  ];
  for (const [body, status, name] of cases) {
    refused(await call('POST', '/emails', body), status, name);
  }
  refused(await call('PUT', '/emails', email()), 405, 'method_not_allowed');
  refused(await call('POST', '/broadcasts/1/send'), 404, 'not_found');
  refused(await call('GET', '/emails/1'), 404, 'not_found');
  assert.equal(sandbox.resend.executions, 0);
  assert.equal(sandbox.resend.accepted().emails, 0n);
});

test('a strict batch sends all or none, a permissive one those that are valid', async (t) => {
  const { sandbox } = await startStill(t);
  const call = resendOf(sandbox);
  const mixed = [email({ to: many(2) }), email({ to: 'nobody' }), email()];
  refused(await call('POST', '/emails/batch', mixed), 422, 'validation_error');
  assert.equal(sandbox.resend.accepted().emails, 0n);
  const permissive = await call('POST', '/emails/batch', mixed, {
    'x-batch-validation': 'permissive',
  });
  assert.equal(permissive.status, 200);
  assert.equal((permissive.json.data as unknown[]).length, 2);
  assert.deepEqual(
    (permissive.json.errors as { index: number }[]).map(({ index }) => index),
    [1],
  );
  assert.deepEqual(sandbox.resend.total('billed'), { emails: 2n, recipients: 3n });
  const whole = await call(
    'POST',
    '/emails/batch',
    many(100).map((to) => email({ to })),
  );
  assert.deepEqual(Object.keys(whole.json), ['data']);
  assert.equal((whole.json.data as unknown[]).length, 100);
  for (const batch of [
    [],
    many(101).map((to) => email({ to })),
    email(),
    [email({ scheduled_at: 'in 1 hour' })],
  ]) {
    refused(await call('POST', '/emails/batch', batch), 422, 'validation_error');
  }
  assert.deepEqual(sandbox.resend.total('billed'), { emails: 102n, recipients: 103n });
  assert.equal(sandbox.resend.executions, 2);
});

test('a scheduled e-mail is billed when it goes out, and never when it was cancelled', async (t) => {
  const { sandbox, clock } = await startStill(t);
  const call = resendOf(sandbox);
  const at = (hours: number) => new Date(clock.now() + hours * HOUR_MS).toISOString();
  const kept = idOf(await call('POST', '/emails', email({ scheduled_at: at(1), to: many(3) })));
  const dropped = idOf(await call('POST', '/emails', email({ scheduled_at: 'in 30 min' })));
  assert.deepEqual(sandbox.resend.total('scheduled'), { emails: 2n, recipients: 4n });
  assert.deepEqual(sandbox.resend.total('billed'), { emails: 0n, recipients: 0n });
  assert.equal((await call('GET', `/emails/${kept}`)).json.last_event, 'scheduled');
  const cancelled = await call('POST', `/emails/${dropped}/cancel`);
  assert.deepEqual(cancelled.json, { object: 'email', id: dropped });
  assert.equal((await call('GET', `/emails/${dropped}`)).json.last_event, 'canceled');
  const moved = await call('PATCH', `/emails/${kept}`, { scheduled_at: at(2) });
  assert.deepEqual(moved.json, { object: 'email', id: kept });
  clock.advance(1.5 * HOUR_MS);
  assert.deepEqual(sandbox.resend.total('billed'), { emails: 0n, recipients: 0n });
  clock.advance(0.5 * HOUR_MS);
  assert.deepEqual(sandbox.resend.total('billed'), { emails: 1n, recipients: 3n });
  assert.deepEqual(sandbox.resend.total('scheduled'), { emails: 0n, recipients: 0n });
  assert.deepEqual(sandbox.resend.total('cancelled'), { emails: 1n, recipients: 1n });
  for (const id of [kept, dropped]) {
    refused(await call('POST', `/emails/${id}/cancel`), 422, 'validation_error');
    const later = { scheduled_at: at(1) };
    refused(await call('PATCH', `/emails/${id}`, later), 422, 'validation_error');
  }
  const far = email({ scheduled_at: at(31 * 24) });
  refused(await call('POST', '/emails', far), 422, 'validation_error');
});

test('e-mails are listed newest first, page by page', async (t) => {
  const { sandbox } = await startStill(t);
  const call = resendOf(sandbox);
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) ids.unshift(idOf(await call('POST', '/emails', email())));
  const page = async (query: string) => {
    const { json } = await call('GET', `/emails${query}`);
    return [(json.data as { id: string }[]).map(({ id }) => id), json.has_more];
  };
  assert.deepEqual(await page(''), [ids, false]);
  assert.deepEqual(await page('?limit=2'), [ids.slice(0, 2), true]);
  assert.deepEqual(await page(`?limit=3&after=${ids[1]}`), [ids.slice(2), false]);
  assert.deepEqual(await page(`?limit=2&before=${ids[3]}`), [ids.slice(1, 3), true]);
});

test('without a name 403 from in front of Resend; without a key 401, with another 403', async (t) => {
  const { sandbox } = await startStill(t);
  const call = resendOf(sandbox);
  const authorization = `Bearer ${sandbox.resendSecret}`;
  const body = JSON.stringify(email());
  const nameless = await send(sandbox.resendUrl, 'POST', '/emails', body, { authorization });
  assert.deepEqual([nameless.status, nameless.body], [403, 'error code: 1010']);
  assert.match(String(nameless.headers['content-type']), /^text\/plain/);
  const agent = { 'user-agent': 'test/1' };
  const keyless = await send(sandbox.resendUrl, 'POST', '/emails', body, agent);
  assert.deepEqual([keyless.status, JSON.parse(keyless.body).name], [401, 'missing_api_key']);
  const stranger = await call('POST', '/emails', email(), { authorization: 'Bearer re_other' });
  refused(stranger, 403, 'invalid_api_key');
  assert.equal(sandbox.resend.executions, 0);
  assert.equal(sandbox.resend.requests, 3);
});

test('keys and domains answer, so that a request that arrived would be seen', async (t) => {
  const { sandbox } = await startStill(t);
  const call = resendOf(sandbox);
  const key = await call('POST', '/api-keys', { name: 'mine' });
  assert.equal(key.status, 201);
  assert.match(String(key.json.token), /^re_/);
  assert.equal((await call('POST', '/domains', { name: 'x.example' })).status, 201);
  assert.equal((await call('GET', '/domains')).json.object, 'list');
  refused(await call('POST', '/api-keys', {}), 422, 'missing_required_field');
  assert.deepEqual(
    sandbox.resend.received.map(({ method, path, executed }) => [method, path, executed]),
    [
      ['POST', '/api-keys', true],
      ['POST', '/domains', true],
      ['GET', '/domains', false],
      ['POST', '/api-keys', false],
    ],
  );
});
