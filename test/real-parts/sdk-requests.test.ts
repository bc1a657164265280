/**
 * What the official SDKs of Twilio, Resend, SendGrid and Postmark put on the wire when they are
 * pointed at an address with a path, as Keybrake's is, and how often they repeat what was refused:
 * the facts that the vendors' adapters rest on. Without Keybrake.
 */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { NpmTools } from '../support/npm-tools.ts';
import { describeSdks } from '../support/official-sdks.ts';
import { postmarkClient } from '../support/postmark-sdk.ts';
import type { Python } from '../support/python.ts';
import { callPython, failure, one, type PythonOrder } from '../support/python-sdks.ts';
import { headerOf, type Recorded, type Recorder, startRecorder } from '../support/recorder.ts';
import { resendClient } from '../support/resend-sdk.ts';
import { sendGridClient } from '../support/sendgrid-sdk.ts';
import { twilioClient } from '../support/twilio-sdk.ts';

const KEY = 'vault_key_as_the_sdk_got_it';
const sid = (prefix: string) => prefix + '0'.repeat(32);
const ACCOUNT = sid('AC');
const SERVICE = sid('VA');
const TO = '+15558675310';
const FROM = '+15551234567';
const BODY = 'Zażółć & “go” €';
const MEDIA = ['https://media.example/1.png', 'https://media.example/2.png'];
const MAIL = {
  from: 'shop@shop.example',
  to: ['a@a.example', 'b@b.example'],
  cc: 'c@c.example',
  subject: 'Order',
  text: 'It left.',
};

await describeSdks('what the official SDKs send', 'is known', facts);

function facts(tools: NpmTools, environment: Python): void {
  let recorder: Recorder;
  before(async () => {
    recorder = await startRecorder();
  });
  after(async () => {
    await recorder?.close();
  });
  beforeEach(() => {
    recorder.seen.length = 0;
    recorder.answer = { status: 200, body: {} };
  });

  const at = (vendor: string) => `${recorder.url}/${vendor}`;
  const inPython = (sdk: 'resend' | 'sendgrid' | 'postmark', ...calls: PythonOrder['calls']) =>
    callPython(environment, sdk, { base: at(sdk), key: KEY, retries: 1, calls });
  const lines = () => recorder.seen.map(({ method, target }) => `${method} ${target}`);

  test('twilio: a form with repeated keys, the key in either half of Basic, a segment for a product', async () => {
    const list = `/twilio/2010-04-01/Accounts/${ACCOUNT}`;
    const expected = [
      [`POST ${list}/Messages.json`, { To: TO, From: FROM, Body: BODY }],
      [`POST ${list}/Messages.json`, { To: TO, From: FROM, MediaUrl: MEDIA }],
      [`POST ${list}/Calls.json`, { To: TO, From: FROM, TimeLimit: '60', Twiml: '<Response/>' }],
      [`POST /twilio/verify/v2/Services/${SERVICE}/Verifications`, { To: TO, Channel: 'sms' }],
      // The `+` of a number is sent as it is.
      [`GET /twilio/lookups/v2/PhoneNumbers/${TO}?Fields=caller_name%2Csim_swap`, {}],
    ];
    const sent = () =>
      recorder.seen.splice(0).map((each) => [`${each.method} ${each.target}`, form(each)]);
    const fields = 'caller_name,sim_swap';
    const forms = [
      { username: ACCOUNT, password: KEY },
      { username: KEY, password: 'x', accountSid: ACCOUNT },
    ];
    for (const { username, password, accountSid } of forms) {
      const credential = `Basic ${btoa(`${username}:${password}`)}`;
      const proves = () => {
        for (const each of recorder.seen) {
          assert.equal(headerOf(each, 'authorization'), credential);
          assert.equal(headerOf(each, 'idempotency-key'), undefined);
        }
        assert.deepEqual(sent(), expected);
      };

      const account = { base: at('twilio'), username, password };
      const client = twilioClient(tools, { ...account, ...(accountSid ? { accountSid } : {}) });
      await client.messages.create({ to: TO, from: FROM, body: BODY });
      await client.messages.create({ to: TO, from: FROM, mediaUrl: MEDIA });
      await client.calls.create({ to: TO, from: FROM, timeLimit: 60, twiml: '<Response/>' });
      await client.verify.v2.services(SERVICE).verifications.create({ to: TO, channel: 'sms' });
      await client.lookups.v2.phoneNumbers(TO).fetch({ fields });
      proves();

      const outcomes = await callPython(environment, 'twilio', {
        ...account,
        account_sid: accountSid,
        calls: [
          ['messages.create', { to: TO, from_: FROM, body: BODY }],
          ['messages.create', { to: TO, from_: FROM, media_url: MEDIA }],
          ['calls.create', { to: TO, from_: FROM, time_limit: 60, twiml: '<Response/>' }],
          ['verifications.create', SERVICE, { to: TO, channel: 'sms' }],
          ['phone_numbers.fetch', TO, { fields }],
        ],
      });
      for (const outcome of outcomes) one(outcome);
      proves();
    }
  });

  test('twilio-python without an account puts its user name into the path, twilio-node refuses', async () => {
    const account = { base: at('twilio'), username: KEY, password: 'x' };
    assert.throws(() => twilioClient(tools, account), /accountSid must start with AC/);
    const calls: PythonOrder['calls'] = [['messages.create', { to: TO, from_: FROM, body: 'x' }]];
    await callPython(environment, 'twilio', { ...account, calls });
    assert.deepEqual(lines(), [`POST /twilio/2010-04-01/Accounts/${KEY}/Messages.json`]);
  });

  test('resend: JSON with the key as Bearer, and an idempotency key only if the caller has one', async () => {
    const proves = () => {
      assert.deepEqual(lines(), [
        'POST /resend/emails',
        'POST /resend/emails',
        'POST /resend/emails/batch',
      ]);
      const keys = recorder.seen.map((each) => headerOf(each, 'idempotency-key'));
      assert.deepEqual(keys, [undefined, 'order-1', undefined]);
      for (const each of recorder.seen) {
        assert.equal(headerOf(each, 'authorization'), `Bearer ${KEY}`);
        assert.equal(headerOf(each, 'content-type'), 'application/json');
        assert.match(headerOf(each, 'user-agent') ?? '', /^resend-(node|python):\d/);
      }
      assert.deepEqual(
        recorder.seen.map(({ body }) => JSON.parse(body)),
        [MAIL, MAIL, [MAIL, MAIL]],
      );
      recorder.seen.length = 0;
    };
    const { emails, batch } = resendClient(tools, at('resend'), KEY);
    await emails.send(MAIL);
    await emails.send(MAIL, { idempotencyKey: 'order-1' });
    await batch.send([MAIL, MAIL]);
    proves();
    const key = { idempotency_key: 'order-1' };
    await inPython(
      'resend',
      ['emails.send', MAIL],
      ['emails.send', MAIL, key],
      ['batch.send', [MAIL, MAIL]],
    );
    proves();
  });

  test('sendgrid: JSON with the key as Bearer, whatever it begins with', async () => {
    recorder.answer = { status: 202, body: '' };
    const { cc, ...letter } = MAIL;
    const client = sendGridClient(tools, at('sendgrid'), KEY);
    await client.send({ ...letter, cc });
    await client.sendMultiple(letter);
    const [a, b, c] = ['a@a.example', 'b@b.example', 'c@c.example'].map((email) => ({ email }));
    const together = { to: [a, b], cc: [c] };
    const content = [{ type: 'text/plain', value: MAIL.text }];
    const mail = { from: { email: MAIL.from }, subject: MAIL.subject, content };
    const [accepted] = await inPython('sendgrid', [
      'send',
      { ...mail, personalizations: [together] },
    ]);
    assert.equal(one(accepted).status_code, 202);

    assert.deepEqual(lines(), Array(3).fill('POST /sendgrid/v3/mail/send'));
    for (const each of recorder.seen) {
      assert.equal(headerOf(each, 'authorization'), `Bearer ${KEY}`);
      assert.equal(headerOf(each, 'idempotency-key'), undefined);
    }
    assert.deepEqual(
      recorder.seen.map(({ body }) => JSON.parse(body).personalizations),
      // sendMultiple is one request with as many letters as recipients.
      [[together], [{ to: [a] }, { to: [b] }], [together]],
    );
  });

  test('postmark: the key in a header of its own and no Authorization, with and without a path', async () => {
    const mail = {
      From: MAIL.from,
      To: 'a@a.example,b@b.example',
      Subject: 'Order',
      TextBody: 'x',
    };
    for (const base of [recorder.url, at('postmark')]) {
      const client = postmarkClient(tools, base, KEY);
      await client.sendEmail(mail);
      await client.sendEmailBatch([mail, mail]);
    }
    const letter = { sender: mail.From, to: mail.To, subject: 'Order', text_body: 'x' };
    await inPython('postmark', ['send', letter], ['send_batch', [letter, letter]]);
    assert.deepEqual(lines(), [
      ...['POST /email', 'POST /email/batch'],
      ...['POST /postmark/email', 'POST /postmark/email/batch'],
      ...['POST /postmark/email', 'POST /postmark/email/batch'],
    ]);
    for (const [index, each] of recorder.seen.entries()) {
      assert.equal(headerOf(each, 'x-postmark-server-token'), KEY);
      assert.equal(headerOf(each, 'authorization'), undefined);
      const letters = [JSON.parse(each.body)].flat();
      assert.deepEqual(
        letters.map(({ To }) => To),
        Array(index % 2 === 0 ? 1 : 2).fill(mail.To),
      );
    }
  });

  test('a 429 is final for every SDK but postmark-python, which repeats it unless the body’s code forbids', async () => {
    const refuse = (body: object) => {
      recorder.seen.length = 0;
      recorder.answer = { status: 429, body, headers: { 'x-keybrake-cap-hit': 'true' } };
    };
    const attempts = () => recorder.seen.length;

    refuse({ code: 79429, message: 'cap', status: 429 });
    const account = { base: at('twilio'), username: ACCOUNT, password: KEY };
    const client = twilioClient(tools, account);
    const sms = { to: TO, from: FROM, body: 'x' };
    await assert.rejects(client.messages.create(sms), { status: 429, code: 79429 });
    assert.equal(client.httpClient.lastResponse?.headers['x-keybrake-cap-hit'], 'true');
    assert.equal(attempts(), 1);
    const calls: PythonOrder['calls'] = [['messages.create', { to: TO, from_: FROM, body: 'x' }]];
    const [twilio] = await callPython(environment, 'twilio', { ...account, calls });
    assert.deepEqual([failure(twilio).status, failure(twilio).code, attempts()], [429, 79429, 2]);

    refuse({ statusCode: 429, name: 'cap_exceeded', message: 'cap' });
    const { error, headers } = await resendClient(tools, at('resend'), KEY).emails.send(MAIL);
    assert.deepEqual([error?.name, error?.statusCode, attempts()], ['cap_exceeded', 429, 1]);
    assert.equal(headers?.['x-keybrake-cap-hit'], 'true');
    const [resend] = await inPython('resend', ['emails.send', MAIL]);
    assert.deepEqual(
      [failure(resend).class, failure(resend).error_type],
      ['ResendError', 'cap_exceeded'],
    );
    assert.equal(attempts(), 2);

    refuse({ errors: [{ message: 'cap', field: null, help: null }] });
    await assert.rejects(sendGridClient(tools, at('sendgrid'), KEY).send({ ...MAIL }), {
      code: 429,
    });
    const [sendgrid] = await inPython('sendgrid', ['send', { personalizations: [] }]);
    assert.equal(failure(sendgrid).class, 'TooManyRequestsError');
    assert.equal(attempts(), 2);

    refuse({ ErrorCode: 79429, Message: 'cap' });
    const mail = { From: MAIL.from, To: 'a@a.example', Subject: 'Order', TextBody: 'x' };
    const letter = { sender: MAIL.from, to: 'a@a.example', subject: 'Order', text_body: 'x' };
    await assert.rejects(postmarkClient(tools, at('postmark'), KEY).sendEmail(mail), {
      name: 'RateLimitExceededError',
      code: 79429,
    });
    assert.equal(attempts(), 1);
    const [repeated] = await inPython('postmark', ['send', letter]);
    assert.deepEqual([failure(repeated).class, attempts()], ['RateLimitException', 1 + 2]);

    // Postmark's own code for an account that may not send: it looks at that before the status.
    refuse({ ErrorCode: 405, Message: 'cap' });
    const [final] = await inPython('postmark', ['send', letter]);
    assert.deepEqual([failure(final).class, attempts()], ['ValidationException', 1]);
  });
}

/** The fields of a form; a repeated one is a list. */
function form({ body }: Recorded): Record<string, string | string[]> {
  const pairs = new URLSearchParams(body);
  const names = [...new Set(pairs.keys())];
  return Object.fromEntries(
    names.map((name) => {
      const [first = '', ...more] = pairs.getAll(name);
      return [name, more.length > 0 ? [first, ...more] : first];
    }),
  );
}
