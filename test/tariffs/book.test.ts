/** What calls cost at a time: tables that were set, and what vendors told since. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TariffBook } from '../../src/tariffs/book.ts';

const DAY = 86_400_000;
const NOW = Date.parse('2026-11-24T09:00:00Z');

function bookWith(prices: Record<string, bigint>): TariffBook {
  const book = new TariffBook();
  book.setPrices('twilio', null, new Map(Object.entries(prices)));
  return book;
}

const at = (book: TariffBook, after: number, account = 'default') =>
  Object.fromEntries(book.of('twilio', account, NOW + after).prices);

test('what a vendor told holds for a day, for the account that it was told, under the tables', () => {
  const book = bookWith({ 'sms/US': 8_300n });
  book.learn(
    'twilio',
    'default',
    new Map([
      ['sms/GB', 50_000n],
      ['sms/US', 1n],
    ]),
    NOW,
  );
  book.learn('twilio', 'default', new Map([['sms/DE', 100_000n]]), NOW + DAY / 2);
  assert.deepEqual(at(book, 0), { 'sms/US': 8_300n, 'sms/GB': 50_000n, 'sms/DE': 100_000n });
  assert.deepEqual(at(book, DAY - 1), { 'sms/US': 8_300n, 'sms/GB': 50_000n, 'sms/DE': 100_000n });
  assert.deepEqual(at(book, DAY), { 'sms/US': 8_300n, 'sms/DE': 100_000n });
  assert.deepEqual(at(book, 1.5 * DAY), { 'sms/US': 8_300n });
  assert.deepEqual(at(book, 0, 'other'), { 'sms/US': 8_300n });
});

test('told again, a price is the newer one for a day from then', () => {
  const book = bookWith({});
  book.learn('twilio', 'default', new Map([['sms/GB', 50_000n]]), NOW);
  assert.deepEqual(at(book, 1), { 'sms/GB': 50_000n });
  book.learn('twilio', 'default', new Map([['sms/GB', 60_000n]]), NOW + DAY - 1);
  assert.deepEqual(at(book, DAY), { 'sms/GB': 60_000n });
});

test('a table that is set later holds at once', () => {
  const book = bookWith({});
  book.learn('twilio', 'default', new Map([['sms/GB', 50_000n]]), NOW);
  assert.deepEqual(at(book, 1), { 'sms/GB': 50_000n });
  book.setPrices('twilio', 'default', new Map([['sms/GB', 70_000n]]));
  assert.deepEqual(at(book, 2), { 'sms/GB': 70_000n });
});
