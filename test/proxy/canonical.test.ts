import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalTarget } from '../../src/proxy/canonical.ts';
import { pathsRead } from '../support/lenient.ts';

function pathOf(target: string): string {
  const read = canonicalTarget(target);
  assert.ok(!('code' in read), `${target} is refused: ${'code' in read && read.message}`);
  return read.path;
}

/** Targets made of the pieces that parsers differ over. */
const target = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '/',
        '/',
        'v1',
        'a',
        '.',
        '..',
        '%2e',
        '%2F',
        '%5c',
        '%25',
        '%252e',
        '\\',
        ';',
      ),
      fc.constantFrom('%41', '%7e', '%c3%a9', '%C0%AE', '%00', '?', '#', '%', '~', '*', 'é', ' '),
      fc.string({ unit: 'binary', maxLength: 3 }),
    ),
    { maxLength: 12 },
  )
  .map((pieces) => `/${pieces.join('')}`);

test('the canonical form of a canonical path is itself', () => {
  fc.assert(
    fc.property(target, (text) => {
      const read = canonicalTarget(text);
      if ('code' in read) return;
      assert.equal(pathOf(read.path), read.path);
    }),
    { numRuns: 5_000, seed: 1 },
  );
});

test('what is canonical is one path for every reader', () => {
  let passed = 0;
  fc.assert(
    fc.property(target, (text) => {
      const read = canonicalTarget(text);
      if ('code' in read) return;
      passed++;
      assert.deepEqual([...pathsRead(read.path)], [decodeURIComponent(read.path)]);
      assert.match(read.path, /^\/(?:[^/]+(?:\/[^/]+)*)?$/);
    }),
    { numRuns: 5_000, seed: 2 },
  );
  assert.ok(passed > 100, `only ${passed} passed`);
});

test('two spellings that mean the same by RFC 3986 are one canonical path', () => {
  const segment = fc.stringMatching(/^[A-Za-z0-9_~-]{1,8}$/);
  fc.assert(
    fc.property(
      fc.array(segment, { minLength: 1, maxLength: 4 }),
      fc.infiniteStream(fc.boolean()),
      (segments, escaped) => {
        const path = `/${segments.join('/')}`;
        const spelled = path.replace(/[^/]/g, (char) =>
          escaped.next().value ? `%${char.charCodeAt(0).toString(16)}` : char,
        );
        assert.equal(pathOf(spelled), path);
      },
    ),
    { seed: 3 },
  );
});

test('escapes that stay are written in upper case', () => {
  assert.equal(pathOf('/v1/x%c3%a9%20'), '/v1/x%C3%A9%20');
});

test('the query is kept as it came, to the byte', () => {
  for (const query of ['', 'a=1&b[]=%5b%2E', 'a=?/:@', 'x=%zz', 'q=a b']) {
    const read = canonicalTarget(`/v1/x${query && `?${query}`}`);
    assert.ok(!('code' in read));
    assert.equal(read.query, query);
  }
  for (const query of ['a=\x00', 'a=\r\nb', 'a=é', 'a=#b']) {
    assert.ok('code' in canonicalTarget(`/v1/x?${query}`), query);
  }
});

test('a refusal says what is wrong and does not repeat what was sent', () => {
  const cases: [target: string, says: RegExp][] = [
    ['/a//b', /empty segment/],
    ['/a/', /ends with "\/"/],
    ['/a/../b', /segment "\.\."/],
    ['/a/%2e%2e/b', /%2e/],
    ['/a\\b', /"\\"/],
    ['/a;b', /";"/],
    ['/a%zz', /percent-encoded/],
    ['/a%c0%ae', /broken % escape/],
    ['http://x/a', /without a host/],
    [`/${'a'.repeat(9_000)}`, /8,192/],
  ];
  for (const [text, says] of cases) {
    const read = canonicalTarget(text);
    assert.ok('code' in read, text);
    assert.equal(read.code, 'request_ambiguous');
    assert.match(read.message, says);
    assert.ok(read.message.length < 120);
  }
});
