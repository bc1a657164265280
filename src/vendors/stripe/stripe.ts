/**
 * Stripe: one object that wires the parts. The order of `read` is the order of trust: first that
 * the request has one reading, then what it is, then what it costs.
 */
import type { Refusal } from '../../errors.ts';
import { canonicalForm, type Fields } from '../form.ts';
import type { OperationClass, Quote, Reading, Tariff, Vendor, VendorRequest } from '../vendor.ts';
import { conclude } from './conclude.ts';
import { minorUnit } from './currency.ts';
import { renderRefusal } from './error-shape.ts';
import { onBehalfOf, outbound } from './headers.ts';
import { FIRST_LOOK_MS, investigate } from './investigate.ts';
import { forLookUps, learn } from './learn.ts';
import { operationOf } from './operations.ts';
import { isUnread, priceOf } from './prices.ts';
import { isWithheld } from './reach.ts';
import { readFields } from './request.ts';
import { MAX_ID } from './rule.ts';

const CLASSES: Readonly<Record<Quote['kind'], OperationClass>> = {
  exact: 'priced',
  bounded: 'priced',
  estimated: 'priced',
  object: 'priced',
  free: 'free',
  unpriced: 'unpriced',
  ask: 'priced',
};

const HOUR_MS = 3_600_000;

export const stripe: Vendor = {
  name: 'stripe',
  baseUrl: 'https://api.stripe.com',
  credentialFields: ['secret'],
  /** The longest real forms, invoices of hundreds of lines, stay below 100 kB. */
  bodyLimit: 1 << 20,
  /** Stripe keeps v1 keys for 24 hours at least, then a reuse is a new request. */
  idempotencyWindowMs: 23 * HOUR_MS,
  firstLookMs: FIRST_LOOK_MS,
  identityHeaders: ['stripe-account', 'stripe-context', 'stripe-version'],
  read,
  outbound,
  conclude,
  learn,
  investigate,
  renderRefusal,
  checkCredentials,
};

function read(request: VendorRequest, tariff: Tariff): Reading | Refusal {
  const { method, path } = request;
  const content = readFields(request);
  if ('code' in content) return content;
  const { fields } = content;
  const operation = operationOf(method, path);
  const subject = operation.ids[0] ?? null;
  const headers = forLookUps(request.headers);
  const rule = priceOf(method, operation);
  const priced = rule.price({ subject, fields, tariff, headers });
  if ('code' in priced) return priced;
  const { quote, amount, currency, lookUp } = priced;
  const withheld =
    isWithheld(method, path, operation) || isUnread(method, path, operation) || priced.commits;
  return {
    ...{ quote, amount, currency, lookUp },
    rate: currency === null ? null : (minorUnit(currency, tariff)?.rate ?? null),
    operation: operation.name,
    class: withheld ? 'withheld' : CLASSES[quote.kind],
    objectId: subject ?? idIn(fields, 'payment_intent') ?? idIn(fields, 'charge'),
    customer: path.startsWith('/v1/customers/') ? subject : idIn(fields, 'customer'),
    fields,
    canonicalBody: content.raw ?? canonicalForm(fields),
    idempotency: isIdempotent(method, path) ? 'vendor' : 'none',
    onBehalfOf: onBehalfOf(request),
    clue: null,
  };
}

/** An id for the row; what cannot be one is not stored. */
function idIn(fields: Fields, name: string): string | null {
  const text = fields.get(name);
  return text !== undefined && text.length <= MAX_ID ? text : null;
}

/** v1 executes a key once for a POST, v2 for a DELETE too; elsewhere the header is ignored. */
function isIdempotent(method: string, path: string): boolean {
  if (path.startsWith('/v1/')) return method === 'POST';
  return path.startsWith('/v2/') && (method === 'POST' || method === 'DELETE');
}

function checkCredentials({ secret }: Readonly<Record<string, string>>): string | null {
  if (!secret) return 'secret is missing: a Stripe secret key, sk_... or rk_...';
  if (/\s/.test(secret)) return 'secret has a blank or a line break in it';
  if (secret.startsWith('sk_org_')) {
    return 'secret is an organisation key, which acts on many accounts; use the key of one';
  }
  if (secret.startsWith('pk_')) return 'secret is a publishable key; use the secret key, sk_...';
  if (/^[sr]k_(?:test|live)_[A-Za-z0-9_]+$/.test(secret)) return null;
  return 'secret must be a Stripe key: sk_test_, sk_live_, rk_test_ or rk_live_ and the rest of it';
}
