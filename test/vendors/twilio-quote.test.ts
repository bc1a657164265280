/** What calls to Twilio cost before they are sent. Amounts in micro-dollars. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseUsd } from '../../src/money.ts';
import { readPhone } from '../../src/vendors/twilio/phone.ts';
import { checkPriceName, priceAt } from '../../src/vendors/twilio/prices.ts';
import { twilio } from '../../src/vendors/twilio/twilio.ts';
import type { Tariff } from '../../src/vendors/vendor.ts';
import {
  CALLS,
  type Fields,
  form,
  GB,
  JAMAICA,
  LISTED,
  MESSAGES,
  message,
  posted,
  reading,
  reply,
  request,
  shown,
  tariffOf,
  US,
  VERIFICATIONS,
} from './twilio-requests.ts';

/** A segment to the United States, with the dearest carrier's fee. */
const SEGMENT = 8_300n + 6_200n;

const SERVICE = `MG${'0'.repeat(32)}`;

const told = tariffOf({
  ...{ 'sms/GB': '0.05', 'sms/+4477': '0.07', 'voice/US/+1': '0.014', 'voice/US/+1907': '0.09' },
  ...{ 'voice/GB/+447': '0.04', whatsapp: '0.005', 'whatsapp/GB': '0.04', content: '0.03' },
  ...{ 'verify/email': '0.01', 'lookup/caller_name': '0.01', 'lookup/sim_swap': '0.04' },
  ...{ 'machine-detection': '0.0075', 'voice-recording': '0.0025', 'shorten-urls': '0.015' },
  ...{ 'voice/sip': '0.004' },
});

// ---------------------------------------------------------------- messages

const messages: [what: string, fields: Fields, quote: string, tariff?: Tariff][] = [
  ['one segment', {}, `estimated ${SEGMENT}`],
  ['two segments', { Body: 'a'.repeat(161) }, `estimated ${2n * SEGMENT}`],
  ['67 emoji', { Body: '😀'.repeat(67) }, `estimated ${3n * SEGMENT}`],
  ['no text is one message', { Body: '' }, `estimated ${SEGMENT}`],
  ['a curly quote', { Body: `${'a'.repeat(100)}’` }, `estimated ${2n * SEGMENT}`],
  [
    'the same, SmartEncoded',
    { Body: `${'a'.repeat(100)}’`, SmartEncoded: 'true' },
    `estimated ${SEGMENT}`,
  ],
  [
    'a curly quote, by a service, which may encode it smartly or not',
    { Body: `${'a'.repeat(100)}’`, MessagingServiceSid: SERVICE },
    `estimated ${2n * SEGMENT}`,
  ],
  [
    'quarters, of which smart encoding makes more, by a service',
    { Body: '¼'.repeat(67), MessagingServiceSid: SERVICE },
    `estimated ${2n * SEGMENT}`,
  ],
  ['quarters by a number, as they are', { Body: '¼'.repeat(67) }, `estimated ${SEGMENT}`],
  ['a picture', { MediaUrl: 'https://a.example/1.png' }, 'estimated 32000'],
  ['a text as MMS', { SendAsMms: 'true', Body: 'a'.repeat(500) }, 'estimated 32000'],
  [
    'a picture to where MMS has no price',
    { To: GB, MediaUrl: 'https://a.example/1.png' },
    'unpriced',
  ],
  ['by a messaging service', { From: '', MessagingServiceSid: SERVICE }, `estimated ${SEGMENT}`],
  ['scheduled', { ScheduleType: 'fixed', SendAt: '2026-12-01T09:00:00Z' }, `estimated ${SEGMENT}`],
  [
    'a template: as much as it can be',
    { ContentSid: `HX${'0'.repeat(32)}` },
    `estimated ${25n * SEGMENT}`,
  ],
  [
    'a template whose price is known',
    { ContentSid: `HX${'0'.repeat(32)}` },
    'estimated 30000',
    told,
  ],
  ['to a country whose price is known', { To: GB }, 'estimated 50000', told],
  ['to a number whose beginning has a price', { To: '+447700900123' }, 'estimated 70000', told],
  ['to a country that Twilio is asked for', { To: GB }, 'ask /pricing/v1/Messaging/Countries/GB'],
  ['to Jamaica, which has +1 too', { To: JAMAICA }, 'ask /pricing/v1/Messaging/Countries/JM'],
  ['to a number of no plan', { To: '+15558675310' }, `estimated ${SEGMENT}`],
  ['to a British one of none', { To: '+447700900124' }, 'ask /pricing/v1/Messaging/Countries/GB'],
  ['to a number that is too short for any', { To: '+1415555' }, 'unpriced'],
  ['to a satellite', { To: '+881612345678' }, 'unpriced'],
  ['to no number', { To: '4155552671' }, 'unpriced'],
  ['to nobody', { To: '' }, 'unpriced'],
  ['by WhatsApp', { To: `whatsapp:${US}` }, 'estimated 5000', told],
  [
    'by WhatsApp to Britain, however long',
    { To: `whatsapp:${GB}`, Body: 'a'.repeat(900) },
    'estimated 40000',
    told,
  ],
  ['by WhatsApp without a price', { To: `whatsapp:${US}` }, 'unpriced'],
  ['by a channel that is a price of another kind', { To: `voice:${US}` }, 'unpriced', told],
  ['with short links', { ShortenUrls: 'true' }, `estimated ${SEGMENT + 15_000n}`, told],
  ['with short links, whose price nobody said', { ShortenUrls: 'true' }, 'unpriced'],
];

for (const [what, fields, quote, tariff] of messages) {
  test(`a message ${what}: ${quote}`, () => {
    const read = message(fields, tariff);
    assert.equal(shown(read), quote);
    assert.equal(read.class, quote === 'unpriced' ? 'unpriced' : 'priced');
    assert.equal(read.idempotency, 'proxy');
  });
}

test('a message of a refusal says which price is missing', () => {
  const { quote } = message({ To: `whatsapp:${GB}` });
  assert.match(
    quote.kind === 'unpriced' ? quote.reason : '',
    /no price `whatsapp\/GB` is configured/,
  );
});

// ---------------------------------------------------------------- calls

const URL = 'https://a.example/twiml';
const calls: [what: string, fields: Fields, quote: string, tariff?: Tariff][] = [
  ['of ten minutes', { TimeLimit: '600', Url: URL }, 'estimated 140000', told],
  ['of a second more', { TimeLimit: '601', Url: URL }, 'estimated 154000', told],
  ['of no stated length: four hours', { Url: URL }, `estimated ${240 * 14_000}`, told],
  ['to Alaska', { To: '+19075551234', TimeLimit: '60', Url: URL }, 'estimated 90000', told],
  ['to a British mobile', { To: GB, TimeLimit: '60', Url: URL }, 'estimated 40000', told],
  [
    'to a British line that no prefix covers',
    { To: '+442079460000', TimeLimit: '60', Url: URL },
    'ask /pricing/v2/Voice/Countries/GB',
    told,
  ],
  [
    'to a country without a price',
    { TimeLimit: '60', Url: URL },
    'ask /pricing/v2/Voice/Countries/US',
  ],
  [
    'whose script is plain',
    { TimeLimit: '60', Twiml: '<Response><Play>a.mp3</Play><Hangup/></Response>' },
    'bounded 14000',
    told,
  ],
  [
    'whose script dials',
    { TimeLimit: '60', Twiml: '<Response><Dial>+1</Dial></Response>' },
    'estimated 14000',
    told,
  ],
  [
    'whose script speaks, in the voice that the account has set',
    { TimeLimit: '60', Twiml: '<Response><Say>Hi</Say></Response>' },
    'estimated 14000',
    told,
  ],
  [
    'with a plain script that is not used',
    { TimeLimit: '60', Url: URL, Twiml: '<Response/>' },
    'estimated 14000',
    told,
  ],
  ['recorded', { TimeLimit: '120', Url: URL, Record: 'true' }, 'estimated 33000', told],
  [
    'with a machine detected',
    { TimeLimit: '60', Url: URL, MachineDetection: 'Enable' },
    'estimated 21500',
    told,
  ],
  [
    'recorded without a price',
    { Url: URL, Record: 'true' },
    'unpriced',
    tariffOf({ voice: '0.01' }),
  ],
  [
    'to a SIP address',
    { To: 'sip:a@b.example', TimeLimit: '60', Url: URL },
    'estimated 4000',
    told,
  ],
  ['to a client without a price', { To: 'client:joe', Url: URL }, 'unpriced', told],
  ['by a carrier of your own', { Byoc: 'BY1', Url: URL }, 'unpriced', told],
];

for (const [what, fields, quote, tariff] of calls) {
  test(`a call ${what}: ${quote}`, () => {
    assert.equal(shown(posted(CALLS, { To: US, From: '+15005550006', ...fields }, tariff)), quote);
  });
}

test('a call is ended for free, and not sent on to another script', () => {
  const path = CALLS.replace('.json', `/CA${'0'.repeat(32)}.json`);
  assert.equal(posted(path, { Status: 'completed' }).quote.kind, 'free');
  const others: Fields[] = [{ Url: URL }, { Twiml: '<Response/>' }, { TimeLimit: '14400' }];
  for (const fields of others) {
    assert.equal(posted(path, fields).quote.kind, 'unpriced', JSON.stringify(fields));
  }
});

// ---------------------------------------------------------------- verifications and lookups

const verifications: [what: string, fields: Fields, quote: string, tariff?: Tariff][] = [
  ['by SMS', { Channel: 'sms' }, `estimated ${50_000n + SEGMENT}`],
  ['by SMS in capitals', { Channel: 'SMS' }, `estimated ${50_000n + SEGMENT}`],
  ['by SMS to Britain', { To: GB, Channel: 'sms' }, 'ask /pricing/v1/Messaging/Countries/GB'],
  ['by a call', { Channel: 'call' }, 'estimated 64000', told],
  ['by a call to Britain', { To: GB, Channel: 'call' }, 'estimated 90000', told],
  ['by mail', { To: 'a@b.example', Channel: 'email' }, 'estimated 60000', told],
  ['by mail without a price', { To: 'a@b.example', Channel: 'email' }, 'unpriced'],
  ['by whatever Twilio chooses', { Channel: 'auto' }, 'unpriced', told],
  ['by nothing', {}, 'unpriced'],
];

for (const [what, fields, quote, tariff] of verifications) {
  test(`a verification ${what}: ${quote}`, () => {
    assert.equal(shown(posted(VERIFICATIONS, { To: US, ...fields }, tariff)), quote);
  });
}

const LOOKUP = `/lookups/v2/PhoneNumbers/${US}`;
const lookups: [target: string, quote: string][] = [
  [LOOKUP, 'free'],
  [`${LOOKUP}?Fields=`, 'free'],
  [`${LOOKUP}?Fields=validation`, 'free'],
  [`${LOOKUP}?CountryCode=US`, 'free'],
  [`${LOOKUP}?Fields=caller_name`, 'estimated 10000'],
  [`${LOOKUP}?Fields=caller_name%2Csim_swap`, 'estimated 50000'],
  [`${LOOKUP}?Fields=caller_name,%20caller_name,validation`, 'estimated 10000'],
  [`${LOOKUP}?Fields=caller_name,line_status`, 'unpriced'],
  [`${LOOKUP}?Fields=Caller_Name`, 'unpriced'],
  [`/lookups/v1/PhoneNumbers/${US}`, 'free'],
  [`/lookups/v1/PhoneNumbers/${US}?Type=carrier`, 'unpriced'],
  [`/lookups/v1/PhoneNumbers/${US}?AddOns=whitepages`, 'unpriced'],
];

for (const [target, quote] of lookups) {
  test(`GET ${target}: ${quote}`, () => {
    const read = reading(request('GET', target), told);
    assert.equal(shown(read), quote);
    assert.equal(read.idempotency, quote === 'free' ? 'none' : 'proxy');
  });
}

const JSON_TYPE = { 'content-type': 'application/json' };
const bulk = (body: unknown) =>
  shown(reading(request('POST', '/lookups/v2/batch/query', JSON.stringify(body), JSON_TYPE), told));

test('a bulk lookup costs each field of each number', () => {
  const number = (...fields: string[]) => ({ phone_number: US, fields });
  assert.equal(
    bulk({ phone_numbers: [number('caller_name'), number('caller_name', 'sim_swap')] }),
    'estimated 60000',
  );
  assert.equal(bulk({ phone_numbers: [{ phone_number: US }] }), 'free');
  assert.equal(bulk({ phone_numbers: [number('line_status')] }), 'unpriced');
  assert.equal(bulk({ phone_numbers: [{ phone_number: US, fields: 'caller_name' }] }), 'unpriced');
  assert.equal(bulk({}), 'unpriced');
});

// ---------------------------------------------------------------- prices

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

// ---------------------------------------------------------------- properties

test('more text never costs less, and a dearer price never quotes less', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 400 });
  const price = fc.bigInt({ min: 0n, max: 10_000_000n });
  fc.assert(
    fc.property(text, text, price, price, (a, b, low, more) => {
      const micros = (body: string, each: bigint) => {
        const tariff = { ...LISTED, prices: new Map([['sms/US', each]]) };
        const { quote } = message({ Body: body }, tariff);
        return 'micros' in quote ? quote.micros : -1n;
      };
      assert.ok(micros(a, low) <= micros(a, low + more));
      assert.ok(micros(a, low) <= micros(a + b, low) || /[^\x00-\x7f]/.test(a + b));
    }),
    { numRuns: 200 },
  );
});

test('no field that is not of the price changes it', () => {
  const base = form({ To: US, From: '+15005550006', Body: 'Hello' });
  for (const more of [
    'StatusCallback=https%3A%2F%2Fa.example',
    'MaxPrice=0.01',
    'Attempt=3',
    'ForceDelivery=true',
  ]) {
    const read = reading(request('POST', MESSAGES, `${base}&${more}`));
    assert.equal(shown(read), `estimated ${SEGMENT}`, more);
  }
  assert.equal(parseUsd('0.0145'), SEGMENT);
});
