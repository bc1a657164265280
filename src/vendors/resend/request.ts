/**
 * The shape of a request to Resend: which methods, content types and headers have one reading, and
 * the JSON it carries. Refuses before anybody asks what the request means.
 */
import type { Refusal } from '../../errors.ts';
import { methodOverride } from '../headers.ts';
import { type JsonContent, readJsonBody } from '../json-body.ts';
import { ambiguous } from '../one-reading.ts';
import type { VendorRequest } from '../vendor.ts';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

export function readContent(request: VendorRequest): JsonContent | Refusal {
  const { method, query, headers } = request;
  if (!METHODS.includes(method)) {
    return ambiguous(`Resend has no such method; use ${METHODS.join(', ')}`);
  }
  const override = methodOverride(headers);
  if (override) return ambiguous(`\`${override}\` names another method; leave it out`);
  const content = readJsonBody(request);
  if ('code' in content) return content;
  if (method !== 'GET') {
    return query === ''
      ? content
      : ambiguous(`a ${method} has its fields in the body; leave the query out`);
  }
  // resend-python sends `{}` with every GET.
  if (content.canonical !== '' && content.canonical !== '{}') {
    return ambiguous('a GET has no body; put its fields into the query');
  }
  const plain = decoded(query);
  return plain === null
    ? ambiguous('the query is not percent-encoded UTF-8; encode it anew')
    : { ...content, canonical: plain };
}

function decoded(query: string): string | null {
  try {
    return decodeURIComponent(query);
  } catch {
    return null;
  }
}
