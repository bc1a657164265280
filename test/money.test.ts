/** Dollars as text and as micro-dollars: exact both ways, and nothing else is read. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatUsd, MAX_MICROS, MoneyError, parseUsd, USD, usdJson } from '../src/money.ts';

const amount = fc.bigInt({ min: 0n, max: MAX_MICROS });

test('every amount is read back as it was written', () => {
  fc.assert(
    fc.property(amount, (micros) => {
      assert.equal(parseUsd(formatUsd(micros)), micros);
    }),
  );
});

test('an amount is written with two to six decimals and no more than it needs', () => {
  fc.assert(
    fc.property(amount, (micros) => {
      assert.match(formatUsd(micros), /^\d+\.(?:\d\d|\d{2,5}[1-9])$/);
    }),
  );
  const written = [0n, 1n, 900n, 8_300n, 10_000n, 100_000n, 29n * USD, 12_500_000n, MAX_MICROS];
  assert.deepEqual(written.map(formatUsd), [
    ...['0.00', '0.000001', '0.0009', '0.0083', '0.01', '0.10', '29.00', '12.50', '1000000000.00'],
  ]);
  assert.deepEqual([-1n, -29n * USD].map(formatUsd), ['-0.000001', '-29.00']);
});

test('zeros at the end of an amount change nothing', () => {
  fc.assert(
    fc.property(amount, fc.nat(9), (micros, zeros) => {
      assert.equal(parseUsd(formatUsd(micros) + '0'.repeat(zeros)), micros);
    }),
  );
});

test('a JSON number of dollars has every digit, where a float would not', () => {
  fc.assert(
    fc.property(amount, (micros) => {
      assert.equal(JSON.stringify({ usd: usdJson(micros) }), `{"usd":${formatUsd(micros)}}`);
    }),
  );
});

for (const text of [
  ...['', ' ', '1 ', ' 1', '.5', '5.', '1.2.3', '1,5', '1_000', '+1', '--1', '0x10', '1e2', '5E2'],
  ...['NaN', 'Infinity', '-Infinity', '$5', '5 USD', '１', '1\n', '1\0'],
  ...['-1', '-0', '-0.01', '0.0000001', '1.1234567', '1000000000.000001', '1000000001'],
  ...['9'.repeat(400), `0.${'1'.repeat(400)}`],
]) {
  test(`${JSON.stringify(text.slice(0, 20))} is no amount`, () => {
    assert.throws(() => parseUsd(text), MoneyError);
  });
}

test('whatever the text, it is an amount in range or a MoneyError', () => {
  const near = fc.stringMatching(/^-?[0-9.e+ ]{0,24}$/);
  fc.assert(
    fc.property(fc.oneof(fc.string(), near), (text) => {
      try {
        const micros = parseUsd(text);
        assert.ok(micros >= 0n && micros <= MAX_MICROS);
        assert.match(text, /^\d+(\.\d+)?$/);
      } catch (error) {
        assert.ok(error instanceof MoneyError, String(error));
      }
    }),
  );
});
