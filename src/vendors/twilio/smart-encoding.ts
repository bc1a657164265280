/**
 * What Twilio puts in the place of characters that GSM-7 does not have when a message asks for
 * `SmartEncoded`: more text in fewer segments, or in more (`¼` is three characters). Twilio's list,
 * in code points; checked, each of them, by test/vendors/twilio-segments.test.ts.
 */

/** By what stands in their place: code points and ranges of them, in hexadecimal. */
const REPLACED: Readonly<Record<string, string>> = {
  '"': 'ab bb 2ba 2ee 201c-201f 275d-275e 301d-301e',
  "'": '60 b4 2b9 2bb-2bd 2c8 2ca-2cb 313-314 2018-2019 201b 275b-275c fe10-fe11',
  '/': 'f7 337-338 2044 2215 29f8',
  '\\': '20e5 29f5 29f9 fe68',
  '|': '20d2-20d3 2223 239c 239f 23b8-23b9 23d0',
  '-': '2010 2013-2015 2022 2043 23bc-23bd fe63',
  '*': '204e 2217 229b 2722-2725 2731-2733 273a-273d 2743 2749-274b 29c6 fe61',
  _: '332 2017',
  '+': '2d6 fe62',
  '~': '2dc 2f7 303 330 334 223c',
  '^': '2c6 302 1dcd',
  '=': '347 a78a fe66',
  '(': '2768 276a 27ee 2985 fe59',
  ')': '2769 276b 27ef 2986 fe5a',
  '{': '2774 fe5b',
  '}': '2775 fe5c',
  '<': '2039 fe64',
  '>': '203a fe65',
  ',': '326 201a 3001 fe50-fe51 ff64',
  '.': '3002 fe52 ff61',
  ':': '2d0 2f8 2982 a789 fe13',
  ';': '204f fe14 fe54',
  '!': '1c3 fe15 fe57',
  '?': 'fe16 fe56',
  '@': 'fe6b',
  $: 'fe69',
  '#': 'fe5f',
  '%': 'fe6a',
  '&': 'fe60',
  '!!': '203c',
  '...': '2026',
  '1/4': 'bc',
  '1/2': 'bd',
  '3/4': 'be',
  // blanks: wide ones, a tab, and what has no width at all
  ' ': '2001 2028-2029',
  '  ': '80 8d 90 9b 9f-a0 2000 2002-200a 202f 205f 3000',
  '       ': '9',
  '': '0 3-4 10-14 17 19 200b-200c 2060 feff',
  // small capitals
  ...{ A: '1d00', B: '299', C: '1d04', D: '1d05', E: '1d07', F: 'a730', G: '262', H: '29c' },
  ...{ I: '26a', J: '1d0a', K: '1d0b', L: '29f', M: '1d0d', N: '274', O: '1d0f', P: '1d18' },
  ...{ R: '280', S: 'a731', T: '1d1b', U: '1d1c', V: '1d20', W: '1d21', Y: '28f', Z: '1d22' },
};

/** Full-width signs, digits and capitals stand this far above the plain ones. */
const FULL_WIDTH = 0xfee0;
const FULL_WIDTH_SIGNS = 'ff01-ff3f ff5b-ff5e';

const REPLACEMENTS: ReadonlyMap<string, string> = new Map([
  ...Object.entries(REPLACED).flatMap(([text, points]) =>
    pointsOf(points).map((point): [string, string] => [String.fromCodePoint(point), text]),
  ),
  ...pointsOf(FULL_WIDTH_SIGNS).map((point): [string, string] => [
    String.fromCodePoint(point),
    String.fromCodePoint(point - FULL_WIDTH),
  ]),
]);

/** The text as it is sent. */
export function smartEncoded(text: string): string {
  return [...text].map((char) => REPLACEMENTS.get(char) ?? char).join('');
}

function pointsOf(ranges: string): number[] {
  return ranges.split(' ').flatMap((range) => {
    const [first = '', last = first] = range.split('-');
    const from = Number.parseInt(first, 16);
    const count = Number.parseInt(last, 16) - from + 1;
    return Array.from({ length: count }, (_, index) => from + index);
  });
}
