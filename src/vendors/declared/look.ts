/**
 * Looks for the price of a call that was answered before its price was known: reads the object that
 * the description names until the vendor says what it cost. Of a call whose outcome is unknown
 * nothing here tells; that is for an operator.
 */
import type { Conclusion, Investigation, OpenCall, Tariff, VendorReply } from '../vendor.ts';
import { byMeasure, documentIn, holds } from './conclude.ts';
import type { Later } from './schema.ts';
import type { Rules } from './vendor-rules.ts';

export function investigate(
  rules: Rules,
  call: OpenCall,
  replies: readonly VendorReply[],
  tariff: Tariff,
  now: number,
): Investigation | null {
  const later = laterOf(rules, call.operation);
  const { vendorObjectId: id } = call;
  if (call.state !== 'held' || later === null || id === null) return null;
  const reply = replies.at(-1);
  if (reply === undefined) {
    // Encoded, so that no id becomes another path.
    const path = later.look.replace('{id}', encodeURIComponent(id));
    const headers = headersFor(rules, call);
    return { next: 'look', lookUp: { method: 'GET', path, query: '', headers, body: '' } };
  }
  const found = endOf(rules, later, call, reply, tariff);
  if (found !== null)
    return { next: 'conclude', conclusion: found, why: 'the vendor says', reply: null };
  if (now - call.at < later.for) return { next: 'wait', ms: later.every };
  return {
    next: 'give_up',
    why: 'the vendor has not said what it cost in the time it has for that',
  };
}

/** When an answered call is looked for first: the earliest of all endpoints; null: none is. */
export function firstLook({ description }: Rules): number | null {
  const times = description.endpoints.flatMap(({ settle }) =>
    typeof settle === 'object' && settle.later ? [settle.later.first] : [],
  );
  return times.length === 0 ? null : Math.min(...times);
}

function laterOf(rules: Rules, operation: string | null): Later | null {
  const settle = rules.byName(operation)?.settle;
  return (typeof settle === 'object' ? settle.later : undefined) ?? null;
}

/** As the same client: what was sent for an account of another's is read there. */
function headersFor({ description }: Rules, { onBehalfOf }: OpenCall): Record<string, string> {
  const [header, ...others] = description.headers?.on_behalf_of ?? [];
  const known = header !== undefined && others.length === 0 && onBehalfOf !== null;
  return { accept: 'application/json', ...(known ? { [header]: onBehalfOf } : {}) };
}

/** Null: the reply does not tell yet. */
function endOf(
  rules: Rules,
  { when, nothing_when, cost }: Later,
  call: OpenCall,
  reply: VendorReply,
  tariff: Tariff,
): Conclusion | null {
  if (reply.status < 200 || reply.status >= 300) return null;
  const document = documentIn(reply);
  if (nothing_when && holds(nothing_when, document)) return conclusion('released', null, call);
  if (!holds(when, document)) return null;
  if (cost === 'quote') return conclusion('settled', call.quote, call);
  const end = byMeasure(rules, cost, document, tariff);
  return end.outcome === 'settled' ? conclusion('settled', end.cost, call) : null;
}

function conclusion(
  outcome: Conclusion['outcome'],
  cost: Conclusion['cost'],
  { vendorObjectId }: OpenCall,
): Conclusion {
  const no = { repeatable: false, replayedByVendor: false, vendorRequestId: null, objects: [] };
  return { ...no, outcome, cost, vendorObjectId };
}
