/**
 * What a reply means for the money. A message is held until Twilio states its price; a call longer,
 * for what is stated of it leaves out the legs that it dialled, its recording and its detection, which
 * investigate.ts adds. What has no price of its own costs what was quoted. A rejection proves that
 * nothing was sent, 429 too; a 408 and a 5xx prove nothing. Never throws.
 */
import type { Micros } from '../../money.ts';
import { isRejection, readJson, textIn } from '../reply.ts';
import type { Conclusion, ObjectFact, Reading, Tariff, VendorReply } from '../vendor.ts';
import { factOf, type Kind, microsOf, type Resource, resourceIn } from './resources.ts';

/** Operations that answer with a message or a call, and whether they make it. */
const SHOWN: Readonly<Record<string, { kind: Kind; made: boolean }>> = {
  'messages.create': { kind: 'message', made: true },
  'messages.fetch': { kind: 'message', made: false },
  'messages.update': { kind: 'message', made: false },
  'calls.create': { kind: 'call', made: true },
  'calls.fetch': { kind: 'call', made: false },
  'calls.update': { kind: 'call', made: false },
};

type End = Pick<Conclusion, 'outcome' | 'cost' | 'repeatable' | 'objects' | 'vendorObjectId'>;

export function conclude(reading: Reading, reply: VendorReply, tariff: Tariff): Conclusion {
  return {
    ...endOf(reading, reply, tariff),
    replayedByVendor: false,
    vendorRequestId: reply.headers.get('twilio-request-id') ?? null,
  };
}

function endOf(reading: Reading, reply: VendorReply, tariff: Tariff): End {
  const { status } = reply;
  const free = reading.quote.kind === 'free';
  if (isRejection(reply)) return end('released', null, false);
  if (status < 200 || status >= 300) return free ? end('settled', 0n, false) : UNKNOWN;
  const repeatable = reading.idempotency === 'proxy';
  const shown = SHOWN[reading.operation ?? ''];
  const body = readJson(reply);
  const resource = shown ? resourceIn(body, shown.kind, tariff) : null;
  if (shown?.made) {
    if (resource === null) return UNKNOWN;
    const { price, sid } = resource;
    if (price === null || shown.kind === 'call') return end('held', null, repeatable, [], sid);
    return end('settled', microsOf(price), repeatable, [], sid);
  }
  if (free) {
    const facts = resource === null ? [] : factsOf(resource, shown!.kind, reading);
    return end('settled', 0n, repeatable, facts, reading.objectId);
  }
  return end('settled', AS_HELD, repeatable, [], textIn(body?.sid));
}

/**
 * Only of the resource that was asked for: another one's price would end another hold. Of a call's
 * price nothing: it is not all that the call costs (see above).
 */
function factsOf(resource: Resource, kind: Kind, { objectId }: Reading): readonly ObjectFact[] {
  const partial = kind === 'call' && resource.price !== null;
  return resource.sid === objectId && !partial ? [factOf(resource)] : [];
}

/** Twilio states no price of it: it cost what was held. */
const AS_HELD = null;
const UNKNOWN: End = end('unknown', null, false);

function end(
  outcome: Conclusion['outcome'],
  cost: Micros | null,
  repeatable: boolean,
  objects: readonly ObjectFact[] = [],
  vendorObjectId: string | null = null,
): End {
  return { outcome, cost, repeatable, objects, vendorObjectId };
}
