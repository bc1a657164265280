/**
 * Where a vault key may stand in a request: `Authorization`, as Bearer or as either half of Basic
 * (Stripe's curl users send it as the user, Twilio's SDKs as the password), or a header that a
 * vendor has for its keys (`x-postmark-server-token`). With a task named after `~` for SDKs that can
 * set nothing else. Used by both planes; keeps nothing.
 */

/** `bearer`, `basic.user`, `basic.password`, or the lower-case name of a vendor's own header. */
export type KeyPlace = string;

export interface Credential {
  /** Begins with `vault_key_`; whether it is whole, and was ever issued, is for others to say. */
  readonly key: string;
  readonly taskId: string | null;
  readonly place: KeyPlace;
}

/** The places that are forms of `Authorization`. */
export const IN_AUTHORIZATION: readonly KeyPlace[] = ['bearer', 'basic.user', 'basic.password'];

/** The header that a place is in, in lower case. */
export function headerOfPlace(place: KeyPlace): string {
  return IN_AUTHORIZATION.includes(place) ? 'authorization' : place;
}

/**
 * The vault key of a request; null when it has none. `keyHeaders`: the vendors' own headers for
 * keys, in lower case; Authorization goes first. Whether the place is the key's vendor's, and what
 * else the request carries, is for others to say.
 */
export function findCredential(
  headers: { get(name: string): string | undefined },
  keyHeaders: readonly string[],
): Credential | null {
  const found = readCredential(headers.get('authorization'));
  if (found !== null) return found;
  for (const name of keyHeaders) {
    const credential = split(headers.get(name)?.trim() ?? '', name);
    if (credential !== null) return credential;
  }
  return null;
}

/** The vault key in an Authorization header; null when there is none. */
export function readCredential(authorization: string | undefined | null): Credential | null {
  if (!authorization) return null;
  const space = authorization.indexOf(' ');
  if (space < 0) return null;
  const rest = authorization.slice(space + 1).trim();
  switch (authorization.slice(0, space).toLowerCase()) {
    case 'bearer':
      return split(rest, 'bearer');
    case 'basic':
      return fromBasic(rest);
    default:
      return null;
  }
}

function fromBasic(encoded: string): Credential | null {
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0) return split(text, 'basic.user');
  return (
    split(text.slice(0, colon), 'basic.user') ?? split(text.slice(colon + 1), 'basic.password')
  );
}

function split(text: string, place: KeyPlace): Credential | null {
  if (!text.startsWith('vault_key_')) return null;
  const tilde = text.indexOf('~');
  if (tilde < 0) return { key: text, taskId: null, place };
  return { key: text.slice(0, tilde), taskId: text.slice(tilde + 1) || null, place };
}
