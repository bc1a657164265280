/**
 * Segments as Twilio counts them: the cases that its pages name, and any text against Twilio's own
 * calculator, which nobody here wrote.
 */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import fc from 'fast-check';
import {
  isTooLong,
  MAX_CHARACTERS,
  MAX_SEGMENTS,
  segmentsOf,
} from '../../src/vendors/twilio/segments.ts';
import { smartEncoded } from '../../src/vendors/twilio/smart-encoding.ts';
import { npmTools } from '../support/npm-tools.ts';

interface Calculator {
  SegmentedMessage: new (
    text: string,
    encoding: 'auto',
    smartEncoding: boolean,
  ) => { segmentsCount: number; graphemes: string[] };
}

let calculator: Calculator | null = null;

before(async () => {
  const tools = await npmTools();
  if (!('skip' in tools)) calculator = tools.load('sms-segments-calculator') as Calculator;
});

const counted: [what: string, text: string, segments: number][] = [
  ['nothing', '', 1],
  ['one of GSM-7', 'a'.repeat(160), 1],
  ['one character more', 'a'.repeat(161), 2],
  ['two full parts', 'a'.repeat(306), 2],
  ['two parts and one', 'a'.repeat(307), 3],
  ['extension characters count two', '{'.repeat(80), 1],
  ['81 of them', '{'.repeat(81), 2],
  ['an extension character is not split', `${'a'.repeat(152)}€${'a'.repeat(20)}`, 2],
  ['one of UCS-2', 'ж'.repeat(70), 1],
  ['one more', 'ж'.repeat(71), 2],
  ['one foreign character makes all of it UCS-2', `${'a'.repeat(70)}ж`, 2],
  ['35 emoji', '😀'.repeat(35), 1],
  ['36 emoji', '😀'.repeat(36), 2],
  ['67 emoji: none is split', '😀'.repeat(67), 3],
  ['a small c with cedilla is not in GSM-7', 'ç'.repeat(71), 2],
  ['a capital one is', 'Ç'.repeat(160), 1],
  ['a curly quote', `${'a'.repeat(100)}’`, 2],
  ['a family is one character of eleven units', '👨‍👩‍👧‍👦'.repeat(7), 2],
  ['more than Twilio takes, by any count', 'a'.repeat(6800), 200],
  ['a line of Windows is two characters', 'ж\r\n'.repeat(24), 2],
];

for (const [what, text, segments] of counted) {
  test(`segments: ${what}`, () => assert.equal(segmentsOf(text), segments));
}

test('with SmartEncoded a curly quote costs no segment, and a quarter costs three characters', () => {
  assert.equal(segmentsOf(smartEncoded(`${'a'.repeat(159)}’`)), 1);
  assert.equal(segmentsOf(smartEncoded('¼'.repeat(54))), 2);
});

test('no text that Twilio takes has more segments than a template is counted for', () => {
  const worst = fc.array(fc.constantFrom('a', 'ж', '😀', '{', 'é'), {
    maxLength: MAX_CHARACTERS,
    size: 'max',
  });
  fc.assert(
    fc.property(worst, (chars) => {
      const text = chars.join('').slice(0, MAX_CHARACTERS);
      assert.ok(segmentsOf(text) <= MAX_SEGMENTS);
    }),
    { numRuns: 200 },
  );
});

/** Characters as people type them. Of marks without a letter the calculator knows Unicode 10 alone. */
const typed = fc.oneof(
  fc.constantFrom(...'aZ09 @£\n\r\f^{}\\[~]|€çÇ’“…¼ж漢😀é\t\u00a0\u200b'),
  fc.constantFrom('\r\n', 'e\u0301', '👍🏽', '🇩🇪', '👨‍👩‍👧‍👦', '👩‍💻', '❤️'),
);
const runsOf = (chars: fc.Arbitrary<string>) =>
  fc
    .array(fc.tuple(chars, fc.integer({ min: 1, max: 90 })), { maxLength: 12 })
    .map((runs) => runs.map(([char, times]) => char.repeat(times)).join(' '));

for (const smart of [false, true]) {
  test(`a text has the segments that Twilio's calculator counts, SmartEncoded ${smart}`, (t) => {
    if (!calculator) return t.skip('the npm registry cannot be reached');
    const { SegmentedMessage } = calculator;
    fc.assert(
      fc.property(runsOf(typed), (text) => {
        const theirs = new SegmentedMessage(text, 'auto', smart).segmentsCount;
        const sent = smart ? smartEncoded(text) : text;
        if (isTooLong(sent)) assert.ok(segmentsOf(sent) >= theirs, `${segmentsOf(sent)}`);
        else assert.equal(segmentsOf(sent), theirs);
      }),
      { numRuns: 400 },
    );
  });
}

test('whatever the text, it fits into the segments that it is counted for', () => {
  const anything = runsOf(fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }));
  fc.assert(
    fc.property(anything, (text) => {
      const units = `ж${text}`;
      const segments = segmentsOf(units);
      assert.ok(units.length <= (segments === 1 ? 70 : 67 * segments), `${segments} segments`);
    }),
    { numRuns: 300 },
  );
});

test('SmartEncoded replaces the very characters that Twilio replaces', (t) => {
  if (!calculator) return t.skip('the npm registry cannot be reached');
  const { SegmentedMessage } = calculator;
  for (let point = 0; point <= 0xffff; point++) {
    const char = String.fromCodePoint(point);
    if (!char.isWellFormed()) continue;
    const theirs = new SegmentedMessage(char, 'auto', true).graphemes.join('');
    assert.equal(smartEncoded(char), theirs, `U+${point.toString(16)}`);
  }
});
