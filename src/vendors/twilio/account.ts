/**
 * The account behind a call: its SID in paths and fields, and its credentials in the request that
 * goes out. The only place of this folder where a secret is in clear.
 */
import { type Refusal, refusal } from '../../errors.ts';
import type { Fields } from '../form.ts';
import { forwardable } from '../headers.ts';
import type { Destination, Outbound, VendorRequest } from '../vendor.ts';
import { baseUrlOf, placeOf } from './products.ts';

/** What a client that does not know the account writes for it. */
export const PLACEHOLDER = `AC${'0'.repeat(32)}`;

const SID = /^AC[0-9a-fA-F]{32}$/;
/** The path's segment, and what stands around the SID in it. */
const ACCOUNT = /(\/Accounts\/)([^/]+?)(\.json)?(?=\/|$)/;

/**
 * Why the request would act for another account than the one that is stored: a parent's token acts
 * for its subaccounts too. Null: it does not.
 */
export function checkScope(
  { path }: VendorRequest,
  fields: Fields,
  { credentials }: Destination,
): Refusal | null {
  const own = credentials.account_sid!.reveal();
  const named = ACCOUNT.exec(path)?.[2];
  if (named !== undefined && named !== own && named !== PLACEHOLDER) {
    return foreign(`the path names ${shown(named)}`);
  }
  for (const part of path.split('/')) {
    if (SID.test(part) && part !== own && part !== PLACEHOLDER)
      return foreign(`the path names ${part}`);
  }
  for (const [name, value] of fields) {
    if (SID.test(value) && value !== own) return foreign(`\`${name}\` names ${value}`);
  }
  return null;
}

function foreign(what: string): Refusal {
  const message =
    `The call would act for another account: ${what}. Write the account's own SID, or in the path ` +
    `${PLACEHOLDER}, which stands for it.`;
  return refusal('scope_not_allowed', message);
}

function shown(text: string): string {
  return SID.test(text) ? text : 'something that is no SID';
}

/** The request with the account's SID and credentials, at its product's own address. */
export function outbound(request: VendorRequest, { baseUrl, credentials }: Destination): Outbound {
  const place = placeOf(request.path);
  // A path that leads nowhere was refused when it was read.
  const { product, path } = 'code' in place ? { product: 'api', path: request.path } : place;
  const sid = credentials.account_sid!.reveal();
  const user = credentials.api_key_sid?.reveal() ?? sid;
  const headers = forwardable(request.headers);
  const pair = `${user}:${credentials.auth_token!.reveal()}`;
  headers.authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
  const own = path.replace(ACCOUNT, (whole, before: string, named: string, after = '') =>
    named === PLACEHOLDER ? before + sid + after : whole,
  );
  const { query, body } = request;
  return {
    baseUrl: baseUrlOf(baseUrl, product),
    path: query ? `${own}?${query}` : own,
    headers,
    body,
  };
}

/** What is wrong with credentials that are to be stored, or null. */
export function checkCredentials(fields: Readonly<Record<string, string>>): string | null {
  const { account_sid: sid = '', auth_token: token = '', api_key_sid: key } = fields;
  if (!SID.test(sid)) return 'account_sid must be the SID of an account: AC and 32 hex digits';
  if (key !== undefined && !/^SK[0-9a-fA-F]{32}$/.test(key)) {
    return 'api_key_sid must be the SID of an API key: SK and 32 hex digits';
  }
  if (!token) return 'auth_token is missing: the auth token, or the secret of the API key';
  if (/\s/.test(token)) return 'auth_token has a blank or a line break in it';
  return null;
}
