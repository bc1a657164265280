/**
 * What may be stored, sent on or repeated in an answer. People paste a credential into the wrong
 * field, name or path; nothing that looks like one is stored as a name or written back, whatever the
 * error is about. Used by both planes.
 */

/** Vendors' and our own credentials, by the prefixes that they publish for scanners. */
const CREDENTIALS = [
  /\b[srp]k_(?:live|test|org)_[0-9A-Za-z]{8,}/,
  /\bwhsec_[0-9A-Za-z]{8,}/,
  /\bre_[0-9A-Za-z]{6,}_[0-9A-Za-z]{8,}/,
  /\bSG\.[0-9A-Za-z_-]{16,}\.[0-9A-Za-z_-]{16,}/,
  /vault_key_(?:sandbox_)?[0-9a-z]{16,}/,
  /keybrake_(?:admin|issuer|auditor)_[0-9a-z]{16,}/,
];

/** Whether a credential stands anywhere in the text. */
export function holdsCredential(text: string): boolean {
  return CREDENTIALS.some((form) => form.test(text));
}

/** Keybrake's own credentials: what a run or an operator may hold. */
const OURS = /vault_key_(?:sandbox_)?[0-9a-z]{16,}|keybrake_(?:admin|issuer|auditor)_[0-9a-z]{16,}/;

/** Those and the vendors', by prefixes so long that no name of a task or an object has them. */
const SURE = new RegExp(
  `${OURS.source}|\\b[srp]k_(?:live|test|org)_[0-9A-Za-z]{8,}|\\bwhsec_[0-9A-Za-z]{8,}` +
    '|\\bSG\\.[0-9A-Za-z_-]{16,}\\.[0-9A-Za-z_-]{16,}',
);
const EVERY_SURE = new RegExp(SURE.source, 'g');

/** Whether a vault key or management key stands anywhere in the text. */
export function holdsOwnCredential(text: string): boolean {
  return OURS.test(text);
}

/** Whether something stands in the text that can be nothing but a credential. */
export function surelyHoldsCredential(text: string): boolean {
  return SURE.test(text);
}

/** The text with every sure credential in it taken out. */
export function withoutCredentials(text: string): string {
  return SURE.test(text) ? text.replace(EVERY_SURE, '[credential]') : text;
}

/**
 * The text in quotes when it is plainly a name, else what it is instead. Long runs that mix
 * letters and digits are what every kind of token has and no name of ours has.
 */
export function shown(text: string): string {
  const plain = /^[A-Za-z0-9_.\-/*]{1,60}$/.test(text);
  const random = /(?=[A-Za-z]*\d)[A-Za-z0-9]{16,}/.test(text);
  return plain && !random && !holdsCredential(text) ? `"${text}"` : 'a value that is not shown';
}
