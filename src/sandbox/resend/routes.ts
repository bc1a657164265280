/** Which handler answers which call. */
import { RouteTable } from '../route-table.ts';
import {
  changeDomain,
  createApiKey,
  createDomain,
  deleteApiKey,
  deleteDomain,
  listApiKeys,
  listDomains,
  retrieveDomain,
} from './account.ts';
import type { Handler } from './context.ts';
import {
  cancelEmail,
  listEmails,
  rescheduleEmail,
  retrieveEmail,
  sendBatch,
  sendEmail,
} from './emails.ts';

export const ROUTES = new RouteTable<Handler>([
  ['POST /emails', sendEmail],
  ['GET /emails', listEmails],
  ['POST /emails/batch', sendBatch],
  ['GET /emails/*', retrieveEmail],
  ['PATCH /emails/*', rescheduleEmail],
  ['POST /emails/*/cancel', cancelEmail],
  ['POST /api-keys', createApiKey],
  ['GET /api-keys', listApiKeys],
  ['DELETE /api-keys/*', deleteApiKey],
  ['POST /domains', createDomain],
  ['GET /domains', listDomains],
  ['GET /domains/*', retrieveDomain],
  ['PATCH /domains/*', changeDomain],
  ['POST /domains/*/verify', changeDomain],
  ['DELETE /domains/*', deleteDomain],
]);

/** Where an `Idempotency-Key` means something; elsewhere Resend ignores it. */
export function isDeduplicated(handler: Handler): boolean {
  return handler === sendEmail || handler === sendBatch;
}
