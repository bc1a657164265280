/**
 * The shape of a request to Stripe: which methods, content types and headers have one reading, and
 * the fields it carries. Refuses before anybody asks what the request means.
 */
import type { Refusal } from '../../errors.ts';
import { type Dialect, type Fields, faultInFormType, parseForm } from '../form.ts';
import { methodOverride } from '../headers.ts';
import { readJsonBody } from '../json-body.ts';
import { ambiguous, faultInEncoding, textOf } from '../one-reading.ts';
import type { VendorRequest } from '../vendor.ts';

export interface Content {
  fields: Fields;
  /** One text for all spellings of a body that is no form (v2 takes JSON); null for a form. */
  raw: string | null;
}

/**
 * A name as the API has them: `amount`, `metadata[order id]`, `items[0][price]`, `expand[]`.
 * Rack-style oddities (`[amount]`, `amount]`, ` amount`) are not; nor are names that begin with an
 * underscore, which Stripe and its web framework give a meaning of their own (`_method`,
 * `_stripe_account`); nor upper case, so that no spelling of `amount` passes for another field.
 */
export const STRIPE_FORM: Dialect = {
  name: /^[a-z][a-z0-9_]*(?:\[[^[\]\x00-\x1f\x7f]*\])*$/,
  plain: '`name` or `name[...]` in lower case',
  lists: new Set(),
};

const METHODS = ['GET', 'POST', 'DELETE'];

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
  const fields = parseForm([query, text], STRIPE_FORM);
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
  return faultInEncoding(headers) ?? faultInFormType(headers);
}

/** A POST takes its fields from the body; `expand` changes only how the reply looks. */
function onlyExpands(query: string): Refusal | null {
  const fields = parseForm([query], STRIPE_FORM);
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
