import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { operationOf } from '../../src/vendors/resend/operations.ts';
import { resend } from '../../src/vendors/resend/resend.ts';
import { isRefusal } from '../../src/vendors/vendor.ts';
import { MAIL, reading, request, specOperations, TARIFF, withoutSpec } from './resend-requests.ts';

/** Where the library's name and the description's differ in more than their order of words. */
const OTHER_WORDS: Record<string, string> = {
  'emails.metrics.get': 'emails/metrics',
  'broadcasts.recipients.list': 'broadcasts/recipients',
  'oauth.grants.remove': 'oauth/revoke-grant',
  'suppressions.create': 'suppressions/add',
};

test('every operation of the API has a name of its own, of the words that Resend names it by', {
  skip: withoutSpec,
}, () => {
  const seen = new Set<string>();
  const operations = specOperations();
  assert.ok(operations.length >= 98, `${operations.length} operations`);
  for (const [method, template, operationId] of operations) {
    const line = `${method} ${template}`;
    const found = operationOf(method, template.replaceAll('{id}', '4ef9a417-02e9-4d39-ad75'));
    assert.ok(found.name, `${line} has no name`);
    assert.equal(found.template, template, line);
    assert.match(found.name, /^[a-z0-9_]+(\.[a-z0-9_]+)+$/, line);
    assert.ok(!seen.has(found.name), `${line} has the name of another`);
    seen.add(found.name);
    const words = (text: string) =>
      text
        .split(/[./_-]/)
        .map((word) => word.replace(/s$/, ''))
        .sort();
    if (OTHER_WORDS[found.name] === operationId) continue;
    assert.deepEqual(words(found.name), words(operationId), `${line} is ${operationId}`);
  }
});

/** A body with which an operation shows its class. */
const BODIES: Record<string, unknown> = {
  'POST /emails': MAIL,
  'POST /emails/batch': [MAIL],
  'PATCH /emails/{id}': { scheduled_at: 'in 1 min' },
};
const PRICED = 'emails.send emails.batch.send';
const UNPRICED = 'broadcasts.send contacts.imports.create events.send';
const WITHHELD = `
  api_keys.create api_keys.list api_keys.update api_keys.remove domains.create domains.list
  domains.get domains.update domains.remove domains.verify domains.claim.create domains.claim.get
  domains.claim.verify webhooks.create webhooks.list webhooks.get webhooks.update webhooks.remove
  oauth.grants.list oauth.grants.remove logs.list logs.get emails.share automations.create
  automations.update automations.remove automations.duplicate automations.stop`;

const FREE_CHANGES = `
  emails.update emails.cancel broadcasts.create broadcasts.update broadcasts.remove broadcasts.cancel
  templates.create templates.update templates.remove templates.publish templates.duplicate
  audiences.create audiences.remove contacts.create contacts.update contacts.remove
  contacts.segments.add contacts.segments.remove contacts.topics.update segments.create
  segments.remove topics.create topics.update topics.remove contact_properties.create
  contact_properties.update contact_properties.remove events.create events.update events.remove
  suppressions.create suppressions.remove suppressions.batch.add suppressions.batch.remove`;

test('every operation of the API has its class: these are priced, unpriced, withheld, these change for free', {
  skip: withoutSpec,
}, () => {
  const found = { priced: [], unpriced: [], withheld: [], free: [] } as Record<string, string[]>;
  for (const [method, template] of specOperations()) {
    const body = BODIES[`${method} ${template}`] ?? '';
    const read = reading(method, template.replaceAll('{id}', 'x1'), body);
    if (method !== 'GET' || read.class !== 'free') found[read.class]!.push(read.operation!);
    if (read.class === 'unpriced') assert.equal(read.quote.kind, 'unpriced', template);
    if (read.class === 'free') assert.equal(read.quote.kind, 'free', template);
  }
  const sorted = (text: string) => text.trim().split(/\s+/).sort();
  assert.deepEqual(found.priced!.sort(), sorted(PRICED));
  assert.deepEqual(found.unpriced!.sort(), sorted(UNPRICED));
  assert.deepEqual(found.withheld!.sort(), sorted(WITHHELD));
  assert.deepEqual(found.free!.sort(), sorted(FREE_CHANGES));
});

test('a broadcast is free as a draft and has no price once it is sent', () => {
  const draft = { from: MAIL.from, subject: 'News', segment_id: 's_1' };
  assert.equal(reading('POST', '/broadcasts', draft).class, 'free');
  assert.equal(reading('POST', '/broadcasts', { ...draft, send: false }).class, 'free');
  for (const more of [
    { send: true },
    { send: 'true' },
    { send: 1 },
    { scheduled_at: 'in 1 min' },
  ]) {
    assert.equal(reading('POST', '/broadcasts', { ...draft, ...more }).class, 'unpriced');
    assert.equal(reading('PATCH', '/broadcasts/b_1', more).class, 'unpriced');
  }
  assert.equal(reading('POST', '/broadcasts/b_1/send', {}).class, 'unpriced');
});

test('an update of a mail moves its time and is free, or it is no such update', () => {
  const path = '/emails/e_1';
  assert.equal(reading('PATCH', path, { scheduled_at: '2026-12-01T00:00:00Z' }).class, 'free');
  assert.equal(
    reading('PATCH', path, { scheduled_at: 'x', to: ['b@b.example'] }).class,
    'unpriced',
  );
});

test('what sends or changes and is in no row has no price, in whatever spelling', () => {
  const paths = [
    ...['/inboxes/i_1/drafts/d_1/send', '/inboxes/i_1/threads/t_1/emails/e_1/reply', '/', ''],
    ...['/inboxes/i_1/threads/t_1/emails/e_1/forward', '/emails/e_1/send', '/emails/send'],
    ...['/Emails', '/emails/', '/emails//batch', '/emails/Batch', '/emails/b%61tch', '/v1/emails'],
    ...[
      '/emails/receiving/e_1/forward',
      '/contacts/c_1/send',
      '/emails/e_1/batch',
      '/broadcasts/b/x',
    ],
  ];
  for (const path of paths) {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      if (method === 'PATCH' && path === '/emails/send') continue; // a mail of the id `send`
      const read = resend.read(request(method, path, MAIL), TARIFF);
      assert.ok(!isRefusal(read), `${method} ${path}`);
      assert.equal(read.class, 'unpriced', `${method} ${path}`);
      assert.notEqual(read.operation, 'emails.send', `${method} ${path}`);
    }
  }
});

test('no other spelling of a withheld path slips through', () => {
  const spellings = [
    ...[
      '/API-Keys',
      '/api%2Dkeys',
      '/%61pi-keys/k_1',
      '//api-keys',
      '/api-keys/',
      '/api-keys%2fk_1',
    ],
    ...['/Domains/d_1', '/WEBHOOKS', '/oauth/grants/g_1', '/Logs/l_1', '/emails/e_1/Share'],
  ];
  for (const path of spellings) {
    for (const method of ['GET', 'POST', 'DELETE']) {
      assert.equal(reading(method, path).class, 'withheld', `${method} ${path}`);
    }
  }
  for (const path of ['/automations', '/automations/a_1', '/Automations/a_1/stop']) {
    assert.equal(reading('POST', path).class, 'withheld', path);
    assert.equal(reading('GET', path).class, 'free', path);
  }
});

test('no path but its own has the name of an operation that sends', () => {
  const segment = fc.constantFrom(
    ...['emails', 'batch', 'send', 'e_1', 'broadcasts', 'contacts', 'segments', 'receiving', ''],
  );
  const method = fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE');
  fc.assert(
    fc.property(method, fc.array(segment, { minLength: 1, maxLength: 5 }), (verb, parts) => {
      const path = `/${parts.join('/')}`;
      const { name } = operationOf(verb, path);
      assert.equal(name === 'emails.send', verb === 'POST' && path === '/emails');
      assert.equal(name === 'emails.batch.send', verb === 'POST' && path === '/emails/batch');
    }),
    { numRuns: 5_000 },
  );
});
