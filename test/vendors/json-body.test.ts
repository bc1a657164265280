/** The reader of JSON bodies: two spellings of one request are one text, two meanings never are. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CATALOGUE, type Refusal } from '../../src/errors.ts';
import { NumberText } from '../../src/json-scan.ts';
import { asList, asObject, type JsonContent, readJsonBody } from '../../src/vendors/json-body.ts';

const TYPE = { 'content-type': 'application/json' };

function read(body: string | Uint8Array, headers: Record<string, string> = TYPE) {
  return readJsonBody({ headers: new Map(Object.entries(headers)), body: Buffer.from(body) });
}

function content(body: string): JsonContent {
  const result = read(body);
  assert.ok(!('code' in result), JSON.stringify(result));
  return result;
}

function refused(body: string | Uint8Array, headers?: Record<string, string>): Refusal {
  const result = read(body, headers);
  assert.ok('code' in result, `accepted: ${String(body).slice(0, 80)}`);
  assert.equal(result.code, 'request_ambiguous');
  return result;
}

test('a body is read field by field, numbers as they were written', () => {
  const { fields } = content(
    '{"to":["a@x.io","b@x.io"],"amount":{"value":12345678901234567890,"currency":"usd"},' +
      '"rate":1.0,"big":1e400,"sure":true,"not":false,"none":null,"cc":[],"headers":{},' +
      '"personalizations":[{"to":[{"email":"c@x.io"}]}],"a[b]%":"x"}',
  );
  assert.deepEqual(Object.fromEntries(fields), {
    'to[0]': 'a@x.io',
    'to[1]': 'b@x.io',
    'amount[value]': '12345678901234567890',
    'amount[currency]': 'usd',
    rate: '1.0',
    big: '1e400',
    sure: 'true',
    not: 'false',
    none: 'null',
    cc: '[]',
    headers: '{}',
    'personalizations[0][to][0][email]': 'c@x.io',
    'a%5Bb%5D%25': 'x',
  });
  assert.deepEqual(Object.fromEntries(content('[{"to":"a@x.io"},{"to":["b@x.io"]}]').fields), {
    '[0][to]': 'a@x.io',
    '[1][to][0]': 'b@x.io',
  });
});

test('the value has no prototype to find a field in, and no number that was rounded', () => {
  const { value } = content('{"constructor":{"n":9007199254740993},"list":[1]}');
  const object = asObject(value ?? undefined)!;
  assert.equal(object.get('toString'), undefined);
  const n = asObject(object.get('constructor'))!.get('n');
  assert.ok(n instanceof NumberText);
  assert.equal(n.source, '9007199254740993');
  assert.equal(asList(object.get('list'))!.length, 1);
  assert.equal(asObject(n), null);
});

test('no body is no fields, and needs no content type', () => {
  for (const headers of [{}, TYPE]) {
    assert.deepEqual(read('', headers), { fields: new Map(), canonical: '', value: null });
  }
});

test('a body with two readings is refused, and the message says the plain way', () => {
  const table: [body: string | Uint8Array, says: RegExp][] = [
    ['{"to":"a","to":"b"}', /given twice in one object, at character 11/],
    ['{"to":"a","\\u0074o":"b"}', /given twice/],
    ['{"x":[{"a":1,"a":1}]}', /given twice/],
    ['{"to":"a","TO":"b"}', /differ only in case; give the field once/],
    ['{"x":{"personalizations":1,"per\u017fonalizations":2}}', /differ only in case/],
    ['{"bcc":1,"Bcc":2}', /differ only in case/],
    ['{"to\\u0000":"a"}', /control character/],
    ['{"":"a"}', /a name is empty/],
    ['{"__proto__":{"to":"a"}}', /__proto__/],
    ['{"to":"\\ud83d"}', /half of a surrogate pair/],
    ['{"to":["\\ude00\\ud83d"]}', /half of a surrogate pair/],
    ['{"\\ude00":1}', /half of a surrogate pair/],
    ['{"a":1}{"a":2}', /more after the end/],
    ['{"a":1,}', /a name in quotes/],
    ["{'a':1}", /a name in quotes/],
    ['{"a":1/* */}', /a comma or }/],
    ['{"a":01}', /a comma or }/],
    ['{"a":NaN}', /a value was expected/],
    ['{"a":+1}', /a value was expected/],
    ['{"a":"\t"}', /control character must be written as an escape/],
    ['\ufeff{"a":1}', /a value was expected, at character 1/],
    ['{"a":1', /a comma or }/],
    ['  ', /ends too early/],
    ['to=a', /a value was expected/],
    ['"text"', /bare value/],
    ['5', /bare value/],
    ['null', /bare value/],
    [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), /not UTF-8/],
    [Buffer.from('{"a":1}', 'utf16le'), /.*/],
    [`${'['.repeat(17)}${']'.repeat(17)}`, /nested deeper than 16/],
    [`[${'1,'.repeat(20_000)}1]`, /more than 20000 values/],
    [`{"${'a'.repeat(1_001)}":1}`, /longer than 1000/],
    [`{"${'a'.repeat(600)}":{"${'b'.repeat(600)}":1}}`, /longer than 1000/],
  ];
  for (const [body, says] of table) {
    assert.match(refused(body).message, says, String(body).slice(0, 80));
  }
  assert.ok(CATALOGUE.request_ambiguous.status === 400);
});

test('what is refused is not repeated in the message: it may hold what nobody should read', () => {
  const secret = `vault_key_${'0'.repeat(38)}`;
  for (const body of [secret, `{"${secret}":1,"${secret}":2}`, `{"${secret}\\u0000":1}`]) {
    assert.ok(!refused(body).message.includes('vault_key'), body);
  }
});

test('a body comes as plain JSON, or not at all', () => {
  for (const type of [
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
    'Application/JSON',
  ]) {
    assert.ok('canonical' in read('{}', { 'content-type': type }), type);
  }
  const bad: Record<string, string>[] = [
    {},
    { 'content-type': 'application/x-www-form-urlencoded' },
    { 'content-type': 'text/json' },
    { 'content-type': 'application/json; charset=utf-16' },
    { 'content-type': 'application/json, text/plain' },
    { ...TYPE, 'content-encoding': 'gzip' },
    { ...TYPE, 'content-encoding': 'gzip, identity' },
  ];
  for (const headers of bad) refused('{}', headers);
});

// ---------------------------------------------------------------- properties

const names = fc.oneof(
  fc.constantFrom(
    'to',
    'cc',
    'amount',
    'value',
    'a[b]',
    'a',
    'b',
    '[0]',
    '%5B',
    '0',
    'constructor',
  ),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 4 }),
);
const values = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    fc.string({ unit: 'grapheme', maxLength: 5 }),
    fc.constantFrom<unknown>('1', '1.0', 'null', 'true', '[]', '{}', 1, 0.5, -3, true, false, null),
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(names, tie('any'), { maxKeys: 3 }),
  ),
}));
const bodies = fc.oneof(
  fc.dictionary(names, values.any!, { maxKeys: 4 }),
  fc.array(values.any!, { maxLength: 3 }),
);

/** One of the many spellings of a value: order of names, blanks, escapes. */
function spelled(value: unknown, seed: number): string {
  const blank = ['', ' ', '\n', '\t\r '][seed % 4]!;
  const next = (seed * 31 + 7) % 1_000_003;
  if (typeof value === 'string') {
    return `"${[...value].map((char, i) => ((seed >> (i % 19)) & 1 ? escaped(char) : plain(char))).join('')}"`;
  }
  if (Array.isArray(value)) {
    const parts = value.map((each, i) => spelled(each, next + i));
    return `[${blank}${parts.join(`${blank},`)}${blank}]`;
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value);
  if (seed & 1) entries.reverse();
  const parts = entries.map(
    ([name, each], i) => `${spelled(name, next)}${blank}:${blank}${spelled(each, next + i)}`,
  );
  return `{${parts.join(`,${blank}`)}${blank}}`;
}

const plain = (char: string) => JSON.stringify(char).slice(1, -1);
const escaped = (char: string) =>
  Array.from({ length: char.length }, (_, i) => {
    const code = char.charCodeAt(i).toString(16).padStart(4, '0');
    return `\\u${i % 2 ? code.toUpperCase() : code}`;
  }).join('');

test('two spellings of one request are one text, with the same fields', () => {
  let accepted = 0;
  fc.assert(
    fc.property(bodies, fc.nat(), fc.nat(), (body, one, two) => {
      const first = read(spelled(body, one));
      const second = read(spelled(body, two));
      assert.equal('code' in first, 'code' in second);
      if ('code' in first || 'code' in second) return;
      accepted++;
      assert.equal(first.canonical, second.canonical);
      assert.deepEqual(new Map([...first.fields].sort()), new Map([...second.fields].sort()));
      assert.deepEqual(
        JSON.parse(first.canonical),
        JSON.parse(JSON.stringify(body)),
        'nothing is lost',
      );
    }),
    { numRuns: 2_000 },
  );
  assert.ok(accepted > 1_000, `only ${accepted} were accepted: the property says nothing`);
});

test('two meanings are never one text, and a body has as many fields as values', () => {
  fc.assert(
    fc.property(bodies, bodies, (one, two) => {
      const first = read(JSON.stringify(one));
      const second = read(JSON.stringify(two));
      if ('code' in first || 'code' in second) return;
      assert.equal(first.canonical === second.canonical, sameMeaning(one, two));
      assert.equal(first.fields.size, leaves(one));
    }),
    { numRuns: 2_000 },
  );
  const texts = [
    ...['{"a":1}', '{"a":1.0}', '{"a":"1"}', '{"a":1e0}', '{"a":[]}', '{"a":{}}', '{"a":null}'],
    ...['{"a":"null"}', '{"a":true}', '{"a":"true"}', '{"a":[1]}', '{"a":{"0":1}}', '{"a[0]":1}'],
    ...['{}', '[]', '[[]]', '[{}]', '{"a":-0}', '{"a":0}', '{"a":"\u00e9"}', '{"a":"e\u0301"}'],
  ];
  assert.equal(new Set(texts.map((text) => content(text).canonical)).size, texts.length);
});

function sameMeaning(one: unknown, two: unknown): boolean {
  try {
    assert.deepEqual(JSON.parse(JSON.stringify(one)), JSON.parse(JSON.stringify(two)));
    return true;
  } catch {
    return false;
  }
}

function leaves(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  const inside = Object.values(value);
  return inside.length === 0 ? 1 : inside.reduce((sum: number, each) => sum + leaves(each), 0);
}

test('no bytes make the reader throw', () => {
  const pieces = fc.constantFrom(
    ...['{', '}', '[', ']', ':', ',', '"', '\\', '\\u', '\\ud83d', 'to', '"to"', '1', '.5', 'e9'],
    ...['null', 'true', ' ', '\n', '\u0000', '\ufeff', '-', '__proto__', '"a":', 'é', '/*', '\\n'],
  );
  const near = fc.array(pieces, { maxLength: 16 }).map((parts) => Buffer.from(parts.join('')));
  const any = fc.oneof(near, fc.uint8Array({ maxLength: 60 }));
  fc.assert(
    fc.property(any, (body) => {
      const result = read(body);
      assert.ok('code' in result || result.fields instanceof Map);
    }),
    { numRuns: 5_000 },
  );
});
