/**
 * How many segments Twilio sends and bills for a text: GSM-7 when every character is in that
 * alphabet, else UCS-2 for the whole message. Checked against Twilio's own calculator
 * (sms-segments-calculator 1.3.0) by test/vendors/twilio-segments.test.ts.
 */

/** GSM 03.38: one septet each, and two for what the escape character brings in. */
const BASIC =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ' +
  'ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà';
const EXTENSION = '\f^{}\\[~]|€';

const SEPTETS: ReadonlyMap<string, number> = new Map([
  ...[...BASIC].map((char): [string, number] => [char, 1]),
  ...[...EXTENSION].map((char): [string, number] => [char, 2]),
]);

/** Septets or 16-bit units: of a message in one, and of each part of a longer one. */
const GSM_7 = { single: 160, part: 153 };
const UCS_2 = { single: 70, part: 67 };

/** The most characters that Twilio takes, and what they come to at most. */
export const MAX_CHARACTERS = 1600;
export const MAX_SEGMENTS = Math.ceil(MAX_CHARACTERS / (UCS_2.part - 1));

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** At least 1: a message without text is one message all the same. */
export function segmentsOf(text: string): number {
  // Refused by Twilio, and not worth counting with care: two characters that do not fit into one
  // part are longer than a part, so parts are more than half full.
  if (isTooLong(text)) return Math.ceil(text.length / ((UCS_2.part + 1) / 2));
  const septets = [...text].map((char) => SEPTETS.get(char));
  return septets.includes(undefined)
    ? fill(unitsOf(text), UCS_2)
    : fill(septets as number[], GSM_7);
}

/** Whether Twilio refuses the text, also when it counts a character outside of UCS-2 as one. */
export function isTooLong(text: string): boolean {
  return text.length > 2 * MAX_CHARACTERS;
}

/** What people take for one character is not split, unless it is longer than a part. */
function unitsOf(text: string): number[] {
  return [...graphemes.segment(text)].flatMap(({ segment }) => {
    const whole = segment !== '\r\n' && segment.length <= UCS_2.part;
    return whole ? [segment.length] : [...segment].map((char) => char.length);
  });
}

function fill(
  sizes: readonly number[],
  { single, part }: { single: number; part: number },
): number {
  if (sizes.reduce((sum, size) => sum + size, 0) <= single) return 1;
  let parts = 1;
  let used = 0;
  for (const size of sizes) {
    if (used + size > part) {
      parts++;
      used = 0;
    }
    used += size;
  }
  return parts;
}
