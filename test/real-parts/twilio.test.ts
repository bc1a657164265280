/**
 * The official Twilio libraries of both languages through Keybrake, on fakes that nobody here wrote:
 * emulate, which keeps books, and Prism, which holds every request to Twilio's own descriptions. And
 * the lines of docs/vendors/twilio.md, as they stand there.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { newVaultKey } from '../../src/ids.ts';
import { type Emulate, EMULATED_TWILIO as REAL, startEmulate } from '../support/emulate.ts';
import { type Keybrake, startKeybrake } from '../support/keybrake.ts';
import {
  auditRows,
  countStates,
  type IssuedKey,
  issueKey,
  putAccount,
} from '../support/management.ts';
import { type ManualClock, manualClock } from '../support/manual-clock.ts';
import type { NpmTools } from '../support/npm-tools.ts';
import { describeSdks } from '../support/official-sdks.ts';
import { type Prism, startPrism } from '../support/prism.ts';
import { run } from '../support/process.ts';
import type { Python } from '../support/python.ts';
import { callPython, failure, one, type PythonOrder } from '../support/python-sdks.ts';
import { type Relay, startRelay } from '../support/relay.ts';
import { becomes, spendOf } from '../support/scene.ts';
import { type TwilioClient, type TwilioError, twilioClient } from '../support/twilio-sdk.ts';

const PLACEHOLDER = `AC${'0'.repeat(32)}`;
const TO = '+14155552671';
const SMS = { to: TO, from: REAL.from, body: 'Your order has left.' };
const MEDIA = ['https://media.example/1.png', 'https://media.example/2.png'];
/** A segment, a message with media, a verification by SMS; in dollars. */
const [SEGMENT, MMS, VERIFICATION] = [0.0145, 0.032, 0.0645];

await describeSdks('Twilio’s own libraries through Keybrake', 'run', guarantees);

function guarantees(tools: NpmTools, environment: Python): void {
  let emulate: Emulate<'twilio'>;
  let prisms: Record<'api' | 'verify' | 'lookups', Prism>;
  let relay: Relay;
  let described: Relay;
  let keybrake: Keybrake;
  let clock: ManualClock;
  /** Past Keybrake, with the real token. */
  let books: TwilioClient;

  before(async () => {
    const [fake, api, verify, lookups] = await Promise.all([
      startEmulate(tools, ['twilio']),
      startPrism(tools, 'twilio/twilio_api_v2010.json'),
      startPrism(tools, 'twilio/twilio_verify_v2.json'),
      startPrism(tools, 'twilio/twilio_lookups_v2.json'),
    ]);
    [emulate, prisms] = [fake, { api, verify, lookups }];
    relay = await startRelay(emulate.urls.twilio);
    clock = manualClock(new Date().toISOString());
    keybrake = await startKeybrake({ clock, resolvePauseMs: 5 });
    const token = { account_sid: REAL.accountSid, auth_token: REAL.authToken };
    const { apiKeySid: api_key_sid, apiKeySecret: auth_token } = REAL;
    await putAccount(keybrake, 'twilio', 'emulate', { base_url: relay.url, ...token });
    await putAccount(keybrake, 'twilio', 'by-key', {
      ...{ base_url: relay.url, account_sid: REAL.accountSid, api_key_sid, auth_token },
    });
    // Behind an address that is not Twilio's a product is a segment; Prism has each at its root.
    described = await startRelay((path) => {
      const [, product = '', rest] = /^\/(verify|lookups)(\/.*)$/.exec(path) ?? [];
      return rest === undefined
        ? prisms.api.url + path
        : prisms[product as 'verify' | 'lookups'].url + rest;
    });
    await putAccount(keybrake, 'twilio', 'prism', { base_url: described.url, ...token });
    books = twilioClient(tools, {
      ...{ base: emulate.urls.twilio, username: REAL.accountSid, password: REAL.authToken },
    });
  });
  after(async () => {
    await keybrake?.close();
    await relay?.close();
    await described?.close();
    await Promise.all([emulate, ...Object.values(prisms ?? {})].map((fake) => fake?.close()));
  });

  const issue = (fields: object = {}) =>
    issueKey(keybrake, { vendor: 'twilio', account: 'emulate', total_usd_cap: 1, ...fields });
  const at = () => `${keybrake.url}/twilio`;
  /** The vault key as the password, and as the user. */
  const forms = ({ vault_key }: IssuedKey) => [
    { base: at(), username: PLACEHOLDER, password: vault_key },
    { base: at(), username: vault_key, password: 'x', accountSid: PLACEHOLDER },
  ];
  type Form = ReturnType<typeof forms>[number];
  const inPython = (form: Form, ...calls: PythonOrder['calls']) => {
    const { accountSid, ...order } = form;
    return callPython(environment, 'twilio', { ...order, account_sid: accountSid, calls });
  };
  /** The texts that the fake has, of this one. */
  const texted = async (body: string) =>
    (await books.messages.list({ limit: 1000 })).filter((each) => each.body === body).length;
  const python3 = ({ from, ...rest }: typeof SMS) => ({ ...rest, from_: from });

  test('twilio-node: messages, pictures, a schedule, a call and a code count as they are quoted', async () => {
    for (const account of ['emulate', 'by-key']) {
      for (const form of forms(await issue({ account, total_usd_cap: 20 }))) {
        const client = twilioClient(tools, form);
        const sent = await client.messages.create(SMS);
        assert.match(sent.sid, /^SM/);
        assert.equal(sent.accountSid, REAL.accountSid);
        assert.equal((await client.messages.create({ ...SMS, mediaUrl: MEDIA })).numMedia, '2');
        const later = { to: TO, messagingServiceSid: REAL.messagingServiceSid, body: 'Later.' };
        const sendAt = new Date('2040-01-01T00:00:00Z');
        const planned = await client.messages.create({ ...later, scheduleType: 'fixed', sendAt });
        const cancelled = await client.messages(planned.sid).update({ status: 'canceled' });
        assert.equal(cancelled.status, 'canceled');
        const { verifications } = client.verify.v2.services(REAL.verifyServiceSid);
        assert.equal((await verifications.create({ to: TO, channel: 'sms' })).status, 'pending');
        const [newest] = await client.messages.list({ to: TO, limit: 1 });
        assert.equal(newest!.sid, planned.sid);
        assert.equal((await books.messages(sent.sid).fetch()).body, SMS.body);
      }
    }
  });

  test('what each call counts is what the key holds and has spent', async () => {
    const key = await issue();
    const [form] = forms(key);
    const client = twilioClient(tools, form!);
    await client.messages.create(SMS);
    await client.messages.create({ ...SMS, body: '😀'.repeat(67) });
    await client.messages.create({ ...SMS, mediaUrl: MEDIA });
    assert.deepEqual(await spendOf(keybrake, key.id), [0, round(4 * SEGMENT + MMS)]);
    const { verifications } = client.verify.v2.services(REAL.verifyServiceSid);
    await verifications.create({ to: TO, channel: 'sms' });
    assert.deepEqual(await spendOf(keybrake, key.id), [VERIFICATION, round(4 * SEGMENT + MMS)]);
    const later = { to: TO, messagingServiceSid: REAL.messagingServiceSid, body: 'Later.' };
    const sendAt = new Date('2040-01-01T00:00:00Z');
    const { sid } = await client.messages.create({ ...later, scheduleType: 'fixed', sendAt });
    await client.messages(sid).update({ status: 'canceled' });
    assert.deepEqual(await spendOf(keybrake, key.id), [VERIFICATION, round(4 * SEGMENT + MMS)]);
    const rows = await auditRows(keybrake, { key: key.id });
    assert.deepEqual(countStates(rows), { held: 3, settled: 2, released: 1 });
  });

  test('twilio-python: the same, with the key in either half', async () => {
    for (const form of forms(await issue())) {
      const [sent, pictures, code, listed] = await inPython(
        form,
        ['messages.create', python3(SMS)],
        ['messages.create', { ...python3(SMS), media_url: MEDIA }],
        ['verifications.create', REAL.verifyServiceSid, { to: TO, channel: 'sms' }],
        ['messages.list', { to: TO, limit: 2 }],
      );
      assert.deepEqual([one(sent).status, one(sent).account_sid], ['queued', REAL.accountSid]);
      assert.equal(one(pictures).num_media, '2');
      assert.equal(one(code).status, 'pending');
      assert.ok(Array.isArray(listed?.result));
      assert.deepEqual(
        listed.result.map(({ sid }) => sid),
        [one(pictures).sid, one(sent).sid],
      );
    }
  });

  test('the brake is each library’s own exception, with the figures where it shows them', async () => {
    const key = await issue({ total_usd_cap: 0.02, params: { To: { prefix: ['+1'] } } });
    const body = 'The brake.';
    for (const [index, form] of forms(key).entries()) {
      const client = twilioClient(tools, form);
      if (index === 0) await client.messages.create({ ...SMS, body });
      const capped = await rejected(client.messages.create({ ...SMS, body }));
      assert.equal(capped.constructor.name, 'RestException');
      assert.deepEqual([capped.status, capped.code], [429, 79429]);
      assert.match(capped.message, /needs 0\.0145 USD/);
      const details = capped.details as Record<string, string>;
      assert.deepEqual([details.cap_usd, details.remaining_usd], ['0.02', '0.0055']);
      assert.equal(client.httpClient.lastResponse?.headers['x-keybrake-cap-hit'], 'true');
      const abroad = await rejected(client.messages.create({ ...SMS, to: '+447400123456' }));
      assert.deepEqual([abroad.status, abroad.code], [403, 79203]);

      const [inCap, inScope] = await inPython(
        form,
        ['messages.create', { ...python3(SMS), body }],
        ['messages.create', { ...python3(SMS), to: '+447400123456' }],
      );
      const { class: raised, status, code, details: shown } = failure(inCap);
      assert.deepEqual([raised, status, code], ['TwilioRestException', 429, 79429]);
      assert.equal((shown as Record<string, string>).remaining_usd, '0.0055');
      assert.deepEqual([failure(inScope).status, failure(inScope).code], [403, 79203]);
    }
    const other = { ...forms(key)[1]!, accountSid: `AC${'2e'.repeat(16)}` };
    assert.equal((await rejected(twilioClient(tools, other).messages.create(SMS))).code, 79203);
    const stranger = { base: at(), username: PLACEHOLDER, password: newVaultKey(false) };
    const unknown = await rejected(twilioClient(tools, stranger).messages.create(SMS));
    assert.deepEqual([unknown.status, unknown.code], [401, 79101]);
    assert.equal(await texted(body), 1);
  });

  test('a cap is met once per call: autoRetry asks again, and nothing more goes out', async () => {
    const key = await issue({ total_usd_cap: 0.001 });
    const client = twilioClient(tools, { ...forms(key)[0]!, autoRetry: true });
    assert.equal((await rejected(client.messages.create({ ...SMS, body: 'Again.' }))).code, 79429);
    const rows = await auditRows(keybrake, { key: key.id });
    assert.deepEqual(countStates(rows), { refused: 4 });
    assert.equal(await texted('Again.'), 0);
  });

  test('a vault key in the path, where twilio-python puts it by default, is refused', async () => {
    const key = await issue();
    const form = { base: at(), username: key.vault_key, password: 'x' };
    const [refused] = await inPython(form as Form, ['messages.create', python3(SMS)]);
    assert.deepEqual([failure(refused).status, failure(refused).code], [400, 79301]);
  });

  test('a message whose answer was lost is found in emulate’s list, and not sent again', async () => {
    const key = await issue();
    const [form] = forms(key);
    const body = 'Lost on the way.';
    relay.lose = ({ method }) => method === 'POST';
    const lost = await rejected(twilioClient(tools, form!).messages.create({ ...SMS, body }));
    relay.lose = () => false;
    assert.deepEqual([lost.status, lost.code], [504, 79502]);
    assert.equal(await texted(body), 1);
    assert.deepEqual(await spendOf(keybrake, key.id), [0, SEGMENT]);
    await becomes(keybrake, key, 'held', 1, () => clock.advance(1_000));
    const [row] = await auditRows(keybrake, { key: key.id });
    assert.equal((await books.messages(row!.vendor_object_id!).fetch()).body, body);
    assert.deepEqual(await spendOf(keybrake, key.id), [0, SEGMENT], 'emulate states no price');
    assert.equal(await texted(body), 1);
  });

  test('what goes on from Keybrake is what Twilio’s own descriptions ask for, of every product', async () => {
    const prices = ['lookups.v2.phone_numbers.fetch', 'calls.create'].map((endpoint) => ({
      endpoint,
      price_usd: 0.1,
    }));
    for (const form of forms(await issue({ account: 'prism', total_usd_cap: 20, prices }))) {
      described.seen.length = 0;
      const client = twilioClient(tools, form);
      const { verifications } = client.verify.v2.services(REAL.verifyServiceSid);
      const number = client.lookups.v2.phoneNumbers(TO);
      assert.match((await client.messages.create(SMS)).sid, /^SM/);
      await client.calls.create({ to: TO, from: REAL.from, url: 'https://a.example' });
      assert.match((await verifications.create({ to: TO, channel: 'sms' })).sid, /^VE/);
      assert.equal((await number.fetch({ fields: 'caller_name' })).countryCode, 'US');
      const [sent, code, found] = await inPython(
        form,
        ['messages.create', python3(SMS)],
        ['verifications.create', REAL.verifyServiceSid, { to: TO, channel: 'sms' }],
        ['phone_numbers.fetch', TO, { fields: 'caller_name' }],
      );
      assert.match(`${one(sent).sid} ${one(code).sid}`, /^SM\w+ VE/);
      assert.equal(one(found).country_code, 'US');
      // The SDKs check no value: what Prism refuses went through as it came.
      const wrong = await rejected(client.messages.create({ ...SMS, attempt: 'once' }));
      assert.equal(wrong.status, 422);

      const messages = `/2010-04-01/Accounts/${REAL.accountSid}/Messages.json`;
      const services = `/verify/v2/Services/${REAL.verifyServiceSid}/Verifications`;
      const lookUp = `/lookups/v2/PhoneNumbers/${TO}?Fields=caller_name`;
      assert.deepEqual(
        described.seen.filter(({ path }) => !/Calls|pricing/.test(path)).map(({ path }) => path),
        [messages, services, lookUp, messages, services, lookUp, messages],
      );
      const credential = `Basic ${btoa(`${REAL.accountSid}:${REAL.authToken}`)}`;
      for (const { headers } of described.seen) assert.equal(headers.authorization, credential);
    }
  });

  // ---------------------------------------------------------------- docs/vendors/twilio.md

  const page = readFileSync(new URL('../../docs/vendors/twilio.md', import.meta.url), 'utf8');
  const blocks = (language: string) =>
    [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(
      (each) => each[1]!,
    );

  test('the lines of the page send as they stand there, in both languages', async () => {
    const key = await issue();
    const env = {
      ...{ KEYBRAKE_URL: keybrake.url, VAULT_KEY: key.vault_key, TO, FROM: REAL.from },
      SERVICE: REAL.verifyServiceSid,
    };
    const scripts = [
      ...blocks('js').map((code) => ['node', code] as const),
      ...blocks('python')
        .filter((code) => code.includes('import'))
        .map((code) => ['python', code] as const),
    ];
    assert.equal(scripts.length, 4);
    const printed: string[] = [];
    for (const [language, code] of scripts) {
      const args = ['--input-type=module', '--eval', code];
      const {
        code: status,
        stdout,
        stderr,
      } = language === 'node'
        ? await run(process.execPath, args, { cwd: tools.folder, env })
        : await environment.run(['-c', code], { env });
      assert.equal(status, 0, stderr);
      printed.push(stdout.trim().slice(0, 2));
    }
    assert.deepEqual(printed, ['SM', 'VE', 'SM', 'VE']);
    const rows = await auditRows(keybrake, { key: key.id });
    assert.deepEqual(countStates(rows), { held: 2, settled: 2 });
  });
}

async function rejected(call: Promise<unknown>): Promise<TwilioError> {
  try {
    await call;
  } catch (error) {
    return error as TwilioError;
  }
  assert.fail('it went through');
}

/** To the micro-dollar: sums of doubles are not. */
function round(usd: number): number {
  return Math.round(usd * 1e6) / 1e6;
}
