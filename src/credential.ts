/**
 * Where a vault key may stand in a request: `Authorization`, as Bearer or as either half of Basic
 * (Stripe's curl users send it as the user, Twilio's SDKs as the password), with a task named after
 * `~` for SDKs that can set nothing else. Used by both planes; keeps nothing.
 */

export interface Credential {
  /** Begins with `vault_key_`; whether it is whole, and was ever issued, is for others to say. */
  readonly key: string;
  readonly taskId: string | null;
}

/** The vault key in an Authorization header; null when there is none. */
export function readCredential(authorization: string | undefined | null): Credential | null {
  if (!authorization) return null;
  const space = authorization.indexOf(' ');
  if (space < 0) return null;
  const rest = authorization.slice(space + 1).trim();
  switch (authorization.slice(0, space).toLowerCase()) {
    case 'bearer':
      return split(rest);
    case 'basic':
      return fromBasic(rest);
    default:
      return null;
  }
}

function fromBasic(encoded: string): Credential | null {
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0) return split(text);
  return split(text.slice(0, colon)) ?? split(text.slice(colon + 1));
}

function split(text: string): Credential | null {
  if (!text.startsWith('vault_key_')) return null;
  const tilde = text.indexOf('~');
  if (tilde < 0) return { key: text, taskId: null };
  return { key: text.slice(0, tilde), taskId: text.slice(tilde + 1) || null };
}
