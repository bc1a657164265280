/**
 * Messages and calls are braked like money: each is held at its estimate before it goes out, costs
 * what Twilio states once it does, and is never sent twice to find out what became of it. What the
 * fake Twilio's own books say is the truth.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Answer, eachOf } from '../support/run.ts';
import { assertRefused, becomes, start } from '../support/scene.ts';
import {
  counts,
  DAY,
  HOUR,
  inAccount,
  looking,
  MINUTE,
  MMS,
  MMS_QUOTE,
  QUOTE,
  SECOND,
  settleAll,
  sidOf,
  startTexter,
} from '../support/texter.ts';

test('of 300 messages, 50 at a time, as many go out as fit the cap, and not one more', async (t) => {
  const { clock, keybrake } = await looking(t, {
    sandbox: { latencyMs: { min: 0, max: 4 }, twilioPrices: { carrierFee: 6_200n } },
  });
  const run = await startTexter(t, keybrake, { total_usd_cap: 1, expires_in: '2d' });
  const { twilio } = keybrake.sandbox;
  const answers = await eachOf(Array.from({ length: 300 }), 50, (_, index) =>
    run.text({ To: `+1415555${1000 + index}` }),
  );
  const sent = answers.filter(({ status }) => status === 201);
  assert.equal(sent.length, 68); // 68 × 0.0145 = 0.986
  for (const answer of answers.filter(({ status }) => status !== 201)) {
    assertRefusedForCap(answer);
  }
  assert.equal(twilio.sentMessages().count, 68n);
  assert.equal(twilio.executions, 68);
  await settleAll(keybrake, run, clock, 68);
  const { spent, held } = await counts(keybrake, run);
  assert.deepEqual([spent, held], [twilio.billedMicros(), 0n]);
  assert.ok(spent <= 1_000_000n);
});

function assertRefusedForCap(answer: Answer): void {
  assert.equal(answer.status, 429, answer.body.toString());
  assert.equal(answer.headers['x-keybrake-cap-hit'], 'true');
  const { code, status, message, details } = answer.json as {
    code: number;
    status: number;
    message: string;
    details: Record<string, string>;
  };
  assert.deepEqual([code, status, details.cap_usd], [79429, 429, '1.00']);
  assert.match(message, /needs 0\.0145 USD/);
}

test('a message costs what Twilio states: the rest of its hold comes back, and the drift is measured', async (t) => {
  const { clock, keybrake } = await looking(t);
  const run = await startTexter(t, keybrake, { total_usd_cap: 0.0145 });
  sidOf(await run.text());
  assert.deepEqual(await counts(keybrake, run), { spent: 0n, held: QUOTE, states: { held: 1 } });
  assert.equal((await run.text()).code, 'cap_exceeded', 'what is held is not to be had');
  await settleAll(keybrake, run, clock, 1);
  const { spent, held } = await counts(keybrake, run);
  assert.deepEqual([spent, held], [8_300n, 0n], 'no carrier took a fee here');
  assert.equal(keybrake.sandbox.twilio.billedMicros(), 8_300n);
  const metrics = await (
    await fetch(`${keybrake.url}/metrics`, {
      headers: { authorization: `Bearer ${keybrake.apiKey}` },
    })
  ).text();
  assert.match(metrics, /keybrake_quote_drift_usd_sum\{vendor="twilio"\} -0\.0062\n/);
});

test('a vendor that bills more than was estimated is recorded as it bills, and the key admits nothing more', async (t) => {
  const { clock, keybrake } = await looking(t, {
    sandbox: { twilioPrices: { segments: { '1415': 50_000n } } },
  });
  const run = await startTexter(t, keybrake, { total_usd_cap: 0.03 });
  sidOf(await run.text());
  await settleAll(keybrake, run, clock, 1);
  assert.equal((await counts(keybrake, run)).spent, 50_000n);
  assert.equal((await run.text()).code, 'cap_exceeded');
  assert.equal(keybrake.sandbox.twilio.sentMessages().count, 1n);
});

test('long texts, pictures and failed messages are counted as Twilio bills them', async (t) => {
  const { clock, keybrake } = await looking(t, {
    sandbox: { twilioPrices: { carrierFee: 6_200n } },
  });
  const run = await startTexter(t, keybrake, { expires_in: '7d' });
  sidOf(await run.text({ Body: '😀'.repeat(67) }));
  sidOf(await run.text({ MediaUrl: 'https://a.example/1.png' }));
  sidOf(await run.text({ To: '+15005550009' })); // fails, for a price
  assert.equal((await counts(keybrake, run)).held, 3n * QUOTE + MMS_QUOTE + QUOTE);
  await settleAll(keybrake, run, clock, 3);
  const { spent } = await counts(keybrake, run);
  assert.deepEqual(
    [spent, spent],
    [3n * QUOTE + MMS + 1_000n, keybrake.sandbox.twilio.billedMicros()],
  );
  sidOf(await run.text({ To: '+15005550011' })); // fails, and no price is ever stated
  const sentAt = clock.now();
  await becomes(keybrake, run, 'settled', 4, () => clock.advance(10 * MINUTE));
  assert.ok(clock.now() - sentAt >= DAY);
  assert.equal((await counts(keybrake, run)).spent, spent + 1_000n);
});

test('a price that a client reads ends the hold at once', async (t) => {
  const { clock, keybrake } = await looking(t, { resolvePauseMs: HOUR });
  const run = await startTexter(t, keybrake);
  const sid = sidOf(await run.text());
  clock.advance(SECOND);
  const shown = await run.get(inAccount(`Messages/${sid}.json`));
  assert.equal(shown.json.price, '-0.00830');
  assert.deepEqual(await counts(keybrake, run), {
    spent: 8_300n,
    held: 0n,
    states: { settled: 2 },
  });
});

test('a scheduled message is held until it goes out; cancelled, its money comes back', async (t) => {
  const { clock, keybrake } = await looking(t);
  const run = await startTexter(t, keybrake, { expires_in: '30d' });
  const at = (ms: number) => ({
    From: '',
    MessagingServiceSid: `MG${'0'.repeat(32)}`,
    ScheduleType: 'fixed',
    SendAt: new Date(clock.now() + ms).toISOString(),
  });
  const cancelled = sidOf(await run.text(at(5 * DAY)));
  sidOf(await run.text(at(5 * DAY)));
  for (let hours = 0; hours < 60; hours++) clock.advance(HOUR);
  assert.deepEqual((await counts(keybrake, run)).held, 2n * QUOTE);
  const cancel = await run.post(inAccount(`Messages/${cancelled}.json`), { Status: 'canceled' });
  assert.equal(cancel.json.status, 'canceled');
  assert.deepEqual((await counts(keybrake, run)).held, QUOTE);
  await becomes(keybrake, run, 'settled', 2, () => clock.advance(HOUR)); // it, and the cancelling
  const { spent, held, states } = await counts(keybrake, run);
  assert.deepEqual([spent, held, states.released], [8_300n, 0n, 1]);
  assert.equal(keybrake.sandbox.twilio.sentMessages().count, 1n);
});

test('two messages without a key are two; with one key they are one, and Twilio sees no key', async (t) => {
  const keybrake = await start(t, { resolvePauseMs: HOUR });
  const run = await startTexter(t, keybrake);
  const { twilio } = keybrake.sandbox;
  assert.notEqual(sidOf(await run.text()), sidOf(await run.text()));
  const options = { idempotencyKey: 'order-1' };
  const first = await run.text({}, options);
  const again = await run.text({}, options);
  assert.deepEqual(again.body, first.body);
  assert.equal(again.headers['x-keybrake-replayed'], 'true');
  assert.equal((await run.text({ Body: 'Other' }, options)).code, 'idempotency_mismatch');
  assert.equal(twilio.sentMessages().count, 3n);
  assert.ok(twilio.received.every(({ idempotencyKey }) => idempotencyKey === null));
  const rejected = { idempotencyKey: 'order-2' };
  assert.equal((await run.text({ To: '+15005550004' }, rejected)).json.code, 21610);
  sidOf(await run.text({}, rejected));
});

test('a message of unknown outcome is not sent again: it is found in the list and answered from there', async (t) => {
  const { clock, keybrake } = await looking(t);
  const run = await startTexter(t, keybrake, { expires_in: '2d' });
  const { twilio, twilioFaults } = keybrake.sandbox;
  sidOf(await run.text()); // the same message, answered: it is not the one that was lost
  clock.advance(2 * SECOND);
  twilioFaults.next({ do: { kind: 'hangup', at: 'after' } });
  const options = { idempotencyKey: 'order-1' };
  assertRefused(await run.text({}, options), 504, 'outcome_unknown');
  assertRefused(await run.text({}, options), 504, 'outcome_unknown');
  assert.equal(twilio.sentMessages().count, 2n, 'a retry with the same key is not sent');
  await becomes(keybrake, run, 'settled', 2, () => clock.advance(SECOND));
  const [lost] = twilio.list('message');
  const again = await run.text({}, options);
  assert.deepEqual([sidOf(again), again.headers['x-keybrake-replayed']], [lost!.id, 'true']);
  assert.equal(twilio.sentMessages().count, 2n, 'nothing was sent to find out');
  const { spent, held } = await counts(keybrake, run);
  assert.deepEqual([spent, held], [twilio.billedMicros(), 0n]);
});

test('a message that never arrived comes back after ten minutes, not before', async (t) => {
  const { clock, keybrake } = await looking(t);
  const run = await startTexter(t, keybrake);
  const { twilio, twilioFaults } = keybrake.sandbox;
  twilioFaults.next({ do: { kind: 'hangup', at: 'before' } });
  const options = { idempotencyKey: 'order-1' };
  assertRefused(await run.text({}, options), 504, 'outcome_unknown');
  const sentAt = clock.now();
  await becomes(keybrake, run, 'released', 1, () => clock.advance(10 * SECOND));
  const passed = clock.now() - sentAt;
  assert.ok(passed >= 10 * MINUTE && passed < 30 * MINUTE, `after ${passed} ms`);
  assert.ok(
    twilio.received.filter(({ method }) => method === 'GET').length >= 2,
    'and looks before',
  );
  assert.equal((await counts(keybrake, run)).held, 0n);
  sidOf(await run.text({}, options));
  assert.equal(twilio.sentMessages().count, 1n);
});

test('an answer that cannot be read stays counted until Twilio tells', async (t) => {
  const { clock, keybrake } = await looking(t);
  const run = await startTexter(t, keybrake, { expires_in: '2d' });
  const { twilioFaults } = keybrake.sandbox;
  for (const fault of [
    { kind: 'garbage', as: 'text' },
    { kind: 'status', status: 500, executes: true },
  ] as const) {
    twilioFaults.next({ do: fault });
    await run.text();
  }
  assert.deepEqual((await counts(keybrake, run)).held, 2n * QUOTE);
  await becomes(keybrake, run, 'settled', 2, () => clock.advance(SECOND));
  const { spent } = await counts(keybrake, run);
  assert.equal(spent, keybrake.sandbox.twilio.billedMicros());
});

test('a busy Twilio is not paid', async (t) => {
  const keybrake = await start(t);
  const run = await startTexter(t, keybrake);
  keybrake.sandbox.twilioFaults.next({ do: { kind: 'status', status: 429 } });
  assert.equal((await run.text()).status, 429);
  assert.deepEqual(await counts(keybrake, run), { spent: 0n, held: 0n, states: { released: 1 } });
});

// ---------------------------------------------------------------- whose account, and where
