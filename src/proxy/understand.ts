/**
 * Step 4, understand: what the request means to its vendor, and the identity by which a repetition
 * of it is known. Ends in an admission, the plain value that the ledger decides on.
 */
import { hash } from 'node:crypto';
import { type Refusal, refusal } from '../errors.ts';
import {
  type Admission,
  type CallContext,
  type KeyIdentity,
  namesAttempt,
} from '../ledger/ledger.ts';
import { holdsOwnCredential } from '../secrecy.ts';
import { keyPrice } from '../vendors/endpoints.ts';
import {
  isRefusal,
  type Quote,
  type Reading,
  type Tariff,
  type VendorRequest,
} from '../vendors/vendor.ts';
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
  idempotency: 'none',
  onBehalfOf: [],
  lookUp: null,
  rate: null,
  clue: null,
};

export interface Understood {
  readonly request: VendorRequest;
  readonly reading: Reading;
  readonly tariff: Tariff;
  readonly admission: Admission;
  /** The key says what the call costs, because nobody else does. */
  readonly pricedByKey: boolean;
}

export interface Question {
  id: bigint;
  at: number;
  key: KeyIdentity;
  route: Route;
  request: VendorRequest;
  context: CallContext;
  tariff: Tariff;
  /** Why the call must be refused whatever it means. */
  fault: Refusal | null;
}

export function understand(question: Question): Understood {
  const { id, at, key, route, request, context, tariff } = question;
  const read = question.fault ?? route.refusal ?? readWithoutKeys(route, request, tariff);
  const reading = isRefusal(read) ? UNREAD : read;
  const idempotencyKey =
    reading.idempotency === 'none' ? null : keyIn(route.vendor.idempotencyHeader, request);
  const priced = pricedByKey(key, request, reading);
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
    quote: priced ?? reading.quote,
    amount: reading.amount,
    currency: reading.currency,
    objectId: reading.objectId,
    customer: reading.customer,
    idempotencyKey,
    fingerprint: hasIdentity(reading, context, idempotencyKey)
      ? fingerprint(route, request, reading)
      : null,
    idempotencyWindowMs: reading.idempotency === 'vendor' ? route.vendor.idempotencyWindowMs : 0,
    onBehalfOf: reading.onBehalfOf[0]?.value ?? null,
    rateDate: reading.rate?.date ?? null,
    clue: reading.clue,
    facts: [],
    canAsk: reading.lookUp !== null,
    refusal: isRefusal(read)
      ? read
      : (outOfScope(route, request, reading) ?? objection(key, reading, idempotencyKey)),
    unheard: false,
    waited: false,
    holds: 'wait',
  };
  return { request, reading, tariff, admission, pricedByKey: priced !== null };
}

/** Whether a repetition of the call can be known: by the client's key, or by its task's attempts. */
function hasIdentity(
  { idempotency }: Reading,
  context: CallContext,
  idempotencyKey: string | null,
): boolean {
  if (idempotency === 'none') return false;
  return idempotencyKey !== null || namesAttempt(context);
}

/** By the vendor's own header when it has another than everybody's. */
function keyIn(header: string | undefined, { headers }: VendorRequest): string | null {
  const own = header === undefined ? undefined : headers.get(header);
  return own ?? headers.get('idempotency-key') ?? null;
}

/** The key's price for a call that has none of its own; null: it has one, or none may stand in. */
export function pricedByKey(
  key: KeyIdentity,
  { method, path }: VendorRequest,
  { operation, quote }: Pick<Reading, 'operation' | 'quote'>,
): Quote | null {
  if (quote.kind !== 'unpriced' || quote.noKeyPrice) return null;
  const micros = keyPrice(key.prices, { method, path, operation });
  return micros === null ? null : { kind: 'estimated', micros };
}

/** What the request means, unless it would hand one of our keys to the vendor. */
function readWithoutKeys(
  { vendor }: Route,
  request: VendorRequest,
  tariff: Tariff,
): Reading | Refusal {
  const reading = vendor.read(request, tariff);
  if (isRefusal(reading)) return reading;
  // Every field is in the canonical body, and no letter of a credential is escaped there.
  if (!holdsOwnCredential(reading.canonicalBody)) return reading;
  const message = 'A credential stands in a field; it goes into Authorization alone.';
  return refusal('request_ambiguous', message);
}

function outOfScope(
  { vendor, account }: Route,
  request: VendorRequest,
  reading: Reading,
): Refusal | null {
  return (account && vendor.checkScope?.(request, reading, account)) ?? null;
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
  for (const { header, value } of reading.onBehalfOf) {
    if (key.onBehalfOf.includes(value)) continue;
    const allowed = key.onBehalfOf.join(', ') || 'none';
    const message = `The header ${header} chooses whose money it is; this key allows ${allowed}.`;
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
