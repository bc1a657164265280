/** What a mail costs before it is sent: its recipients, however they are written. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { brokenRule } from '../../src/proxy/rules.ts';
import { resend } from '../../src/vendors/resend/resend.ts';
import { isRefusal, type Quote } from '../../src/vendors/vendor.ts';
import { MAIL, PRICE, reading, refused, request, TARIFF, tariffOf } from './resend-requests.ts';

const exact = (recipients: number): Quote => ({
  kind: 'exact',
  micros: PRICE * BigInt(recipients),
});

test('each of to, cc and bcc counts, as a text or in a list', () => {
  const many = Array.from({ length: 50 }, (_, i) => `r${i}@a.example`);
  const table: [more: object, recipients: number][] = [
    [{}, 1],
    [{ to: 'a@a.example' }, 1],
    [{ to: 'Ann <a@a.example>' }, 1],
    [{ to: '"Doe, Ann" <a@a.example>' }, 1],
    [{ to: ['a@a.example', 'b@a.example'] }, 2],
    [{ to: ['a@a.example', 'a@a.example'] }, 2],
    [{ cc: 'b@a.example', bcc: ['c@a.example', 'd@a.example'] }, 4],
    [{ cc: [], bcc: null }, 1],
    [{ to: many, cc: many, bcc: many }, 150],
    [{ to: [], cc: 'a@a.example' }, 1],
    [{ scheduled_at: 'in 1 min' }, 1],
    [{ reply_to: ['x@a.example', 'y@a.example'] }, 1],
    [{ template: { id: 't_1', variables: { to: 'x@a.example' } }, text: undefined }, 1],
    [
      {
        attachments: [{ content: 'AA==', filename: 'to.txt' }],
        tags: [{ name: 'to', value: 'x' }],
      },
      1,
    ],
    [{ headers: { 'X-Entity-Ref-ID': '1', 'List-Unsubscribe': '<https://a.example>' } }, 1],
    [{ headers: { 'X-Order': 5, 'X-Test': true, 'X-None': null } }, 1],
    [{ headers: null }, 1],
    [{ topic_id: 't_1' }, 1],
  ];
  for (const [more, recipients] of table) {
    const read = reading('POST', '/emails', { ...MAIL, ...more });
    assert.deepEqual([read.class, read.quote], ['priced', exact(recipients)], JSON.stringify(more));
    assert.equal(read.idempotency, 'vendor');
    const batch = reading('POST', '/emails/batch', [MAIL, { ...MAIL, ...more }]);
    assert.deepEqual(batch.quote, exact(recipients + 1), JSON.stringify(more));
  }
  const hundred = Array<object>(100).fill({ ...MAIL, cc: many });
  assert.deepEqual(reading('POST', '/emails/batch', hundred).quote, exact(100 * 51));
});

test('the price is the tariff’s; without one a mail has none', () => {
  for (const [price, quote] of [
    [0n, { kind: 'exact', micros: 0n }],
    [400n, { kind: 'exact', micros: 800n }],
    [null, { kind: 'unpriced', reason: 'no price of a mail is configured' }],
  ] as const) {
    const body = { ...MAIL, cc: 'b@a.example' };
    const read = resend.read(request('POST', '/emails', body), tariffOf(price));
    assert.ok(!isRefusal(read));
    assert.deepEqual(read.quote, quote);
  }
});

test('a mail to whom is not said has no price', () => {
  const without = { ...MAIL, to: undefined };
  for (const mail of [
    without,
    { ...without, to: [] },
    { ...without, to: null },
    { ...MAIL, audience_id: 'aud_1' },
    { ...MAIL, segment_id: 's_1' },
    { ...MAIL, contacts: ['c_1'] },
    { ...MAIL, extra_recipients: ['x@a.example'] },
  ]) {
    assert.equal(reading('POST', '/emails', mail).class, 'unpriced', JSON.stringify(mail));
    assert.equal(reading('POST', '/emails/batch', [MAIL, mail]).class, 'unpriced');
  }
  assert.equal(reading('POST', '/emails/batch', []).class, 'unpriced');
});

test('what could be counted in two ways is refused, with the plain way to write it', () => {
  const table: [mail: unknown, says: RegExp][] = [
    [{ ...MAIL, to: 'a@a.example, b@a.example' }, /`to` must be one address.*several as a list/],
    [{ ...MAIL, to: 'a@a.example,b@a.example' }, /several as a list/],
    [{ ...MAIL, to: 'a@a.example;b@a.example' }, /several as a list/],
    [{ ...MAIL, to: 'a@a.example b@a.example' }, /several as a list/],
    [{ ...MAIL, to: ['a@a.example, b@a.example'] }, /several as a list/],
    [{ ...MAIL, to: 'Ann <a@a.example>, <b@a.example>' }, /several as a list/],
    [{ ...MAIL, cc: 'nobody' }, /`cc` must be one address/],
    [{ ...MAIL, bcc: '' }, /`bcc` must be one address/],
    [{ ...MAIL, to: [['a@a.example']] }, /`to` must be/],
    [{ ...MAIL, to: { email: 'a@a.example' } }, /`to` must be/],
    [{ ...MAIL, to: [{ email: 'a@a.example' }] }, /`to` must be/],
    [{ ...MAIL, to: 5 }, /`to` must be/],
    [{ ...MAIL, cc: true }, /`cc` must be/],
    [{ ...MAIL, CC: ['x@a.example'] }, /`cc` is written in lower case/],
    [{ ...MAIL, Bcc: ['x@a.example'] }, /`bcc` is written in lower case/],
    [{ ...MAIL, To: 'x@a.example' }, /differ only in case/],
    [{ ...MAIL, recipients: ['x@a.example'] }, /recipients stand in/],
    [{ ...MAIL, headers: { Bcc: 'x@a.example' } }, /header line names recipients/],
    [{ ...MAIL, headers: { 'resent-to': 'x@a.example' } }, /header line names recipients/],
    [{ ...MAIL, headers: { 'X-A': '1\r\nBcc: x@a.example' } }, /line break/],
    [{ ...MAIL, headers: { 'X-A\nBcc': 'x@a.example' } }, /control character/],
    [{ ...MAIL, headers: { 'Bcc:': 'x@a.example' } }, /name of a header line/],
    [{ ...MAIL, headers: { 'X-A: 1, Bcc': 'x@a.example' } }, /name of a header line/],
    [{ ...MAIL, headers: { 'X-A': ['1\r\nBcc: x@a.example'] } }, /`headers` must be/],
    [{ ...MAIL, headers: [{ name: 'Bcc', value: 'x@a.example' }] }, /`headers` must be/],
    [{ ...MAIL, headers: 'Bcc: x@a.example' }, /`headers` must be/],
    [{ ...MAIL, subject: 'Order\nBcc: x@a.example' }, /line break/],
    [{ ...MAIL, from: 'a@a.example\r\nBcc: x@a.example' }, /line break/],
    [{ ...MAIL, reply_to: ['a@a.example\nBcc: x@a.example'] }, /line break/],
    ['text', /must be a JSON object/],
    [[MAIL], /must be a JSON object/],
  ];
  for (const [mail, says] of table) {
    const one =
      typeof mail === 'string'
        ? request('POST', '/emails', '"text"')
        : request('POST', '/emails', mail);
    const { message } = refused(one);
    if (typeof mail !== 'string') assert.match(message, says, JSON.stringify(mail));
    refused(request('POST', '/emails/batch', [MAIL, mail]));
  }
  refused(request('POST', '/emails/batch', MAIL));
  refused(request('POST', '/emails/batch', { data: [MAIL] }));
  refused(request('PATCH', '/emails/e_1', [{ scheduled_at: 'x' }]));
});

test('a request has one place for its fields, and one form', () => {
  const { to, ...rest } = MAIL;
  const bad = [
    request('POST', '/emails?to=b@a.example', rest),
    request('POST', '/emails?x=1', MAIL),
    request('GET', '/emails', { limit: 3 }),
    request('GET', '/emails?limit=%ff'),
    request('POST', '/emails', `to=${to}`, { 'content-type': 'application/x-www-form-urlencoded' }),
    request('POST', '/emails', MAIL, { 'content-encoding': 'gzip' }),
    request('POST', '/emails', MAIL, { 'x-http-method-override': 'DELETE' }),
    request('POST', '/emails', `{"to":"a@a.example","to":["b@a.example","c@a.example"]}`),
    request('HEAD', '/emails'),
    request('OPTIONS', '/emails'),
  ];
  for (const each of bad) refused(each);
  assert.equal(reading('GET', '/emails?limit=3&after=e_1').class, 'free');
  assert.equal(reading('GET', '/emails/e_1', {}).class, 'free', 'as resend-python asks');
  assert.equal(reading('POST', '/emails/e_1/cancel').class, 'free');
  assert.equal(reading('POST', '/emails/e_1/cancel', {}).class, 'free');
});

test('only what sends mail is executed once by Resend; of other changes the proxy sees to it', () => {
  const kinds: [method: string, path: string, idempotency: string, body?: unknown][] = [
    ['POST', '/emails', 'vendor', MAIL],
    ['POST', '/emails/batch', 'vendor', [MAIL]],
    ['POST', '/emails/e_1/cancel', 'proxy'],
    ['PATCH', '/emails/e_1', 'proxy', { scheduled_at: 'x' }],
    ['POST', '/broadcasts/b_1/send', 'proxy'],
    ['POST', '/contacts', 'proxy', { email: 'a@a.example' }],
    ['DELETE', '/contacts/c_1', 'proxy'],
    ['GET', '/emails', 'none'],
  ];
  for (const [method, path, idempotency, body] of kinds) {
    assert.equal(reading(method, path, body).idempotency, idempotency, `${method} ${path}`);
  }
});

test('`recipients` holds to, cc and bcc of all mails, and nothing that the body can say', () => {
  const rules = { recipients: { domain: ['a.example'] } };
  const broken = (path: string, body: unknown) =>
    brokenRule(rules, reading('POST', path, body))?.message ?? null;
  assert.equal(broken('/emails', { ...MAIL, cc: 'b@a.example' }), null);
  assert.equal(broken('/emails/batch', [MAIL, { ...MAIL, bcc: ['b@a.example'] }]), null);
  for (const field of ['to', 'cc', 'bcc']) {
    for (const other of ['x@evil.example', ['a@a.example', 'X <x@evil.example>']]) {
      const mail = { ...MAIL, [field]: other };
      assert.match(broken('/emails', mail)!, /recipients\[\d+\] as one address at \[a.example\]/);
      assert.match(broken('/emails/batch', [MAIL, mail])!, /recipients/);
    }
  }
  // What has no price of its own has no recipients that a rule could hold.
  assert.match(broken('/emails', { ...MAIL, segment_id: 's_1' })!, /does not say recipients/);
  assert.match(broken('/broadcasts/b_1/send', {})!, /does not say recipients/);
  assert.equal(broken('/emails/e_1/cancel', {}), null);
  const to = { to: { domain: ['a.example'] } };
  assert.notEqual(brokenRule(to, reading('POST', '/emails/batch', [MAIL])), null, 'no way around');
});

test('only the form of an API key is stored', () => {
  for (const secret of ['re_123', 're_aBc_123']) {
    assert.equal(resend.checkCredentials({ secret }), null);
  }
  for (const secret of ['', 'sk_live_1', 're_', 're_1 ', 'Bearer re_1', 're_1\n']) {
    assert.notEqual(resend.checkCredentials({ secret }), null, secret);
  }
});

// ---------------------------------------------------------------- properties

const address = fc
  .tuple(fc.constantFrom('a', 'b.c', 'x+1'), fc.constantFrom('a.example', 'B.example', 'evil.io'))
  .map(([local, domain]) => `${local}@${domain}`);
const named = fc
  .tuple(fc.constantFrom('', 'Ann ', '"Doe, Ann" ', 'É. '), address)
  .map(([name, each]) => (name === '' ? each : `${name}<${each}>`));
const field = fc.oneof(
  named,
  fc.array(named, { maxLength: 4 }),
  fc.constantFrom(undefined, null, 'a@a.example,b@a.example', ' a@a.example ', 'x', '<a@a.example'),
);
const mail = fc.record({ from: address, to: field, cc: field, bcc: field, subject: fc.string() });

/** What the most lenient mailer would find: everything that looks like an address. */
function lenient(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, each) => sum + lenient(each), 0);
  return typeof value === 'string' ? (value.match(/[^\s<>,;"]+@[^\s<>,;"]+/g)?.length ?? 0) : 0;
}

test('whatever is priced, the most lenient reader counts the same recipients, and rules see them', () => {
  let priced = 0;
  fc.assert(
    fc.property(fc.array(mail, { minLength: 1, maxLength: 3 }), fc.boolean(), (mails, single) => {
      const body = single ? mails[0]! : mails;
      const path = single ? '/emails' : '/emails/batch';
      const read = resend.read(request('POST', path, body), TARIFF);
      if (isRefusal(read) || read.quote.kind !== 'exact') return;
      priced++;
      const counted = single ? [mails[0]!] : mails;
      const all = counted.flatMap(({ to, cc, bcc }) => [to, cc, bcc]);
      assert.equal(read.quote.micros, PRICE * BigInt(lenient(all)));
      const seen = [...read.fields].filter(([name]) => name.startsWith('recipients['));
      assert.equal(seen.length, lenient(all));
      const evil = JSON.stringify(all).includes('@evil.io');
      const rule = { recipients: { domain: ['a.example', 'b.example'] } };
      assert.equal(brokenRule(rule, read) !== null, evil);
    }),
    { numRuns: 3_000 },
  );
  assert.ok(priced > 300, `only ${priced} were priced: the property says nothing`);
});

test('no bytes make the reader throw', () => {
  const pieces = fc.constantFrom(
    ...['{', '}', '[', ']', ',', ':', '"to"', '"cc"', '"a@a.example"', '"headers"', '"x"', 'null'],
    ...['1', '{}', '[]', '"subject"', '"recipients"', '"scheduled_at"', '"\\ud800"', ' '],
  );
  const bodies = fc.oneof(
    fc.array(pieces, { maxLength: 14 }).map((parts) => parts.join('')),
    fc.jsonValue().map((value) => JSON.stringify(value)),
  );
  const paths = fc.constantFrom(
    '/emails',
    '/emails/batch',
    '/broadcasts',
    '/emails/e_1',
    '/%',
    '//',
  );
  const methods = fc.constantFrom('GET', 'POST', 'PATCH', 'DELETE');
  fc.assert(
    fc.property(methods, paths, bodies, (method, path, body) => {
      const result = resend.read(request(method, path, body), TARIFF);
      assert.ok(isRefusal(result) || result.fields instanceof Map);
    }),
    { numRuns: 3_000 },
  );
});
