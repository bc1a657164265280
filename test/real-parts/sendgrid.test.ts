/**
 * The official @sendgrid/mail and sendgrid-python through Keybrake, with SendGrid as it comes with
 * Keybrake: a description in a file. What counts is what the fake SendGrid mailed.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SENDGRID } from '../support/fake-sendgrid.ts';
import { mailStage } from '../support/mail-stage.ts';
import { revokeKey } from '../support/management.ts';
import type { NpmTools } from '../support/npm-tools.ts';
import { describeSdks } from '../support/official-sdks.ts';
import type { Python } from '../support/python.ts';
import { callPython, failure, one } from '../support/python-sdks.ts';
import { type SendGridError, sendGridClient } from '../support/sendgrid-sdk.ts';

const SECRET = 'SG.real-key-of-the-account.0123456789abcdefghij';
/** Micro-dollars of one address, as vendors/sendgrid.yaml has it. */
const PRICE = 1_300;

const MAIL = {
  from: 'shop@shop.example',
  to: ['a@a.example', 'b@b.example'],
  cc: 'c@c.example',
  subject: 'Order',
  text: 'It left.',
};
/** The same mail as sendgrid-python's caller writes it. */
const JSON_MAIL = {
  personalizations: [
    { to: [{ email: 'a@a.example' }, { email: 'b@b.example' }], cc: [{ email: 'c@c.example' }] },
  ],
  from: { email: 'shop@shop.example' },
  subject: 'Order',
  content: [{ type: 'text/plain', value: 'It left.' }],
};

await describeSdks('SendGrid from a file', 'is there', guarantees);

function guarantees(tools: NpmTools, environment: Python): void {
  const stage = mailStage('sendgrid', SENDGRID, { secret: SECRET, price: PRICE });
  const { issue, spendOf, rows } = stage;
  const client = (key: string) => sendGridClient(tools, stage.base, key);
  const rejected = (sending: Promise<unknown>) =>
    sending.then(
      () => assert.fail('it was sent'),
      (error: SendGridError) => error,
    );
  const call = (key: string, path: string, method = 'GET', headers: object = {}, body?: object) =>
    fetch(stage.base + path, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
      body: body === undefined ? null : JSON.stringify(body),
    });

  test('in both languages a mail is sent, costs its addresses, and the vendor sees its own key alone', async () => {
    const { id, vault_key } = await issue(100);
    const [sent] = await client(vault_key).send({ ...MAIL });
    assert.equal(sent.statusCode, 202);
    assert.equal(sent.headers['x-message-id'], stage.vendor.books.letters[0]?.id);
    assert.equal(sent.headers['x-keybrake-cost-usd'], '0.0039');
    const [answered] = await callPython(environment, 'sendgrid', {
      base: stage.base,
      key: vault_key,
      calls: [['send', JSON_MAIL]],
    });
    assert.equal(one(answered).status_code, 202);
    // One request with a letter for each of two recipients.
    await client(vault_key).sendMultiple({ ...MAIL, cc: undefined });
    assert.equal(stage.vendor.books.mails, 3 + 3 + 2);
    assert.deepEqual(await spendOf(id), [8, 0]);
    for (const request of stage.vendor.requests) {
      assert.equal(request.headers.authorization, `Bearer ${SECRET}`);
      assert.doesNotMatch(JSON.stringify(request), /vault_key|keybrake/i);
    }
    const [row] = await rows();
    assert.deepEqual(
      [row?.operation, row?.state, row?.vendor_object_id],
      ['mail.send', 'settled', 'm-1'],
    );
  });

  test('the cap holds however many are sent at once, and the refused see an error that says why', async () => {
    const { id, vault_key } = await issue(30);
    const mailer = client(vault_key);
    const sending = Array.from({ length: 40 }, () => mailer.send({ ...MAIL }));
    const outcomes = await Promise.allSettled(sending);
    const errors = outcomes.flatMap((each) =>
      each.status === 'rejected' ? [each.reason as SendGridError] : [],
    );
    assert.equal(errors.length, 30);
    assert.equal(stage.vendor.books.mails, 30);
    assert.deepEqual(await spendOf(id), [30, 0]);
    for (const { code, response } of errors) {
      assert.equal(code, 429);
      assert.match(response!.body.errors![0]!.message, /^cap_exceeded: /);
      assert.equal((response!.headers as Record<string, string>)['x-keybrake-cap-hit'], 'true');
    }
    const refused = await callPython(environment, 'sendgrid', {
      base: stage.base,
      key: vault_key,
      calls: [['send', JSON_MAIL]],
    });
    assert.equal(failure(refused[0]).class, 'TooManyRequestsError');
    assert.match(JSON.stringify(failure(refused[0])), /cap_exceeded/);
    assert.equal(stage.vendor.requests.length, 10);
  });

  test('after a revoke nothing is sent, and the SDK sees that it may not', async () => {
    const { id, vault_key } = await issue(30);
    await revokeKey(stage.keybrake, id);
    const error = await rejected(client(vault_key).send({ ...MAIL }));
    assert.equal(error.code, 401);
    assert.match(error.response!.body.errors![0]!.message, /^key_revoked: /);
    assert.equal(stage.vendor.requests.length, 0);
  });

  test('what SendGrid rejects costs nothing, and its own words are passed on', async () => {
    const { id, vault_key } = await issue(30);
    const error = await rejected(client(vault_key).send({ ...MAIL, to: ['nobody'] }));
    assert.equal(error.code, 400);
    assert.match(error.response!.body.errors![0]!.message, /valid address/);
    stage.vendor.faults.push({ status: 429, executes: false });
    assert.equal((await rejected(client(vault_key).send({ ...MAIL }))).code, 429);
    assert.deepEqual(await spendOf(id), [0, 0]);
    assert.deepEqual(
      (await rows()).map(({ state }) => state),
      ['released', 'released'],
    );
  });

  test('what nobody knows the end of stays counted, and is sent once', async () => {
    const { id, vault_key } = await issue(12);
    for (const fault of [
      { status: 500, executes: true },
      { status: 503, executes: false },
      { hangUp: true, executes: true } as const,
      { hangUp: true, executes: false } as const,
    ]) {
      stage.vendor.faults.push(fault);
      const { code } = await rejected(client(vault_key).send({ ...MAIL }));
      assert.equal(code, 'status' in fault ? fault.status : 504);
    }
    assert.equal(stage.vendor.requests.length, 4);
    assert.equal(stage.vendor.books.mails, 6);
    assert.deepEqual(await spendOf(id), [0, 12]);
    assert.deepEqual(
      (await rows()).map(({ state }) => state),
      Array(4).fill('unknown'),
    );
    // The cap counts what may have been mailed.
    assert.equal((await rejected(client(vault_key).send({ ...MAIL }))).code, 429);
  });

  test('an idempotency key makes one mail of many tries, though SendGrid has none', async () => {
    const { id, vault_key } = await issue(100);
    const headers = { 'idempotency-key': 'order-1' };
    const send = () => call(vault_key, '/v3/mail/send', 'POST', headers, JSON_MAIL);
    const [first, ...others] = await Promise.all([send(), send(), send()]);
    assert.equal(first?.status, 202);
    for (const other of others) assert.equal(other.status, 202);
    assert.equal((await send()).headers.get('x-keybrake-replayed'), 'true');
    assert.equal(stage.vendor.books.letters.length, 1);
    assert.deepEqual(await spendOf(id), [3, 0]);
    assert.equal(stage.vendor.requests[0]?.headers['idempotency-key'], undefined);
    // After an unknown outcome a try with the same key is refused, for it might mail again.
    stage.vendor.faults.push({ hangUp: true, executes: true });
    const lost = { 'idempotency-key': 'order-2' };
    const again = () => call(vault_key, '/v3/mail/send', 'POST', lost, JSON_MAIL);
    assert.equal((await again()).status, 504);
    assert.equal((await again()).headers.get('x-keybrake-reason'), 'outcome_unknown');
    assert.equal(stage.vendor.books.letters.length, 2);
    assert.deepEqual(await spendOf(id), [3, 3]);
  });

  test('a scheduled mail counts from its acceptance, and cancelling its batch gives nothing back', async () => {
    const { id, vault_key } = await issue(100);
    const made = await call(vault_key, '/v3/mail/batch', 'POST', {}, {});
    const { batch_id: batchId } = (await made.json()) as { batch_id: string };
    await client(vault_key).send({ ...MAIL, batchId, sendAt: 1_900_000_000 });
    assert.equal(stage.vendor.books.letters[0]?.batch, batchId);
    const cancel = { batch_id: batchId, status: 'cancel' };
    const cancelled = await call(vault_key, '/v3/user/scheduled_sends', 'POST', {}, cancel);
    assert.equal(cancelled.status, 201);
    assert.ok(stage.vendor.books.cancelled.has(batchId));
    assert.deepEqual(await spendOf(id), [3, 0]);
  });

  test('keys, subusers and teammates are out of reach, and what is not described is unpriced', async () => {
    const { vault_key } = await issue(100);
    for (const [path, method, reason] of [
      ['/v3/api_keys', 'POST', 'endpoint_not_allowed'],
      ['/v3/api_keys/k', 'DELETE', 'endpoint_not_allowed'],
      ['/v3/subusers', 'GET', 'endpoint_not_allowed'],
      ['/v3/teammates/t', 'GET', 'endpoint_not_allowed'],
      ['/v3/user/webhooks/event/settings', 'PATCH', 'endpoint_not_allowed'],
      ['/v3/marketing/singlesends/s/schedule', 'PUT', 'unpriced'],
      ['/v3/something/new', 'POST', 'unpriced'],
    ]) {
      const answer = await call(vault_key, path!, method!, {}, method === 'GET' ? undefined : {});
      assert.equal(answer.headers.get('x-keybrake-reason'), reason, `${method} ${path}`);
      assert.equal(answer.status, 403);
    }
    const forOthers = await call(vault_key, '/v3/stats', 'GET', { 'on-behalf-of': 'subuser' });
    assert.equal(forOthers.headers.get('x-keybrake-reason'), 'scope_not_allowed');
    assert.equal(stage.vendor.requests.length, 0);
  });

  test('recipients cannot be hidden from the count', async () => {
    const { vault_key } = await issue(100);
    const send = (body: object) => call(vault_key, '/v3/mail/send', 'POST', {}, body);
    const many = Array.from({ length: 9 }, (_, n) => ({ email: `u${n}@u.example` }));
    for (const [body, reason] of [
      [{ ...JSON_MAIL, Personalizations: [{ to: many }] }, 'request_ambiguous'],
      [
        { ...JSON_MAIL, personalizations: [{ to: [{ email: 'a@a.example' }], TO: many }] },
        'request_ambiguous',
      ],
      [{ ...JSON_MAIL, personalizations: { 0: { to: many } } }, 'request_ambiguous'],
      [
        { ...JSON_MAIL, mail_settings: { bcc: { enable: true, email: 'x@x.example' } } },
        'unpriced',
      ],
    ] as const) {
      assert.equal((await send(body)).headers.get('x-keybrake-reason'), reason);
    }
    assert.equal(stage.vendor.requests.length, 0);
  });
}
