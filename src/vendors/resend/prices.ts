/**
 * Which operations cost something, and which a key reaches only by name: the tables. A row is a
 * whole path, never the beginning of one; a change that has no row has no price, so an operation
 * that Resend adds is refused until somebody has read it.
 */
import { foldedPath } from '../folded-path.ts';
import type { Operation } from './operations.ts';

/** How quote.ts finds what a call costs. */
export type Pricing =
  /** Nothing: it sends no mail. */
  | { by: 'nothing' }
  /** Each recipient of the mail in the body, or of each mail in the list there. */
  | { by: 'mail' }
  | { by: 'mails' }
  /** Nothing as long as the body has no other fields than these: with them it is another request. */
  | { by: 'fields'; allowed: readonly string[] }
  /** Nothing, unless the broadcast is to be sent at once. */
  | { by: 'draft' }
  /** It cannot be known. */
  | { by: 'resend'; why: string };

const nothing: Pricing = { by: 'nothing' };
const commits: Pricing = { by: 'resend', why: 'it makes mail be sent later, to whom is not said' };
const audience: Pricing = {
  by: 'resend',
  why: 'how many the mail goes to is known to Resend alone',
};

const ROWS: ReadonlyMap<string, Pricing> = new Map<string, Pricing>([
  ['POST /emails', { by: 'mail' }],
  ['POST /emails/batch', { by: 'mails' }],
  ['PATCH /emails/{id}', { by: 'fields', allowed: ['scheduled_at'] }],
  ['POST /emails/{id}/cancel', nothing],
  ['POST /broadcasts', { by: 'draft' }],
  ['PATCH /broadcasts/{id}', { by: 'draft' }],
  ['POST /broadcasts/{id}/send', audience],
  ['POST /events/send', { by: 'resend', why: 'the event starts automations, which send mail' }],
  // automations: running ones send mail out of Keybrake's sight
  ['POST /automations', commits],
  ['PATCH /automations/{id}', commits],
  ['POST /automations/{id}/duplicate', commits],
  ...free('POST /automations/{id}/stop', 'DELETE /automations/{id}'),
  // lists, texts and records
  ...free('POST /broadcasts/{id}/cancel', 'POST /broadcasts/{id}/duplicate'),
  ...free('DELETE /broadcasts/{id}', 'POST /templates/{id}/publish'),
  ...free('POST /templates/{id}/duplicate', 'POST /suppressions/batch/add'),
  ...free('POST /suppressions/batch/remove', 'PATCH /contacts/{id}/topics'),
  ...free('POST /contacts/{id}/segments/{id}', 'DELETE /contacts/{id}/segments/{id}'),
  ...records('/contacts', '/audiences', '/audiences/{id}/contacts', '/segments', '/topics'),
  ...records('/contact-properties', '/templates', '/events', '/suppressions'),
  // guarded below
  ...free('POST /emails/{id}/share', 'DELETE /oauth/grants/{id}', 'POST /domains/claim'),
  ...free('POST /domains/{id}/verify', 'POST /domains/{id}/claim/verify'),
  ...records('/api-keys', '/domains', '/webhooks'),
]);

/**
 * What leaks secrets or moves control, whatever the method: the resource and all below it. A key
 * reaches it only by an endpoint of its own.
 */
const GUARDED: ReadonlySet<string> = new Set([
  'api-keys', // answers with a token that knows no cap
  'domains', // who may send as whom
  'webhooks', // where copies go, and their signing secrets
  'oauth', // what other programs may do
  'logs', // the bodies of all requests and answers, tokens among them
]);

/** What finds the call's price. */
export function priceOf(method: string, { template }: Operation): Pricing {
  if (method === 'GET') return nothing;
  if (template === null) return { by: 'resend', why: 'the path is not one of the API' };
  const why = `${method} ${template} has no row in the price list`;
  return ROWS.get(`${method} ${template}`) ?? { by: 'resend', why };
}

/** Whether a key without allowed_endpoints must not reach the operation. */
export function isWithheld(method: string, path: string): boolean {
  const [resource = '', , action] = foldedPath(path);
  if (GUARDED.has(resource)) return true;
  if (resource === 'automations') return method !== 'GET';
  // A link by which anyone may read the mail.
  return resource === 'emails' && action === 'share';
}

function free(...rows: string[]): [string, Pricing][] {
  return rows.map((row) => [row, nothing]);
}

/** Made, changed and removed without cost. */
function records(...collections: string[]): [string, Pricing][] {
  return collections.flatMap((each) =>
    free(`POST ${each}`, `PATCH ${each}/{id}`, `DELETE ${each}/{id}`),
  );
}
