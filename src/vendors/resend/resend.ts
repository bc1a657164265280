/**
 * Resend: one object that wires the parts. The order of `read` is the order of trust: first that the
 * request has one reading, then what it is, then what it costs.
 */
import type { Refusal } from '../../errors.ts';
import type { JsonContent } from '../json-body.ts';
import type { Learned, Reading, Tariff, Vendor, VendorRequest } from '../vendor.ts';
import { conclude } from './conclude.ts';
import { renderRefusal } from './error-shape.ts';
import { outbound } from './headers.ts';
import { investigate } from './investigate.ts';
import { clueOfCall } from './listed.ts';
import type { Mail } from './mail.ts';
import { operationOf } from './operations.ts';
import { isWithheld, priceOf } from './prices.ts';
import { quote } from './quote.ts';
import { readContent } from './request.ts';

const HOUR_MS = 3_600_000;

/** Which mails of a batch must be valid for any to be sent: `strict` or `permissive`. */
const VALIDATION = 'x-batch-validation';

export const resend: Vendor = {
  name: 'resend',
  baseUrl: 'https://api.resend.com',
  credentialFields: ['secret'],
  /** Resend takes 40 MB with attachments; these are held in memory and read whole. */
  bodyLimit: 16 << 20,
  /** Resend keeps keys of mails for 24 hours, then a reuse is a new mail. */
  idempotencyWindowMs: 23 * HOUR_MS,
  /** A mail is scheduled for a minute later at the earliest; lists are filled within seconds. */
  firstLookMs: { held: 60_000, unknown: 20_000 },
  identityHeaders: [VALIDATION],
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
  const content = readContent(request);
  if ('code' in content) return content;
  const operation = operationOf(method, path);
  const quoted = quote(priceOf(method, operation), content, tariff);
  if ('code' in quoted) return quoted;
  const { kind } = quoted.quote;
  const sends = operation.template === '/emails' || operation.template === '/emails/batch';
  return {
    quote: quoted.quote,
    operation: operation.name,
    class: isWithheld(method, path) ? 'withheld' : kind === 'exact' ? 'priced' : kind,
    ...{ amount: null, currency: null, rate: null, customer: null, onBehalfOf: [], lookUp: null },
    objectId: operation.ids[0] ?? null,
    fields: fieldsOf(content, quoted.mails),
    canonicalBody: content.canonical,
    idempotency: method === 'GET' ? 'none' : sends ? 'vendor' : 'proxy',
    clue: clueOfRequest(request, quoted.mails),
  };
}

/** `recipients[0]`, …: to, cc and bcc of all the call's mails, so that one rule holds all of them. */
function fieldsOf({ fields }: JsonContent, mails: readonly Mail[]): Reading['fields'] {
  const recipients = mails.flatMap((mail) => mail.recipients);
  return new Map([
    ...fields,
    ...recipients.map((each, at): [string, string] => [`recipients[${at}]`, each]),
  ]);
}

function clueOfRequest({ path, headers }: VendorRequest, mails: readonly Mail[]): string | null {
  if (mails.length === 0) return null;
  if (path === '/emails') return clueOfCall('one', mails);
  return clueOfCall(headers.get(VALIDATION) === 'permissive' ? 'permissive' : 'batch', mails);
}

function learn(reading: Reading): Learned {
  return { quote: reading.quote };
}

function checkCredentials({ secret }: Readonly<Record<string, string>>): string | null {
  if (!secret) return 'secret is missing: a Resend API key, re_...';
  if (/^re_[A-Za-z0-9_]+$/.test(secret)) return null;
  return 'secret must be a Resend API key: re_ and the rest of it';
}
