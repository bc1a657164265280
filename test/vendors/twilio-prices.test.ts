/** Which of Twilio's prices a call has: the operator's by destination, and those of its Pricing API. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPhone } from '../../src/vendors/twilio/phone.ts';
import { checkPriceName, priceAt } from '../../src/vendors/twilio/prices.ts';
import { twilio } from '../../src/vendors/twilio/twilio.ts';
import {
  CALLS,
  GB,
  JAMAICA,
  LISTED,
  message,
  posted,
  reply,
  tariffOf,
  US,
} from './twilio-requests.ts';

const URL = 'https://a.example/twiml';

test('the longest beginning wins, then the country, then the name alone', () => {
  const prices = new Map(
    [
      ...['sms', 'sms/GB', 'sms/+44', 'sms/+4474', 'sms/+447400', 'sms/GB/+447', 'sms/JM'],
      ...['sms/+1', 'sms/CA/+1604', 'sms/+1907'],
    ].map((name, index) => [name, BigInt(index)]),
  );
  const nameOf = (number: string, without: string[] = []) => {
    const left = new Map([...prices].filter(([name]) => !without.includes(name)));
    const price = priceAt(left, 'sms', readPhone(number));
    return [...prices].find(([, each]) => each === price)?.[0];
  };
  assert.equal(nameOf(GB), 'sms/+447400');
  assert.equal(nameOf(GB, ['sms/+447400']), 'sms/+4474');
  assert.equal(nameOf('+442079460000'), 'sms/+44');
  assert.equal(nameOf('+442079460000', ['sms/+44']), 'sms/GB');
  assert.equal(nameOf(GB, ['sms/+447400', 'sms/+4474', 'sms/+44']), 'sms/GB/+447');
  assert.equal(nameOf('+4915112345678'), 'sms');
  assert.equal(nameOf(US), 'sms/+1');
  assert.equal(nameOf('+19075551234'), 'sms/+1907');
  assert.equal(nameOf('+16045551234'), 'sms/CA/+1604');
  assert.equal(nameOf('+14165551234'), 'sms', 'Toronto is not the United States');
  assert.equal(nameOf(JAMAICA), 'sms/JM');
  assert.equal(nameOf(JAMAICA, ['sms/JM']), 'sms', '+1 is not its price');
});

test('a price of a whole calling code is its main country’s, whichever code it is', () => {
  const at = (code: string, number: string) =>
    priceAt(new Map([[`sms/+${code}`, 1n]]), 'sms', readPhone(number));
  for (const [code, main, other] of [
    ['7', '+79161234567', '+77011234567'],
    ['44', GB, '+447781123456'],
    ['358', '+358412345678', '+35818123456'],
  ] as const) {
    assert.equal(at(code, main), 1n, main);
    assert.equal(at(code, other), null, other);
  }
  assert.equal(at('881', '+881612345678'), 1n, 'a code of no country is nobody else’s');
  assert.equal(at('49', '+4915112345678'), 1n);
});

test('a price’s name is one that some call has, or it is refused', () => {
  for (const name of [
    ...['sms', 'sms/US', 'sms/+4477', 'voice/CA/+1', 'verify', 'verify/sms', 'verify/sms/GB'],
    ...[
      'lookup/caller_name',
      'message-failed',
      'voice/sip',
      'whatsapp/+44',
      'content',
      'mms-fee/US',
    ],
  ]) {
    assert.equal(checkPriceName(name), null, name);
  }
  for (const name of [
    ...['', 'SMS', 'sms/us', 'sms/XX', 'sms/', 'sms/44', 'sms/+', 'sms/+0', 'sms/+44/GB', 'fax'],
    ...[
      'verify/',
      'lookup',
      'lookup/Caller',
      'message-failed/US',
      'sms/US/',
      'sms /US',
      'lookup/a/US',
    ],
  ]) {
    assert.notEqual(checkPriceName(name), null, name);
  }
});

// ---------------------------------------------------------------- the Pricing API

const GB_PRICES = {
  ...{ country: 'United Kingdom', iso_country: 'GB', price_unit: 'USD' },
  outbound_sms_prices: [
    {
      carrier: 'a',
      prices: [{ number_type: 'mobile', base_price: '0.06', current_price: '0.0413' }],
    },
    {
      carrier: 'b',
      prices: [
        { number_type: 'mobile', current_price: '0.0524' },
        { number_type: 'shortcode', current_price: '0.0412' },
        { number_type: 'local', current_price: null },
      ],
    },
  ],
};

const learn = (read: ReturnType<typeof message>, body: unknown, tariff = LISTED, status = 200) =>
  twilio.learn(read, [reply(status, body)], tariff);

test('the dearest carrier and kind of number is the price of a country, and serves later calls', () => {
  const read = message({ To: GB, Body: 'a'.repeat(161) });
  const learned = learn(read, GB_PRICES, tariffOf({ 'sms-fee/GB': '0.001' }));
  assert.deepEqual(learned, {
    quote: { kind: 'estimated', micros: 2n * (52_400n + 1_000n) },
    prices: new Map([['sms/GB', 52_400n]]),
  });
});

test('a price in another currency counts at its rate, and not without one', () => {
  const read = message({ To: GB });
  const inEuros = { ...GB_PRICES, price_unit: 'EUR' };
  // $1.10 a euro
  const learned = learn(read, inEuros, tariffOf({}, { eur: 1_100_000_000_000n }));
  assert.deepEqual(learned, {
    quote: { kind: 'estimated', micros: 57_640n },
    prices: new Map([['sms/GB', 57_640n]]),
  });
  const without = learn(read, inEuros);
  assert.ok('quote' in without && without.quote.kind === 'unpriced');
  assert.match(without.quote.reason, /the currency eur needs a rate, and /);
});

test('a call is priced by the longest prefix that the Pricing API lists for its country', () => {
  const read = posted(CALLS, { To: GB, From: US, Url: URL, TimeLimit: '60' });
  const rows = [
    { destination_prefixes: ['44', '441'], origination_prefixes: ['ALL'], current_price: '0.0158' },
    { destination_prefixes: ['447'], origination_prefixes: ['1'], current_price: '0.04' },
    { destination_prefixes: ['447'], origination_prefixes: ['ALL'], current_price: '0.0425' },
  ];
  const body = { ...GB_PRICES, outbound_sms_prices: undefined, outbound_prefix_prices: rows };
  assert.deepEqual(learn(read, body), {
    quote: { kind: 'estimated', micros: 42_500n },
    prices: new Map([
      ['voice/GB/+44', 15_800n],
      ['voice/GB/+441', 15_800n],
      ['voice/GB/+447', 42_500n],
    ]),
  });
  const other = learn(read, { ...body, outbound_prefix_prices: [rows[0]] });
  assert.ok('quote' in other);
  assert.equal(other.quote.kind, 'estimated');
  const none = learn(read, {
    ...body,
    outbound_prefix_prices: [{ ...rows[0], destination_prefixes: ['441'] }],
  });
  assert.ok('quote' in none && none.quote.kind === 'unpriced', 'no prefix covers the number');
});

for (const [what, status, body, keyMaySay = false] of [
  ['is forbidden', 403, { code: 20003 }],
  ['fails', 500, ''],
  ['knows no such country', 404, { code: 20404 }, true],
  ['is of another country', 200, { ...GB_PRICES, iso_country: 'FR' }],
  ['lists nothing', 200, { ...GB_PRICES, outbound_sms_prices: [] }, true],
  ['is no JSON', 200, '<html>'],
  [
    'has prices that are numbers',
    200,
    { ...GB_PRICES, outbound_sms_prices: [{ prices: [{ current_price: 0.05 }] }] },
    true,
  ],
] as const) {
  test(`an answer of the Pricing API that ${what} is no price`, () => {
    const learned = learn(message({ To: GB }), body, LISTED, status);
    assert.ok('quote' in learned);
    assert.ok(learned.quote.kind === 'unpriced');
    // What Twilio may say another time is no price for the key to state.
    assert.equal(learned.quote.noKeyPrice ?? false, !keyMaySay);
    assert.equal(learned.prices, undefined);
  });
}
