/** An operator's file of prices: read exactly, or refused with every fault and its line. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ConfigError, readConfig } from '../../src/config.ts';
import { startKeybrake } from '../../src/keybrake.ts';
import { TWILIO_LIST_PRICES } from '../../src/tariffs/twilio-list-prices.ts';
import { twilioPrices } from '../../src/tariffs/twilio-prices.ts';
import { checkPriceName } from '../../src/vendors/twilio/prices.ts';

const folder = mkdtempSync(join(tmpdir(), 'keybrake-prices-'));
after(() => rmSync(folder, { recursive: true }));
const FILE = join(folder, 'prices.json');

function written(text: string): string {
  writeFileSync(FILE, text);
  return FILE;
}

const read = (text: string) => twilioPrices(written(text));

/** The faults, a line each, without the file's name. */
function faults(text: string): string[] {
  try {
    read(text);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message
      .split('\n')
      .map((line) => line.replace(`KEYBRAKE_TWILIO_PRICES ${FILE}, `, ''));
  }
  return [];
}

test('without a file the list prices hold, and each of them has a name that calls ask for', () => {
  assert.equal(twilioPrices(null), TWILIO_LIST_PRICES);
  for (const name of TWILIO_LIST_PRICES.keys()) assert.equal(checkPriceName(name), null, name);
});

test('a file’s prices are read to the micro-dollar and hold before the list’s', () => {
  const prices = read(
    '{"prices": {"sms/US": 0.007900, "sms/GB": "0.0524", "voice/+447": 0.000001}}',
  );
  assert.equal(prices.get('sms/US'), 7_900n);
  assert.equal(prices.get('sms/GB'), 52_400n);
  assert.equal(prices.get('voice/+447'), 1n);
  assert.equal(prices.get('mms/US'), 22_000n, 'the list says what the file does not');
});

test('a file can stand in the place of the list', () => {
  const prices = read('{"list_prices": false, "prices": {"sms/US": 0.01}}');
  assert.deepEqual([...prices], [['sms/US', 10_000n]]);
});

test('every fault is named at once, with its line', () => {
  const text = `{
  "prices": {
    "sms/US": 0.0000001,
    "sms/usa": 0.01,
    "sms/GB": -1,
    "sms/DE": 1e-2,
    "sms/FR": null,
    "sms/IT": "a lot",
    "sms/ES": 0.05
  },
  "list_prices": "no",
  "price": {}
}`;
  const found = faults(text);
  const where = found.map((line) => line.split(' ', 3).slice(0, 3).join(' '));
  assert.deepEqual(where.sort(), [
    'line 11: list_prices',
    'line 12: price',
    'line 3: sms/US',
    'line 4: sms/usa',
    'line 5: sms/GB',
    'line 6: sms/DE',
    'line 7: sms/FR',
    'line 8: sms/IT',
  ]);
});

test('what is no such file at all is said with its line', () => {
  assert.deepEqual(faults('[]'), ['line 1: must be a JSON object']);
  assert.deepEqual(faults('{}'), ['line 1: prices must be an object of names and dollars']);
  assert.deepEqual(faults('{"prices": 5}'), [
    'line 1: prices must be an object of names and dollars',
  ]);
  assert.match(
    faults('{\n "prices": {\n  "sms/US": 0.01,\n  "sms/US": 0.02\n }\n}')[0]!,
    /^line 4: a name is given twice/,
  );
  assert.match(faults('{"prices": {"sms/US": .5}}')[0]!, /^line 1: a value was expected/);
  assert.match(faults('{"prices": {}')[0]!, /^line 1: /);
  writeFileSync(FILE, Buffer.from([0xff, 0xfe]));
  assert.throws(() => twilioPrices(FILE), /cannot be read: it is not UTF-8/);
  assert.throws(
    () => twilioPrices(join(folder, 'none.json')),
    /KEYBRAKE_TWILIO_PRICES cannot be read: ENOENT/,
  );
});

test('a server with a wrong file does not start, and says why', async () => {
  const config = readConfig({
    KEYBRAKE_LISTEN: '127.0.0.1:0',
    KEYBRAKE_DATA: join(folder, 'data'),
    KEYBRAKE_TWILIO_PRICES: written('{"prices": {"sms/US": "free"}}'),
  });
  await assert.rejects(startKeybrake(config), /line 1: sms\/US must be a plain number of dollars/);
});
