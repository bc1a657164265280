/**
 * A refusal in the shape of Stripe's own errors, so that its SDKs raise their own exceptions. The
 * `error` object is what they depend on: stripe-node takes any body without one for success,
 * whatever its status.
 */
import { CATALOGUE, type ErrorCode, type Refusal } from '../../errors.ts';
import { vaultReport } from '../vault-report.ts';

/** Where asking again decides what the SDK should do; elsewhere its own rule for the status is right. */
function shouldRetry({ code, remedy }: Refusal): Record<string, string> {
  if (code === 'idempotency_in_flight') return { 'stripe-should-retry': 'true' };
  return CATALOGUE[code].retryable && remedy === undefined
    ? {}
    : { 'stripe-should-retry': 'false' };
}

/**
 * stripe-node and stripe-python choose the exception by status (401, 403, 429) and, for a 400, by
 * this type; 409 and 5xx become their API error.
 */
function typeOf(code: ErrorCode): string {
  const { status } = CATALOGUE[code];
  if (code === 'idempotency_mismatch') return 'idempotency_error';
  if (status === 401) return 'authentication_error';
  return status === 409 || status >= 500 ? 'api_error' : 'invalid_request_error';
}

/**
 * `callId`: `call_…`, or empty when the call has no row. It becomes a request id that nobody takes
 * for one of Stripe's.
 */
export function renderRefusal(
  refusal: Refusal,
  callId: string,
): { headers: Record<string, string>; body: string } {
  const { code, message } = refusal;
  const error = {
    type: typeOf(code),
    code,
    message,
    vault: vaultReport(refusal, callId),
  };
  return {
    headers: {
      'content-type': 'application/json',
      ...(callId && { 'request-id': `req_keybrake_${callId.replace(/^call_/, '')}` }),
      ...shouldRetry(refusal),
    },
    body: JSON.stringify({ error }),
  };
}
