/**
 * What a reply means for the money by a description. Money comes back only on proof: a 4xx is a
 * rejection (408 is not), a 5xx proves nothing, and a 2xx that does not say what it must say stays counted.
 * Never throws.
 */
import { NumberText } from '../../json-scan.ts';
import type { Micros } from '../../money.ts';
import { asList, asObject, type Json } from '../json-body.ts';
import { isRejection, readExactJson } from '../reply.ts';
import type { Conclusion, Reading, Tariff, VendorReply } from '../vendor.ts';
import { treeOf } from './document.ts';
import { type Measure, measure } from './measure.ts';
import { only, type Path, select } from './path.ts';
import { documentOf } from './request.ts';
import type { Condition, Endpoint, Settle } from './schema.ts';
import type { Rules } from './vendor-rules.ts';

type End = Pick<Conclusion, 'outcome' | 'cost'>;

const UNKNOWN: End = { outcome: 'unknown', cost: null };
const RELEASED: End = { outcome: 'released', cost: null };
const MAX_ID = 255;

export function conclude(
  rules: Rules,
  reading: Reading,
  reply: VendorReply,
  tariff: Tariff,
): Conclusion {
  const { idempotency, request_id } = rules.description;
  const replayed = typeof idempotency === 'object' ? idempotency.replayed : undefined;
  const endpoint = rules.byName(reading.operation);
  const ends = endOf(rules, endpoint, reading, reply, tariff);
  const accepted = isAccepted(reply);
  return {
    ...ends,
    repeatable: accepted && reading.idempotency !== 'none',
    replayedByVendor: replayed !== undefined && reply.headers.get(replayed) === 'true',
    vendorRequestId: (request_id && reply.headers.get(request_id)?.slice(0, MAX_ID)) ?? null,
    vendorObjectId: accepted && endpoint !== null ? objectId(endpoint, reply) : null,
    objects: [],
  };
}

function isAccepted({ status }: VendorReply): boolean {
  return status >= 200 && status < 300;
}

function endOf(
  rules: Rules,
  endpoint: Endpoint | null,
  reading: Reading,
  reply: VendorReply,
  tariff: Tariff,
): End {
  if (isRejection(reply)) return RELEASED;
  if (reading.quote.kind === 'free') return settled(0n);
  // What the key prices, it settles.
  if (!isAccepted(reply) || endpoint === null || !('micros' in reading.quote)) return UNKNOWN;
  const settle = endpoint.settle ?? 'quote';
  if (settle === 'quote') return settled(reading.quote.micros);
  return bySettle(rules, settle, endpoint, reading, reply, tariff);
}

function settled(cost: Micros): End {
  return { outcome: 'settled', cost };
}

function bySettle(
  rules: Rules,
  settle: Settle,
  endpoint: Endpoint,
  reading: Reading,
  reply: VendorReply,
  tariff: Tariff,
): End {
  if (settle.status && !settle.status.includes(reply.status)) return UNKNOWN;
  const document = documentIn(reply);
  if (settle.where && !holds(settle.where, document)) return UNKNOWN;
  if (settle.later) {
    return objectId(endpoint, reply) === null ? UNKNOWN : { outcome: 'held', cost: null };
  }
  const quoted = 'micros' in reading.quote ? reading.quote.micros : null;
  const { cost = 'quote' } = settle;
  if (cost === 'nothing') return settled(0n);
  if (cost !== 'quote') return byMeasure(rules, cost, document, tariff);
  if (!settle.each) return quoted === null ? UNKNOWN : settled(quoted);
  const { quote } = endpoint;
  if (typeof quote !== 'object') return UNKNOWN;
  const taken = acceptedPart(settle.each, documentOf(rules, reading.canonicalBody), document);
  if (taken === null) return UNKNOWN;
  return taken === 'none' ? settled(0n) : byMeasure(rules, quote.rule, taken, tariff);
}

/** What a measure says of a reply; what it cannot tell proves nothing. */
export function byMeasure(rules: Rules, rule: Measure, document: Json, tariff: Tariff): End {
  const measured = measure(rule, document, tariff, rules.prices);
  return 'micros' in measured ? settled(measured.micros) : UNKNOWN;
}

/** The reply's JSON; null when it is none, or so deep that no vendor's is. */
export function documentIn(reply: VendorReply): Json {
  try {
    return treeOf(readExactJson(reply));
  } catch {
    return null;
  }
}

/** Whether the document says all of it. */
export function holds(conditions: readonly Condition[], document: Json): boolean {
  return conditions.every((condition) => says(condition, document) === true);
}

/** Whether the document says the condition; null: it says nothing of it. */
function says({ path, values }: Condition, document: Json): boolean | null {
  const value = only(path, document);
  if (value instanceof NumberText) return values.includes(value.source);
  if (typeof value !== 'string' && typeof value !== 'boolean') return null;
  return values.includes(String(value));
}

/**
 * The request without the elements that the reply rejects, one for one in their order; `none` when
 * it rejects all, null when the two lists are not of one length. An answer that says neither proves
 * nothing, so its element is counted.
 */
function acceptedPart(
  each: NonNullable<Settle['each']>,
  request: Json,
  reply: Json,
): Json | 'none' | null {
  const sent = listAt(each.request, request);
  const answered = listAt(each.reply, reply);
  if (sent === null || answered === null || sent.length !== answered.length) return null;
  const rejects = (answer: Json) => each.where.some((part) => says(part, answer) === false);
  const taken = sent.filter((_, index) => !rejects(answered[index]!));
  if (taken.length === 0) return 'none';
  return withList(each.request.steps, request, taken);
}

/** The list that a path ending in `[*]` names. */
function listAt(path: Path, document: Json): readonly Json[] | null {
  const steps = path.steps.slice(0, -1);
  return asList(steps.length === 0 ? document : only({ ...path, steps }, document));
}

function withList(steps: Path['steps'], document: Json, list: readonly Json[]): Json {
  const [step, ...rest] = steps;
  if (step === undefined || step === 'each') return list;
  if ('index' in step) {
    const items = asList(document) ?? [];
    return items.map((item, i) => (i === step.index ? withList(rest, item, list) : item));
  }
  const object = asObject(document) ?? new Map<string, Json>();
  return new Map([...object, [step.name, withList(rest, object.get(step.name) ?? null, list)]]);
}

function objectId({ object }: Endpoint, reply: VendorReply): string | null {
  if (object === undefined) return null;
  const value =
    'header' in object ? (reply.headers.get(object.header) ?? null) : textAt(object, reply);
  return value !== null && value !== '' && value.length <= MAX_ID ? value : null;
}

function textAt(path: Path, reply: VendorReply): string | null {
  const found = select(path, documentIn(reply));
  const value = 'values' in found ? found.values[0] : undefined;
  const text = value instanceof NumberText ? value.source : value;
  return typeof text === 'string' ? text : null;
}
