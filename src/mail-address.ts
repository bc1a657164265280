/**
 * One e-mail address in one text, as the vendors of mail take it: `a@example.com` or
 * `Name <a@example.com>`. Takes only what no two programs read as two addresses, for a mail is
 * counted and allowed by its address: a comment, a list, a group or a second `@` is none.
 */

export interface MailAddress {
  /** Without the name, in lower case. */
  readonly address: string;
  /** Lower case. */
  readonly domain: string;
}

/** No programs agree on more than that; RFC 5321 ends an address there. */
const LONGEST = 254;

/** `%` and `!` route a mail on to somebody else at some relays, so they are not in it. */
const LOCAL = /^[a-z0-9#$&'*+/=?^_`{|}~-]+(?:\.[a-z0-9#$&'*+/=?^_`{|}~-]+)*$/;
/** Other letters are written in punycode: `xn--…`. */
const DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** In quotes also a comma: whoever splits there finds no address in the pieces. */
const NAMED = /^(?:[^<>@,;:"\\\x00-\x1f\x7f]*|"[^<>@"\\\x00-\x1f\x7f]*" *)<([^<>]*)>$/;

/** Null when it is none, or more than one. */
export function parseMailAddress(text: string): MailAddress | null {
  const trimmed = text.replace(/^ +| +$/g, '');
  const plain = NAMED.exec(trimmed)?.[1] ?? trimmed;
  // Some letters of other alphabets are ASCII in lower case (the Kelvin sign is a k).
  if (plain.length > LONGEST || !/^[!-~]+$/.test(plain)) return null;
  const address = plain.toLowerCase();
  const [local = '', domain = '', more] = address.split('@');
  if (more !== undefined || !LOCAL.test(local) || !DOMAIN.test(domain)) return null;
  return { address, domain };
}

/** What is wrong with a domain of a rule, or null. `*.` stands for every domain below. */
export function checkMailDomain(domain: string): string | null {
  if (domain !== domain.toLowerCase()) return 'must be in lower case';
  if (DOMAIN.test(domain.replace(/^\*\./, ''))) return null;
  return 'must be a domain such as example.com, or *.example.com for all below it';
}

/** `example.com` is that domain alone; `*.example.com` all below it, at any depth, and not itself. */
export function inMailDomain(domain: string, pattern: string): boolean {
  return pattern.startsWith('*.') ? domain.endsWith(pattern.slice(1)) : domain === pattern;
}
