/** What an amount of another currency counts for: its decimals on Stripe's wire, and its rate. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TariffBook } from '../../src/tariffs/book.ts';
import { MAX_MINOR, minorUnit, toMicros } from '../../src/vendors/stripe/currency.ts';
import { stripe } from '../../src/vendors/stripe/stripe.ts';
import { isRefusal, type Reading, type Tariff } from '../../src/vendors/vendor.ts';
import { DOLLARS, reply, request } from './stripe-requests.ts';

const ZERO = 'bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf'.split(' ');
const THREE = 'bhd jod kwd omr tnd'.split(' ');
/** UGX and ISK have no decimals in use and two on the wire; HUF and TWD differ in payouts alone. */
const TWO = 'usd eur gbp ugx isk huf twd inr idr brl chf cad aud mxn'.split(' ');

const PICOS = 10n ** 12n;
const TODAY = '2026-11-23';
const at = (date: string): number => Date.parse(`${date}T12:00:00Z`);

/** One whole unit of each currency is worth `unit` pico-dollars; a day that is not too old. */
function tariff(units: Readonly<Record<string, bigint>>, now = at(TODAY)): Tariff {
  const book = new TariffBook();
  book.setRates({ date: TODAY, units: new Map(Object.entries(units)) });
  return book.of('stripe', 'default', now);
}

function read(path: string, body: string, by: Tariff) {
  return stripe.read(request('POST', path, body), by);
}

function quoteOf(body: string, by: Tariff): Reading['quote'] {
  const found = read('/v1/payment_intents', body, by);
  assert.ok(!isRefusal(found), 'message' in found ? found.message : '');
  return found.quote;
}

test('an amount counts by the decimals that its currency has on the wire', () => {
  const count = (currency: string, unit: bigint, minor: bigint): bigint => {
    const quote = quoteOf(`amount=${minor}&currency=${currency}`, tariff({ [currency]: unit }));
    assert.equal(quote.kind, 'exact', currency);
    return quote.kind === 'exact' ? quote.micros : -1n;
  };
  const cent = PICOS / 100n;
  for (const currency of ZERO) assert.equal(count(currency, cent, 700n), 7_000_000n, currency);
  for (const currency of TWO.slice(1)) assert.equal(count(currency, cent, 700n), 70_000n, currency);
  for (const currency of THREE) assert.equal(count(currency, cent, 700n), 7_000n, currency);
  // By name, because each mistake has a direction: a yen is a yen, 500 is 5 shillings, 5 krónur.
  assert.equal(count('jpy', 6_700_000_000n, 500n), 3_350_000n);
  assert.equal(count('ugx', 270_000_000n, 500n), 1_350n);
  assert.equal(count('isk', 7_200_000_000n, 500n), 36_000n);
  assert.equal(count('kwd', 3_250_000_000_000n, 5_120n), 16_640_000n);
});

test('dollars count a cent for a cent, whatever the rates say of them', () => {
  const quote = quoteOf('amount=2900&currency=usd', tariff({ usd: 1n, eur: PICOS }));
  assert.deepEqual(quote, { kind: 'exact', micros: 29_000_000n });
  assert.equal(toMicros(2900n, 'usd', DOLLARS), 29_000_000n);
});

test('an amount never counts for less than it is worth, and for hardly more', () => {
  const decimals = (currency: string) =>
    ZERO.includes(currency) ? 0n : THREE.includes(currency) ? 3n : 2n;
  const currencies = fc.constantFrom(...ZERO, ...TWO.slice(1), ...THREE);
  const minors = fc.oneof(
    fc.bigInt({ min: 0n, max: MAX_MINOR }),
    fc.bigInt({ min: 0n, max: 9_999n }),
  );
  const units = fc.bigInt({ min: 1n, max: 10n ** 11n });
  fc.assert(
    fc.property(currencies, minors, units, (currency, minor, unit) => {
      const micros = toMicros(minor, currency, tariff({ [currency]: unit }))!;
      const parts = 10n ** decimals(currency);
      // micros × 10⁶ picos against minor × unit / parts, both times `parts`.
      const over = micros * 1_000_000n * parts - minor * unit;
      assert.ok(over >= 0n, 'too little');
      assert.ok(over < (1_000_000n + minor) * parts, 'a pico-dollar a unit and a micro-dollar');
      assert.ok(micros < 1n << 62n, 'fits the ledger');
    }),
    { numRuns: 2000 },
  );
});

test('a smaller amount never counts for more than a larger one', () => {
  const amounts = fc.tuple(
    fc.bigInt({ min: 0n, max: MAX_MINOR }),
    fc.bigInt({ min: 0n, max: MAX_MINOR }),
  );
  fc.assert(
    fc.property(amounts, fc.bigInt({ min: 1n, max: 10n ** 11n }), ([a, b], unit) => {
      const by = tariff({ eur: unit });
      const [small, large] = a < b ? [a, b] : [b, a];
      assert.ok(toMicros(small, 'eur', by)! <= toMicros(large, 'eur', by)!);
    }),
  );
});

test('of three decimals the last must be 0; else the call is refused and told what to send', () => {
  const by = tariff(Object.fromEntries(THREE.map((currency) => [currency, PICOS])));
  for (const currency of THREE) {
    assert.equal(quoteOf(`amount=5120&currency=${currency}`, by).kind, 'exact');
    const refused = read('/v1/payment_intents', `amount=5124&currency=${currency}`, by);
    assert.ok(isRefusal(refused));
    assert.equal(refused.code, 'request_ambiguous');
    assert.match(refused.message, new RegExp(`in ${currency} must end in 0.*5120 or 5130`));
  }
  const item = read('/v1/invoiceitems', 'unit_amount=5&quantity=10&currency=kwd', by);
  assert.ok(isRefusal(item) && item.code === 'request_ambiguous', 'also the price of one of many');
  const credit = '/v1/customers/cus_1/balance_transactions';
  const negative = read(credit, 'amount=-5124&currency=kwd', by);
  assert.ok(isRefusal(negative));
  assert.match(negative.message, /-5120 or -5130/);
  for (const currency of [...ZERO, ...TWO]) {
    const free = tariff({ [currency]: PICOS / 100n });
    assert.equal(quoteOf(`amount=5124&currency=${currency}`, free).kind, 'exact', currency);
  }
});

test('a currency that Stripe is not known to take has no price, whatever the rates say', () => {
  for (const currency of ['xau', 'btc', 'xxx', 'iqd', 'lyd', 'abc']) {
    const quote = quoteOf(`amount=100&currency=${currency}`, tariff({ [currency]: PICOS }));
    assert.ok(quote.kind === 'unpriced', currency);
    assert.match(quote.reason, new RegExp(`${currency} is no currency that Stripe is known to`));
  }
});

test('without a rate, or with one that is too old, the refusal names currency, day and remedy', () => {
  const reason = (by: Tariff): string => {
    const quote = quoteOf('amount=100&currency=eur', by);
    return quote.kind === 'unpriced' ? quote.reason : assert.fail('it has a price');
  };
  assert.match(
    reason(DOLLARS),
    /currency eur needs a rate, and none is configured; KEYBRAKE_RATES/,
  );
  const late = tariff({ eur: PICOS }, at('2026-11-28'));
  assert.match(reason(late), /currency eur needs a rate, and its rate is of 2026-11-23.*too old/);
  assert.match(reason(late), /KEYBRAKE_RATES/);
});

test('a rate that makes the smallest unit worth more than ten cents is no rate', () => {
  const wrong = quoteOf('amount=100&currency=eur', tariff({ eur: 11n * PICOS }));
  assert.ok(wrong.kind === 'unpriced');
  assert.match(wrong.reason, /eur needs a rate, and that of 2026-11-23 makes its smallest unit/);
  assert.equal(minorUnit('jpy', tariff({ jpy: PICOS })), null);
});

test('the row and the object get the day of the rate that counted', () => {
  const by = tariff({ eur: 1_086_956_521_740n });
  const created = read('/v1/payment_intents', 'amount=2900&currency=EUR', by);
  assert.ok(!isRefusal(created));
  assert.deepEqual(created.rate, { unit: 1_086_956_521_740n, date: TODAY });
  const intent = { id: 'pi_1', object: 'payment_intent', amount: 2900, currency: 'eur' };
  const answer = reply(200, { ...intent, amount_received: 2900, status: 'succeeded' });
  const [fact] = stripe.conclude(created, answer, by).objects;
  assert.deepEqual([fact?.unit, fact?.rateDate], [10_869_565_218n, TODAY]);
});
