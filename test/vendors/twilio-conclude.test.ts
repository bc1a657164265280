/** What Twilio's replies mean for the money. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { twilio } from '../../src/vendors/twilio/twilio.ts';
import type { Reading, Tariff } from '../../src/vendors/vendor.ts';
import {
  CA,
  CALLS,
  example,
  LISTED,
  MESSAGES,
  message,
  posted,
  reading,
  reply,
  request,
  SM,
  shownCall,
  shownMessage,
  tariffOf,
  US,
  VERIFICATIONS,
  withoutSpecs,
} from './twilio-requests.ts';

const concluded = (read: Reading, status: number, body: unknown, tariff: Tariff = LISTED) =>
  twilio.conclude(read, reply(status, body, { 'twilio-request-id': 'RQ1' }), tariff);

/** Outcome, cost, object. */
const end = (...parts: Parameters<typeof concluded>) => {
  const { outcome, cost, vendorObjectId } = concluded(...parts);
  return [outcome, cost, vendorObjectId];
};

const CALL = posted(CALLS, { To: US, Url: 'https://a.example' }, tariffOf({ voice: '0.014' }));
const MESSAGE_PATH = `${MESSAGES.replace('.json', '')}/${SM}.json`;
const CANCEL = posted(MESSAGE_PATH, { Status: 'canceled' });
const FETCH = reading(request('GET', MESSAGE_PATH));
const VERIFY = posted(VERIFICATIONS, { To: US, Channel: 'sms' });

test('a message that is accepted is held by its SID until its price is stated', () => {
  const read = concluded(message(), 201, shownMessage());
  assert.deepEqual(read, {
    ...{ outcome: 'held', cost: null, vendorObjectId: SM, vendorRequestId: 'RQ1', objects: [] },
    ...{ repeatable: true, replayedByVendor: false },
  });
  assert.deepEqual(end(CALL, 201, shownCall()), ['held', null, CA]);
});

test('a price that is stated at once is the cost, without its sign', () => {
  assert.deepEqual(end(message(), 201, shownMessage({ price: '-0.00750' })), [
    'settled',
    7_500n,
    SM,
  ]);
  assert.deepEqual(end(message(), 201, shownMessage({ price: '0' })), ['settled', 0n, SM]);
  const euros = tariffOf({}, { eur: 1_100_000_000_000n });
  const body = shownMessage({ price: '-0.0075', price_unit: 'EUR' });
  assert.deepEqual(end(message(), 201, body, euros), ['settled', 8_250n, SM]);
  assert.deepEqual(end(message(), 201, body), ['held', null, SM], 'a currency without a rate');
});

test('the examples of Twilio’s own descriptions are read', { skip: withoutSpecs }, () => {
  const created = example('CreateMessage', /Messages\.json$/, 'createScheduledMessageSms');
  assert.equal(concluded(message(), 201, created).outcome, 'held');
  const call = example('CreateCall', /Calls\.json$/, 'create');
  assert.deepEqual(end(CALL, 201, call), ['held', null, `CA${'a'.repeat(32)}`]);
  const fetched = example('FetchMessage', /Messages\//, 'fetch') as { sid: string };
  const path = MESSAGE_PATH.replace(SM, fetched.sid);
  const { objects } = concluded(reading(request('GET', path)), 200, fetched);
  assert.deepEqual(
    objects.map(({ id, state, moved }) => [id, state, moved]),
    [[fetched.sid, 'final', 7_500n]],
  );
});

test('a reply that accepts and cannot be read proves nothing', () => {
  for (const body of [
    '',
    '<xml/>',
    [],
    { sid: 'PA1' },
    { sid: SM },
    { ...shownMessage(), sid: CA },
  ]) {
    assert.deepEqual(end(message(), 201, body), ['unknown', null, null], JSON.stringify(body));
  }
});

test('a rejection proves that nothing was sent, and the same key starts anew', () => {
  for (const [status, code] of [
    [400, 21608],
    [400, 21211],
    [401, 20003],
    [404, 20404],
    [429, 20429],
  ] as const) {
    const read = concluded(message(), status, { code, message: 'No.', status });
    assert.equal(read.outcome, 'released', `${status}`);
    assert.equal(read.repeatable, false);
  }
});

test('a 408, a 5xx or a redirect proves nothing, unless nothing could cost', () => {
  for (const status of [302, 408, 500, 502, 503, 504]) {
    assert.equal(concluded(message(), status, {}).outcome, 'unknown', `${status}`);
    assert.equal(concluded(VERIFY, status, {}).outcome, 'unknown', `${status}`);
    assert.deepEqual(end(FETCH, status, {}), ['settled', 0n, null]);
  }
});

test('a verification or a lookup costs what was quoted: Twilio states no price of it', () => {
  const sid = `VE${'0'.repeat(32)}`;
  assert.deepEqual(end(VERIFY, 201, { sid, status: 'pending' }), ['settled', null, sid]);
  const tariff = tariffOf({ 'lookup/caller_name': '0.01' });
  const lookup = reading(
    request('GET', `/lookups/v2/PhoneNumbers/${US}?Fields=caller_name`),
    tariff,
  );
  const found = concluded(lookup, 200, { phone_number: US });
  assert.deepEqual([found.outcome, found.cost, found.repeatable], ['settled', null, true]);
});

test('a cancelled message gives its hold back, and a price that a client reads ends its hold', () => {
  const cancelled = concluded(CANCEL, 200, shownMessage({ status: 'canceled' }));
  assert.deepEqual([cancelled.outcome, cancelled.cost], ['settled', 0n]);
  assert.deepEqual(cancelled.objects, [
    {
      ...{ id: SM, aliases: [], currency: 'usd', unit: 1_000_000n, rateDate: null, amount: 0n },
      ...{ state: 'declined', moved: null, refunded: null },
    },
  ]);
  const priced = concluded(FETCH, 200, shownMessage({ status: 'delivered', price: '-0.0083' }));
  assert.deepEqual(
    priced.objects.map(({ state, moved }) => [state, moved]),
    [['final', 8_300n]],
  );
  const sent = concluded(FETCH, 200, shownMessage({ status: 'sent' }));
  assert.deepEqual(
    sent.objects.map(({ state }) => state),
    ['open'],
  );
});

test('the price that a reply states of a phone call is not all that it costs, so it ends no hold', () => {
  // Without the legs that it dialled, its recording and its detection, which investigate.ts adds.
  const done = shownCall({ status: 'completed', duration: '61', price: '-0.02800' });
  assert.deepEqual(end(CALL, 201, done), ['held', null, CA]);
  const path = `${CALLS.replace('.json', '')}/${CA}.json`;
  for (const read of [reading(request('GET', path)), posted(path, { Status: 'completed' })]) {
    assert.deepEqual(concluded(read, 200, done).objects, [], read.operation!);
    const [cancelled] = concluded(read, 200, shownCall({ status: 'canceled' })).objects;
    assert.equal(cancelled?.state, 'declined', 'one that never rang costs nothing');
  }
});

test('a reply about another message than the one that was asked for ends no hold', () => {
  const other = shownMessage({ sid: `SM${'9'.repeat(32)}`, price: '-0.01' });
  assert.deepEqual(concluded(FETCH, 200, other).objects, []);
  // What a message's media says is not Twilio's word.
  const media = reading(request('GET', `${MESSAGES.replace('.json', '')}/${SM}/Media/ME1.json`));
  assert.deepEqual(concluded(media, 200, shownMessage({ price: '-9' })).objects, []);
});

test('what a key prices is settled at that price, whatever the reply says', () => {
  const studio = posted('/studio/v2/Flows/FW1/Executions', { To: US });
  assert.deepEqual(end(studio, 201, { sid: 'FN1' }), ['settled', null, 'FN1']);
  assert.deepEqual(end(message({ To: `whatsapp:${US}` }), 201, shownMessage()), ['held', null, SM]);
});

test('whatever comes back, nothing throws, and money comes back only on a 4xx or a price', () => {
  const bodies = fc.oneof(
    fc.json(),
    fc.string(),
    fc
      .record({
        sid: fc.constantFrom(SM, CA, 'x'),
        status: fc.string(),
        price: fc.oneof(fc.string(), fc.double(), fc.constant(null)),
        price_unit: fc.string(),
      })
      .map((each) => JSON.stringify(each)),
  );
  fc.assert(
    fc.property(fc.integer({ min: 200, max: 599 }), bodies, (status, body) => {
      const { outcome, cost } = concluded(message(), status, body);
      if (status >= 400 && status < 500 && status !== 408) assert.equal(outcome, 'released');
      else
        assert.ok(
          outcome === 'held' || outcome === 'unknown' || (outcome === 'settled' && cost !== null),
        );
    }),
    { numRuns: 500 },
  );
});
