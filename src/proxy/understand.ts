/**
 * Step 4, understand: what the request means to its vendor, and the identity by which a repetition
 * of it is known. Ends in an admission, the plain value that the ledger decides on.
 */
import { hash } from 'node:crypto';
import { type Refusal, refusal } from '../errors.ts';
import type { Admission, CallContext, KeyIdentity } from '../ledger/ledger.ts';
import { holdsOwnCredential } from '../secrecy.ts';
import { isRefusal, type Reading, type VendorRequest } from '../vendors/vendor.ts';
import type { Route } from './route.ts';
import { brokenRule } from './rules.ts';

/** Stripe's limit, and the longest of the three vendors'. */
const MAX_IDEMPOTENCY_KEY = 255;

/** What could be read when the request could not: nothing that costs, nothing that repeats. */
const UNREAD: Reading = {
  operation: null,
  class: 'unpriced',
  quote: { kind: 'free' },
  amount: null,
  currency: null,
  objectId: null,
  customer: null,
  fields: new Map(),
  canonicalBody: '',
  idempotent: false,
  onBehalfOf: [],
};

export interface Understood {
  readonly request: VendorRequest;
  readonly reading: Reading;
  readonly admission: Admission;
}

export interface Question {
  id: bigint;
  at: number;
  key: KeyIdentity;
  route: Route;
  request: VendorRequest;
  context: CallContext;
  /** Why the call must be refused whatever it means. */
  fault: Refusal | null;
}

export function understand(question: Question): Understood {
  const { id, at, key, route, request, context } = question;
  const read = question.fault ?? route.refusal ?? readWithoutKeys(route, request);
  const reading = isRefusal(read) ? UNREAD : read;
  const idempotencyKey = reading.idempotent
    ? (request.headers.get('idempotency-key') ?? null)
    : null;
  const admission: Admission = {
    ...context,
    id,
    at,
    keyId: key.id,
    vendor: route.vendor.name,
    account: key.account,
    method: request.method,
    path: request.path,
    operation: reading.operation,
    class: reading.class,
    quote: reading.quote,
    amount: reading.amount,
    currency: reading.currency,
    objectId: reading.objectId,
    customer: reading.customer,
    idempotencyKey,
    fingerprint: idempotencyKey === null ? null : fingerprint(route, request, reading),
    idempotencyWindowMs: route.vendor.idempotencyWindowMs,
    refusal: isRefusal(read) ? read : objection(key, reading, idempotencyKey),
    waited: false,
  };
  return { request, reading, admission };
}

/** What the request means, unless it would hand one of our keys to the vendor. */
function readWithoutKeys({ vendor }: Route, request: VendorRequest): Reading | Refusal {
  const reading = vendor.read(request);
  if (isRefusal(reading)) return reading;
  // Every field is in the canonical body, and no letter of a credential is escaped there.
  if (!holdsOwnCredential(reading.canonicalBody)) return reading;
  const message = 'A credential stands in a field; it goes into Authorization alone.';
  return refusal('request_ambiguous', message);
}

function objection(
  key: KeyIdentity,
  reading: Reading,
  idempotencyKey: string | null,
): Refusal | null {
  if (idempotencyKey !== null && !/^[\x20-\x7e]{1,255}$/.test(idempotencyKey)) {
    const message = `Idempotency-Key must be 1 to ${MAX_IDEMPOTENCY_KEY} printable characters.`;
    return refusal('request_ambiguous', message);
  }
  const scope = reading.onBehalfOf[0];
  if (scope) {
    const message = `The header ${scope.header} chooses whose money it is; this key allows none.`;
    return refusal('scope_not_allowed', message);
  }
  return brokenRule(key.params, reading);
}

/** Equal for two requests that mean the same: what the vendor itself would compare. */
function fingerprint(route: Route, request: VendorRequest, reading: Reading): string {
  const parts = [request.method, request.path, request.query, reading.canonicalBody];
  for (const name of route.vendor.identityHeaders) parts.push(request.headers.get(name) ?? '');
  return hash('sha256', parts.join('\n'), 'base64url');
}
