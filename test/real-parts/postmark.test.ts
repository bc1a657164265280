/**
 * The official postmark.js and postmark-python through Keybrake, with Postmark as it comes with
 * Keybrake: a description in a file, whose key is in a header of its own. What counts is what the
 * fake Postmark mailed.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newVaultKey } from '../../src/ids.ts';
import { POSTMARK } from '../support/fake-postmark.ts';
import { mailStage } from '../support/mail-stage.ts';
import { issueKey, revokeKey } from '../support/management.ts';
import type { NpmTools } from '../support/npm-tools.ts';
import { describeSdks } from '../support/official-sdks.ts';
import { type PostmarkError, postmarkClient } from '../support/postmark-sdk.ts';
import type { Python } from '../support/python.ts';
import { callPython, failure, one } from '../support/python-sdks.ts';

const SECRET = '00000000-aaaa-4bbb-8ccc-000000000001';
/** Micro-dollars of one address, as vendors/postmark.yaml has it. */
const PRICE = 1_800;

const MAIL = {
  From: 'shop@shop.example',
  To: '"Doe, Jane" <jane@a.example>, joe@b.example',
  Cc: 'c@c.example',
  Subject: 'Order',
  TextBody: 'It left.',
};
/** As postmark-python's caller writes a mail of two addresses. */
const LETTER = {
  sender: 'shop@shop.example',
  to: 'a@a.example,b@b.example',
  subject: 'Order',
  text_body: 'It left.',
};

await describeSdks('Postmark from a file', 'is there', guarantees);

function guarantees(tools: NpmTools, environment: Python): void {
  const stage = mailStage('postmark', POSTMARK, { secret: SECRET, price: PRICE });
  const { issue, spendOf, rows } = stage;
  const client = (key: string) => postmarkClient(tools, stage.base, key);
  const inPython = (key: string, ...calls: [name: string, ...parameters: unknown[]][]) =>
    callPython(environment, 'postmark', { base: stage.base, key, retries: 2, calls });
  const rejected = (sending: Promise<unknown>) =>
    sending.then(
      () => assert.fail('it was sent'),
      (error: PostmarkError) => error,
    );
  const call = (headers: Record<string, string>, path = '/email', body: unknown = MAIL) =>
    fetch(stage.base + path, {
      method: body === null ? 'GET' : 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
      body: body === null ? null : JSON.stringify(body),
    });

  test('the key works in Postmark’s own header, with and without a path, and in Authorization', async () => {
    const { id, vault_key } = await issue(100);
    for (const at of [stage.base, stage.keybrake.url]) {
      const sent = await postmarkClient(tools, at, vault_key).sendEmail(MAIL);
      assert.equal(sent.ErrorCode, 0);
      assert.equal(sent.MessageID, stage.vendor.books.letters.at(-1)?.id);
    }
    const [written] = await inPython(vault_key, ['send', LETTER]);
    assert.equal(one(written).error_code ?? one(written).ErrorCode, 0);
    const answer = await call({ authorization: `Bearer ${vault_key}` });
    assert.equal(answer.headers.get('x-keybrake-cost-usd'), '0.0054');
    assert.equal(stage.vendor.books.mails, 3 + 3 + 2 + 3);
    assert.deepEqual(await spendOf(id), [11, 0]);
    for (const request of stage.vendor.requests) {
      assert.equal(request.headers['x-postmark-server-token'], SECRET);
      assert.equal(request.headers.authorization, undefined);
      assert.doesNotMatch(JSON.stringify(request), /vault_key|keybrake/i);
    }
    const [row] = await rows();
    assert.deepEqual(
      [row?.operation, row?.state, row?.vendor_object_id],
      ['email.send', 'settled', 'm-1'],
    );
  });

  test('a task can be named inside the credential, in that header too', async () => {
    const { vault_key } = await issue(100);
    await client(`${vault_key}~task-7`).sendEmail(MAIL);
    assert.equal((await rows())[0]?.task_id, 'task-7');
  });

  test('a second credential is refused, and the vendor sees none of it', async () => {
    const { vault_key } = await issue(100);
    const token = (text: string) => ({ 'X-Postmark-Server-Token': text });
    for (const headers of [
      { ...token(vault_key), authorization: `Bearer ${vault_key}` },
      { ...token(vault_key), authorization: 'Bearer something-else' },
      { ...token(SECRET), authorization: `Bearer ${vault_key}` },
      { ...token(vault_key), 'X-Postmark-Account-Token': 'an-accounts-secret' },
      { ...token(vault_key), 'X-Other-Token': newVaultKey(false) },
    ]) {
      const answer = await call(headers);
      assert.equal(answer.headers.get('x-keybrake-reason'), 'request_ambiguous');
      assert.equal(answer.status, 400);
      const { ErrorCode, Message } = (await answer.json()) as {
        ErrorCode: number;
        Message: string;
      };
      assert.equal(ErrorCode, 300);
      assert.match(Message, /^request_ambiguous: /);
      assert.doesNotMatch(Message, /vault_key_|accounts-secret|00000000-aaaa/);
    }
    // The header means Postmark: a key for another vendor is not taken there.
    const stripe = await issueKey(stage.keybrake);
    const answer = await fetch(`${stage.keybrake.url}/stripe/v1/balance`, {
      headers: token(stripe.vault_key),
    });
    assert.equal(answer.headers.get('x-keybrake-reason'), 'request_ambiguous');
    assert.equal(stage.vendor.requests.length, 0);
    assert.equal(stage.keybrake.sandbox.stripe.requests, 0);
  });

  test('a stranger’s token is refused in Postmark’s shape, wherever it is sent', async () => {
    for (const at of [stage.base, stage.keybrake.url]) {
      const error = await rejected(postmarkClient(tools, at, newVaultKey(false)).sendEmail(MAIL));
      assert.deepEqual([error.name, error.code], ['InvalidAPIKeyError', 10]);
      assert.match(error.message, /^key_unknown: /);
    }
  });

  test('the cap holds however many are sent at once, and no SDK tries again', async () => {
    const { id, vault_key } = await issue(30);
    const mailer = client(vault_key);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 40 }, () => mailer.sendEmail(MAIL)),
    );
    const errors = outcomes.flatMap((each) =>
      each.status === 'rejected' ? [each.reason as PostmarkError] : [],
    );
    assert.equal(errors.length, 30);
    assert.equal(stage.vendor.books.mails, 30);
    assert.deepEqual(await spendOf(id), [30, 0]);
    for (const error of errors) {
      assert.deepEqual([error.name, error.statusCode], ['RateLimitExceededError', 429]);
      assert.match(error.message, /^cap_exceeded: /);
    }
    const before = (await rows()).length;
    const [refused] = await inPython(vault_key, ['send', LETTER]);
    assert.equal(failure(refused).class, 'ValidationException');
    assert.match(failure(refused).text, /cap_exceeded/);
    assert.equal((await rows()).length, before + 1);
    assert.equal(stage.vendor.requests.length, 10);
  });

  test('after a revoke the SDK sees that its key is not valid', async () => {
    const { id, vault_key } = await issue(30);
    await revokeKey(stage.keybrake, id);
    const error = await rejected(client(vault_key).sendEmail(MAIL));
    assert.equal(error.name, 'InvalidAPIKeyError');
    assert.match(error.message, /^key_revoked: /);
    assert.equal(stage.vendor.requests.length, 0);
  });

  test('of a batch what Postmark rejects costs nothing', async () => {
    const { id, vault_key } = await issue(100);
    const inactive = { ...MAIL, To: 'inactive@x.example, y@x.example', Cc: undefined };
    const results = await client(vault_key).sendEmailBatch([MAIL, inactive, MAIL]);
    assert.deepEqual(
      results.map(({ ErrorCode }) => ErrorCode),
      [0, 406, 0],
    );
    assert.equal(stage.vendor.books.mails, 6);
    assert.deepEqual(await spendOf(id), [6, 0]);
    const [batch] = await inPython(vault_key, ['send_batch', [LETTER, LETTER]]);
    assert.ok(Array.isArray(batch?.result), JSON.stringify(batch));
    assert.deepEqual(await spendOf(id), [10, 0]);
    assert.equal(stage.vendor.books.mails, 10);
  });

  test('mail by template costs as other mail', async () => {
    const { id, vault_key } = await issue(100);
    const { TextBody: _, Subject: __, ...letter } = MAIL;
    const mail = { ...letter, TemplateAlias: 'welcome', TemplateModel: { to: 'x' } };
    await client(vault_key).sendEmailWithTemplate(mail);
    const inactive = { ...mail, Cc: 'inactive@x.example' };
    await client(vault_key).sendEmailBatchWithTemplates([mail, inactive]);
    assert.equal(stage.vendor.books.mails, 6);
    assert.deepEqual(await spendOf(id), [6, 0]);
  });

  test('what Postmark rejects costs nothing, and its own words are passed on', async () => {
    const { id, vault_key } = await issue(30);
    const error = await rejected(
      client(vault_key).sendEmail({ ...MAIL, Cc: 'inactive@x.example' }),
    );
    assert.deepEqual([error.name, error.code], ['InactiveRecipientsError', 406]);
    stage.vendor.faults.push({ status: 429, executes: false });
    assert.equal(
      (await rejected(client(vault_key).sendEmail(MAIL))).name,
      'RateLimitExceededError',
    );
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
      { hangUp: true, executes: true } as const,
      { hangUp: true, executes: false } as const,
    ]) {
      stage.vendor.faults.push(fault);
      const { statusCode } = await rejected(client(vault_key).sendEmail(MAIL));
      assert.equal(statusCode, 'status' in fault ? fault.status : 504);
    }
    assert.equal(stage.vendor.requests.length, 3);
    assert.equal(stage.vendor.books.mails, 6);
    assert.deepEqual(await spendOf(id), [0, 9]);
    assert.deepEqual(
      (await rows()).map(({ state }) => state),
      Array(3).fill('unknown'),
    );
  });

  test('servers, webhooks and the server’s own tokens are out of reach', async () => {
    const { vault_key } = await issue(100);
    const headers = { 'X-Postmark-Server-Token': vault_key };
    for (const [path, body, reason] of [
      ['/server', null, 'endpoint_not_allowed'],
      ['/servers', null, 'endpoint_not_allowed'],
      ['/webhooks', { Url: 'https://x.example' }, 'endpoint_not_allowed'],
      ['/webhooks/1', null, 'endpoint_not_allowed'],
      ['/messages/outbound/m/dump', null, 'endpoint_not_allowed'],
      ['/something/new', {}, 'unpriced'],
    ] as const) {
      const answer = await call(headers, path, body);
      assert.equal(answer.headers.get('x-keybrake-reason'), reason, path);
    }
    assert.equal(stage.vendor.requests.length, 0);
  });

  test('recipients cannot be hidden from the count', async () => {
    const { vault_key } = await issue(100);
    const headers = { 'X-Postmark-Server-Token': vault_key };
    for (const body of [
      { ...MAIL, to: 'x@x.example,y@y.example' },
      { ...MAIL, To: ['a@a.example', 'b@b.example'] },
      { ...MAIL, Bcc: '"x@x.example, y@y.example"' },
      { ...MAIL, Bcc: 'x@x.example;y@y.example' },
    ]) {
      const answer = await call(headers, '/email', body);
      assert.equal(
        answer.headers.get('x-keybrake-reason'),
        'request_ambiguous',
        JSON.stringify(body),
      );
    }
    assert.equal(stage.vendor.requests.length, 0);
  });
}
