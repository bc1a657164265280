/**
 * Bad input, one by one: a problem document that names the field, and nothing stored. The cases
 * run in one house, and its number of keys is looked at after every one.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BODY_LIMIT } from '../../src/control/json-body.ts';
import { type Answer, KEY, openHouse } from './house.ts';

const house = await openHouse();

async function refused(body: unknown, status = 400): Promise<Answer> {
  const before = await house.keyCount();
  const answer = await house.ask('POST', '/vault/keys', body);
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.headers.get('content-type'), 'application/problem+json');
  assert.equal(answer.json.status, status);
  assert.equal(answer.json.type, `/docs/errors.md#${answer.json.code}`);
  assert.equal(await house.keyCount(), before, 'nothing may be stored');
  return answer;
}

/** The body as text, with one field written exactly so. */
function raw(field: string, text: string): string {
  const fields = Object.entries({ ...KEY, [field]: undefined }).filter(([name]) => name !== field);
  const rest = fields.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  return `{${[...rest, `${JSON.stringify(field)}:${text}`].join(',')}}`;
}

const accounts = (count: number) => Array.from({ length: count }, (_, i) => `acct_${i}`);

const FIELDS: [title: string, field: string, text: string, message: RegExp][] = [
  ['a negative cap', 'daily_usd_cap', '-5', /must not be negative/],
  ['minus zero', 'daily_usd_cap', '-0', /must not be negative/],
  ['a cap beyond a billion', 'total_usd_cap', '1000000000.000001', /must not exceed 1000000000/],
  ['a cap of 400 digits', 'total_usd_cap', '9'.repeat(400), /must not exceed 1000000000/],
  ['a cap of 1e400', 'total_usd_cap', '1e400', /plain number/],
  ['an exponent', 'total_usd_cap', '5e2', /plain number/],
  ['a cap finer than a micro-dollar', 'total_usd_cap', '0.0000001', /micro-dollar/],
  ['a cap as a string', 'total_usd_cap', '"500"', /number of dollars/],
  ['a cap of null', 'total_usd_cap', 'null', /must not be null/],
  ['a cap of true', 'total_usd_cap', 'true', /number of dollars/],
  ['a cap as a list', 'total_usd_cap', '[1]', /number of dollars/],
  ['a negative cap on a call', 'per_call_usd_cap', '-0.01', /must not be negative/],
  ['no calls at all', 'max_calls', '0', /at least 1/],
  ['part of a call', 'max_calls', '1.5', /whole number/],
  ['calls without end', 'max_calls', '1e400', /whole number|a number/],
  ['a rate without a time', 'rate_limit', '"100"', /such as 100\/1m/],
  ['a rate of nothing', 'rate_limit', '"0/1m"', /such as 100\/1m/],
  ['a rate over no time', 'rate_limit', '"1/0m"', /such as 100\/1m/],
  ['a rate over a year', 'rate_limit', '"1/365d"', /more than 1d/],
  ['an unknown vendor', 'vendor', '"paypal"', /there are: stripe, second/],
  ['no endpoints at all', 'allowed_endpoints', '[]', /at least 1 entries/],
  ['endpoints as text', 'allowed_endpoints', '"POST /v1/refunds"', /a list/],
  ['an account as text', 'on_behalf_of', '"acct_1"', /a list/],
  ['an account twice', 'on_behalf_of', '["acct_1","acct_1"]', /must not name one twice/],
  ['51 accounts', 'on_behalf_of', JSON.stringify(accounts(51)), /at most 50/],
  ['a life of nothing', 'expires_in', '"0s"', /such as 15m/],
  ['a negative life', 'expires_in', '"-5m"', /such as 15m/],
  ['a life without a unit', 'expires_in', '"3600"', /such as 15m/],
  ['a life as a number', 'expires_in', '3600', /a string/],
  ['a life of 367 days', 'expires_in', '"367d"', /366d/],
  ['a life of a billion days', 'expires_in', '"999999999d"', /366d/],
  ['a life of 10,000 digits', 'expires_in', `"${'9'.repeat(10_000)}d"`, /such as 15m/],
  ['an expiry in the past', 'expires_at', '"2026-11-22T08:59:59Z"', /in the future/],
  ['an expiry at this instant', 'expires_at', '"2026-11-22T09:00:00Z"', /in the future/],
  ['an expiry without a zone', 'expires_at', '"2026-11-23T09:00:00"', /with its zone/],
  ['an expiry on a day that is none', 'expires_at', '"2027-02-30T09:00:00Z"', /with its zone/],
  ['an expiry in ten years', 'expires_at', '"2036-01-01T00:00:00Z"', /366 days/],
  ['an empty label', 'agent_run_label', '""', /1 to 200 characters/],
  ['a label of 10,000 characters', 'agent_run_label', `"${'x'.repeat(10_000)}"`, /1 to 200/],
  ['a label of 201 characters', 'agent_run_label', `"${'é'.repeat(201)}"`, /1 to 200/],
  ['a label with a line break', 'agent_run_label', '"a\\nb"', /printable/],
  ['a label with NUL', 'agent_run_label', '"a\\u0000b"', /printable/],
  ['a label that turns the text around', 'agent_run_label', '"a\\u202eb"', /printable/],
  ['half a surrogate pair', 'agent_run_label', '"a\\ud800b"', /printable/],
  ['a label with a space at its end', 'agent_run_label', '"run "', /begin or end with a space/],
  ['a label as a number', 'agent_run_label', '7', /a string/],
  ['an unknown mode', 'mode', '"watch"', /"enforce" or "shadow"/],
  ['a parent that is no id', 'parent', '"run-1"', /another key's id/],
  ['a parent that does not exist', 'parent', '"key_0000000000001"', /is no key/],
  ['metadata that is not text', 'metadata', '{"a":1}', /.*/],
  ['a rule on a field without a rule', 'params', '{"amount":{}}', /.*/],
];

for (const [title, field, text, message] of FIELDS) {
  test(`${title} is refused under its field`, async () => {
    const { fields } = await refused(raw(field, text));
    const names = Object.keys(fields);
    assert.equal(names.length, 1, `only ${field} is wrong, not ${names.join()}`);
    assert.match(names[0]!, new RegExp(`^${field}([.[]|$)`));
    assert.match(fields[names[0]!]!, message);
  });
}

test('a cap of 1e400 is refused for what it is, wherever a cap can stand', async () => {
  for (const field of ['daily_usd_cap', 'total_usd_cap', 'per_call_usd_cap']) {
    const { fields } = await refused(raw(field, '1e400'));
    assert.match(fields[field]!, /plain number/);
  }
});

test('a key must have a cap, a label and a vendor, and all that is missing is named at once', async () => {
  const { fields } = await refused({});
  assert.deepEqual(Object.keys(fields).sort(), ['agent_run_label', 'daily_usd_cap', 'vendor']);
});

test('all faulty fields are named at once', async () => {
  const body = { vendor: 'x', daily_usd_cap: -1, agent_run_label: '', expires_in: '0s', colour: 1 };
  const { fields, json } = await refused(body);
  const names = ['agent_run_label', 'colour', 'daily_usd_cap', 'expires_in', 'vendor'];
  assert.deepEqual(Object.keys(fields).sort(), names);
  for (const name of names) assert.ok((json.detail as string).includes(name));
});

test('an unknown field is named, with the nearest known one', async () => {
  const { fields } = await refused({ ...KEY, total_usd_caps: 5 });
  assert.match(fields.total_usd_caps!, /did you mean "total_usd_cap"\?/);
  const camel = await refused({ ...KEY, expiresIn: '2h' });
  assert.match(camel.fields.expiresIn!, /did you mean "expires_in"\?/);
  const strange = await refused({ ...KEY, zzzzzzzzzzzzzzzzzz: 1 });
  assert.match(strange.fields.zzzzzzzzzzzzzzzzzz!, /known are .*allowed_endpoints/);
});

test("a field of an object's prototype is unknown like any other", async () => {
  for (const name of ['constructor', 'toString', 'hasOwnProperty']) {
    const { fields } = await refused(raw(name, '{}'));
    assert.ok(fields[name]?.startsWith('is not known'), name);
  }
  const { json } = await refused(raw('__proto__', '{"total_usd_cap":1}'));
  assert.match(json.detail as string, /__proto__ is not allowed/);
});

test('unknown rules on request fields are errors', async () => {
  const { fields } = await refused({ ...KEY, params: { amount: { maximum: 5 } } });
  assert.equal(fields['params.amount.maximum'], 'is not known');
  const more = await refused({
    ...KEY,
    params: {
      amount: { max: '5' },
      currency: { in: [] },
      customer: { in: [1] },
      fee: { min: 2, max: 1 },
      to: {
        domain: ['a.io', 'A.io', '@a.io', '*', '*.*.a.io', 'a.io.', 'localhost', 'b\u00fccher.io'],
      },
      To: { prefix: [''] },
    },
  });
  assert.deepEqual(Object.keys(more.fields).sort(), [
    'params.To.prefix[0]',
    'params.amount.max',
    'params.currency.in',
    'params.customer.in[0]',
    'params.fee',
    ...[1, 2, 3, 4, 5, 6, 7].map((index) => `params.to.domain[${index}]`),
  ]);
  for (const name of ['to[*', '*', 'a*', '[*]*', 'to[**]', 'a b', '']) {
    const { fields } = await refused({ ...KEY, params: { [name]: { max: 1 } } });
    assert.deepEqual(fields, { params: 'must have request field names only' }, name);
  }
});

test('a bound that is not the number that was written is refused', async () => {
  const { fields } = await refused(raw('params', '{"amount":{"max":9007199254740993}}'));
  assert.match(fields['params.amount.max']!, /at most 9007199254740991/);
  const huge = await refused(raw('params', '{"amount":{"max":1e400}}'));
  assert.ok(huge.fields['params.amount.max']);
});

test('each faulty endpoint is named by its place', async () => {
  const endpoints = ['POST /v1/refunds', 'post /v1/refunds', '/v1//x', 'GET /a/../b', 'everything'];
  const { fields } = await refused({ ...KEY, allowed_endpoints: endpoints });
  assert.deepEqual(
    Object.keys(fields),
    [1, 2, 3, 4].map((index) => `allowed_endpoints[${index}]`),
  );
  const many = Array.from({ length: 201 }, (_, index) => `/v1/x${index}`);
  const tooMany = await refused({ ...KEY, allowed_endpoints: many });
  assert.match(tooMany.fields.allowed_endpoints!, /at most 200/);
});

test('vendor and vendors exclude each other, and a vendor is named once', async () => {
  const both = await refused({ ...KEY, vendors: ['stripe'] });
  assert.match(both.fields.vendors!, /beside vendor/);
  const twice = await refused({ ...KEY, vendor: undefined, vendors: ['stripe', 'stripe'] });
  assert.match(twice.fields.vendors!, /twice/);
  const none = await refused({ ...KEY, vendor: undefined, vendors: [] });
  assert.match(none.fields.vendors!, /at least 1/);
});

test('expires_in and expires_at exclude each other', async () => {
  const { fields } = await refused({
    ...KEY,
    expires_in: '2h',
    expires_at: '2026-11-23T00:00:00Z',
  });
  assert.match(fields.expires_at!, /beside expires_in/);
});

test('an account that is not stored is refused, with those that are', async () => {
  const { fields } = await refused({ ...KEY, account: 'eu' });
  assert.match(fields.account!, /"eu" is not stored for stripe; stored are: default, sandbox/);
});

test('metadata has limits', async () => {
  const many = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`k${index}`, 'v']));
  assert.match((await refused({ ...KEY, metadata: many })).fields.metadata!, /at most 50 entries/);
  const long = await refused({ ...KEY, metadata: { a: 'x'.repeat(501) } });
  assert.match(long.fields['metadata.a']!, /1 to 500/);
});

for (const [title, text, position] of [
  ['nothing', '', 1],
  ['a brace without its end', '{"vendor":"stripe"', 19],
  ['NaN', '{"total_usd_cap":NaN}', 18],
  ['Infinity', '{"total_usd_cap":Infinity}', 18],
  ['a comma at the end', '{"vendor":"stripe",}', 20],
  ['single quotes', "{'vendor':'stripe'}", 2],
  ['a comment', '{/* */"vendor":"stripe"}', 2],
  ['a number with a leading zero', '{"total_usd_cap":0500}', 19],
  ['a number with a plus', '{"total_usd_cap":+5}', 18],
  ['two values', '{} {}', 4],
  ['a line break in a string', '{"vendor":"a\nb"}', 13],
  ['a bad escape', '{"vendor":"\\x41"}', 12],
] as const) {
  test(`malformed JSON (${title}) is refused with its position`, async () => {
    const { json } = await refused(text);
    assert.match(json.detail as string, new RegExp(`not valid JSON: .* at character ${position}$`));
  });
}

test('a field given twice is refused: two parsers would read two policies', async () => {
  const twice = '{"vendor":"stripe","agent_run_label":"a","total_usd_cap":5,"total_usd_cap":5000}';
  assert.match((await refused(twice)).json.detail as string, /given twice .* at character 60/);
  const escaped =
    '{"vendor":"stripe","agent_run_label":"a","total_usd_cap":5,"total\\u005fusd_cap":5000}';
  assert.match((await refused(escaped)).json.detail as string, /given twice/);
  const inner = raw('params', '{"amount":{"max":1,"max":9}}');
  assert.match((await refused(inner)).json.detail as string, /given twice/);
});

test('the same name in two objects is no repetition', async () => {
  await house.issue({ params: { amount: { max: 1 }, fee: { max: 1 } } });
});

test('nesting without end is refused before it can exhaust the stack', async () => {
  const deep = `{"metadata":${'['.repeat(30_000)}${']'.repeat(30_000)}}`;
  assert.match((await refused(deep)).json.detail as string, /deeper than 16/);
});

test('a body that is no object is refused', async () => {
  for (const text of ['[]', '"x"', '5', 'null']) {
    assert.match((await refused(text)).json.detail as string, /one JSON object/);
  }
});

test('a body that is not JSON by its content type is refused', async () => {
  const before = await house.keyCount();
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/json; charset=latin1',
  ]) {
    const headers = { 'content-type': type };
    const answer = await house.ask('POST', '/vault/keys', JSON.stringify(KEY), { headers });
    assert.equal(answer.status, 400);
    assert.match(answer.json.detail as string, /content-type: application\/json/);
  }
  assert.equal(await house.keyCount(), before);
});

test('a body that is not UTF-8 is refused', async () => {
  const body = Buffer.concat([
    Buffer.from('{"agent_run_label":"'),
    Buffer.of(0xc0, 0x80),
    Buffer.from('"}'),
  ]);
  const response = await house.app.request('/vault/keys', {
    method: 'POST',
    headers: { authorization: `Bearer ${house.keys.admin}`, 'content-type': 'application/json' },
    body,
  });
  assert.equal(response.status, 400);
  assert.match(((await response.json()) as { detail: string }).detail, /UTF-8/);
});

test('a body of 64 KiB is read and one byte more is refused', async () => {
  const pad = (size: number) => {
    const text = JSON.stringify({ ...KEY, agent_run_label: 'padded' });
    return text + ' '.repeat(size - text.length);
  };
  const fits = await house.ask('POST', '/vault/keys', pad(BODY_LIMIT));
  assert.equal(fits.status, 201);
  const answer = await refused(pad(BODY_LIMIT + 1), 413);
  assert.equal(answer.json.code, 'body_too_large');
});

test('a query parameter that is unknown, repeated or faulty is named', async () => {
  const cases: [path: string, field: string][] = [
    ['/vault/keys?lable=x', 'lable'],
    ['/vault/keys?label=a&label=b', 'label'],
    ['/vault/keys?label_prefix=', 'label_prefix'],
    ['/vault/keys?limit=0', 'limit'],
    ['/vault/keys?limit=201', 'limit'],
    ['/vault/keys?limit=ten', 'limit'],
    ['/vault/keys?cursor=xyz', 'cursor'],
    ['/vault/keys?cursor=call_0000000000001', 'cursor'],
    ['/vault/keys?state=dead', 'state'],
    ['/vault/keys?vendor=paypal', 'vendor'],
    ['/vault/calls?code=nonsense', 'code'],
    ['/vault/calls?code=toString', 'code'],
    ['/vault/calls?key=run-1', 'key'],
    ['/vault/calls?since=yesterday', 'since'],
    ['/vault/calls?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z', 'until'],
    ['/vault/spend', 'group_by'],
    ['/vault/spend?group_by=colour', 'group_by'],
  ];
  for (const [path, field] of cases) {
    const answer = await house.ask('GET', path);
    assert.equal(answer.status, 400, path);
    assert.deepEqual(Object.keys(answer.fields), [field], path);
  }
});

test('an account that Stripe cannot have is named by its place; another vendor’s may be any id', async () => {
  for (const account of ['customer-7', 'acct-1', 'acct 1', '', 'ACCT_1']) {
    const { fields } = await refused({ ...KEY, on_behalf_of: ['acct_1', account] });
    assert.deepEqual(Object.keys(fields), ['on_behalf_of[1]'], account);
  }
  await house.issue({ on_behalf_of: accounts(50) });
  await house.issue({ vendor: 'second', on_behalf_of: ['customer-7'] });
});
