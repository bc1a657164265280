/** How open calls are looked for at Resend, and what the looks prove. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { investigate } from '../../src/vendors/resend/investigate.ts';
import type { Investigation, OpenCall, VendorReply } from '../../src/vendors/vendor.ts';
import { lost, MAIL, PRICE, reading, reply, TARIFF } from './resend-requests.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const AT = Date.parse('2026-11-24T09:00:00Z');

const ONE = reading('POST', '/emails', { ...MAIL, to: ['Ann <A@a.example>', 'b@a.example'] });
const BATCH = [MAIL, { ...MAIL, to: 'b@a.example', cc: ['x@a.example', 'y@a.example'] }];
const STRICT = reading('POST', '/emails/batch', BATCH);
const PERMISSIVE = reading('POST', '/emails/batch', BATCH, { 'x-batch-validation': 'permissive' });

/** As Resend writes times. */
const stamp = (ms: number) => new Date(ms).toISOString().replace('T', ' ').replace('Z', '000+00');

const listed = (id: string, more: object = {}) => ({
  ...{ id, from: 'shop@shop.example', to: ['b@a.example', 'a@a.example'], subject: 'Order' },
  ...{ created_at: stamp(AT + 1_000), last_event: 'delivered', cc: null, bcc: null },
  ...more,
});

const page = (data: unknown[], has_more = false) => reply(200, { object: 'list', has_more, data });

function look(call: OpenCall, after: number, ...replies: VendorReply[]): Investigation | null {
  return investigate(call, replies, TARIFF, call.sentAt + after);
}

/** What is concluded, shortly. */
function end(found: Investigation | null) {
  assert.equal(
    found?.next,
    'conclude',
    JSON.stringify(found, (_, v) => (typeof v === 'bigint' ? `${v}` : v)),
  );
  const { conclusion, reply } = found as Extract<Investigation, { next: 'conclude' }>;
  const { outcome, cost, vendorObjectId } = conclusion;
  const body = reply === null ? null : JSON.parse(Buffer.from(reply.body).toString());
  return [outcome, cost, vendorObjectId, body];
}

test('a lost mail is asked for in the list of mails, and found by whom it went to, from whom and about what', () => {
  const call = lost(ONE, AT);
  assert.deepEqual(look(call, MINUTE), {
    next: 'look',
    lookUp: { method: 'GET', path: '/emails', query: 'limit=100', headers: {}, body: '' },
  });
  const answer = ['settled', 2n * PRICE, 'e_1', { id: 'e_1' }];
  assert.deepEqual(end(look(call, MINUTE, page([listed('e_1')]))), answer);
  for (const more of [
    { to: ['"Ann" <a@a.example>', 'B@A.example'], from: 'Other Name <SHOP@shop.example>' },
    { created_at: '2026-11-24T09:00:01Z' },
    { created_at: stamp(AT - 4 * MINUTE) },
    { created_at: stamp(AT + 14 * MINUTE) },
    { last_event: 'bounced' },
    { last_event: 'suppressed' },
    { last_event: undefined },
  ]) {
    const others = [listed('e_0', { to: ['z@a.example'] }), listed('e_1', more)];
    assert.deepEqual(end(look(call, MINUTE, page(others))), answer, JSON.stringify(more));
  }
});

test('no mail of another time, another call or another content is taken for it', () => {
  const call = lost(ONE, AT, { taken: new Set(['e_taken']) });
  for (const other of [
    listed('e_1', { created_at: stamp(AT - 6 * MINUTE) }),
    listed('e_1', { created_at: stamp(AT + 16 * MINUTE) }),
    listed('e_1', { to: ['a@a.example'] }),
    listed('e_1', { to: ['a@a.example', 'b@a.example', 'c@a.example'] }),
    listed('e_taken'),
  ]) {
    assert.deepEqual(
      end(look(call, 11 * MINUTE, page([other]))),
      ['released', null, null, null],
      JSON.stringify(other),
    );
  }
});

test('absence proves nothing before ten minutes, in a list with an end missing, or beside one alike', () => {
  const call = lost(ONE, AT);
  const wait = (ms: number) => ({ next: 'wait', ms });
  assert.deepEqual(look(call, 20_000, page([])), wait(2 * MINUTE));
  assert.deepEqual(look(call, 3 * MINUTE, page([])), wait(7 * MINUTE));
  assert.deepEqual(look(call, 10 * MINUTE - 1, page([])), wait(1));
  assert.deepEqual(end(look(call, 10 * MINUTE, page([]))), ['released', null, null, null]);
  for (const more of [{ subject: 'order' }, { from: 'other@shop.example' }, { subject: null }]) {
    const alike = page([listed('e_1', more)]);
    assert.deepEqual(look(call, 11 * MINUTE, alike), wait(HOUR), JSON.stringify(more));
    assert.equal(look(call, 25 * HOUR, alike)?.next, 'give_up');
  }
  const pages = Array<VendorReply>(10).fill(page([listed('e_9', { to: ['z@a.example'] })], true));
  assert.deepEqual(look(call, 11 * MINUTE, ...pages), wait(HOUR));
  assert.equal(look(call, 25 * HOUR, ...pages)?.next, 'give_up');
  const again = lost(ONE, AT, { sentAt: AT + HOUR });
  assert.deepEqual(look(again, 3 * MINUTE, page([])), wait(7 * MINUTE), 'since it was last sent');
});

test('pages are read until the list is older than the call, or the mail is found', () => {
  const call = lost(ONE, AT);
  const other = (id: string, at: number) =>
    listed(id, { to: ['z@a.example'], created_at: stamp(at) });
  const first = page([other('e_9', AT + HOUR), other('e_8', AT + 2_000)], true);
  assert.deepEqual(look(call, HOUR, first), {
    next: 'look',
    lookUp: { method: 'GET', path: '/emails', query: 'limit=100&after=e_8', headers: {}, body: '' },
  });
  const found = page([listed('e_1'), other('e_2', AT)], true);
  assert.equal(end(look(call, HOUR, first, found))[2], 'e_1', 'no further page is needed');
  const older = page([other('e_3', AT - HOUR)], true);
  assert.equal(end(look(call, HOUR, first, older))[0], 'released', 'the rest is older');
});

test('what Resend does not answer, or not readably, is asked again, for a day', () => {
  const call = lost(ONE, AT);
  for (const answer of [
    reply(500, {}),
    reply(429, {}),
    reply(404, {}),
    reply(200, 'ok'),
    reply(200, { data: 'none' }),
    reply(200, { data: [7] }),
    page([listed('e_1'), listed('e_2', { id: 7 })]),
    page([listed('')]),
    reply(301, {}),
  ]) {
    assert.deepEqual(look(call, HOUR, answer), { next: 'wait', ms: MINUTE });
    assert.equal(look(call, 25 * HOUR, answer)?.next, 'give_up');
  }
  for (const status of [401, 403]) {
    const found = look(call, MINUTE, reply(status, { name: 'restricted_api_key' }));
    assert.deepEqual(found, { next: 'give_up', why: `the API key may not read mails (${status})` });
    assert.equal(
      look({ ...call, state: 'held', vendorObjectId: 'e_1' }, MINUTE, reply(status, {}))?.next,
      'give_up',
    );
  }
});

test('a lost mail that was scheduled is held under its id, a cancelled one is released', () => {
  const call = lost(ONE, AT);
  const scheduled = look(call, MINUTE, page([listed('e_1', { last_event: 'scheduled' })]));
  assert.deepEqual(end(scheduled), ['held', null, 'e_1', { id: 'e_1' }]);
  assert.ok(scheduled?.next === 'conclude');
  const [fact] = scheduled.conclusion.objects;
  assert.deepEqual([fact?.id, fact?.state, fact?.amount], ['e_1', 'open', 2n]);
  const cancelled = look(call, MINUTE, page([listed('e_1', { last_event: 'canceled' })]));
  assert.deepEqual(end(cancelled), ['released', null, 'e_1', { id: 'e_1' }]);
});

test('a mail of a template is known by what the request says of it', () => {
  const { subject, from, ...rest } = { ...MAIL, template: { id: 't_1' } };
  const read = reading('POST', '/emails', { ...rest, to: ['a@a.example', 'b@a.example'] });
  const found = look(lost(read, AT), MINUTE, page([listed('e_1', { subject: 'The template’s' })]));
  assert.equal(end(found)[2], 'e_1');
});

test('two lost calls alike are two mails, or one of them was not sent', () => {
  const first = look(lost(ONE, AT), 11 * MINUTE, page([listed('e_1')]));
  assert.equal(end(first)[2], 'e_1');
  const second = lost(ONE, AT + 1, { taken: new Set(['e_1']) });
  assert.equal(end(look(second, 11 * MINUTE, page([listed('e_1')])))[0], 'released');
  assert.equal(end(look(second, 11 * MINUTE, page([listed('e_1'), listed('e_2')])))[2], 'e_2');
});

test('a lost batch is found mail by mail, and answered with their ids in the order of the request', () => {
  const mails = [listed('e_2', { to: ['b@a.example'] }), listed('e_1', { to: ['a@a.example'] })];
  const data = [{ id: 'e_1' }, { id: 'e_2' }];
  const strict = look(lost(STRICT, AT), MINUTE, page(mails));
  assert.deepEqual(end(strict), ['settled', 4n * PRICE, 'e_1', { data }]);
  const permissive = look(lost(PERMISSIVE, AT), MINUTE, page(mails));
  assert.deepEqual(end(permissive), ['settled', 4n * PRICE, 'e_1', { data, errors: [] }]);
  for (const read of [STRICT, PERMISSIVE]) {
    const none = look(lost(read, AT), 11 * MINUTE, page([listed('e_9', { to: ['z@a.example'] })]));
    assert.deepEqual(end(none), ['released', null, null, null]);
  }
});

test('a part of a lost batch counts where parts are sent, and is left open where all or none is', () => {
  const half = page([listed('e_2', { to: ['b@a.example'] })]);
  const permissive = look(lost(PERMISSIVE, AT), 11 * MINUTE, half);
  assert.deepEqual(end(permissive), ['settled', 3n * PRICE, 'e_2', null]);
  assert.equal(look(lost(PERMISSIVE, AT), 9 * MINUTE, half)?.next, 'wait');
  assert.deepEqual(look(lost(STRICT, AT), 11 * MINUTE, half), { next: 'wait', ms: HOUR });
  assert.equal(look(lost(STRICT, AT), 25 * HOUR, half)?.next, 'give_up');
});

test('a batch of equal mails needs as many as it has', () => {
  const read = reading('POST', '/emails/batch', [MAIL, MAIL]);
  const one = listed('e_1', { to: ['a@a.example'] });
  assert.equal(look(lost(read, AT), 11 * MINUTE, page([one]))?.next, 'wait');
  const both = look(lost(read, AT), 11 * MINUTE, page([one, { ...one, id: 'e_2' }]));
  assert.deepEqual(end(both)[3], { data: [{ id: 'e_1' }, { id: 'e_2' }] });
});

test('what has neither a clue nor an id cannot be looked for', () => {
  assert.equal(look(lost(ONE, AT, { clue: null }), HOUR), null);
  assert.equal(look(lost(ONE, AT, { state: 'held' }), HOUR), null);
});

test('a scheduled mail is asked for by its id until it is gone or cancelled', () => {
  const call = lost(ONE, AT, { state: 'held', vendorObjectId: 'e_1' });
  assert.deepEqual(look(call, MINUTE), {
    next: 'look',
    lookUp: { method: 'GET', path: '/emails/e_1', query: '', headers: {}, body: '' },
  });
  const mail = (last_event: unknown, more: object = {}) =>
    reply(200, { object: 'email', id: 'e_1', last_event, ...more });
  for (const event of ['sent', 'delivered', 'bounced', 'complained', 'opened', 'failed', 'new']) {
    assert.deepEqual(end(look(call, HOUR, mail(event))), ['settled', 2n * PRICE, 'e_1', null]);
  }
  assert.deepEqual(end(look(call, HOUR, mail('canceled'))), ['released', null, 'e_1', null]);

  const at = (ms: number) => ({ scheduled_at: stamp(AT + HOUR + ms) });
  const waits: [event: string, more: object, ms: number][] = [
    ['scheduled', at(30 * MINUTE), 31 * MINUTE],
    ['scheduled', at(72 * HOUR), 6 * HOUR],
    ['scheduled', at(-10_000), MINUTE],
    ['queued', at(-20 * MINUTE), 20 * MINUTE],
    ['queued', at(-48 * HOUR), 6 * HOUR],
    ['scheduled', {}, 10 * MINUTE],
    ['scheduled', { scheduled_at: 'in 1 min' }, 10 * MINUTE],
    ['scheduled', { scheduled_at: 'Tue Nov 24 2026' }, 10 * MINUTE],
  ];
  for (const [event, more, ms] of waits) {
    assert.deepEqual(look(call, HOUR, mail(event, more)), { next: 'wait', ms });
  }
  assert.deepEqual(look({ ...call, looks: 9 }, HOUR, mail('scheduled')), {
    next: 'wait',
    ms: 6 * HOUR,
  });
  for (const answer of [
    mail(null),
    mail(7),
    mail('sent', { id: 'e_2' }),
    reply(500, {}),
    reply(429, {}),
  ]) {
    assert.deepEqual(look(call, HOUR, answer), { next: 'wait', ms: 10 * MINUTE });
  }
  assert.equal(look(call, HOUR, reply(404, {}))?.next, 'give_up');
});

test('the ledger is told neither addresses nor subjects', () => {
  for (const { clue } of [ONE, STRICT]) assert.doesNotMatch(clue!, /@|example|order/i);
  const hundred = reading('POST', '/emails/batch', Array<object>(100).fill(MAIL));
  assert.ok(hundred.clue!.length < 5_000, `${hundred.clue!.length} characters`);
});

test('no list makes it throw, and none makes a lost call cost more than it holds', () => {
  const entry = fc.oneof(
    fc.jsonValue(),
    fc.record({
      id: fc.constantFrom('e_1', 'e_2', 7),
      to: fc.constantFrom(['b@a.example', 'a@a.example'], 'a@a.example', null),
      from: fc.constantFrom('shop@shop.example', null),
      subject: fc.constantFrom('Order', null, 5),
      created_at: fc.constantFrom(stamp(AT), stamp(AT - HOUR), 'yesterday', null),
      last_event: fc.constantFrom('sent', 'scheduled', 'canceled', null),
    }),
  );
  const list = fc.array(entry, { maxLength: 4 }).map((data) => page(data));
  fc.assert(
    fc.property(list, fc.nat({ max: 26 * HOUR }), (answer, after) => {
      for (const read of [ONE, STRICT, PERMISSIVE]) {
        const call = lost(read, AT);
        const found = look(call, after, answer);
        if (found?.next !== 'conclude') continue;
        const { cost } = found.conclusion;
        assert.ok(cost === null || (cost >= 0n && cost <= call.quote));
      }
    }),
    { numRuns: 2_000 },
  );
});
