/**
 * Phone numbers, and those that mean trouble. +1 500 555 0001 to 0004 are Twilio's own magic
 * numbers; those from 0009 on are the sandbox's, for what Twilio's test credentials cannot play: a
 * message that is accepted and fails later.
 */
import { countryOf } from './countries.ts';
import { TwilioError } from './errors.ts';

/** How it ends: `unpriced` fails and never gets a price. */
export type Fate = 'delivered' | 'undelivered' | 'failed' | 'unpriced';

const FATES: Readonly<Record<string, Fate>> = {
  '+15005550009': 'failed',
  '+15005550010': 'undelivered',
  '+15005550011': 'unpriced',
};

export function fateOf(to: string): Fate {
  return FATES[to] ?? 'delivered';
}

/** A number as people write it: `+1 (415) 555-2671` is `+14155552671`. Null: it is none. */
export function readNumber(text: string): string | null {
  const number = text.replace(/[\s().-]/g, '');
  return /^\+[1-9]\d{6,14}$/.test(number) ? number : null;
}

const REFUSED: Readonly<Record<string, [code: number, message: string]>> = {
  '+15005550002': [21612, "The 'To' phone number is not currently reachable using this 'From'."],
  '+15005550004': [21610, 'Attempt to send to unsubscribed recipient.'],
};

/** Where a message goes. Throws Twilio's errors for what it cannot be sent to. */
export function readDestination(to: string | undefined): string {
  if (!to) throw new TwilioError(400, 21604, "A 'To' phone number is required.");
  const number = readNumber(to);
  if (!number || number === '+15005550001') {
    throw new TwilioError(400, 21211, `Invalid 'To' Phone Number: ${masked(to)}`);
  }
  const refused = REFUSED[number];
  if (refused) throw new TwilioError(400, ...refused);
  if (!countryOf(number) || number === '+15005550003') {
    const message =
      "Permission to send an SMS has not been enabled for the region indicated by the 'To' number";
    throw new TwilioError(400, 21408, `${message}: ${masked(to)}`);
  }
  return number;
}

/** A number, a short code or a name that sends. Throws Twilio's error for anything else. */
export function readSender(from: string): string {
  const number = readNumber(from);
  if (number && number !== '+15005550001') return number;
  if (!number && /^(?:\d{5,6}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11})$/.test(from)) return from;
  throw new TwilioError(400, 21212, `The 'From' number ${from} is not a valid phone number`);
}

function masked(number: string): string {
  return number.length > 4 ? `${number.slice(0, -4)}XXXX` : number;
}
