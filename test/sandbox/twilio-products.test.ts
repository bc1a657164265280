/** The fake Twilio's calls, and the products that stand under a prefix: what each costs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VERIFICATION_CODE } from '../../src/sandbox/twilio/verify.ts';
import { FROM, type JsonReply, startStill, TO, type Twilio, twilioOf } from './wire.ts';

const SERVICE = `/verify/v2/Services/VA${'1'.repeat(32)}`;
const CALL = { To: TO, From: FROM, Url: 'https://example.com/twiml' };
const sidOf = ({ json }: JsonReply) => json.sid as string;

const statusOf = async (call: Twilio, sid: string) => {
  const { json } = await call('GET', `/Calls/${sid}.json`);
  return [json.status, json.duration, json.price];
};

test('a call rings, is talked through, and costs each minute that was begun', async (t) => {
  const { sandbox, clock } = await startStill(t, {
    twilioCallSeconds: 61,
    twilioCallEndsAfterMs: 300,
    twilioPriceAfterMs: 60,
  });
  const call = twilioOf(sandbox);
  const created = await call('POST', '/Calls.json', CALL);
  assert.deepEqual([created.status, created.json.status], [201, 'queued']);
  const sid = sidOf(created);
  assert.match(sid, /^CA[0-9a-f]{32}$/);
  assert.equal(sandbox.twilio.owedMicros('call'), 28_000n);
  clock.advance(99);
  assert.deepEqual(await statusOf(call, sid), ['ringing', null, null]);
  clock.advance(1);
  assert.deepEqual(await statusOf(call, sid), ['in-progress', null, null]);
  clock.advance(200);
  assert.deepEqual(await statusOf(call, sid), ['completed', '61', null]);
  assert.equal(sandbox.twilio.billedMicros(), 0n);
  clock.advance(60);
  assert.deepEqual(await statusOf(call, sid), ['completed', '61', '-0.02800']);
  assert.equal(sandbox.twilio.billedMicros('call'), 28_000n);
});

test('a time limit ends a call, and so does the caller: only what was talked is billed', async (t) => {
  const { sandbox, clock } = await startStill(t, {
    twilioCallSeconds: 600,
    twilioCallEndsAfterMs: 300,
    twilioPrices: { minutes: { '1415': 20_000n } },
  });
  const call = twilioOf(sandbox);
  const limited = sidOf(await call('POST', '/Calls.json', { ...CALL, TimeLimit: '60' }));
  const hungUp = sidOf(await call('POST', '/Calls.json', CALL));
  assert.equal(sandbox.twilio.owedMicros(), 20_000n + 200_000n);
  clock.advance(151);
  // A quarter of its time has passed since somebody answered.
  await call('POST', `/Calls/${hungUp}.json`, { Status: 'completed' });
  clock.advance(300);
  assert.deepEqual(await statusOf(call, limited), ['completed', '60', '-0.02000']);
  assert.deepEqual(await statusOf(call, hungUp), ['completed', '153', '-0.06000']);
  assert.equal(sandbox.twilio.billedMicros(), 80_000n);
  assert.equal((await call('GET', '/Calls.json?Status=completed')).json.end, 1);
});

test('a call that nobody answered costs nothing: cancelled in time, or failed', async (t) => {
  const { sandbox, clock } = await startStill(t);
  const call = twilioOf(sandbox);
  const cancelled = sidOf(await call('POST', '/Calls.json', CALL));
  const cancel = () => call('POST', `/Calls/${cancelled}.json`, { Status: 'canceled' });
  assert.equal((await cancel()).json.status, 'canceled');
  const answered = sidOf(await call('POST', '/Calls.json', CALL));
  const failed = sidOf(await call('POST', '/Calls.json', { ...CALL, To: '+15005550009' }));
  clock.advance(20);
  const late = await call('POST', `/Calls/${answered}.json`, { Status: 'canceled' });
  assert.deepEqual([late.status, late.json.code], [400, 21220]);
  clock.advance(100);
  assert.deepEqual(await statusOf(call, cancelled), ['canceled', '0', null]);
  assert.deepEqual(await statusOf(call, failed), ['failed', '0', null]);
  assert.equal(sandbox.twilio.billedMicros(), 28_000n);
  assert.equal(sandbox.twilio.in('cancelled').count, 1n);
  assert.equal(sandbox.twilio.in('free').count, 1n);
});

test('a call without parties, instructions or a sensible limit is refused', async (t) => {
  const { sandbox } = await startStill(t);
  const call = twilioOf(sandbox);
  const cases: [Record<string, string>, number][] = [
    [{ ...CALL, To: '' }, 21201],
    [{ ...CALL, From: '' }, 21213],
    [{ ...CALL, Url: '' }, 21205],
    [{ ...CALL, To: '12' }, 21217],
    [{ ...CALL, TimeLimit: '0' }, 20001],
    [{ ...CALL, TimeLimit: '1e3' }, 20001],
  ];
  for (const [form, code] of cases) {
    const { status, json } = await call('POST', '/Calls.json', form);
    assert.deepEqual([status, json.code], [400, code]);
  }
  assert.equal(sandbox.twilio.executions, 0);
});

test('a verification costs each time its code is sent, and once more when it succeeds', async (t) => {
  const { sandbox } = await startStill(t);
  const call = twilioOf(sandbox);
  const start = () => call('POST', `${SERVICE}/Verifications`, { To: TO, Channel: 'sms' });
  const first = await start();
  assert.deepEqual([first.status, first.json.status, first.json.valid], [201, 'pending', false]);
  const again = await start();
  assert.equal(sidOf(again), sidOf(first));
  assert.equal((again.json.send_code_attempts as unknown[]).length, 2);
  assert.equal(sandbox.twilio.billedMicros('verification'), 16_600n);
  const check = async (Code: string) => {
    const { status, json } = await call('POST', `${SERVICE}/VerificationCheck`, { To: TO, Code });
    return [status, json.status ?? json.code];
  };
  assert.deepEqual(await check('000000'), [201, 'pending']);
  assert.deepEqual(await check(VERIFICATION_CODE), [201, 'approved']);
  assert.equal((await check(VERIFICATION_CODE))[0], 404);
  assert.deepEqual(sandbox.twilio.in('billed', 'verification'), {
    count: 1n,
    segments: 0n,
    micros: 66_600n,
  });
  const read = await call('GET', `${SERVICE}/Verifications/${sidOf(first)}`);
  assert.equal(read.json.status, 'approved');
  const next = await start();
  assert.notEqual(sidOf(next), sidOf(first));
});

test('a verification ends after ten minutes, five sendings, five wrong codes, or when cancelled', async (t) => {
  const { sandbox, clock } = await startStill(t);
  const call = twilioOf(sandbox);
  const start = (To: string) => call('POST', `${SERVICE}/Verifications`, { To, Channel: 'sms' });
  const check = (To: string, Code: string) =>
    call('POST', `${SERVICE}/VerificationCheck`, { To, Code });
  for (let i = 0; i < 5; i++) assert.equal((await start(TO)).status, 201);
  const sixth = await start(TO);
  assert.deepEqual([sixth.status, sixth.json.code], [429, 60203]);
  for (let i = 0; i < 5; i++) assert.equal((await check(TO, '000000')).status, 201);
  assert.equal((await check(TO, VERIFICATION_CODE)).json.code, 60202);
  const other = sidOf(await start('+447700900123'));
  const cancel = await call('POST', `${SERVICE}/Verifications/${other}`, { Status: 'canceled' });
  assert.equal(cancel.json.status, 'canceled');
  assert.equal((await check('+447700900123', VERIFICATION_CODE)).status, 404);
  await start('+447700900124');
  clock.advance(10 * 60 * 1000);
  assert.equal((await check('+447700900124', VERIFICATION_CODE)).status, 404);
  assert.equal(sandbox.twilio.billedMicros(), 7n * 8_300n);
  assert.equal((await call('POST', `${SERVICE}/Verifications`, { To: TO })).json.code, 60200);
});

test('a lookup is a GET that costs, by its fields; validation is free, and so is no number', async (t) => {
  const { sandbox } = await startStill(t);
  const call = twilioOf(sandbox);
  const look = (number: string, fields = '') =>
    call('GET', `/lookups/v2/PhoneNumbers/${number}${fields && `?Fields=${fields}`}`);
  const free = await look('%2B14155552671', 'validation');
  assert.deepEqual([free.json.valid, free.json.country_code], [true, 'US']);
  assert.equal(free.json.caller_name, null);
  assert.equal((await look('+4477')).json.valid, false);
  assert.equal((await look('+15005550001', 'caller_name')).json.caller_name, null);
  assert.equal((await look('+14155552671', 'shoe_size')).status, 400);
  assert.equal(sandbox.twilio.billedMicros(), 0n);
  assert.equal(sandbox.twilio.executions, 0);
  const paid = await look('+14155552671', 'caller_name,line_type_intelligence');
  assert.equal((paid.json.line_type_intelligence as { type: string }).type, 'mobile');
  assert.equal(sandbox.twilio.billedMicros('lookup'), 18_000n);
  assert.equal(sandbox.twilio.executions, 1);
  assert.equal(sandbox.twilio.received.at(-1)!.executed, true);
  assert.equal(sandbox.twilio.received[0]!.executed, false);
});

test('the Pricing API lists prices by carrier and kind of number, and by prefix for calls', async (t) => {
  const { sandbox } = await startStill(t);
  const call = twilioOf(sandbox);
  const all = (await call('GET', '/pricing/v1/Messaging/Countries')).json;
  const named = (all.countries as { iso_country: string }[]).map((one) => one.iso_country);
  for (const iso of ['US', 'GB', 'DE', 'IN']) assert.ok(named.includes(iso));
  assert.equal((all.meta as { next_page_url: null }).next_page_url, null);
  const germany = (await call('GET', '/pricing/v1/Messaging/Countries/DE')).json;
  const rows = germany.outbound_sms_prices as {
    carrier: string;
    prices: { number_type: string; current_price: string }[];
  }[];
  assert.ok(rows.length > 1);
  assert.deepEqual(
    rows.map(({ prices }) => prices.find((one) => one.number_type === 'mobile')!.current_price),
    ['0.112', '0.1095', '0.1041'],
  );
  const voice = (await call('GET', '/pricing/v2/Voice/Countries/GB')).json;
  const prefixes = voice.outbound_prefix_prices as { destination_prefixes: string[] }[];
  assert.deepEqual(
    prefixes.map((row) => row.destination_prefixes),
    [['44'], ['447']],
  );
  for (const [number, price] of [
    ['+447700900123', '0.0425'],
    ['+441632960123', '0.0158'],
    ['+19075550123', '0.09'],
    [TO, '0.014'],
  ]) {
    const { json } = await call('GET', `/pricing/v2/Voice/Numbers/${number}`);
    const [row] = json.outbound_call_prices as { current_price: string }[];
    assert.equal(row!.current_price, price);
  }
  assert.equal((await call('GET', '/pricing/v1/Messaging/Countries/XX')).status, 404);
  assert.equal(sandbox.twilio.executions, 0);
});
