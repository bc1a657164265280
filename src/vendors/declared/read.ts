/**
 * What a request means by a description: which endpoint it is, what it costs, what identifies it.
 * The order is that of trust: first that there is one reading, then what it is, then what it costs.
 */
import { hash } from 'node:crypto';
import type { Refusal } from '../../errors.ts';
import { NumberText } from '../../json-scan.ts';
import type { Json } from '../json-body.ts';
import { ambiguous } from '../one-reading.ts';
import type { OperationClass, Quote, Reading, Tariff, VendorRequest } from '../vendor.ts';
import { measure, type Stated } from './measure.ts';
import { only, type Path, select } from './path.ts';
import { type Content, faultInHeaders, readContent } from './request.ts';
import type { Endpoint } from './schema.ts';
import type { Rules } from './vendor-rules.ts';

const MAX_ID = 255;
/** A clue is for whoever looks for the call at the vendor; the hash tells twins apart. */
const MAX_CLUE = 200;

export function read(rules: Rules, request: VendorRequest, tariff: Tariff): Reading | Refusal {
  const { method, path, headers } = request;
  const fault = faultInHeaders(rules, request);
  if (fault !== null) return fault;
  const found = rules.find(method, path);
  const endpoint = found?.endpoint ?? null;
  const priced = typeof endpoint?.quote === 'object';
  const content = readContent(rules, request, priced);
  if ('code' in content) return content;
  const quoted = quoteOf(rules, request, endpoint, content, tariff);
  if ('code' in quoted) return quoted;
  const { quote, stated } = quoted;
  const { document, fields, canonical } = content;
  return {
    operation: endpoint?.name ?? null,
    class: classOf(rules, endpoint, quote),
    quote,
    amount: stated?.amount ?? null,
    currency: stated?.currency ?? null,
    rate: stated?.rate ?? null,
    objectId: found?.id ?? null,
    customer: endpoint?.customer ? textAt(endpoint.customer, document, MAX_ID) : null,
    fields,
    canonicalBody: canonical,
    idempotency: idempotencyOf(rules, method, endpoint),
    onBehalfOf: (rules.description.headers?.on_behalf_of ?? []).flatMap((header) => {
      const value = headers.get(header);
      return value === undefined ? [] : [{ header, value }];
    }),
    lookUp: null,
    clue: endpoint?.clue ? clueOf(endpoint.clue, content) : null,
  };
}

function quoteOf(
  rules: Rules,
  { method, path }: VendorRequest,
  endpoint: Endpoint | null,
  { document }: Content,
  tariff: Tariff,
): { quote: Quote; stated?: Stated | undefined } | Refusal {
  if (endpoint === null) {
    const { vendor } = rules.description;
    return { quote: unpriced(`${method} ${path} is not in the description of ${vendor}`) };
  }
  const { quote } = endpoint;
  if (endpoint.class === 'free' || quote === 'free') return { quote: { kind: 'free' } };
  if (quote === undefined) return { quote: unpriced('nothing in the request tells it') };
  const uncounted = uncountedField(quote.unless, document);
  if (uncounted !== null) return 'code' in uncounted ? uncounted : { quote: uncounted };
  const measured = measure(quote.rule, document, tariff, rules.prices);
  if ('ambiguous' in measured) return ambiguous(measured.ambiguous);
  if ('unknown' in measured) return { quote: unpriced(measured.unknown) };
  return { quote: { kind: quote.kind, micros: measured.micros }, stated: measured.stated };
}

/** With a field that adds to the cost in a way that the description does not count. */
function uncountedField(unless: readonly Path[], document: Json): Quote | Refusal | null {
  for (const path of unless) {
    const found = select(path, document);
    if ('fault' in found) return ambiguous(found.fault);
    if (found.values.length > 0) return unpriced(`\`${path.text}\` adds what is not counted`);
  }
  return null;
}

function unpriced(why: string): Quote {
  return { kind: 'unpriced', reason: `The cost cannot be known before it is sent: ${why}.` };
}

function classOf(rules: Rules, endpoint: Endpoint | null, quote: Quote): OperationClass {
  if (endpoint === null) return rules.description.unlisted ?? 'unpriced';
  return endpoint.class === 'priced' && quote.kind === 'unpriced' ? 'unpriced' : endpoint.class;
}

/** A read that costs nothing repeats nothing; of the rest the vendor knows twins, or we alone do. */
function idempotencyOf(
  { description }: Rules,
  method: string,
  endpoint: Endpoint | null,
): Reading['idempotency'] {
  const priced = typeof endpoint?.quote === 'object';
  if ((method === 'GET' || method === 'HEAD') && !priced) return 'none';
  const byVendor = description.idempotency !== 'none' && endpoint?.idempotency !== 'none';
  return priced && byVendor ? 'vendor' : 'proxy';
}

function textAt(path: Path, document: Json, longest: number): string | null {
  const value = only(path, document);
  const text = value instanceof NumberText ? value.source : value;
  return typeof text === 'string' && text !== '' && text.length <= longest ? text : null;
}

function clueOf(paths: readonly Path[], { document, canonical }: Content): string {
  const texts = paths.flatMap((path) => {
    const found = select(path, document);
    const values = 'values' in found ? found.values : [];
    return values.filter((value) => typeof value === 'string');
  });
  return `${texts.join(' | ').slice(0, MAX_CLUE)} #${hash('sha256', canonical, 'hex').slice(0, 16)}`;
}
