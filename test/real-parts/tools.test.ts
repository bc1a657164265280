/**
 * The official SDKs of Twilio and Resend, in both languages, on fakes that nobody here wrote and
 * without Keybrake: what another test sees go wrong is then not the tools' doing.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { EMULATED_TWILIO as ACCOUNT, type Emulate, startEmulate } from '../support/emulate.ts';
import { type NpmTools, npmTools } from '../support/npm-tools.ts';
import { describeSdks } from '../support/official-sdks.ts';
import { type Prism, startPrism } from '../support/prism.ts';
import type { Python } from '../support/python.ts';
import {
  callPython,
  failure,
  one,
  type PythonOrder,
  type PythonOutcome,
} from '../support/python-sdks.ts';
import { resendClient } from '../support/resend-sdk.ts';
import { type TwilioOptions, twilioClient } from '../support/twilio-sdk.ts';

const TO = '+15558675310';
const SMS = { to: TO, from: ACCOUNT.from, body: 'Your order has left.' };
const MEDIA = ['https://media.example/1.png', 'https://media.example/2.png'];
const MAIL = { from: 'shop@shop.example', to: ['a@a.example'], subject: 'Order', text: 'It left.' };

await describeSdks('official SDKs on fakes of other makers', 'run', guarantees);

test('the tools are pinned by their content, from whichever registry, and one script is left out', () => {
  const lock = new URL('../support/npm/package-lock.json', import.meta.url);
  const { packages } = JSON.parse(readFileSync(lock, 'utf8')) as {
    packages: Record<string, { integrity?: string; resolved?: string; hasInstallScript?: true }>;
  };
  const installed = Object.entries(packages).filter(([path]) => path !== '');
  for (const [path, { integrity, resolved }] of installed) {
    assert.match(integrity ?? '', /^sha512-/, path);
    assert.equal(resolved, undefined, path);
  }
  const scripts = installed.filter(([, { hasInstallScript }]) => hasInstallScript);
  assert.deepEqual(
    scripts.map(([path]) => path),
    ['node_modules/@scarf/scarf'],
  );
});

test('the calculator of segments loads and counts as Twilio documents', async (t) => {
  const tools = await npmTools();
  if ('skip' in tools) return t.skip(tools.skip);
  const { SegmentedMessage } = tools.load('sms-segments-calculator') as {
    SegmentedMessage: new (text: string) => { segmentsCount: number; encodingName: string };
  };
  const count = (text: string) => {
    const { encodingName, segmentsCount } = new SegmentedMessage(text);
    return [encodingName, segmentsCount];
  };
  assert.deepEqual(count('a'.repeat(160)), ['GSM-7', 1]);
  assert.deepEqual(count('a'.repeat(161)), ['GSM-7', 2]);
  assert.deepEqual(count('{'.repeat(81)), ['GSM-7', 2]);
  assert.deepEqual(count('ж'.repeat(71)), ['UCS-2', 2]);
});

function guarantees(tools: NpmTools, environment: Python): void {
  let emulate: Emulate<'twilio' | 'resend'>;
  let api: Prism;
  let verify: Prism;
  let lookups: Prism;
  let mail: Prism;

  before(async () => {
    [emulate, api, verify, lookups, mail] = await Promise.all([
      startEmulate(tools, ['twilio', 'resend']),
      startPrism(tools, 'twilio/twilio_api_v2010.json'),
      startPrism(tools, 'twilio/twilio_verify_v2.json'),
      startPrism(tools, 'twilio/twilio_lookups_v2.json'),
      startPrism(tools, 'resend/openapi.json'),
    ]);
  });
  after(async () => {
    await Promise.all([emulate, api, verify, lookups, mail].map((fake) => fake?.close()));
  });

  /** The account's token in one form of Basic, an API key's secret in the other. */
  const forms = (): TwilioOptions[] => {
    const { accountSid, authToken, apiKeySid, apiKeySecret } = ACCOUNT;
    const base = emulate.urls.twilio;
    return [
      { base, username: accountSid, password: authToken },
      { base, username: apiKeySid, password: apiKeySecret, accountSid },
    ];
  };
  const onPrism = (): TwilioOptions => ({
    base: api.url,
    products: { verify: verify.url, lookups: lookups.url },
    username: ACCOUNT.accountSid,
    password: 'any',
  });
  const twilioPython = (options: TwilioOptions, calls: PythonOrder['calls']) => {
    const { accountSid: account_sid, ...order } = options;
    return callPython(environment, 'twilio', { ...order, account_sid, calls });
  };
  const resendPython = (base: string, calls: PythonOrder['calls']) =>
    callPython(environment, 'resend', { base, key: 're_any', calls });

  test('no fake listens beyond 127.0.0.1', async () => {
    const urls = [
      ...Object.values(emulate.urls),
      ...[api, verify, lookups, mail].map((p) => p.url),
    ];
    assert.equal(urls.length, 6);
    for (const url of urls) {
      // An address of this machine as well: who listens on every address answers here too.
      const socket = connect(Number(new URL(url).port), '127.0.0.2');
      const code = await new Promise((resolve) => {
        socket.once('connect', () => resolve('connected'));
        socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
      });
      socket.destroy();
      assert.equal(code, 'ECONNREFUSED', url);
    }
  });

  test('twilio-node keeps its books on emulate, in both forms of Basic', async () => {
    for (const form of forms()) {
      const client = twilioClient(tools, form);
      const sent = await client.messages.create(SMS);
      assert.match(sent.sid, /^SM/);
      assert.deepEqual([sent.status, sent.price], ['queued', null]);
      const pictures = await client.messages.create({ ...SMS, mediaUrl: MEDIA });
      assert.equal(pictures.numMedia, '2');
      const later = { to: TO, messagingServiceSid: ACCOUNT.messagingServiceSid, body: 'Later.' };
      const sendAt = new Date('2040-01-01T00:00:00Z');
      const planned = await client.messages.create({ ...later, scheduleType: 'fixed', sendAt });
      assert.equal(planned.status, 'scheduled');
      const canceled = await client.messages(planned.sid).update({ status: 'canceled' });
      assert.equal(canceled.status, 'canceled');
      const call = await client.calls.create({ to: TO, from: ACCOUNT.from, twiml: '<Response/>' });
      assert.match(call.sid, /^CA/);
      const { verifications } = client.verify.v2.services(ACCOUNT.verifyServiceSid);
      assert.equal((await verifications.create({ to: TO, channel: 'sms' })).status, 'pending');

      const listed = await client.messages.list({ to: TO, limit: 3 });
      assert.deepEqual(
        listed.map(({ sid }) => sid),
        [planned, pictures, sent].map(({ sid }) => sid),
      );
    }
  });

  test('twilio-python keeps its books on emulate, in both forms of Basic', async () => {
    for (const form of forms()) {
      const client = twilioClient(tools, form);
      const { sid } = await client.messages.create(SMS);
      const { from, ...sms } = { ...SMS, from_: SMS.from };
      const [sent, pictures, fetched, listed, call, code] = await twilioPython(form, [
        ['messages.create', sms],
        ['messages.create', { ...sms, media_url: MEDIA }],
        ['messages.fetch', sid],
        ['messages.list', { to: TO, limit: 3 }],
        ['calls.create', { to: TO, from_: from, twiml: '<Response/>' }],
        ['verifications.create', ACCOUNT.verifyServiceSid, { to: TO, channel: 'sms' }],
      ]);
      assert.deepEqual([one(sent).status, one(sent).price], ['queued', null]);
      assert.equal(one(pictures).num_media, '2');
      assert.equal(one(fetched).sid, sid);
      assert.deepEqual(sids(listed), [one(pictures).sid, one(sent).sid, sid]);
      assert.match(String(one(call).sid), /^CA/);
      assert.equal(one(code).status, 'pending');
    }
  });

  test('both twilio SDKs say what Twilio’s descriptions ask for, and Prism says what they do not', async () => {
    const client = twilioClient(tools, onPrism());
    await client.messages.create(SMS);
    await client.calls.create({ to: TO, from: ACCOUNT.from, url: 'https://shop.example/voice' });
    const { verifications } = client.verify.v2.services(ACCOUNT.verifyServiceSid);
    await verifications.create({ to: TO, channel: 'sms' });
    const fields = 'line_type_intelligence';
    const found = await client.lookups.v2.phoneNumbers(TO).fetch({ fields });
    assert.equal(found.countryCode, 'US');
    // `attempt` is a number in the description; the SDKs check no value.
    await assert.rejects(client.messages.create({ ...SMS, attempt: 'once' }), { status: 422 });
    assert.equal(client.httpClient.lastResponse?.statusCode, 422);

    const [sent, call, code, number, refused] = await twilioPython(onPrism(), [
      ['messages.create', { to: TO, from_: ACCOUNT.from, body: SMS.body }],
      ['calls.create', { to: TO, from_: ACCOUNT.from, url: 'https://shop.example/voice' }],
      ['verifications.create', ACCOUNT.verifyServiceSid, { to: TO, channel: 'sms' }],
      ['phone_numbers.fetch', TO, { fields }],
      ['messages.create', { to: TO, from_: ACCOUNT.from, body: SMS.body, attempt: 'once' }],
    ]);
    for (const each of [sent, call, code]) assert.match(String(one(each).sid), /^(SM|CA|VE)/);
    assert.equal(one(number).country_code, 'US');
    assert.equal(failure(refused).status, 422);
  });

  test('resend-node keeps its books on emulate: one idempotency key is one mail', async () => {
    const { emails, batch } = resendClient(tools, emulate.urls.resend, 're_any');
    const sent = await emails.send(MAIL, { idempotencyKey: 'node-1' });
    assert.ok(sent.data, JSON.stringify(sent.error));
    const again = await emails.send(MAIL, { idempotencyKey: 'node-1' });
    assert.equal(again.data?.id, sent.data.id);
    const other = await emails.send({ ...MAIL, subject: 'Else' }, { idempotencyKey: 'node-1' });
    const { statusCode, name } = other.error ?? {};
    assert.deepEqual([statusCode, name], [409, 'invalid_idempotent_request']);
    assert.deepEqual((await emails.get(sent.data.id)).data?.to, MAIL.to);

    const two = await batch.send([MAIL, MAIL], { idempotencyKey: 'node-2' });
    assert.equal(two.data?.data.length, 2);
    const planned = await emails.send({ ...MAIL, scheduledAt: '2040-01-01T00:00:00Z' });
    const { id = '' } = planned.data ?? {};
    assert.equal((await emails.cancel(id)).data?.id, id);
    assert.equal((await emails.get(id)).data?.status, 'canceled');
  });

  test('resend-python keeps its books on emulate: one idempotency key is one mail', async () => {
    const base = emulate.urls.resend;
    const key = { idempotency_key: 'python-1' };
    const [sent, again, other, two, planned] = await resendPython(base, [
      ['emails.send', MAIL, key],
      ['emails.send', MAIL, key],
      ['emails.send', { ...MAIL, subject: 'Else' }, key],
      ['batch.send', [MAIL, MAIL], { idempotency_key: 'python-2' }],
      ['emails.send', { ...MAIL, scheduled_at: '2040-01-01T00:00:00Z' }],
    ]);
    assert.equal(one(again).id, one(sent).id);
    const { code, error_type } = failure(other);
    assert.deepEqual([code, error_type], [409, 'invalid_idempotent_request']);
    assert.equal((one(two).data as unknown[]).length, 2);
    const { id } = one(planned);
    const [canceled, mail] = await resendPython(base, [
      ['emails.cancel', id],
      ['emails.get', id],
    ]);
    assert.equal(one(canceled).id, id);
    assert.equal(one(mail).status, 'canceled');
  });

  test('both resend SDKs say what Resend’s description asks for, and Prism says what they do not', async () => {
    const { emails, batch } = resendClient(tools, mail.url, 're_any');
    const { from: _, ...unsigned } = MAIL;
    const accepted = [await emails.send(MAIL), await batch.send([MAIL, MAIL])];
    for (const { error } of accepted) assert.equal(error, null);
    const refused = await emails.send(unsigned);
    assert.equal(refused.data, null);
    assert.match(mail.output(), /required property 'from'/);

    const [sent, two, unsent] = await resendPython(mail.url, [
      ['emails.send', MAIL],
      ['batch.send', [MAIL, MAIL]],
      ['emails.send', unsigned],
    ]);
    assert.equal(typeof one(sent).id, 'string');
    assert.ok(Array.isArray(one(two).data));
    assert.equal(failure(unsent).code, 422);
  });
}

function sids(outcome: PythonOutcome | undefined): unknown[] {
  assert.ok(Array.isArray(outcome?.result), JSON.stringify(outcome?.error));
  return outcome.result.map(({ sid }) => sid);
}
