/**
 * Payments in other currencies: counted in dollars by the day's rate, refused without one, and worth
 * for their whole life what was held for them at first.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ConfigError } from '../../src/config.ts';
import { hasLedger } from '../../src/data-folder.ts';
import { type Keybrake, ownFolder, startKeybrake } from '../support/keybrake.ts';
import { auditRows } from '../support/management.ts';
import type { ManualClock } from '../support/manual-clock.ts';
import { type Answer, idOf, startRun } from '../support/run.ts';
import { assertRefused, spendOf, start, startAt } from '../support/scene.ts';
import { ratesFile } from '../support/tariff-files.ts';

const DAY_MS = 86_400_000;
const NOON = '2026-11-23T12:00:00Z';

const rates = (date: string, given: object) => JSON.stringify({ date, base: 'USD', rates: given });

async function startWith(
  t: TestContext,
  file: string,
  settings: Record<string, string> = {},
): Promise<{ clock: ManualClock; keybrake: Keybrake }> {
  const options = { settings: { KEYBRAKE_RATES: file, ...settings }, ratesPauseMs: 10 };
  return startAt(t, NOON, options);
}

const messageOf = (answer: Answer) => (answer.json.error as { message: string }).message;

test('a euro and a yen payment count in dollars, and their rows say by the rate of which day', async (t) => {
  const file = ratesFile(t, rates('2026-11-23', { EUR: 0.92, JPY: 154.31, UGX: 3700 }));
  const { keybrake } = await startWith(t, file);
  const run = await startRun(t, keybrake, { expires_in: '30d' });
  const { id } = run;
  // 29 euro, 4500 yen, and 20000 Ugandan shillings, which are sent with two decimals.
  idOf(await run.charge(2900, { fields: { currency: 'eur' } }));
  assert.deepEqual(await spendOf(keybrake, id), [31.52174, 0]);
  idOf(await run.charge(4500, { fields: { currency: 'jpy' } }));
  assert.deepEqual(await spendOf(keybrake, id), [60.683817, 0]);
  idOf(await run.charge(2_000_000, { fields: { currency: 'ugx' } }));
  idOf(await run.charge(100));
  const rows = await auditRows(keybrake, { key: id });
  assert.deepEqual(
    rows.map(({ cost_usd, amount, currency, rate_date }) => [
      cost_usd,
      amount,
      currency,
      rate_date,
    ]),
    [
      [31.52174, 2900, 'eur', '2026-11-23'],
      [29.162077, 4500, 'jpy', '2026-11-23'],
      [5.405406, 2_000_000, 'ugx', '2026-11-23'],
      [1, 100, 'usd', null],
    ],
  );
});

test('a cap in dollars holds for euro, to the cent', async (t) => {
  const file = ratesFile(t, rates('2026-11-23', { EUR: 0.5 }));
  const { keybrake } = await startWith(t, file);
  const run = await startRun(t, keybrake, { total_usd_cap: 10 });
  const euro = (cents: number) => run.charge(cents, { fields: { currency: 'eur' } });
  assert.equal((await euro(501)).code, 'cap_exceeded');
  idOf(await euro(500));
  assert.equal((await euro(50)).code, 'cap_exceeded');
  assert.deepEqual(await spendOf(keybrake, run.id), [10, 0]);
  assert.equal(keybrake.sandbox.stripe.executions, 1);
});

test('a payment that is captured a week later costs what was held for it, whatever the euro did', async (t) => {
  const file = ratesFile(t, rates('2026-11-23', { EUR: 0.8 }));
  const { clock, keybrake } = await startWith(t, file, { KEYBRAKE_RATES_MAX_AGE: '30d' });
  const run = await startRun(t, keybrake, { expires_in: '30d' });
  const manual = { currency: 'eur', capture_method: 'manual' };
  const [whole, part] = [
    idOf(await run.charge(2000, { fields: manual })),
    idOf(await run.charge(2000, { fields: manual })),
  ];
  assert.deepEqual(await spendOf(keybrake, run.id), [0, 50]);
  clock.advance(7 * DAY_MS);
  writeFileSync(file, rates('2026-11-30', { EUR: 0.4 }));
  while (!keybrake.logged().includes('"date":"2026-11-30"')) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const capture = (id: string, fields = {}) =>
    run.call({ path: `/v1/payment_intents/${id}/capture`, fields });
  assert.equal((await capture(whole)).status, 200);
  assert.deepEqual(await spendOf(keybrake, run.id), [25, 25]);
  assert.equal((await capture(part, { amount_to_capture: 1000 })).status, 200);
  assert.deepEqual(await spendOf(keybrake, run.id), [37.5, 0]);
  // What is refunded of it too, while a new payment counts by the rate of its own day.
  const refund = { payment_intent: part, amount: 400 };
  assert.equal((await run.call({ path: '/v1/refunds', fields: refund })).status, 200);
  assert.deepEqual(await spendOf(keybrake, run.id), [42.5, 0]);
  idOf(await run.charge(400, { fields: { currency: 'eur' } }));
  assert.deepEqual(await spendOf(keybrake, run.id), [52.5, 0]);
});

test('without a rate, or with one that is too old, a currency is refused and nothing is sent', async (t) => {
  const file = ratesFile(t, rates('2026-11-23', { EUR: 0.92, BTC: 0.0000105 }));
  const { clock, keybrake } = await startWith(t, file, { KEYBRAKE_RATES_MAX_AGE: '2d' });
  const run = await startRun(t, keybrake, { expires_in: '30d' });
  const charge = (currency: string) => run.charge(2900, { fields: { currency } });
  const refusals: [currency: string, why: RegExp][] = [
    [
      'gbp',
      /currency gbp needs a rate, and the rates of 2026-11-23 have none for it; KEYBRAKE_RATES/,
    ],
    ['btc', /btc is no currency that Stripe is known to take/],
  ];
  for (const [currency, why] of refusals) {
    const answer = await charge(currency);
    assertRefused(answer, 403, 'unpriced');
    assert.match(messageOf(answer), why);
  }
  idOf(await charge('eur'));
  clock.advance(2 * DAY_MS);
  const old = await charge('eur');
  assertRefused(old, 403, 'unpriced');
  assert.match(messageOf(old), /its rate is of 2026-11-23, which is too old; KEYBRAKE_RATES says/);
  idOf(await run.charge(100));
  assert.equal(keybrake.sandbox.stripe.executions, 2, 'the euro in time, and the dollar');
});

test('no price of the key’s stands in for a missing rate, or the run would choose what counts', async (t) => {
  const { keybrake } = await startAt(t, NOON);
  const prices = [{ endpoint: '/v1/**', price_usd: 0.01 }];
  const run = await startRun(t, keybrake, { prices });
  for (const currency of ['eur', 'kwd', 'abc']) {
    assertRefused(await run.charge(999_990, { fields: { currency } }), 403, 'unpriced');
  }
  assert.equal(keybrake.sandbox.stripe.executions, 0);
  assert.deepEqual(await spendOf(keybrake, run.id), [0, 0]);
});

test('a file that is wrong is an error before anything is started', async (t) => {
  const dataDir = ownFolder(t);
  const file = ratesFile(t, rates('2026-11-23', { EUR: -1 }));
  const starting = startKeybrake({ dataDir, settings: { KEYBRAKE_RATES: file } });
  await assert.rejects(starting, (error) => {
    assert.ok(error instanceof ConfigError);
    assert.match(
      error.message,
      /KEYBRAKE_RATES .*rates\.json, line 1: EUR must be a number above 0/,
    );
    return true;
  });
  assert.equal(hasLedger(dataDir), false);
});

test('rates from an address are there soon after the start, which does not wait for them', async (t) => {
  const waiting: (() => void)[] = [];
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? ''}`);
    const today = new Date().toISOString().slice(0, 10);
    waiting.push(() => response.end(rates(today, { EUR: 0.5 })));
  }).listen(0, '127.0.0.1');
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const settings = { KEYBRAKE_RATES: `http://127.0.0.1:${port}/daily/usd` };
  const keybrake = await start(t, { settings });
  const run = await startRun(t, keybrake, { expires_in: '30d' });
  const euro = () => run.charge(100, { fields: { currency: 'eur' } });
  const early = await euro();
  assertRefused(early, 403, 'unpriced');
  assert.match(messageOf(early), /none were read from KEYBRAKE_RATES yet/);
  const metric = async () => (await fetch(`${keybrake.url}/metrics`)).text();
  assert.match(await metric(), /^keybrake_rates_age_seconds NaN$/im);
  while (waiting.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  waiting[0]!();
  let answer = await euro();
  while (answer.status === 403) answer = await euro();
  idOf(answer);
  assert.deepEqual(await spendOf(keybrake, run.id), [2, 0]);
  assert.deepEqual(asked, ['GET /daily/usd ']);
  assert.match(await metric(), /^keybrake_rates_age_seconds \d+/m);
});
