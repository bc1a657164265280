/**
 * Phone numbers as prices see them: which country one is in. The only file that knows
 * libphonenumber.
 */
import { isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/max';

export interface PhoneNumber {
  /** Without the `+`. */
  readonly digits: string;
  /** ISO 3166, `GB`; null when it is in no country. */
  readonly country: string | null;
  /** `44`; null with a code that nobody has. */
  readonly callingCode: string | null;
}

/**
 * The country that a calling code of several mainly stands for; the others have parts of its range.
 * The code alone says nothing of their prices: `+1` is the United States, and Jamaica's too.
 */
const MAIN_COUNTRY: Readonly<Record<string, string>> = {
  ...{ 1: 'US', 7: 'RU', 39: 'IT', 44: 'GB', 47: 'NO', 61: 'AU', 212: 'MA', 262: 'RE' },
  ...{ 290: 'SH', 358: 'FI', 590: 'GP', 599: 'CW' },
};

/** A number in E.164, `+14155552671`, and nothing else; null for other text. */
export function readPhone(text: string): PhoneNumber | null {
  if (!/^\+[1-9]\d{6,14}$/.test(text)) return null;
  const digits = text.slice(1);
  const parsed = parsePhoneNumberFromString(text);
  if (parsed === undefined) return { digits, country: null, callingCode: null };
  const callingCode = parsed.countryCallingCode;
  // In no plan that we know: Twilio refuses it, or it is an area code of this year, and those are
  // the main country's as a rule.
  const unknown = parsed.isPossible() ? MAIN_COUNTRY[callingCode] : undefined;
  return { digits, country: parsed.country ?? unknown ?? null, callingCode };
}

/** Whether a price of the whole calling code is this number's. */
export function isMainCountry({ callingCode, country }: PhoneNumber): boolean {
  if (callingCode === null) return false;
  const main = MAIN_COUNTRY[callingCode];
  return main === undefined || main === country;
}

/** Whether somebody's numbers are of this country: `GB`. */
export function isCountry(code: string): boolean {
  return isSupportedCountry(code);
}
