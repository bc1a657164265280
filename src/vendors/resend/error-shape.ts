/**
 * A refusal in the shape of Resend's own errors, so that its SDKs raise, or return, their own: the
 * Python one takes what is not JSON by its content type for a broken server. The name is ours, never
 * one of Resend's: some programs try again on `rate_limit_exceeded`.
 */
import { CATALOGUE, type Refusal } from '../../errors.ts';
import { vaultReport } from '../vault-report.ts';

export function renderRefusal(
  refusal: Refusal,
  callId: string,
): { headers: Record<string, string>; body: string } {
  const { code, message } = refusal;
  const { status } = CATALOGUE[code];
  const vault = vaultReport(refusal, callId);
  return {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ statusCode: status, message, name: code, vault }),
  };
}
