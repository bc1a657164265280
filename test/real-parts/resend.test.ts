/**
 * The official Resend libraries of both languages through Keybrake, on fakes that nobody here wrote:
 * emulate, which keeps books, and Prism, which holds every request to Resend's own description.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Emulate, startEmulate } from '../support/emulate.ts';
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
import type { Python } from '../support/python.ts';
import { callPython, failure, one, type PythonOrder } from '../support/python-sdks.ts';
import { type Relay, startRelay } from '../support/relay.ts';
import { type ResendClient, resendClient } from '../support/resend-sdk.ts';
import { spendOf } from '../support/scene.ts';

const SECRET = 're_any_0123456789';
const MAIL = {
  from: 'Shop <shop@shop.example>',
  to: ['a@a.example', 'b@a.example'],
  subject: 'Order',
  text: 'It left.',
};

await describeSdks('Resend’s own libraries through Keybrake', 'run', guarantees);

function guarantees(tools: NpmTools, environment: Python): void {
  let emulate: Emulate<'resend'>;
  let prism: Prism;
  let relay: Relay;
  let keybrake: Keybrake;
  let clock: ManualClock;
  /** Past Keybrake, with the real secret. */
  let books: ResendClient;

  before(async () => {
    [emulate, prism] = await Promise.all([
      startEmulate(tools, ['resend']),
      startPrism(tools, 'resend/openapi.json'),
    ]);
    relay = await startRelay(emulate.urls.resend);
    clock = manualClock(new Date().toISOString());
    keybrake = await startKeybrake({ clock, resolvePauseMs: 5 });
    for (const [account, base_url] of [
      ['emulate', relay.url],
      ['prism', prism.url],
    ] as const) {
      await putAccount(keybrake, 'resend', account, { base_url, secret: SECRET });
    }
    books = resendClient(tools, emulate.urls.resend, SECRET);
  });
  after(async () => {
    await keybrake?.close();
    await relay?.close();
    await Promise.all([emulate?.close(), prism?.close()]);
  });

  const issue = (fields: object) =>
    issueKey(keybrake, { vendor: 'resend', account: 'emulate', total_usd_cap: 0.009, ...fields });
  const at = () => `${keybrake.url}/resend`;
  const inNode = ({ vault_key }: IssuedKey) => resendClient(tools, at(), vault_key);
  const inPython = ({ vault_key }: IssuedKey, ...calls: PythonOrder['calls']) =>
    callPython(environment, 'resend', { base: at(), key: vault_key, calls });
  /** How many mails of this subject the fake has. */
  const mailed = async (subject: string) => {
    const listed = await fetch(`${emulate.urls.resend}/emails`, {
      headers: { authorization: `Bearer ${SECRET}` },
    });
    const { data } = (await listed.json()) as { data: { subject: string }[] };
    return data.filter((mail) => mail.subject === subject).length;
  };

  test('resend-node: mails, a batch, a look and a cancellation count as the fake’s books have them', async () => {
    const key = await issue({});
    const { emails, batch } = inNode(key);
    const mail = { ...MAIL, subject: 'Node' };
    const sent = await emails.send(mail, { idempotencyKey: 'node-1' });
    const again = await emails.send(mail, { idempotencyKey: 'node-1' });
    assert.ok(sent.data, JSON.stringify(sent.error));
    assert.deepEqual(again.data, sent.data);
    assert.equal(again.headers?.['x-keybrake-replayed'], 'true');
    const two = await batch.send([mail, { ...mail, to: 'c@a.example', cc: 'd@a.example' }]);
    assert.equal(two.data?.data.length, 2);
    assert.deepEqual(await spendOf(keybrake, key.id), [0.0054, 0]);
    assert.equal(await mailed('Node'), 3);
    assert.deepEqual((await books.emails.get(sent.data.id)).data?.to, MAIL.to);
    assert.deepEqual((await emails.get(sent.data.id)).data?.to, MAIL.to);

    const planned = await emails.send({ ...mail, scheduledAt: '2040-01-01T00:00:00Z' });
    assert.deepEqual(await spendOf(keybrake, key.id), [0.0054, 0.0018]);
    const cancelled = await emails.cancel(planned.data!.id);
    assert.equal(cancelled.error, null);
    assert.deepEqual(await spendOf(keybrake, key.id), [0.0054, 0]);
    assert.equal((await books.emails.get(planned.data!.id)).data?.status, 'canceled');
  });

  test('resend-python: the same', async () => {
    const key = await issue({});
    const mail = { ...MAIL, subject: 'Python' };
    const idempotency = { idempotency_key: 'python-1' };
    const [sent, again, two, planned] = await inPython(
      key,
      ['emails.send', mail, idempotency],
      ['emails.send', mail, idempotency],
      ['batch.send', [mail, { ...mail, to: 'c@a.example', cc: 'd@a.example' }]],
      ['emails.send', { ...mail, scheduled_at: '2040-01-01T00:00:00Z' }],
    );
    assert.equal(one(again).id, one(sent).id);
    assert.equal((one(two).data as unknown[]).length, 2);
    assert.deepEqual(await spendOf(keybrake, key.id), [0.0054, 0.0018]);
    const { id } = one(planned);
    const [cancelled, mailAgain] = await inPython(key, ['emails.cancel', id], ['emails.get', id]);
    assert.equal(one(cancelled).id, id);
    assert.equal(one(mailAgain).status, 'canceled');
    assert.deepEqual(await spendOf(keybrake, key.id), [0.0054, 0]);
    assert.equal(await mailed('Python'), 4);
  });

  test('the brake is an error of each library’s own, and stops before Resend', async () => {
    const key = await issue({
      total_usd_cap: 0.0018,
      params: { recipients: { domain: ['a.example'] } },
    });
    const mail = { ...MAIL, subject: 'Brake' };
    const { emails } = inNode(key);
    assert.equal((await emails.send(mail)).error, null);
    const capped = await emails.send(mail);
    assert.equal(capped.data, null);
    assert.deepEqual([capped.error?.statusCode, capped.error?.name], [429, 'cap_exceeded']);
    assert.equal(capped.headers?.['x-keybrake-cap-hit'], 'true');
    const elsewhere = await emails.send({ ...mail, bcc: 'x@evil.example' });
    assert.deepEqual(
      [elsewhere.error?.statusCode, elsewhere.error?.name],
      [403, 'scope_not_allowed'],
    );

    const [inCap, inScope, unknownKey] = [
      ...(await inPython(
        key,
        ['emails.send', mail],
        ['emails.send', { ...mail, cc: ['x@evil.example'] }],
      )),
      ...(await inPython({ ...key, vault_key: 're_not_of_keybrake' }, ['emails.send', mail])),
    ];
    const { class: raised, code, error_type } = failure(inCap);
    assert.deepEqual([raised, code, error_type], ['ResendError', 429, 'cap_exceeded']);
    assert.deepEqual(
      [failure(inScope).code, failure(inScope).error_type],
      [403, 'scope_not_allowed'],
    );
    assert.ok(failure(unknownKey));
    assert.equal(await mailed('Brake'), 1);
  });

  test('a mail whose answer was lost is found in emulate’s list, and the caller gets its id', async () => {
    const key = await issue({});
    const { emails, batch } = inNode(key);
    const mail = { ...MAIL, subject: 'Lost' };
    relay.lose = ({ method }) => method === 'POST';
    const lost = await emails.send(mail, { idempotencyKey: 'lost-1' });
    const lostBatch = await batch.send([mail, { ...mail, to: 'c@a.example' }], {
      idempotencyKey: 'lost-2',
    });
    relay.lose = () => false;
    for (const { error } of [lost, lostBatch]) assert.equal(error?.name, 'outcome_unknown');
    assert.equal(await mailed('Lost'), 3);
    assert.deepEqual(await spendOf(keybrake, key.id), [0, 0.0045]);
    clock.advance(60_000);
    for (let looks = 0; looks < 1_000; looks++) {
      if ((await spendOf(keybrake, key.id))[1] === 0) break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.deepEqual(await spendOf(keybrake, key.id), [0.0045, 0]);
    const found = await emails.send(mail, { idempotencyKey: 'lost-1' });
    assert.equal((await books.emails.get(found.data!.id)).data?.subject, 'Lost');
    const foundBatch = await batch.send([mail, { ...mail, to: 'c@a.example' }], {
      idempotencyKey: 'lost-2',
    });
    const ids = [found.data!.id, ...foundBatch.data!.data.map(({ id }) => id)];
    assert.equal(new Set(ids).size, 3, 'each mail is one call’s');
    assert.equal(await mailed('Lost'), 3, 'nothing was sent again');
    const rows = await auditRows(keybrake, { key: key.id });
    assert.deepEqual(countStates(rows), { settled: 2, replayed: 2 });
  });

  test('what goes on from Keybrake is what Resend’s own description asks for', async () => {
    const key = await issue({ account: 'prism', total_usd_cap: 1 });
    const { emails, batch } = inNode(key);
    const attached = { ...MAIL, attachments: [{ filename: 'a.txt', content: 'QQ==' }] };
    for (const mail of [
      MAIL,
      attached,
      { ...MAIL, cc: 'c@a.example', tags: [{ name: 'a', value: 'b' }] },
    ]) {
      const { error } = await emails.send(mail);
      assert.equal(error, null);
    }
    assert.equal((await batch.send([MAIL, MAIL])).error, null);
    const { from: _, ...unsigned } = MAIL;
    assert.equal((await emails.send(unsigned)).data, null);
    assert.match(prism.output(), /required property 'from'/);
    const looked = await emails.get('4ef9a417-02e9-4d39-ad75-9611e0fcc33c');
    assert.equal(typeof looked.data?.id, 'string');
    const [sent, two] = await inPython(key, ['emails.send', MAIL], ['batch.send', [MAIL, MAIL]]);
    assert.equal(typeof one(sent).id, 'string');
    assert.ok(Array.isArray(one(two).data));
  });
}
