/**
 * Asks a vendor something that changes nothing there, with the real credentials: what an object is
 * worth, before a call for it goes out; what became of a call, long after. Takes a question, gives
 * the reply; what it means is the vendor's folder's to say.
 */

import type { Account } from '../accounts.ts';
import type { LookUp, Vendor, VendorReply } from '../vendors/vendor.ts';
import type { Sender, UpstreamResult } from './forward.ts';
import { withoutSecrets } from './mask.ts';

/** By this the vendor's own log tells Keybrake's questions from the calls of runs. */
const USER_AGENT = 'Keybrake (look-up)';

/** The reply; a text says why there is none. Never rejects. */
export async function lookUp(
  upstream: Sender,
  vendor: Vendor,
  account: Account,
  question: LookUp,
  mayStart: () => boolean = () => true,
): Promise<VendorReply | string> {
  const { method, path, query, headers, body } = question;
  const request = {
    ...{ method, path, query },
    headers: new Map(Object.entries({ 'user-agent': USER_AGENT, ...headers })),
    body: Buffer.from(body),
  };
  const outbound = vendor.outbound(request, account, null);
  const reply = replyOf(await upstream.send({ method, ...outbound }, mayStart));
  if (typeof reply === 'string') return reply;
  return withoutSecrets(reply, vendor, account.credentials, outbound);
}

/** One GET of an address that is no vendor's, without credentials. Like lookUp it never rejects. */
export async function fetchOnce(upstream: Sender, address: string): Promise<VendorReply | string> {
  const { origin: baseUrl, pathname: path } = new URL(address);
  const headers = { accept: 'application/json', 'accept-encoding': 'identity' };
  const body = new Uint8Array();
  return replyOf(await upstream.send({ method: 'GET', baseUrl, path, headers, body }, () => true));
}

function replyOf(result: UpstreamResult): VendorReply | string {
  if (result.kind === 'reply') return result.reply;
  return result.kind === 'stopped' ? 'it was stopped' : result.why;
}
