/** The vendor's count of segments, held against numbers that Twilio's own calculator gave. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countSegments, smartEncoded } from '../../src/sandbox/twilio/segments.ts';

/** From sms-segments-calculator 1.3.0. */
const COUNTED: readonly [string, number][] = [
  ['a'.repeat(160), 1],
  ['a'.repeat(161), 2],
  ['a'.repeat(306), 2],
  ['a'.repeat(307), 3],
  ['{'.repeat(80), 1],
  ['{'.repeat(81), 2],
  [`${'a'.repeat(152)}{${'a'.repeat(152)}`, 3],
  ['é'.repeat(160), 1],
  ['ç'.repeat(70), 1],
  ['ç'.repeat(71), 2],
  ['’'.repeat(71), 2],
  ['😀'.repeat(35), 1],
  ['😀'.repeat(36), 2],
  ['😀'.repeat(67), 3],
  ['👨‍👩‍👧‍👦'.repeat(6), 1],
  ['👨‍👩‍👧‍👦'.repeat(7), 2],
  ['👨‍👩‍👧‍👦'.repeat(13), 3],
  [`ç${'\r\n'.repeat(34)}aa`, 2],
  [`ç${'a'.repeat(65)}\r\n${'a'.repeat(66)}`, 2],
  ['€'.repeat(80), 1],
];

test('segments are counted as Twilio counts them', () => {
  for (const [text, segments] of COUNTED) {
    assert.equal(countSegments(text), segments, JSON.stringify(text).slice(0, 60));
  }
  assert.equal(countSegments(''), 1);
});

test('smart encoding keeps a text of typographic marks in seven bits', () => {
  const text = `“it’s” – ${'a'.repeat(140)}…`;
  assert.equal(countSegments(text), 3);
  assert.equal(countSegments(smartEncoded(text)), 1);
});
