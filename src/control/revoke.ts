/**
 * The one way to end keys, and to freeze: first the ledger, so that nothing of it is admitted any
 * more, then the calls that were admitted and have not been sent. Every route that revokes or
 * freezes answers after this.
 */
import { handle } from '../ids.ts';
import type { RevocationTarget } from '../ledger/ledger.ts';
import type { ControlDeps } from './deps.ts';

type StopDeps = Pick<ControlDeps, 'ledger' | 'running' | 'clock'>;

export interface Revoked {
  /** Ended by this or before: an empty list says that the target names no key. */
  ids: bigint[];
  at: number;
  /** Calls whose bytes had gone out: they cannot be called back, and are settled all the same. */
  inFlight: string[];
}

/** In the place of a vendor's name. */
export const EVERYTHING = '*';

export async function revoke(
  deps: StopDeps,
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

/** `vendor`: a name, or EVERYTHING. Returns the calls whose bytes had gone out. */
export async function freeze(
  deps: StopDeps,
  vendor: string,
  reason: string | null,
  by: string,
): Promise<string[]> {
  await deps.ledger.setFreeze({ vendor, at: deps.clock.now(), by, reason });
  // In the same turn, as above.
  const all = vendor === EVERYTHING;
  const inFlight = deps.running.stop((call) => all || call.vendor === vendor, 'frozen');
  return inFlight.map((id) => handle('call', id));
}
