/**
 * The one way to end keys: first the ledger, so that nothing under them is admitted any more, then
 * the calls that were admitted and have not been sent. Both routes that revoke answer after this.
 */
import { handle } from '../ids.ts';
import type { RevocationTarget } from '../ledger/ledger.ts';
import type { ControlDeps } from './deps.ts';

export interface Revoked {
  /** Ended by this or before: an empty list says that the target names no key. */
  ids: bigint[];
  at: number;
  /** Calls whose bytes had gone out: they cannot be called back, and are settled all the same. */
  inFlight: string[];
}

export async function revoke(
  deps: ControlDeps,
  target: RevocationTarget,
  reason: string | null,
  by: string,
): Promise<Revoked> {
  const at = deps.clock.now();
  const ids = await deps.ledger.revoke(target, reason, by, at);
  // Nothing may be awaited between the two lines: a call that slipped through would be sent.
  const ended = new Set(ids);
  const inFlight = deps.running.stop((call) => ended.has(call.keyId), 'key_revoked');
  return { ids, at, inFlight: inFlight.map((id) => handle('call', id)) };
}
