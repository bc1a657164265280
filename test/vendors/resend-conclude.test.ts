/** What Resend's replies mean for the money, and how a refusal looks to its libraries. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CATALOGUE, type ErrorCode } from '../../src/errors.ts';
import { Secret } from '../../src/seal.ts';
import { resend } from '../../src/vendors/resend/resend.ts';
import type { Conclusion, Reading } from '../../src/vendors/vendor.ts';
import { MAIL, PRICE, reading, reply, request, TARIFF } from './resend-requests.ts';

const SENT = reading('POST', '/emails', { ...MAIL, cc: ['b@a.example'] });
const SCHEDULED = reading('POST', '/emails', {
  ...MAIL,
  bcc: 'b@a.example',
  scheduled_at: 'in 1 h',
});
const BATCH = [
  MAIL,
  { ...MAIL, cc: ['b@a.example', 'c@a.example'] },
  { ...MAIL, bcc: 'd@a.example' },
];
const STRICT = reading('POST', '/emails/batch', BATCH);
const PERMISSIVE = reading('POST', '/emails/batch', BATCH, { 'x-batch-validation': 'permissive' });
const CANCEL = reading('POST', '/emails/e_1/cancel');

function conclude(read: Reading, status: number, body: unknown): Conclusion {
  return resend.conclude(read, reply(status, body), TARIFF);
}

const mails = (count: number) => Array.from({ length: count }, (_, i) => ({ id: `e_${i}` }));
const end = ({ outcome, cost, repeatable, vendorObjectId }: Conclusion) => [
  outcome,
  cost,
  repeatable,
  vendorObjectId,
];

test('an accepted mail costs its recipients at once', () => {
  const found = conclude(SENT, 200, { id: 'e_1' });
  assert.deepEqual(end(found), ['settled', 2n * PRICE, true, 'e_1']);
  assert.deepEqual(found.objects, []);
});

test('a scheduled mail is held until it is gone, under the id by which it can be cancelled', () => {
  const found = conclude(SCHEDULED, 200, { id: 'e_1' });
  assert.deepEqual(end(found), ['held', null, true, 'e_1']);
  assert.deepEqual(found.objects, [
    {
      ...{ id: 'e_1', aliases: [], currency: 'usd', unit: PRICE * 1_000_000n, rateDate: null },
      ...{ amount: 2n, state: 'open', moved: null, refunded: null },
    },
  ]);
});

test('a cancellation, and a look at a cancelled mail, say that nothing moved; other looks say nothing', () => {
  const state = (read: Reading, body: object) => {
    const found = conclude(read, 200, body);
    assert.deepEqual([found.outcome, found.cost], ['settled', 0n]);
    return found.objects.map(({ id, state, moved }) => [id, state, moved]);
  };
  assert.deepEqual(state(CANCEL, { object: 'email', id: 'e_1' }), [['e_1', 'declined', null]]);
  const look = reading('GET', '/emails/e_1');
  for (const last_event of ['canceled', 'email.canceled']) {
    assert.deepEqual(state(look, { id: 'e_1', last_event }), [['e_1', 'declined', null]]);
  }
  for (const last_event of ['scheduled', 'sent', 'delivered', 'bounced', 'constructor', null, 7]) {
    assert.deepEqual(state(look, { id: 'e_1', last_event }), [], String(last_event));
  }
  assert.deepEqual(state(CANCEL, { object: 'email', id: 'e_2' }), [], 'another mail');
  assert.deepEqual(state(CANCEL, {}), []);
  assert.deepEqual(state(reading('PATCH', '/emails/e_1', {}), { id: 'e_1' }), []);
  assert.deepEqual(conclude(CANCEL, 422, { name: 'validation_error' }).objects, []);
  assert.deepEqual(conclude(CANCEL, 500, { id: 'e_1' }).objects, []);
});

test('a batch costs what was taken of it, and all of it when that is not proven', () => {
  const price = (recipients: bigint) => recipients * PRICE;
  const error = (...places: unknown[]) => places.map((index) => ({ index, message: 'no' }));
  const table: [body: unknown, cost: bigint | null][] = [
    [{ data: mails(3) }, price(6n)],
    [{ data: mails(3), errors: [] }, price(6n)],
    [{ data: mails(2), errors: error(0) }, price(5n)],
    [{ data: mails(2), errors: error(1) }, price(3n)],
    [{ data: mails(1), errors: error(1, 2) }, price(1n)],
    [{ data: [], errors: error(0, 1, 2) }, 0n],
    // the lists do not make up the batch
    [{ data: mails(3), errors: error(1) }, price(6n)],
    [{ data: mails(2) }, price(6n)],
    [{ data: mails(1), errors: error(1, 1) }, price(6n)],
    [{ data: mails(2), errors: error(7) }, price(6n)],
    [{ data: mails(2), errors: error(-1) }, price(6n)],
    [{ data: mails(2), errors: error('1') }, price(6n)],
    [{ data: mails(2), errors: ['no'] }, price(6n)],
    [{ data: mails(2), errors: 'no' }, price(6n)],
    // no answer of a batch
    [{ data: [] }, null],
    [{ data: 'e_1' }, null],
    [{ data: [{ id: 7 }, ...mails(2)] }, null],
    [{ id: 'e_1' }, null],
  ];
  for (const [body, cost] of table) {
    for (const read of [STRICT, PERMISSIVE]) {
      const found = conclude(read, 200, body);
      const outcome = cost === null ? 'unknown' : 'settled';
      assert.deepEqual([found.outcome, found.cost], [outcome, cost], JSON.stringify(body));
    }
  }
  assert.equal(conclude(STRICT, 200, { data: mails(3) }).vendorObjectId, 'e_0');
});

test('a rejection gives everything back; what proves nothing keeps it', () => {
  const error = { statusCode: 0, name: 'x', message: 'y' };
  for (const status of [400, 401, 403, 404, 405, 409, 413, 422, 429, 451]) {
    for (const read of [SENT, SCHEDULED, STRICT]) {
      const found = conclude(read, status, { ...error, id: 'e_1' });
      assert.deepEqual(end(found), ['released', null, false, null], String(status));
    }
  }
  for (const status of [408, 500, 502, 503, 504, 520, 301, 302]) {
    for (const read of [SENT, SCHEDULED, STRICT]) {
      assert.equal(conclude(read, status, { id: 'e_1' }).outcome, 'unknown', String(status));
    }
    assert.deepEqual(end(conclude(CANCEL, status, error)), ['settled', 0n, false, null]);
  }
  for (const body of [
    '',
    'ok',
    '{"id":42}',
    '{"id":""}',
    '[]',
    'null',
    '{"ID":"e_1"}',
    '{"id":"e_1"',
  ]) {
    assert.equal(conclude(SENT, 200, body).outcome, 'unknown', body);
    assert.equal(conclude(SCHEDULED, 200, body).outcome, 'unknown', body);
  }
});

test('what has no price is unknown when it was done, and released when it was not', () => {
  const read = reading('POST', '/broadcasts/b_1/send', {});
  assert.equal(conclude(read, 200, { id: 'b_1' }).outcome, 'unknown');
  assert.equal(conclude(read, 422, {}).outcome, 'released');
});

test('no reply makes it throw, and none makes a mail cost more than its quote', () => {
  const status = fc.constantFrom(200, 201, 202, 204, 301, 400, 409, 429, 500);
  fc.assert(
    fc.property(status, fc.jsonValue(), (code, body) => {
      for (const read of [SENT, SCHEDULED, STRICT, PERMISSIVE, CANCEL]) {
        const { cost } = conclude(read, code, body);
        const whole = read.quote.kind === 'exact' ? read.quote.micros : 0n;
        assert.ok(cost === null || (cost >= 0n && cost <= whole));
      }
    }),
    { numRuns: 1_000 },
  );
});

// ---------------------------------------------------------------- out, and back

test('the real key goes out and the client’s does not, always under some name', () => {
  const destination = {
    baseUrl: 'https://api.resend.com',
    credentials: { secret: new Secret('re_real_1') },
  };
  const headers = { authorization: 'Bearer vault_key_x', 'idempotency-key': 'theirs' };
  const sent = request('POST', '/emails', MAIL, { ...headers, 'x-batch-validation': 'permissive' });
  const out = resend.outbound(sent, destination, 'ours');
  assert.equal(out.headers.authorization, 'Bearer re_real_1');
  assert.equal(out.headers['idempotency-key'], 'ours');
  assert.equal(out.headers['user-agent'], 'keybrake');
  assert.equal(out.headers['x-batch-validation'], 'permissive');
  assert.deepEqual([out.path, out.body], ['/emails', sent.body]);
  for (const [given, goes] of [
    ['resend-node:6.38.0', 'resend-node:6.38.0'],
    ['', 'keybrake'],
  ]) {
    const named = request('POST', '/emails', MAIL, { 'user-agent': given! });
    assert.equal(resend.outbound(named, destination, null).headers['user-agent'], goes);
  }
  const get = resend.outbound(request('GET', '/emails?limit=3'), destination, null);
  assert.equal(get.path, '/emails?limit=3');
  assert.equal(get.headers['idempotency-key'], undefined);
});

test('a refusal is an error of Resend’s form, under a name that nobody retries', () => {
  for (const code of Object.keys(CATALOGUE) as ErrorCode[]) {
    const cap = {
      kind: 'total',
      keyId: 1n,
      cap: 900n,
      spent: 0n,
      held: 0n,
      needed: 1_800n,
    } as const;
    const { headers, body } = resend.renderRefusal({ code, message: 'Why.', cap }, 'call_1');
    assert.equal(headers['content-type'], 'application/json');
    const { statusCode, message, name, vault } = JSON.parse(body);
    assert.deepEqual([statusCode, message, name], [CATALOGUE[code].status, 'Why.', code]);
    assert.doesNotMatch(name, /rate_limit_exceeded|quota_exceeded|application_error/);
    assert.deepEqual(
      [vault.call_id, vault.cap_usd, vault.needed_usd],
      ['call_1', '0.0009', '0.0018'],
    );
  }
});
