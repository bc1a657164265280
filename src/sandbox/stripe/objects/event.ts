/**
 * An event: what changed, when, and which request did it, by its idempotency key too. It keeps the
 * object as it was at that time; the JSON of it is made when somebody asks.
 */
import { render, type StripeRecord } from '../records.ts';
import type { Json } from './kept.ts';

/** The version of the API that replies and events are of, unless the request names another. */
export const API_VERSION = '2026-10-28.endive';

export interface EventRecord {
  id: string;
  /** Seconds since 1970. */
  created: number;
  type: string;
  account: string | null;
  object: StripeRecord;
  /** The object before the change, of `….updated` events. */
  before: StripeRecord | null;
  /** Nulls for what happens outside the API. */
  request: { id: string | null; idempotencyKey: string | null };
}

export function showEvent(event: EventRecord): Json {
  const object = render(event.object);
  const before = event.before && changedFields(render(event.before), object);
  return {
    id: event.id,
    object: 'event',
    ...(event.account && { account: event.account }),
    api_version: API_VERSION,
    created: event.created,
    data: before ? { object, previous_attributes: before } : { object },
    livemode: false,
    pending_webhooks: 0,
    request: { id: event.request.id, idempotency_key: event.request.idempotencyKey },
    type: event.type,
  };
}

/** Of the fields that differ now, what they were. */
function changedFields(before: Json, now: Json): Json {
  const differs = ([name, value]: [string, unknown]) =>
    JSON.stringify(value) !== JSON.stringify(now[name]);
  return Object.fromEntries(Object.entries(before).filter(differs));
}

/** As API v2 tells it: which object it is about, and not the object itself. */
export function showEventInV2(event: EventRecord): Json {
  const { id, object: type } = event.object;
  const [, namespace, name] = type.split('.');
  const request = { id: event.request.id, idempotency_key: event.request.idempotencyKey };
  return {
    id: event.id,
    object: 'v2.core.event',
    ...(event.account && { context: event.account }),
    created: new Date(event.created * 1000).toISOString(),
    livemode: false,
    ...(event.request.id && { reason: { request, type: 'request' } }),
    related_object: { id, type, url: `/v2/${namespace}/${name}s/${id}` },
    type: event.type,
  };
}
