/**
 * The shape of a request to Stripe: which methods, content types and headers have one reading, and
 * the fields it carries. Refuses before anybody asks what the request means.
 */
import type { Refusal } from '../../errors.ts';
import { methodOverride } from '../headers.ts';
import { readJsonBody } from '../json-body.ts';
import { ambiguous, faultInEncoding, textOf } from '../one-reading.ts';
import type { VendorRequest } from '../vendor.ts';
import { type Fields, parseForm } from './form.ts';

export interface Content {
  fields: Fields;
  /** One text for all spellings of a body that is no form (v2 takes JSON); null for a form. */
  raw: string | null;
}

const METHODS = ['GET', 'POST', 'DELETE'];
const FORM = /^application\/x-www-form-urlencoded(?:\s*;\s*charset="?utf-8"?)?$/i;

export function readFields(request: VendorRequest): Content | Refusal {
  const { method, path, query, headers, body } = request;
  if (!METHODS.includes(method)) {
    return ambiguous(`Stripe has no such method; use ${METHODS.join(', ')}`);
  }
  const override = methodOverride(headers);
  if (override) return ambiguous(`\`${override}\` names another method; leave it out`);
  if (path.startsWith('/v2/') && method === 'POST') return readJson(request);

  const fault = faultInBody(request);
  if (fault !== null) return ambiguous(fault);
  const text = textOf(body);
  if (text === null) return ambiguous('the body is not UTF-8; percent-encode it');
  const fields = parseForm([query, text]);
  if ('code' in fields) return fields;
  if (fields.has('key')) {
    return ambiguous('`key` is a credential; it goes into the Authorization header alone');
  }
  if (method === 'POST') {
    const inQuery = onlyExpands(query);
    if (inQuery !== null) return inQuery;
  }
  return { fields, raw: null };
}

function faultInBody({ method, query, headers, body }: VendorRequest): string | null {
  if (body.length === 0) return null;
  if (method === 'GET') return 'a GET has no body; put its fields into the query';
  if (method === 'DELETE' && query !== '') {
    return 'a DELETE has its fields in the query or in the body, not in both';
  }
  return faultInEncoding(headers) ?? faultInType(headers.get('content-type'));
}

function faultInType(type: string | undefined): string | null {
  if (type !== undefined && FORM.test(type.trim())) return null;
  return 'the body must be form-encoded; send `content-type: application/x-www-form-urlencoded`';
}

/** A POST takes its fields from the body; `expand` changes only how the reply looks. */
function onlyExpands(query: string): Refusal | null {
  const fields = parseForm([query]);
  if ('code' in fields) return fields;
  for (const name of fields.keys()) {
    if (!name.startsWith('expand[')) {
      return ambiguous('a POST has its fields in the body; move them there from the query');
    }
  }
  return null;
}

/** v2 takes JSON: the fields by their names in brackets (`amount[value]`), as those of a form. */
function readJson({ query, headers, body }: VendorRequest): Content | Refusal {
  if (query !== '') return ambiguous('a POST has its fields in the body; leave the query out');
  const content = readJsonBody({ headers, body });
  if ('code' in content) return content;
  return { fields: content.fields, raw: content.canonical };
}
