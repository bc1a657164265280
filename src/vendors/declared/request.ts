/**
 * The shape of a request to a described vendor: its headers, its query and its body have one
 * reading, or it is refused before anybody asks what it means.
 */
import type { Refusal } from '../../errors.ts';
import { canonicalForm, type Dialect, type Fields, faultInFormType, parseForm } from '../form.ts';
import { type Json, readJsonBody } from '../json-body.ts';
import { ambiguous, faultInEncoding, textOf } from '../one-reading.ts';
import type { VendorRequest } from '../vendor.ts';
import { formTree } from './document.ts';
import type { Rules } from './vendor-rules.ts';

export interface Content {
  /** Of the query and the body, by flat names. */
  readonly fields: Fields;
  /** The body; the query of a request without one. Null when there is neither. */
  readonly document: Json;
  /** One text for all spellings of one body. */
  readonly canonical: string;
}

/** Any name of today's APIs; `_method` is a second method to some frameworks. */
const NAME = /^(?!_method(?:\[|$))[A-Za-z_$@][A-Za-z0-9_$@.:-]*(?:\[[^[\]\x00-\x1f\x7f]*\])*$/;

const NO_BODY = ['GET', 'HEAD'];

/** `priced`: whether the call costs, and its fields must be where the price is read from. */
export function readContent(
  rules: Rules,
  request: VendorRequest,
  priced: boolean,
): Content | Refusal {
  const { method, query, body } = request;
  const reads = NO_BODY.includes(method);
  if (reads && body.length > 0) {
    return ambiguous(`a ${method} has no body; put its fields into the query`);
  }
  const dialect = dialectOf(rules);
  const inQuery = readForm(query, dialect);
  if ('code' in inQuery) return inQuery;
  if (reads) return { fields: inQuery, document: formTree(inQuery), canonical: '' };
  if (priced && inQuery.size > 0) {
    return ambiguous(`a ${method} that costs has its fields in the body; leave the query out`);
  }
  const inBody =
    rules.description.body === 'json' ? readJsonBody(request) : readFormBody(request, dialect);
  if ('code' in inBody) return inBody;
  for (const name of inQuery.keys()) {
    if (inBody.fields.has(name)) return ambiguous('a field stands in the query and in the body');
  }
  const { fields, canonical, value } = inBody;
  return { fields: new Map([...inQuery, ...fields]), document: value, canonical };
}

/**
 * A credential of the client's own, beside or in place of the vault key, or a header that the
 * description refuses. Its value is never repeated.
 */
export function faultInHeaders(
  { authHeaders, description }: Rules,
  { headers }: VendorRequest,
): Refusal | null {
  for (const name of authHeaders) {
    const value = headers.get(name);
    if (value === undefined || value.trim().startsWith('vault_key_')) continue;
    return ambiguous(`the header ${name} has a credential that is no vault key; leave it out`);
  }
  const refused = description.headers?.refuse?.find((name) => headers.has(name));
  if (refused)
    return ambiguous(`the header ${refused} is not taken beside a vault key; leave it out`);
  if (typeof description.idempotency !== 'object') return null;
  const own = headers.get(description.idempotency.header);
  const general = headers.get('idempotency-key');
  if (own === undefined || general === undefined || own === general) return null;
  return ambiguous(`Idempotency-Key and ${description.idempotency.header} differ; send one`);
}

function dialectOf({ description }: Rules): Dialect {
  const plain = '`name` or `name[...]`';
  return { name: NAME, plain, lists: new Set(description.lists) };
}

function readFormBody(
  request: VendorRequest,
  dialect: Dialect,
): { fields: Fields; canonical: string; value: Json } | Refusal {
  const { headers, body } = request;
  if (body.length === 0) return { fields: new Map(), canonical: '', value: null };
  const fault = faultInEncoding(headers) ?? faultInFormType(headers);
  if (fault !== null) return ambiguous(fault);
  const text = textOf(body);
  if (text === null) return ambiguous('the body is not UTF-8; percent-encode it');
  const fields = readForm(text, dialect);
  if ('code' in fields) return fields;
  return { fields, canonical: canonicalForm(fields), value: formTree(fields) };
}

/** As strict over names in other letters as JSON bodies are. */
function readForm(text: string, dialect: Dialect): Fields | Refusal {
  const fields = parseForm([text], dialect);
  if ('code' in fields) return fields;
  const folded = new Set([...fields.keys()].map((name) => name.toLowerCase().toUpperCase()));
  if (folded.size === fields.size) return fields;
  return ambiguous('two names differ only in case; give the field once');
}

/** The document of a body by its canonical text: what `readContent` read before. */
export function documentOf(rules: Rules, canonical: string): Json {
  const body = Buffer.from(canonical);
  const json = rules.description.body === 'json';
  const type = json ? 'application/json' : 'application/x-www-form-urlencoded';
  const headers = new Map([['content-type', type]]);
  const request = { method: 'POST', path: '/', query: '', headers, body };
  const content = readContent(rules, request, false);
  return 'code' in content ? null : content.document;
}
