/**
 * The catalogue: every way Keybrake says no, on either plane. docs/errors.md is held to it by a
 * test. A refusal is a value; proxy/answer.ts and control/problem.ts are the two places that
 * turn one into HTTP.
 */
import type { Micros } from './money.ts';

interface CatalogueEntry {
  status: number;
  /** What happened, in one line, without detail of the call. */
  title: string;
  /** What the reader can do about it. */
  remedy: string;
  /** Whether sending the very same request again can ever succeed. */
  retryable: boolean;
  /** Whether money stays counted against the budget after this answer. */
  held: boolean;
}

const entry = (
  status: number,
  title: string,
  remedy: string,
  options: { retryable?: boolean; held?: boolean } = {},
): CatalogueEntry => ({
  status,
  title,
  remedy,
  retryable: options.retryable ?? false,
  held: options.held ?? false,
});

export const CATALOGUE = {
  key_unknown: entry(401, 'No such vault key', 'Issue a key with POST /vault/keys.'),
  key_revoked: entry(401, 'The vault key was revoked', 'Stop the run; issue a key for a new one.'),
  key_expired: entry(
    401,
    'The vault key has expired',
    'Issue a new key, or give it a later expiry.',
  ),
  vendor_not_allowed: entry(
    403,
    'The key is not for this vendor or account',
    'Use a key issued for this vendor, or store the account.',
  ),
  endpoint_not_allowed: entry(
    403,
    'The key does not allow this endpoint',
    'Add the endpoint to allowed_endpoints, or leave it.',
  ),
  scope_not_allowed: entry(
    403,
    'The key does not allow this value',
    'Send a value that the key allows, or issue a key that allows this one.',
  ),
  unpriced: entry(
    403,
    'The cost of this call cannot be known before it is sent',
    'Use a call with a stated amount in a currency that has a rate.',
  ),
  frozen: entry(403, 'The vendor or everything is frozen', 'Wait for the operator to unfreeze.'),
  cap_exceeded: entry(
    429,
    'The call does not fit what is left of the cap',
    'Stop the run, or have the operator raise the cap.',
  ),
  call_cap_exceeded: entry(
    429,
    'The call costs more than one call may',
    'Send a smaller amount, or raise per_call_usd_cap.',
  ),
  call_limit_reached: entry(
    429,
    'The key has used all its calls',
    'Stop the run, or issue a key with more max_calls.',
  ),
  rate_limited: entry(429, 'Calls come faster than the key allows', 'Wait for Retry-After.', {
    retryable: true,
  }),
  request_ambiguous: entry(
    400,
    'The request has two readings',
    'Write the request in the one plain form that the message names.',
  ),
  idempotency_mismatch: entry(
    400,
    'The idempotency key was used for another request',
    'Use a new idempotency key for a new request.',
  ),
  idempotency_in_flight: entry(
    409,
    'The first call with this idempotency key is still running',
    'Retry with the same key a little later.',
    { retryable: true, held: true },
  ),
  body_too_large: entry(413, 'The request body is too large', 'Send a smaller body.'),
  vendor_unreachable: entry(
    502,
    'The vendor could not be reached; nothing was sent',
    'Retry; nothing was counted.',
    { retryable: true },
  ),
  outcome_unknown: entry(
    504,
    'The call was sent and no usable answer came back',
    'Retry with the same idempotency key, or look at the vendor; what was held stays counted.',
    { retryable: true, held: true },
  ),
  ledger_unavailable: entry(
    503,
    'The ledger cannot be written, so no call may start',
    'Look at the server log and `keybrake doctor`; retry later.',
    { retryable: true },
  ),
  invalid_request: entry(400, 'The request is not valid', 'Correct the fields that are named.'),
  unauthorized: entry(
    401,
    'No valid management key',
    'Send Authorization: Bearer with a management key.',
  ),
  forbidden: entry(403, 'The role of this key does not allow that', 'Use a key of a higher role.'),
  not_found: entry(404, 'There is nothing here', 'Look at /vault/openapi.json for what there is.'),
  method_not_allowed: entry(405, 'The resource has no such method', 'Use a method it allows.'),
  conflict: entry(409, 'That does not fit what is stored', 'Look at the detail.'),
  internal: entry(500, 'A fault of Keybrake', 'Report it with the request id in the log.'),
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof CATALOGUE;

/** A cap that a call would break, as it stood at the decision. Micro-dollars. */
export interface CapReport {
  /** `daily`, `total`, or `per_call`. */
  kind: 'daily' | 'total' | 'per_call';
  /** The key whose cap it is: the call's own or an ancestor. */
  keyId: bigint;
  cap: Micros;
  spent: Micros;
  held: Micros;
  needed: Micros;
}

/** Why a call or request was not carried out. The message is public: it carries no secret. */
export interface Refusal {
  code: ErrorCode;
  message: string;
  cap?: CapReport;
  /** Seconds after which the same call may fit; absent when waiting cannot help. */
  retryAfterS?: number;
  /** What to do where a retry cannot help, though with others of the code it can. */
  remedy?: string;
}

export function refusal(code: ErrorCode, message: string): Refusal {
  return { code, message };
}

/** The codes that mean "the brake was hit on purpose": answered with `X-Keybrake-Cap-Hit: true`. */
export function isCapHit(code: ErrorCode): boolean {
  return code === 'cap_exceeded' || code === 'call_cap_exceeded' || code === 'call_limit_reached';
}
