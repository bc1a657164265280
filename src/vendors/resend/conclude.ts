/**
 * What a reply means for the money. Resend states no price: an accepted mail costs its quote, at
 * once, or when it goes out if it is scheduled. Money comes back only on proof: a rejection, or a
 * cancellation. What cannot be read, and every 5xx, proves nothing and stays counted. Never throws.
 */
import type { Micros } from '../../money.ts';
import { isRejection, type Json, objectIn, readJson, textIn } from '../reply.ts';
import type { Conclusion, ObjectFact, Reading, Tariff, VendorReply } from '../vendor.ts';
import { factOf, standingOf } from './facts.ts';
import { PRICE } from './quote.ts';

type End = Pick<Conclusion, 'outcome' | 'cost' | 'repeatable' | 'vendorObjectId' | 'objects'>;

const NOTHING = { cost: null, repeatable: false, vendorObjectId: null, objects: [] } as const;
const UNKNOWN: End = { outcome: 'unknown', ...NOTHING };

export function conclude(reading: Reading, reply: VendorReply, tariff: Tariff): Conclusion {
  return {
    ...endOf(reading, reply, tariff),
    replayedByVendor: false,
    vendorRequestId: reply.headers.get('x-request-id') ?? null,
  };
}

function endOf(reading: Reading, reply: VendorReply, tariff: Tariff): End {
  const { status } = reply;
  if (status >= 200 && status < 300) return accepted(reading, readJson(reply), tariff);
  if (isRejection(reply)) return { outcome: 'released', ...NOTHING };
  return reading.quote.kind === 'free' ? { outcome: 'settled', ...NOTHING, cost: 0n } : UNKNOWN;
}

function accepted(reading: Reading, body: Json | null, tariff: Tariff): End {
  const repeatable = reading.idempotency !== 'none';
  const { quote } = reading;
  if (quote.kind === 'free') {
    const vendorObjectId = textIn(body?.id);
    const objects = body === null ? [] : told(reading, body, tariff);
    return { outcome: 'settled', cost: 0n, repeatable, vendorObjectId, objects };
  }
  if (body === null || quote.kind !== 'exact') return UNKNOWN;
  if (reading.operation === 'emails.batch.send') return batch(reading, body, quote.micros, tariff);
  const id = textIn(body.id);
  if (id === null) return UNKNOWN;
  if (isScheduled(reading)) {
    const fact = factOf(id, 'open', recipientsIn(reading)[0] ?? 0, tariff);
    return { outcome: 'held', cost: null, repeatable, vendorObjectId: id, objects: [fact] };
  }
  return { outcome: 'settled', cost: quote.micros, repeatable, vendorObjectId: id, objects: [] };
}

function isScheduled({ fields }: Reading): boolean {
  return (fields.get('scheduled_at') ?? 'null') !== 'null';
}

/**
 * A batch is many mails and one row, so what it comes to is said at once: those of its mails that
 * are scheduled cost like the others, and a cancellation gives nothing back.
 */
function batch(reading: Reading, body: Json, whole: Micros, { prices }: Tariff): End {
  const data = Array.isArray(body.data) ? body.data : [];
  const ids = data.map((each) => textIn(objectIn(each)?.id));
  if (ids.length === 0 && !Array.isArray(body.errors)) return UNKNOWN;
  if (ids.includes(null)) return UNKNOWN;
  const counts = recipientsIn(reading);
  const rejected = rejectedIn(body.errors, counts.length);
  const price = prices.get(PRICE);
  // The lists of what was taken and what was not must make up the batch, or all of it counts.
  const proven = rejected !== null && rejected.size + ids.length === counts.length;
  const taken = counts.reduce((sum, count, at) => sum + (rejected?.has(at) ? 0 : count), 0);
  const cost = proven && price !== undefined ? price * BigInt(taken) : whole;
  return {
    outcome: 'settled',
    cost,
    repeatable: true,
    vendorObjectId: ids[0] ?? null,
    objects: [],
  };
}

/** The places of the mails that a permissive batch did not take; null when that cannot be read. */
function rejectedIn(errors: unknown, mails: number): ReadonlySet<number> | null {
  if (!Array.isArray(errors)) return new Set();
  const places = errors.map((each) => objectIn(each)?.index);
  const isPlace = (place: unknown): place is number =>
    typeof place === 'number' && Number.isInteger(place) && place >= 0 && place < mails;
  return places.every(isPlace) ? new Set(places) : null;
}

/** How many each mail of the request goes to, in order. */
function recipientsIn({ fields }: Reading): number[] {
  const counts: number[] = [];
  for (const [name, value] of fields) {
    const match = /^(?:\[(\d+)\])?\[?(?:to|cc|bcc)\]?(?:\[\d+\])?$/.exec(name);
    // `[]` and `null` are nobody; every address has an @.
    if (match === null || !value.includes('@')) continue;
    const at = Number(match[1] ?? 0);
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return counts;
}

/**
 * A cancellation, or a look at a mail that was cancelled, ends what another call holds for it. That
 * it went out is for investigate.ts to find, which knows what is held: not every reply lists `bcc`.
 */
function told({ operation, objectId }: Reading, body: Json, tariff: Tariff): ObjectFact[] {
  if (objectId === null || body.id !== objectId) return [];
  const cancelled =
    operation === 'emails.cancel' ||
    (operation === 'emails.get' && standingOf(body) === 'cancelled');
  return cancelled ? [factOf(objectId, 'declined', 0, tariff)] : [];
}
