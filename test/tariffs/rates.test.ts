/** Tables of exchange rates: read exactly, counted upwards, and every fault named. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ConfigError } from '../../src/config.ts';
import { TariffBook } from '../../src/tariffs/book.ts';
import { readRates } from '../../src/tariffs/rates.ts';

const NOW = Date.parse('2026-11-23T12:00:00Z');
const DAY = 86_400_000;

const table = (rates: string, base = 'USD', date = '2026-11-23') =>
  `{"date": "${date}", "base": "${base}", "rates": ${rates}}`;

function unitsOf(text: string): Record<string, bigint> {
  return Object.fromEntries(readRates(text, 'rates.json', NOW).units);
}

/** Every fault of the text. */
function faultsIn(text: string): string {
  try {
    readRates(text, 'rates.json', NOW);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message;
  }
  return assert.fail(`read: ${text}`);
}

test('a unit is worth the base divided by its rate, in pico-dollars rounded up', () => {
  assert.deepEqual(unitsOf(table('{"EUR": 0.92, "JPY": 154.31, "KWD": 0.3077}')), {
    ...{ usd: 1_000_000_000_000n, eur: 1_086_956_521_740n, jpy: 6_480_461_409n },
    kwd: 3_249_918_752_032n,
  });
  // As the European Central Bank gives them: one euro is so many dollars.
  assert.deepEqual(unitsOf(table('{"USD": 1.0869, "JPY": 167.7}', 'EUR')), {
    ...{ eur: 1_086_900_000_000n, usd: 1_000_000_000_000n, jpy: 6_481_216_458n },
  });
  assert.deepEqual(unitsOf(table('{"usd": "1", "btc": 1.05e-5, "irr": 42000E0}')), {
    ...{ usd: 1_000_000_000_000n, btc: 95_238_095_238_095_239n, irr: 23_809_524n },
  });
});

test('whatever the rate, a unit never counts for less, and for less than a pico-dollar more', () => {
  const decimal = fc.record({
    digits: fc.bigInt({ min: 1n, max: 10n ** 15n }),
    scale: fc.integer({ min: 0, max: 12 }),
  });
  const written = ({ digits, scale }: { digits: bigint; scale: number }) => {
    const text = digits.toString().padStart(scale + 1, '0');
    return scale === 0 ? text : `${text.slice(0, -scale)}.${text.slice(-scale)}`;
  };
  fc.assert(
    fc.property(decimal, decimal, (dollars, rate) => {
      const rates = `{"USD": ${written(dollars)}, "JPY": ${written(rate)}}`;
      const { jpy } = unitsOf(table(rates, 'EUR'));
      // jpy ≥ 10¹² × dollars / rate, as whole numbers.
      const [above, below] = [dollars.digits * 10n ** BigInt(12 + rate.scale), rate.digits];
      const parts = 10n ** BigInt(dollars.scale);
      assert.ok(jpy! * below * parts >= above);
      assert.ok((jpy! - 1n) * below * parts < above);
    }),
    { numRuns: 1000 },
  );
});

test('a rate with more digits than a double holds keeps them all', () => {
  // Above a dollar by less than any double can tell; rounded up it is a pico-dollar more.
  const rates = '{"USD": 1.00000000000000000001, "JPY": 1}';
  assert.equal(unitsOf(table(rates, 'EUR')).jpy, 1_000_000_000_001n);
});

test('a wrong table says what is wrong with which field, all at once', () => {
  const wrong: [text: string, faults: RegExp][] = [
    ['', /line 1/],
    ['[]', /line 1: must be a JSON object/],
    ['{"date": "2026-11-23",\n"base": "USD",\n"rates": {"EUR": 0.92,}}', /line 3: /],
    ['{"date": 1, "base": "USD", "rates": {}}', /: date must be the day/],
    [table('{}', 'USD', '2026-02-30'), /date must be the day/],
    [table('{}', 'USD', '2026-11-23T00:00:00Z'), /date must be the day/],
    [table('{}', 'USD', '2026-11-25'), /date must not lie ahead, and 2026-11-25 does/],
    [table('{"EUR": 0.92}', 'GBP'), /rates must have USD, or be for the base USD/],
    [table('{"USD": 1}', 'dollars'), /base must be a currency of three letters/],
    [table('{"USD": 2}', 'USD'), /base has a rate other than 1/],
    [table('[1]'), /rates must be an object/],
    ['{"date": "2026-11-23", "base": "USD"}', /rates must be an object/],
    [table('{"EURO": 0.92}'), /EURO is no currency/],
    [table('{"EUR": 0.92, "eur": 0.93}'), /eur is given twice/],
    [table('{"EUR": 0.92, "EUR": 0.93}'), /twice/],
    ['{"date": "2026-11-23", "base": "USD", "amount": 100, "rates": {}}', /amount must be 1/],
    ...['0', '0.0', '-0.92', 'null', 'true', '"0,92"', '"NaN"', '1e999', '{}', '1e-99'].map(
      (rate): [string, RegExp] => [table(`{"EUR": ${rate}}`), /EUR must be a number above 0/],
    ),
  ];
  for (const [text, faults] of wrong) {
    const told = faultsIn(text);
    assert.match(told, faults, text);
    for (const line of told.split('\n')) assert.match(line, /^rates\.json, line \d+: /);
  }
  const many = faultsIn('{"date": "x",\n"base": 1,\n"rates": {\n"EUR": 0\n}}');
  assert.deepEqual(many.match(/line \d/g), ['line 1', 'line 2', 'line 4']);
});

test('the fields that feeds add are let be, and the day may have begun elsewhere', () => {
  const text =
    '{"amount": 1.0, "license": "…", "timestamp": 1, "base": "USD", "date": "2026-11-24", ' +
    '"rates": {"EUR": 0.92}}';
  const { date, units } = readRates(text, 'rates.json', NOW);
  assert.deepEqual([date, units.size], ['2026-11-24', 2]);
});

test('the book gives rates until they are too old, and says why there are none', () => {
  const book = new TariffBook(4 * DAY);
  const why = (code: string, now: number) => {
    const { rates, missing } = book.of('stripe', 'default', now);
    return rates.get(code)?.date ?? missing.get(code) ?? missing.get('*');
  };
  assert.equal(why('eur', NOW), undefined);
  book.awaitRates('none were read yet');
  assert.equal(why('eur', NOW), 'none were read yet');
  book.setRates(readRates(table('{"EUR": 0.92}'), 'rates.json', NOW));
  const day = Date.parse('2026-11-23');
  assert.equal(why('eur', day + 4 * DAY), '2026-11-23');
  assert.equal(why('eur', day + 4 * DAY + 1), 'its rate is of 2026-11-23, which is too old');
  assert.equal(why('gbp', NOW), 'the rates of 2026-11-23 have none for it');
  assert.equal(why('gbp', NOW + 9 * DAY), 'the rates of 2026-11-23 have none for it');
  for (const now of [NOW, NOW + 99 * DAY]) {
    assert.deepEqual(book.of('stripe', 'default', now).rates.get('usd'), {
      ...{ unit: 10n ** 12n, date: null },
    });
  }
  assert.equal(book.ratesAge(day + DAY), 86_400);
});
