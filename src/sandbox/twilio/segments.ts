/**
 * How many SMS a text is, counted for the vendor's own books and without a look at how Keybrake
 * counts. The rules are those of Twilio's glossary (vendors.md 2.4): 160 or 153 seven-bit units, or
 * 70 or 67 sixteen-bit ones as soon as one character has no place in GSM-7; what the reader sees as
 * one character is never split between two segments.
 */

const BASIC =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?' +
  '¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà';
/** Each is written as an escape and a second unit. */
const EXTENSION = '\f^{}\\[~]|€';

const UNITS = new Map<string, number>([
  ...[...BASIC].map((character) => [character, 1] as const),
  ...[...EXTENSION].map((character) => [character, 2] as const),
]);

/** What SmartEncoded replaces so that the text stays in GSM-7: the usual marks of word processors. */
const SMART = new Map<string, string>([
  ...[...'«»“”„‟″'].map((mark) => [mark, '"'] as const),
  ...[...'‘’‚‛′ʼ'].map((mark) => [mark, "'"] as const),
  ...[...'‐‑‒–—―−'].map((mark) => [mark, '-'] as const),
  ...[...'\u00a0\u2002\u2003\u2009\u202f'].map((space) => [space, ' '] as const),
  ['…', '...'],
  ['\u200b', ''],
]);

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** At least 1: a message without text (a picture) is one message all the same. */
export function countSegments(text: string): number {
  const seven = [...text].map((character) => UNITS.get(character));
  const inSeven = !seven.includes(undefined);
  const sizes = inSeven ? (seven as number[]) : sizesInSixteen(text);
  const [single, each] = inSeven ? [160, 153] : [70, 67];
  if (sizes.reduce((sum, size) => sum + size, 0) <= single) return 1;
  let segments = 1;
  let free = each;
  for (const size of sizes) {
    if (size > free) {
      segments++;
      free = each;
    }
    free -= size;
  }
  return segments;
}

function sizesInSixteen(text: string): number[] {
  return [...graphemes.segment(text)].flatMap(({ segment }) =>
    // A line's end is one grapheme, but Twilio splits it.
    segment === '\r\n' ? [1, 1] : [segment.length],
  );
}

export function smartEncoded(text: string): string {
  return [...text].map((character) => SMART.get(character) ?? character).join('');
}
