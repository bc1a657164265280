/** What of a request to Twilio has one reading, and what is refused because it has two. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CALLS,
  form,
  MESSAGES,
  message,
  posted,
  reading,
  refused,
  request,
  US,
  VERIFICATIONS,
} from './twilio-requests.ts';

const TO = 'To=%2B14155552671';
const JSON_TYPE = { 'content-type': 'application/json' };

const AMBIGUOUS: [what: string, ...Parameters<typeof request>][] = [
  ['To twice', 'POST', MESSAGES, `${TO}&To=%2B18765551234&Body=a`],
  ['Body twice', 'POST', MESSAGES, `${TO}&Body=a&Body=${'b'.repeat(200)}`],
  ['From twice', 'POST', MESSAGES, `${TO}&From=%2B1&From=%2B2`],
  ['TimeLimit twice', 'POST', CALLS, `${TO}&TimeLimit=60&TimeLimit=14400`],
  ['Channel twice', 'POST', VERIFICATIONS, `${TO}&Channel=sms&Channel=call`],
  [
    'Fields twice',
    'GET',
    '/lookups/v2/PhoneNumbers/+14155552671?Fields=validation&Fields=caller_name',
  ],
  ['a cost in the query of a POST', 'POST', `${MESSAGES}?Body=b`, TO],
  ['anything in the query of a POST', 'POST', `${MESSAGES}?Expand=1`, TO],
  ['To in other letters', 'POST', MESSAGES, `${TO}&TO=%2B18765551234`],
  ['TimeLimit in other letters', 'POST', CALLS, `${TO}&Timelimit=14400`],
  ['a field in lower case', 'POST', MESSAGES, `${TO}&body=a`],
  ['a filter in a body', 'POST', MESSAGES, `${TO}&Body%3E=a`],
  ['brackets', 'POST', MESSAGES, `${TO}&MediaUrl[]=a`],
  ['a media field in other letters', 'POST', MESSAGES, `${TO}&MediaURL=https://a.example`],
  ['a time limit that is no whole number', 'POST', CALLS, `${TO}&TimeLimit=60.5`],
  ['a time limit with a sign', 'POST', CALLS, `${TO}&TimeLimit=%2B60`],
  ['a time limit of nothing', 'POST', CALLS, `${TO}&TimeLimit=0`],
  ['a switch that is neither', 'POST', MESSAGES, `${TO}&SendAsMms=yes`],
  ['a switch in capitals', 'POST', MESSAGES, `${TO}&SendAsMms=True`],
  ['a semicolon', 'POST', MESSAGES, `${TO};Body=a`],
  ['a broken escape', 'POST', MESSAGES, `${TO}&Body=%zz`],
  ['a body that is no form', 'POST', MESSAGES, '<a/>', { 'content-type': 'text/xml' }],
  ['a body that is nothing', 'POST', MESSAGES, TO, {}],
  ['a message as JSON', 'POST', MESSAGES, '{"To":"+1"}', JSON_TYPE],
  [
    'a call’s end as JSON',
    'POST',
    `${CALLS.replace('.json', '')}/CA1.json`,
    '{"Status":"completed"}',
    JSON_TYPE,
  ],
  ['JSON with a name twice', 'POST', '/content/v1/Content', '{"a":1,"a":2}', JSON_TYPE],
  [
    'a compressed body',
    'POST',
    MESSAGES,
    TO,
    { 'content-type': 'application/x-www-form-urlencoded', 'content-encoding': 'gzip' },
  ],
  ['a GET with a body', 'GET', MESSAGES, TO],
  ['a DELETE with a body', 'DELETE', MESSAGES, TO],
  [
    'another method in a header',
    'POST',
    MESSAGES,
    TO,
    { 'content-type': 'application/x-www-form-urlencoded', 'x-http-method-override': 'GET' },
  ],
  ['a method that Twilio does not have', 'OPTIONS', MESSAGES],
];

for (const [what, ...parts] of AMBIGUOUS) {
  test(`refused for its two readings: ${what}`, () => {
    assert.equal(refused(request(...parts)).code, 'request_ambiguous');
  });
}

test('what repeats by right is a list, and the fields are shown to the key’s rules', () => {
  const body = `${TO}&From=%2B15005550006&MediaUrl=https%3A%2F%2Fa.example%2F1&MediaUrl=https%3A%2F%2Fa.example%2F2`;
  const { fields, operation } = reading(request('POST', MESSAGES, body));
  assert.equal(operation, 'messages.create');
  assert.deepEqual(Object.fromEntries(fields), {
    To: US,
    From: '+15005550006',
    'MediaUrl[0]': 'https://a.example/1',
    'MediaUrl[1]': 'https://a.example/2',
  });
});

test('the filters of a list have one reading as the SDKs write them', () => {
  const read = reading(
    request(
      'GET',
      `${MESSAGES}?To=%2B14155552671&DateSent%3E=2026-11-24&DateSent<=2026-11-25&PageSize=50`,
    ),
  );
  assert.equal(read.fields.get('DateSent>'), '2026-11-24');
  assert.equal(read.fields.get('DateSent<'), '2026-11-25');
  assert.equal(read.class, 'free');
});

test('two spellings of one message are one text for its fingerprint', () => {
  const one = reading(request('POST', MESSAGES, `${TO}&Body=a+b`)).canonicalBody;
  assert.equal(
    reading(request('POST', MESSAGES, `Body=a%20b&To=%2b14155552671`)).canonicalBody,
    one,
  );
  assert.notEqual(reading(request('POST', MESSAGES, `${TO}&Body=a++b`)).canonicalBody, one);
});

test('what changes something is executed once by the proxy alone; what reads may be read again', () => {
  assert.equal(message().idempotency, 'proxy');
  assert.equal(
    posted(`${MESSAGES.replace('.json', '')}/SM1.json`, { Status: 'canceled' }).idempotency,
    'proxy',
  );
  assert.equal(
    reading(request('DELETE', `${MESSAGES.replace('.json', '')}/SM1.json`)).idempotency,
    'proxy',
  );
  assert.equal(reading(request('GET', MESSAGES)).idempotency, 'none');
});

test('the clue of a message holds its text as a hash alone, and none where Twilio rewrites it', () => {
  const clue = JSON.parse(message({ Body: 'a secret plan' }).clue!);
  assert.equal(clue.to, US);
  assert.equal(clue.from, '+15005550006');
  assert.ok(clue.body && !JSON.stringify(clue).includes('plan'));
  for (const name of ['SmartEncoded', 'ShortenUrls']) {
    assert.equal(JSON.parse(message({ [name]: 'true' }).clue!).body, undefined, name);
  }
  assert.equal(JSON.parse(message({ ContentSid: 'HX1' }).clue!).body, undefined);
  const scheduled = message({ ScheduleType: 'fixed', SendAt: '2026-12-01T09:00:00Z' });
  assert.equal(JSON.parse(scheduled.clue!).sendAt, Date.parse('2026-12-01T09:00:00Z'));
  assert.equal(reading(request('GET', MESSAGES)).clue, null);
  assert.equal(
    reading(request('POST', VERIFICATIONS, form({ To: US, Channel: 'sms' }))).clue,
    null,
  );
});
