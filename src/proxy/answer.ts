/**
 * Step 8, answer: what goes back to the client. Vendor replies pass unchanged but for hop-by-hop
 * headers and cookies; refusals take the vendor's own error shape. The one place of the data plane
 * that turns a refusal into HTTP.
 */
import { CATALOGUE, isCapHit, type Refusal } from '../errors.ts';
import { handle } from '../ids.ts';
import { formatUsd, type Micros } from '../money.ts';
import type { Vendor, VendorReply } from '../vendors/vendor.ts';

export interface Outgoing {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array | string;
}

/** What every answer about a call says of the money. */
export interface Standing {
  callId: bigint;
  cost: Micros;
  /** Null: the key has no cap. */
  remaining: Micros | null;
}

/** RFC 9110, 7.6.1, and what this listener writes itself; cookies are the vendor's with nobody. */
const NOT_PASSED = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'content-length',
  'set-cookie',
  'set-cookie2',
]);

export function answerReply(reply: VendorReply, standing: Standing, replayed: boolean): Outgoing {
  const headers: Record<string, string> = {};
  for (const [name, value] of reply.headers) {
    if (!NOT_PASSED.has(name) && !name.startsWith('x-keybrake-')) headers[name] = value;
  }
  writeStanding(headers, standing);
  if (replayed) headers['x-keybrake-replayed'] = 'true';
  return { status: reply.status, headers, body: reply.body };
}

export function answerRefusal(
  vendor: Vendor,
  refusal: Refusal,
  standing: Standing | null,
): Outgoing {
  const callId = standing ? handle('call', standing.callId) : '';
  const { headers, body } = vendor.renderRefusal(refusal, callId);
  headers['x-keybrake-reason'] = refusal.code;
  if (isCapHit(refusal.code)) headers['x-keybrake-cap-hit'] = 'true';
  if (refusal.retryAfterS !== undefined) headers['retry-after'] = String(refusal.retryAfterS);
  if (standing) writeStanding(headers, standing);
  return { status: CATALOGUE[refusal.code].status, headers, body };
}

function writeStanding(headers: Record<string, string>, standing: Standing): void {
  headers['x-keybrake-call-id'] = handle('call', standing.callId);
  headers['x-keybrake-cost-usd'] = formatUsd(standing.cost);
  if (standing.remaining !== null) {
    headers['x-keybrake-remaining-usd'] = formatUsd(standing.remaining);
  }
}
