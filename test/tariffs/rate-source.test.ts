/** Where rates come from: when they are read again, and that a failure takes none away. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { ConfigError } from '../../src/config.ts';
import { TariffBook } from '../../src/tariffs/book.ts';
import { RateSource, type RatesFrom, readRatesFile } from '../../src/tariffs/rate-source.ts';
import type { VendorReply } from '../../src/vendors/vendor.ts';
import { ratesFile } from '../support/tariff-files.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const table = (date: string, rate = '0.92') =>
  `{"date": "${date}", "base": "USD", "rates": {"EUR": ${rate}}}`;

const reply = (body: string | Buffer, status = 200, headers: [string, string][] = []) => ({
  ...{ status, headers: new Map(headers), body: Buffer.from(body) },
});

/** A source on a clock of its own: what is due happens when the test lets it. */
function sourceOf(t: TestContext, from: RatesFrom) {
  let now = Date.parse('2026-11-23T12:00:00Z');
  let due: { at: number; wake: () => void } | null = null;
  const book = new TariffBook();
  const asked: string[] = [];
  const faults: string[] = [];
  const answers: (VendorReply | string)[] = [];
  const clock = {
    now: () => now,
    after(ms: number, wake: () => void) {
      due = { at: now + ms, wake };
      return () => {
        due = null;
      };
    },
  };
  const log = {
    info: () => undefined,
    error: (fields: object) => void faults.push(String((fields as { why: string }).why)),
  };
  const source = new RateSource(from, {
    ...{ book, clock, log },
    async fetch(address) {
      asked.push(address);
      return answers.shift() ?? assert.fail('asked once too often');
    },
  });
  t.after(() => source.stop());
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return {
    ...{ book, source, asked, faults, answers },
    now: () => now,
    /** How long until it reads again; null: never. */
    pause: () => due && due.at - now,
    /** Time goes on until it reads again. */
    async next() {
      assert.ok(due, 'nothing is due');
      now = due.at;
      const { wake } = due;
      due = null;
      wake();
      await settled();
    },
    async start() {
      source.start();
      await settled();
    },
  };
}

test('a file is read again when it changes, and a wrong one takes no rates away', async (t) => {
  const file = ratesFile(t, table('2026-11-22'));
  const { book, faults, next, now, pause, start } = sourceOf(t, { file });
  book.setRates(readRatesFile(file, now()));
  await start();
  assert.equal(pause(), MINUTE / 2);
  const read = book.rates;
  await next();
  assert.equal(book.rates, read, 'not read while it is the same');
  writeFileSync(file, table('2026-11-23', '0.5'));
  await next();
  assert.deepEqual(
    [book.rates?.date, book.rates?.units.get('eur')],
    ['2026-11-23', 2n * 10n ** 12n],
  );
  const good = book.rates;
  for (const wrong of [table('2026-11-23', '0'), '', table('2027-01-01')]) {
    writeFileSync(file, wrong);
    await next();
    assert.equal(book.rates, good);
  }
  rmSync(file);
  await next();
  assert.equal(book.rates, good);
  assert.equal(faults.length, 4, faults.join('\n'));
  assert.match(faults[0]!, /KEYBRAKE_RATES .*rates\.json, line 1: EUR must be a number above 0/);
  assert.match(faults[3]!, /cannot be read: ENOENT/);
  writeFileSync(file, table('2026-11-23', '0.8'));
  await next();
  assert.equal(book.rates?.units.get('eur'), 1_250_000_000_000n);
});

test('a file that is not there, or is wrong, stops the start', (t) => {
  const now = Date.parse('2026-11-23');
  assert.throws(() => readRatesFile('/nowhere/rates.json', now), ConfigError);
  const file = ratesFile(t, '{"date": "2026-11-23"}');
  assert.throws(() => readRatesFile(file, now), /base must be a currency.*\n.*rates must be/);
});

test('an address is asked at the start and daily, after a failure sooner and then less often', async (t) => {
  const address = 'https://rates.example.com/latest.json';
  const { book, asked, answers, faults, next, pause, start } = sourceOf(t, { address });
  answers.push('ENOTFOUND');
  await start();
  assert.deepEqual([book.rates, pause()], [null, MINUTE]);
  for (const [answer, after] of [
    [reply('', 503), 2 * MINUTE],
    [reply('', 302, [['location', 'https://elsewhere.example.com']]), 4 * MINUTE],
    [reply('<html>'), 8 * MINUTE],
    [reply(Buffer.from([0xff])), 16 * MINUTE],
    [reply(table('2026-11-23'), 200, [['content-encoding', 'br']]), 32 * MINUTE],
    [reply(table('2026-11-23').padEnd(2 << 20)), HOUR],
    [reply(table('2026-11-23', '-1')), HOUR],
  ] as const) {
    answers.push(answer);
    await next();
    assert.deepEqual([book.rates, pause()], [null, after]);
  }
  assert.equal(faults.length, 8);
  assert.match(faults[2]!, /latest\.json: answered 302/);
  answers.push(reply(table('2026-11-23')));
  await next();
  assert.deepEqual([book.rates?.date, pause()], ['2026-11-23', DAY]);
  answers.push('time-out', reply(table('2026-11-24')));
  await next();
  assert.deepEqual([book.rates?.date, pause()], ['2026-11-23', MINUTE], 'the old ones go on');
  await next();
  assert.deepEqual([book.rates?.date, pause()], ['2026-11-24', DAY]);
  answers.push(reply(table('2026-11-20')));
  await next();
  assert.equal(book.rates?.date, '2026-11-24', 'not back to what an old cache says');
  assert.ok(asked.every((each) => each === address));
});

test('a source that was stopped reads nothing more, also when its answer is on the way', async (t) => {
  const { book, answers, source, pause, start } = sourceOf(t, { address: 'https://a.example' });
  answers.push(reply(table('2026-11-23')));
  const starting = start();
  source.stop();
  await starting;
  assert.deepEqual([book.rates, pause()], [null, null]);
});
