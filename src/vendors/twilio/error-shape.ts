/**
 * A refusal in the shape of Twilio's own errors, so that its SDKs raise their own exceptions.
 * twilio-python shows of it only status, code, message and details, and no headers: so every refusal
 * has a code of its own, and the amounts of a cap stand in the details. Never 20429, which tells
 * programs to send again.
 */
import { CATALOGUE, type ErrorCode, type Refusal } from '../../errors.ts';
import { vaultReport } from '../vault-report.ts';

/** Five digits, in a range that Twilio does not use. Said in docs/vendors/twilio.md. */
export const CODES: Readonly<Partial<Record<ErrorCode, number>>> = {
  ...{ key_unknown: 79101, key_revoked: 79102, key_expired: 79103 },
  ...{ vendor_not_allowed: 79201, endpoint_not_allowed: 79202, scope_not_allowed: 79203 },
  ...{ unpriced: 79204, frozen: 79205 },
  ...{ request_ambiguous: 79301, idempotency_mismatch: 79302, idempotency_in_flight: 79303 },
  ...{ body_too_large: 79304 },
  ...{ cap_exceeded: 79429, call_cap_exceeded: 79430, call_limit_reached: 79431 },
  ...{ rate_limited: 79432 },
  ...{ vendor_unreachable: 79501, outcome_unknown: 79502, ledger_unavailable: 79503 },
};
/** Of what the data plane never says. */
const OTHER = 79500;

/** `callId`: `call_…`, or empty when the call has no row. */
export function renderRefusal(
  refusal: Refusal,
  callId: string,
): { headers: Record<string, string>; body: string } {
  const { code, message } = refusal;
  const error = {
    code: CODES[code] ?? OTHER,
    message,
    more_info: `Keybrake: docs/errors.md#${code}`,
    status: CATALOGUE[code].status,
    details: { code, ...vaultReport(refusal, callId) },
  };
  return {
    headers: {
      'content-type': 'application/json',
      ...(callId && { 'twilio-request-id': `RQkeybrake${callId.replace(/^call_/, '')}` }),
    },
    body: JSON.stringify(error),
  };
}
