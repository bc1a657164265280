/** How Twilio is asked what became of open messages and calls, and what its answers prove. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { twilio } from '../../src/vendors/twilio/twilio.ts';
import type { Investigation, OpenCall, Tariff, VendorReply } from '../../src/vendors/vendor.ts';
import {
  AT,
  CA,
  CALLS,
  type Fields,
  LISTED,
  message,
  open,
  posted,
  reply,
  SM,
  shownCall,
  shownMessage,
  tariffOf,
  US,
  VERIFICATIONS,
} from './twilio-requests.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const VOICE = tariffOf({
  voice: '0.014',
  'voice-recording': '0.0025',
  'machine-detection': '0.0075',
});
const phoned = (fields: Fields = {}) =>
  posted(
    CALLS,
    { To: US, From: '+15005550006', Url: 'https://a.example', TimeLimit: '600', ...fields },
    VOICE,
  );
const heldCall = (fields?: Fields) => open(phoned(fields), { vendorObjectId: CA });

function look(call: OpenCall, after: number, replies: VendorReply[], tariff: Tariff = LISTED) {
  return twilio.investigate(call, replies, tariff, call.sentAt + after)!;
}

const ask = (path: string, query = '') => ({
  next: 'look',
  lookUp: {
    method: 'GET',
    path: `/2010-04-01/Accounts/AC${'0'.repeat(32)}/${path}`,
    query,
    headers: {},
    body: '',
  },
});

/** Outcome, cost, object. */
function end(found: Investigation) {
  assert.equal(found.next, 'conclude', inspect(found));
  const { outcome, cost, vendorObjectId } = (found as Extract<Investigation, { next: 'conclude' }>)
    .conclusion;
  return [outcome, cost, vendorObjectId];
}

const seconds = (found: Investigation) => {
  assert.equal(found.next, 'wait', inspect(found));
  return (found as Extract<Investigation, { next: 'wait' }>).ms / 1000;
};

const shownAs = (more: object, status = 200) => [reply(status, shownMessage(more))];

// ---------------------------------------------------------------- the price

test('a held message is read until its price is stated, and then costs that', () => {
  const held = open(message());
  assert.deepEqual(look(held, 5_000, []), ask(`Messages/${SM}.json`));
  for (const [price, unit, cost] of [
    ['-0.00750', 'USD', 7_500n],
    ['-0.02900', 'usd', 29_000n],
    ['0', 'USD', 0n],
    ['-0.0000001', 'USD', 1n],
  ] as const) {
    const replies = shownAs({ status: 'delivered', price, price_unit: unit });
    assert.deepEqual(end(look(held, 5_000, replies)), ['settled', cost, null], price);
  }
});

test('while there is no price the waits grow from seconds to an hour', () => {
  const waits = [0, 1, 2, 5, 9, 10, 40].map((looks) =>
    seconds(look(open(message(), { looks }), MINUTE, shownAs({ status: 'sent' }))),
  );
  assert.deepEqual(waits, [5, 10, 20, 160, 2560, 3600, 3600]);
});

test('what Twilio does not answer is asked again; what it does not know any more is settled as quoted', () => {
  const held = open(message());
  for (const status of [401, 403, 429, 500, 503]) {
    assert.equal(seconds(look(held, MINUTE, [reply(status, {})])), 5, `${status}`);
  }
  assert.equal(seconds(look(held, MINUTE, [reply(200, 'no JSON')])), 5);
  assert.equal(
    seconds(look(held, MINUTE, shownAs({ sid: `SM${'9'.repeat(32)}`, price: '-1' }))),
    5,
  );
  assert.deepEqual(end(look(held, MINUTE, [reply(404, { code: 20404 })])), [
    'settled',
    held.quote,
    null,
  ]);
});

test('a cancelled message gives its hold back', () => {
  const replies = shownAs({ status: 'canceled' });
  assert.deepEqual(end(look(open(message()), MINUTE, replies)), ['released', null, null]);
});

test('a scheduled message is held until it goes out, however long that is', () => {
  const scheduled = message({
    ScheduleType: 'fixed',
    SendAt: new Date(AT + 7 * DAY).toISOString(),
  });
  const replies = shownAs({ status: 'scheduled' });
  assert.equal(seconds(look(open(scheduled), MINUTE, replies)), 3600);
  assert.equal(seconds(look(open(scheduled), 7 * DAY - MINUTE, replies)), 65);
  assert.equal(seconds(look(open(scheduled), 8 * DAY, replies)), 5);
  assert.equal(look(open(scheduled), 9 * DAY + MINUTE, replies).next, 'give_up');
});

test('a message that failed and has no price for a day costs what Twilio takes for a failed one', () => {
  const failed = shownAs({ status: 'failed' });
  const held = open(message());
  assert.equal(seconds(look(held, DAY - MINUTE, failed)), 5);
  assert.deepEqual(end(look(held, DAY, failed)), ['settled', 1_000n, null]);
  const priced = shownAs({ status: 'failed', price: '-0.00100' });
  assert.deepEqual(end(look(held, MINUTE, priced)), ['settled', 1_000n, null]);
  const unknown = { ...LISTED, prices: new Map() };
  assert.deepEqual(
    end(look(held, DAY, failed, unknown)),
    ['settled', held.quote, null],
    'else as quoted',
  );
});

test('after two days without a price an operator has to say it', () => {
  const held = open(message());
  assert.equal(look(held, 2 * DAY - MINUTE, shownAs({ status: 'delivered' })).next, 'wait');
  assert.equal(look(held, 2 * DAY, shownAs({ status: 'delivered' })).next, 'give_up');
  const inEuros = shownAs({ status: 'delivered', price: '-0.01', price_unit: 'EUR' });
  assert.equal(look(held, DAY, inEuros).next, 'wait');
  const given = look(held, 2 * DAY, inEuros);
  assert.match(given.next === 'give_up' ? given.why : '', /no rate for the currency eur/);
  const euros = tariffOf({}, { eur: 1_100_000_000_000n });
  assert.deepEqual(end(look(held, DAY, inEuros, euros)), ['settled', 11_000n, null]);
});

test('a call costs its own price, that of the legs it dialled, and what its price leaves out', () => {
  const done = (more: object = {}) =>
    reply(200, shownCall({ status: 'completed', duration: '61', price: '-0.02800', ...more }));
  const legs = (...calls: object[]) => reply(200, { calls, next_page_uri: null });
  const leg = (price: string | null, more: object = {}) => ({
    ...shownCall({ sid: `CA${'7'.repeat(32)}`, parent_call_sid: CA, status: 'completed', price }),
    ...more,
  });
  const held = heldCall();
  assert.deepEqual(
    look(held, MINUTE, [done()]),
    ask('Calls.json', `ParentCallSid=${CA}&PageSize=1000`),
  );
  const cost = (...replies: VendorReply[]) => end(look(held, MINUTE, replies))[1];
  assert.equal(cost(done(), legs()), 28_000n);
  assert.equal(cost(done(), legs(leg('-0.20000'), leg('-0.01'))), 238_000n);
  assert.equal(cost(done(), legs(leg(null, { status: 'no-answer' }))), 28_000n);
  assert.equal(cost(done(), legs(leg('-9', { parent_call_sid: null }))), 28_000n, 'another’s leg');
  assert.equal(
    seconds(look(held, MINUTE, [done(), legs(leg(null))])),
    5,
    'a leg without a price yet',
  );
  assert.equal(seconds(look(held, MINUTE, [done(), reply(500, {})])), 5);
  const recorded = heldCall({ Record: 'true', MachineDetection: 'Enable' });
  assert.equal(end(look(recorded, MINUTE, [done(), legs()]))[1], 28_000n + 7_500n + 2n * 2_500n);
});

test('a call that nobody answered is given back once Twilio had a day to say otherwise', () => {
  for (const status of ['busy', 'no-answer', 'failed']) {
    const shown = [reply(200, shownCall({ status }))];
    assert.equal(seconds(look(heldCall(), HOUR, shown)), 5, status);
    assert.deepEqual(end(look(heldCall(), DAY, shown)), ['released', null, null], status);
  }
  const cancelled = [reply(200, shownCall({ status: 'canceled' }))];
  assert.deepEqual(end(look(heldCall(), MINUTE, cancelled)), ['released', null, null]);
  const running = [reply(200, shownCall({ status: 'in-progress' }))];
  assert.equal(seconds(look(heldCall(), DAY, running)), 5);
});

// ---------------------------------------------------------------- a lost answer

const lost = (fields?: Fields, more: Partial<OpenCall> = {}) =>
  open(message(fields), { state: 'unknown', vendorObjectId: null, ...more });
const page = (items: object[], next_page_uri: string | null = null) =>
  reply(200, { messages: items, next_page_uri });
const sid = (digit: string) => `SM${digit.repeat(32)}`;
const dated = (after: number) => ({
  date_created: new Date(AT + after).toUTCString().replace('GMT', '+0000'),
});

test('a lost message is asked for in the list of its destination, and found by what it said', () => {
  assert.deepEqual(
    look(lost(), 15_000, []),
    ask('Messages.json', 'To=%2B14155552671&PageSize=1000'),
  );
  const listed = shownMessage({ status: 'sent' });
  const found = look(lost(), 15_000, [
    page([shownMessage({ sid: sid('1'), body: 'Other' }), listed]),
  ]);
  assert.deepEqual(end(found), ['held', null, SM]);
  assert.ok(found.next === 'conclude' && found.reply);
  assert.equal(found.reply.status, 201);
  assert.deepEqual(JSON.parse(Buffer.from(found.reply.body).toString()), listed);
  // The fact makes it the row's object, so that its price is looked for from now on.
  assert.deepEqual(
    found.conclusion.objects.map(({ id, state }) => [id, state]),
    [[SM, 'open']],
  );
});

for (const [what, more] of [
  ['went to another number', { to: '+14155550000' }],
  ['came from another number', { from: '+15005550007' }],
  ['said something else', { body: 'Hello!' }],
  ['was made an hour before', dated(-HOUR)],
  ['was made an hour after', dated(HOUR)],
  ['came in', { direction: 'inbound' }],
] as const) {
  test(`a message that ${what} is another one`, () => {
    assert.equal(look(lost(), MINUTE, [page([shownMessage(more)])]).next, 'wait');
  });
}

test('a message that another row answers for is another one’s, and two that are alike are two calls’', () => {
  const alike = [shownMessage({ sid: sid('2'), ...dated(2_000) }), shownMessage({ sid: sid('1') })];
  assert.deepEqual(end(look(lost(), MINUTE, [page(alike)])), ['held', null, sid('1')]);
  const second = lost({}, { taken: new Set([sid('1')]) });
  assert.deepEqual(end(look(second, MINUTE, [page(alike)])), ['held', null, sid('2')]);
  const third = lost({}, { taken: new Set([sid('1'), sid('2')]) });
  assert.deepEqual(end(look(third, 10 * MINUTE, [page(alike)])), ['released', null, null]);
});

test('none in a complete list, ten minutes later: it was never made, and its hold comes back', () => {
  assert.equal(look(lost(), 10 * MINUTE - 1, [page([])]).next, 'wait');
  assert.deepEqual(end(look(lost(), 10 * MINUTE, [page([])])), ['released', null, null]);
  const old = shownMessage(dated(-2 * DAY));
  assert.deepEqual(end(look(lost(), 10 * MINUTE, [page([old])])), ['released', null, null]);
});

for (const to of ['4155552671', `whatsapp:${US}`, 'messenger:1234567', 'client:ann']) {
  test(`nothing in the list of ${to} proves nothing: Twilio may list it in another form`, () => {
    assert.equal(look(lost({ To: to }), HOUR, [page([])]).next, 'wait');
    const given = look(lost({ To: to }), 2 * DAY, [page([])]);
    assert.match(given.next === 'give_up' ? given.why : '', /may list .* in another form/);
    const listed = shownMessage({ to });
    assert.deepEqual(end(look(lost({ To: to }), MINUTE, [page([listed])])), ['held', null, SM]);
  });
}

test('nothing is given back by a list that is not complete, or that shows what it may be', () => {
  const uri = `/2010-04-01/Accounts/AC${'5'.repeat(32)}/Messages.json?PageSize=1000&Page=1&PageToken=PA`;
  const next = look(lost(), HOUR, [page([], uri)]);
  assert.deepEqual(next, {
    next: 'look',
    lookUp: {
      method: 'GET',
      path: uri.split('?')[0],
      query: uri.split('?')[1],
      headers: {},
      body: '',
    },
  });
  assert.deepEqual(end(look(lost(), HOUR, [page([], uri), page([])])), ['released', null, null]);
  const five = Array.from({ length: 5 }, () => page([], uri));
  const doubts: VendorReply[][] = [
    five,
    [page([], 'https://evil.example/Messages.json')],
    [page([], '/2010-04-01/Accounts.json')],
    [reply(500, {})],
    [reply(200, { messages: null })],
    [page([], uri), reply(429, {})],
    [page([shownMessage({ body: 'redacted' })])],
    [page([shownMessage({ from: '+15005550007' })])],
    [page([shownMessage({ date_created: null })])],
  ];
  for (const [index, replies] of doubts.entries()) {
    assert.equal(look(lost(), HOUR, replies).next, 'wait', `${index}`);
    assert.equal(look(lost(), 2 * DAY, replies).next, 'give_up', `${index}`);
  }
});

test('a message whose text Twilio rewrites is found when only one can be it', () => {
  const rewritten = lost({ ContentSid: `HX${'0'.repeat(32)}` });
  const one = shownMessage({ body: 'Your code is 1' });
  assert.deepEqual(end(look(rewritten, MINUTE, [page([one])])), ['held', null, SM]);
  const two = [one, shownMessage({ sid: sid('1'), body: 'Your code is 2' })];
  assert.equal(look(rewritten, MINUTE, [page(two)]).next, 'wait');
});

test('a text that a service may encode smartly is not known by its letters', () => {
  const service = `MG${'4'.repeat(32)}`;
  const call = lost({ From: '', MessagingServiceSid: service, Body: 'It’s here' });
  const listed = shownMessage({ messaging_service_sid: service, body: "It's here" });
  assert.deepEqual(end(look(call, MINUTE, [page([listed])])), ['held', null, SM]);
  assert.equal(look(lost({ Body: 'It’s here' }), MINUTE, [page([listed])]).next, 'wait');
});

test('a message by a service is known by the service: its sender is Twilio’s choice', () => {
  const service = `MG${'4'.repeat(32)}`;
  const call = lost({ From: '', MessagingServiceSid: service });
  const listed = shownMessage({ from: '+15005550009', messaging_service_sid: service });
  assert.deepEqual(end(look(call, MINUTE, [page([listed])])), ['held', null, SM]);
  assert.equal(look(call, HOUR, [page([shownMessage()])]).next, 'wait');
});

test('a lost call is found in the list of calls', () => {
  const call = open(phoned(), { state: 'unknown', vendorObjectId: null });
  assert.deepEqual(look(call, MINUTE, []), ask('Calls.json', 'To=%2B14155552671&PageSize=1000'));
  const calls = [
    shownCall(),
    shownCall({ sid: `CA${'7'.repeat(32)}`, direction: 'outbound-dial' }),
  ];
  assert.deepEqual(end(look(call, MINUTE, [reply(200, { calls, next_page_uri: null })])), [
    'held',
    null,
    CA,
  ]);
  assert.deepEqual(end(look(call, 10 * MINUTE, [reply(200, { calls: [], next_page_uri: null })])), [
    'released',
    null,
    null,
  ]);
});

test('of a lost verification or lookup nothing at Twilio tells', () => {
  const verify = open(posted(VERIFICATIONS, { To: US, Channel: 'sms' }), {
    state: 'unknown',
    vendorObjectId: null,
  });
  assert.equal(twilio.investigate(verify, [], LISTED, AT), null);
});

test('whatever Twilio answers, nothing throws, and a lost message comes back only by a complete list', () => {
  const item = fc.record({
    sid: fc.constantFrom(SM, sid('1'), 'x', null),
    to: fc.constantFrom(US, '+14155550000', 5),
    from: fc.constantFrom('+15005550006', null),
    body: fc.constantFrom('Hello', 'x', null),
    date_created: fc.constantFrom('Tue, 24 Nov 2026 09:00:01 +0000', 'x', null),
    direction: fc.constantFrom('outbound-api', 'inbound', null),
  });
  const pages = fc.record({
    messages: fc.oneof(fc.array(item, { maxLength: 4 }), fc.anything()),
    next_page_uri: fc.constantFrom(null, '', '/x', 5),
  });
  fc.assert(
    fc.property(fc.array(pages, { minLength: 1, maxLength: 3 }), (given) => {
      const text = given.map((each) => JSON.stringify(each));
      const found = look(
        lost(),
        HOUR,
        text.map((each) => reply(200, each ?? 'null')),
      );
      if (found.next !== 'conclude' || found.conclusion.outcome !== 'released') return;
      for (const each of text) assert.ok(Array.isArray(JSON.parse(each).messages));
    }),
    { numRuns: 500 },
  );
});
