/**
 * What Keybrake adds to a refusal in a vendor's error shape: the call, what can be done, and the
 * amounts of a cap. The same for every vendor, so that a run reads one form. Carries only what the
 * refusal's public text and numbers say.
 */
import { CATALOGUE, type CapReport, type Refusal } from '../errors.ts';
import { handle } from '../ids.ts';
import { formatUsd } from '../money.ts';

/** `callId`: `call_…`, or empty when the call has no row. */
export function vaultReport(
  { code, cap, retryAfterS, remedy }: Refusal,
  callId: string,
): Record<string, unknown> {
  return {
    ...(callId && { call_id: callId }),
    remedy: remedy ?? CATALOGUE[code].remedy,
    ...(cap && amountsOf(cap)),
    ...(retryAfterS !== undefined && { retry_after_s: retryAfterS }),
  };
}

/** Dollars as exact decimal text: JavaScript and Python would round a number. */
function amountsOf({ kind, keyId, cap, spent, held, needed }: CapReport): Record<string, string> {
  const left = cap - spent - held;
  return {
    cap_kind: kind,
    key: handle('key', keyId),
    cap_usd: formatUsd(cap),
    spent_usd: formatUsd(spent),
    held_usd: formatUsd(held),
    needed_usd: formatUsd(needed),
    remaining_usd: formatUsd(left > 0n ? left : 0n),
  };
}
