/** Messages of the fake Twilio: what is answered, what becomes of it, and what is billed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FROM, type JsonReply, sms, startStill, TO, twilioOf } from './wire.ts';

const SERVICE = `MG${'0'.repeat(32)}`;
const MINUTE_MS = 60_000;

const sidOf = ({ json }: JsonReply) => json.sid as string;

function refused({ status, json }: JsonReply, expected: number, code: number): void {
  assert.equal(status, expected);
  assert.equal(json.code, code);
  assert.equal(json.status, expected);
  assert.equal(json.more_info, `https://www.twilio.com/docs/errors/${code}`);
}

test('a message is queued without a price, sent, delivered, and only then billed', async (t) => {
  const { sandbox, clock } = await startStill(t, { twilioPriceAfterMs: 60 });
  const call = twilioOf(sandbox);
  const created = await call('POST', '/Messages.json', sms({ Body: 'a'.repeat(161) }));
  assert.equal(created.status, 201);
  assert.match(String(created.headers['twilio-request-id']), /^RQ[0-9a-f]{32}$/);
  assert.match(sidOf(created), /^SM[0-9a-f]{32}$/);
  const { status, price, price_unit, num_segments, date_sent } = created.json;
  assert.deepEqual(
    [status, price, price_unit, num_segments, date_sent],
    ['queued', null, 'USD', '2', null],
  );
  assert.equal(sandbox.twilio.owedMicros('sms'), 16_600n);
  assert.equal(sandbox.twilio.billedMicros(), 0n);
  const read = async () => {
    const { json } = await call('GET', `/Messages/${sidOf(created)}.json`);
    return [json.status, json.price];
  };
  assert.deepEqual(await read(), ['queued', null]);
  clock.advance(20);
  assert.deepEqual(await read(), ['sent', null]);
  clock.advance(39);
  assert.deepEqual(await read(), ['delivered', null]);
  assert.equal(sandbox.twilio.billedMicros(), 0n);
  clock.advance(1);
  assert.equal(sandbox.twilio.billedMicros('sms'), 16_600n);
  assert.equal(sandbox.twilio.owedMicros(), 0n);
  assert.deepEqual(await read(), ['delivered', '-0.01660']);
  assert.deepEqual(sandbox.twilio.sentMessages(), { count: 1n, segments: 2n, micros: 16_600n });
});

test('the same request twice is two messages, whatever idempotency key it carries', async (t) => {
  const { sandbox } = await startStill(t);
  const call = twilioOf(sandbox, {
    'idempotency-key': 'once',
    'i-twilio-idempotency-token': 'once',
  });
  const first = await call('POST', '/Messages.json', sms());
  const second = await call('POST', '/Messages.json', sms());
  assert.notEqual(sidOf(first), sidOf(second));
  assert.equal(sandbox.twilio.sentMessages().count, 2n);
  assert.equal(sandbox.twilio.executions, 2);
  assert.equal(sandbox.twilio.replays, 0);
});

test('a price can come after so many readings instead, whatever the clock says', async (t) => {
  const { sandbox, clock } = await startStill(t, { twilioPriceAfterReads: 3 });
  const call = twilioOf(sandbox);
  const sid = sidOf(await call('POST', '/Messages.json', sms()));
  clock.advance(60 * MINUTE_MS);
  const seen = [];
  for (let i = 0; i < 4; i++) {
    const { json } = await call('GET', `/Messages/${sid}.json`);
    seen.push([json.status, json.price, sandbox.twilio.billedMicros()]);
  }
  assert.deepEqual(seen, [
    ['sent', null, 0n],
    ['delivered', null, 0n],
    ['delivered', '-0.00830', 8_300n],
    ['delivered', '-0.00830', 8_300n],
  ]);
  // A list is no reading of the message.
  const other = sidOf(await call('POST', '/Messages.json', sms()));
  for (let i = 0; i < 4; i++) await call('GET', '/Messages.json');
  assert.equal((await call('GET', `/Messages/${other}.json`)).json.price, null);
});

test('what is billed is the given price and the fee; the Pricing API goes on to list its own', async (t) => {
  const { sandbox, clock } = await startStill(t, {
    twilioPrices: { segments: { '4477': 61_000n, '44': 50_000n }, carrierFee: 3_005n },
  });
  const call = twilioOf(sandbox);
  const bill = async (more: Record<string, string>) => {
    const sid = sidOf(await call('POST', '/Messages.json', sms(more)));
    clock.advance(50);
    return (await call('GET', `/Messages/${sid}.json`)).json.price;
  };
  assert.equal(await bill({ To: '+447700900123', Body: 'ç'.repeat(71) }), '-0.12801');
  assert.equal(await bill({ To: '+448001111111' }), '-0.053005');
  assert.equal(await bill({}), '-0.011305');
  assert.equal(sandbox.twilio.billedMicros(), 128_010n + 53_005n + 11_305n);
  const listed = await call('GET', '/pricing/v1/Messaging/Countries/GB');
  assert.match(JSON.stringify(listed.json), /"current_price":"0.0524"/);
});

test('pictures make it an MMS: one price, whatever its text; MediaUrl may be repeated', async (t) => {
  const { sandbox, clock } = await startStill(t);
  const call = twilioOf(sandbox);
  const MediaUrl = ['https://cdn.example/a.png', 'https://cdn.example/b.png'];
  const created = await call('POST', '/Messages.json', sms({ Body: 'a'.repeat(400), MediaUrl }));
  assert.match(sidOf(created), /^MM/);
  assert.equal(created.json.num_media, '2');
  const forced = await call('POST', '/Messages.json', sms({ SendAsMms: 'true' }));
  assert.match(sidOf(forced), /^MM/);
  clock.advance(50);
  assert.deepEqual(sandbox.twilio.in('billed', 'mms'), {
    count: 2n,
    segments: 2n,
    micros: 44_000n,
  });
  assert.equal(sandbox.twilio.billedMicros('sms'), 0n);
});

test('by a messaging service: accepted, no sender and no segments until it was sent', async (t) => {
  const { sandbox, clock } = await startStill(t);
  const call = twilioOf(sandbox);
  const form = { To: TO, MessagingServiceSid: SERVICE, Body: 'a'.repeat(200) };
  const created = await call('POST', '/Messages.json', form);
  const { status, num_segments, from, messaging_service_sid } = created.json;
  assert.deepEqual(
    [status, num_segments, from, messaging_service_sid],
    ['accepted', '0', null, SERVICE],
  );
  assert.equal(sandbox.twilio.owedMicros(), 16_600n);
  clock.advance(50);
  const { json } = await call('GET', `/Messages/${sidOf(created)}.json`);
  assert.deepEqual([json.num_segments, json.from, json.price], ['2', FROM, '-0.01660']);
});

test('a scheduled message costs nothing until it goes out, and never when it was cancelled', async (t) => {
  const { sandbox, clock } = await startStill(t);
  const call = twilioOf(sandbox);
  const SendAt = new Date(clock.now() + 60 * MINUTE_MS).toISOString();
  const form = { ...sms({ ScheduleType: 'fixed', SendAt }), MessagingServiceSid: SERVICE };
  const kept = await call('POST', '/Messages.json', form);
  const dropped = await call('POST', '/Messages.json', form);
  assert.deepEqual([kept.json.status, kept.json.date_sent], ['scheduled', null]);
  assert.equal(sandbox.twilio.scheduledMicros(), 16_600n);
  assert.equal(sandbox.twilio.owedMicros(), 0n);
  const cancel = () => call('POST', `/Messages/${sidOf(dropped)}.json`, { Status: 'canceled' });
  assert.equal((await cancel()).json.status, 'canceled');
  assert.deepEqual(sandbox.twilio.in('cancelled'), { count: 1n, segments: 1n, micros: 8_300n });
  refused(await cancel(), 409, 30409);
  clock.advance(60 * MINUTE_MS);
  assert.equal(sandbox.twilio.scheduledMicros(), 0n);
  assert.equal(sandbox.twilio.owedMicros(), 8_300n);
  clock.advance(50);
  assert.equal(sandbox.twilio.billedMicros(), 8_300n);
  const late = await call('POST', `/Messages/${sidOf(kept)}.json`, { Status: 'canceled' });
  refused(late, 409, 30409);
  assert.equal((await call('GET', `/Messages/${sidOf(dropped)}.json`)).json.price, null);
});

test('a time outside the window is refused; without a messaging service it is sent at once', async (t) => {
  const { sandbox, clock } = await startStill(t);
  const call = twilioOf(sandbox);
  for (const minutes of [14, 36 * 24 * 60]) {
    const SendAt = new Date(clock.now() + minutes * MINUTE_MS).toISOString();
    const form = { ...sms({ ScheduleType: 'fixed', SendAt }), MessagingServiceSid: SERVICE };
    refused(await call('POST', '/Messages.json', form), 400, 35114);
  }
  assert.equal(sandbox.twilio.executions, 0);
  const SendAt = new Date(clock.now() + 60 * MINUTE_MS).toISOString();
  const now = await call('POST', '/Messages.json', sms({ ScheduleType: 'fixed', SendAt }));
  assert.equal(now.json.status, 'queued');
  assert.equal(sandbox.twilio.owedMicros(), 8_300n);
});

test('what is refused is not executed and not billed', async (t) => {
  const { sandbox } = await startStill(t);
  const call = twilioOf(sandbox);
  const cases: [Record<string, string>, number][] = [
    [{ From: FROM, Body: 'x' }, 21604],
    [{ To: TO, Body: 'x' }, 21603],
    [{ To: TO, From: FROM }, 21602],
    [sms({ To: '4155552671' }), 21211],
    [sms({ To: '+15005550001' }), 21211],
    [sms({ To: '+15005550002' }), 21612],
    [sms({ To: '+15005550003' }), 21408],
    [sms({ To: '+15005550004' }), 21610],
    [sms({ To: '+8613800000000' }), 21408],
    [sms({ From: '+15005550001' }), 21212],
    [sms({ Body: 'x'.repeat(1601) }), 21617],
    [sms({ MediaUrl: 'file:///etc/passwd' }), 21620],
  ];
  for (const [form, code] of cases) refused(await call('POST', '/Messages.json', form), 400, code);
  assert.equal(sandbox.twilio.requests, cases.length);
  assert.equal(sandbox.twilio.executions, 0);
  assert.equal(sandbox.twilio.sentMessages().count, 0n);
});

test('a message that fails later costs the fee for that, or nothing; an undelivered one costs all', async (t) => {
  const { sandbox, clock } = await startStill(t);
  const call = twilioOf(sandbox);
  const end = async (to: string) => {
    const created = await call('POST', '/Messages.json', sms({ To: to, Body: 'a'.repeat(200) }));
    assert.equal(created.json.status, 'queued');
    clock.advance(50);
    const { json } = await call('GET', `/Messages/${sidOf(created)}.json`);
    return [json.status, json.price, json.error_code];
  };
  assert.deepEqual(await end('+15005550009'), ['failed', '-0.00100', 30008]);
  assert.deepEqual(await end('+15005550010'), ['undelivered', '-0.01660', 30003]);
  assert.deepEqual(await end('+15005550011'), ['failed', null, 30008]);
  assert.equal(sandbox.twilio.billedMicros(), 17_600n);
  assert.deepEqual(sandbox.twilio.in('free'), { count: 1n, segments: 2n, micros: 0n });
});

test('of a parameter given twice the last counts, in query or body', async (t) => {
  const { sandbox } = await startStill(t);
  const call = twilioOf(sandbox);
  const twice = await call('POST', '/Messages.json?Body=short', sms({ Body: ['a', 'long'] }));
  assert.equal(twice.json.body, 'long');
});

test('messages are found by destination, sender and day, page by page, newest first', async (t) => {
  const { sandbox, clock } = await startStill(t);
  const call = twilioOf(sandbox);
  const sids: string[] = [];
  for (let i = 0; i < 5; i++) {
    sids.unshift(sidOf(await call('POST', '/Messages.json', sms({ Body: `n${i}` }))));
    clock.advance(24 * 60 * MINUTE_MS);
  }
  await call('POST', '/Messages.json', sms({ To: '+447700900123' }));
  const find = async (query: string) => {
    const { json } = await call('GET', `/Messages.json?${query}`);
    return (json.messages as { sid: string }[]).map(({ sid }) => sid);
  };
  assert.deepEqual(await find(`To=${encodeURIComponent(TO)}`), sids);
  assert.deepEqual(await find('From=%2B15005550099'), []);
  const day = (i: number) => new Date(clock.now() - i * 24 * 60 * MINUTE_MS).toISOString();
  assert.deepEqual(await find(`DateSent=${day(1).slice(0, 10)}`), [sids[0]]);
  assert.deepEqual(await find(`DateSent%3E=${encodeURIComponent(day(2))}`), sids.slice(0, 2));
  assert.deepEqual(await find(`DateSent%3C=${day(4).slice(0, 10)}`), sids.slice(3));
  // What has not gone out has no day: the newest message is in no list by DateSent.
  assert.deepEqual(await find(`DateSent>=${day(0).slice(0, 10)}`), []);
  const pages: string[][] = [];
  let next = `/Messages.json?PageSize=2&To=${encodeURIComponent(TO)}`;
  while (next) {
    const { json } = await call('GET', next);
    pages.push((json.messages as { sid: string }[]).map(({ sid }) => sid));
    const uri = (json.next_page_uri as string | null) ?? '';
    next = uri.replace(`/2010-04-01/Accounts/${sandbox.twilioAccountSid}`, '');
  }
  assert.deepEqual(pages, [sids.slice(0, 2), sids.slice(2, 4), sids.slice(4)]);
});

test('a message can be emptied and deleted once it is over; what it cost stays in the books', async (t) => {
  const { sandbox, clock } = await startStill(t);
  const call = twilioOf(sandbox);
  const path = `/Messages/${sidOf(await call('POST', '/Messages.json', sms()))}.json`;
  refused(await call('DELETE', path), 409, 20009);
  refused(await call('POST', path, { Body: '' }), 409, 20009);
  clock.advance(50);
  assert.equal((await call('POST', path, { Body: '' })).json.body, '');
  assert.equal((await call('DELETE', path)).status, 204);
  refused(await call('GET', path), 404, 20404);
  assert.equal(sandbox.twilio.billedMicros(), 8_300n);
});

test('a wrong secret is 401 20003; another account and an unknown address are 404 20404', async (t) => {
  const { sandbox } = await startStill(t);
  const call = twilioOf(sandbox);
  const stranger = twilioOf(sandbox, { authorization: `Basic ${btoa('AC1:wrong')}` });
  const unknown = await stranger('POST', '/Messages.json', sms());
  refused(unknown, 401, 20003);
  assert.equal(unknown.headers['www-authenticate'], 'Basic realm="Twilio API"');
  refused(
    await twilioOf({ ...sandbox, twilioAccountSid: `AC${'1'.repeat(32)}` })(
      'GET',
      '/Messages.json',
    ),
    401,
    20003,
  );
  const other = await call('POST', '/../AC11111111111111111111111111111111/Messages.json', sms());
  refused(other, 404, 20404);
  refused(await call('POST', '/Recordings.json'), 404, 20404);
  refused(await call('GET', '/video/v1/Rooms'), 404, 20404);
  assert.equal(sandbox.twilio.executions, 0);
  assert.equal(sandbox.twilio.requests, 5);
});

test('after a reset the books are empty and the messages unknown', async (t) => {
  const { sandbox, clock } = await startStill(t);
  const call = twilioOf(sandbox);
  const sid = sidOf(await call('POST', '/Messages.json', sms()));
  sandbox.twilio.reset();
  clock.advance(50);
  assert.equal(sandbox.twilio.owedMicros(), 0n);
  assert.equal(sandbox.twilio.billedMicros(), 0n);
  assert.equal(sandbox.twilio.received.length, 0);
  refused(await call('GET', `/Messages/${sid}.json`), 404, 20404);
});

test('old messages are forgotten, and what they cost is not', async (t) => {
  const { sandbox, clock } = await startStill(t, { keepObjects: 2, keepLog: 3 });
  const call = twilioOf(sandbox);
  const first = sidOf(await call('POST', '/Messages.json', sms()));
  for (let i = 0; i < 9; i++) await call('POST', '/Messages.json', sms());
  refused(await call('GET', `/Messages/${first}.json`), 404, 20404);
  clock.advance(50);
  assert.equal(sandbox.twilio.billedMicros(), 83_000n);
  assert.deepEqual(
    sandbox.twilio.received.map(({ seq }) => seq),
    [9, 10, 11],
  );
});
