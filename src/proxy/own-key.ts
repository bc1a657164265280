/**
 * The idempotency key that the vendor is sent for a call whose client sent none, so that whatever
 * becomes of the call can be found by it. `origin`: what no other ledger has, because two servers
 * may spend from one account and their call ids are alike when two calls come in one millisecond.
 */
import { handle } from '../ids.ts';

export function ownKey(callId: bigint, origin: string): string {
  return `keybrake-${handle('call', callId)}-${origin}`;
}
