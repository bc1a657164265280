/** The scan against JSON.parse: it may be stricter in what it says it is stricter in, nowhere else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseExactly } from '../src/control/json-body.ts';
import { JsonFault, type NumberText, scanJson } from '../src/json-scan.ts';

function scans(text: string): boolean {
  try {
    scanJson(text);
    return true;
  } catch (fault) {
    assert.ok(fault instanceof JsonFault);
    assert.ok(fault.position >= 1 && fault.position <= text.length + 1);
    return false;
  }
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

test('what JSON.stringify writes passes, however it is indented', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), fc.nat({ max: 3 }), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      assert.equal(scans(text), !text.includes('"__proto__":'));
    }),
  );
});

test('damaged JSON passes exactly where JSON.parse lets it pass', () => {
  const pieces = [
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '\\',
    '0',
    '-',
    '.',
    'e',
    '+',
    ' ',
    '\n',
    '\u0000',
    '/',
    'u',
    '1',
    'null',
  ];
  fc.assert(
    fc.property(
      fc.jsonValue({ maxDepth: 3 }),
      fc.nat(),
      fc.constantFrom(...pieces),
      fc.nat({ max: 2 }),
      (value, seed, piece, cut) => {
        const whole = JSON.stringify(value);
        const at = seed % (whole.length + 1);
        const text = whole.slice(0, at) + piece + whole.slice(at + cut);
        if (scans(text)) assert.ok(parses(text), text);
        else if (parses(text)) assert.ok(repeats(text), text);
      },
    ),
    { numRuns: 2_000 },
  );
});

/** Whether JSON.parse drops a name of the text, which is what the scan is stricter in. */
function repeats(text: string): boolean {
  let kept = 0;
  JSON.parse(text, function (key, value) {
    if (!Array.isArray(this) && key !== '') kept++;
    return value;
  });
  const written = text.match(/"(?:[^"\\]|\\.)*"\s*:/g)?.length ?? 0;
  return written > kept || text.includes('__proto__');
}

test('an amount stays the text it was, wherever it stands; other numbers are numbers', () => {
  const parsed = parseExactly('{"a_usd":0.10,"b":{"total_usd_cap":1e400},"max":5}') as {
    a_usd: NumberText;
    b: { total_usd_cap: NumberText };
    max: number;
  };
  assert.equal(parsed.a_usd.source, '0.10');
  assert.equal(parsed.b.total_usd_cap.source, '1e400');
  assert.equal(parsed.max, 5);
});
