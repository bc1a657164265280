/**
 * A phone call: what is kept of it, and its state as a function of the time. It rings for the first
 * third of its time, is talked through in the rest, and then its price is awaited like a message's.
 */
import type { Standing } from '../standing-books.ts';
import { type Pace, pricedAt, thirds } from './pace.ts';
import type { Place, Unit } from './places.ts';
import { statedPrice } from './prices.ts';
import { rfc2822 } from './times.ts';

export interface CallRecord {
  object: 'call';
  /** The Sid: `CA…`. */
  id: string;
  standing: Standing<Place, Unit> | null;
  to: string;
  from: string;
  /** Milliseconds since 1970, as are all times. */
  createdAt: number;
  answersAt: number;
  endsAt: number;
  /** How long it lasts by its own account, whatever the clock says, when nobody ends it. */
  seconds: number;
  /** Nobody answers: it ends as failed and costs nothing. */
  fails: boolean;
  /** Ended by the caller. */
  ended: { at: number; as: 'completed' | 'canceled' } | null;
  /** Micro-dollars a minute; begun minutes count whole. */
  perMinute: bigint;
  pace: Pace;
  /** How often it was read by itself since it ended. */
  reads: number;
}

export type CallStatus = 'queued' | 'ringing' | 'in-progress' | 'completed' | 'failed' | 'canceled';

export function callStatus(call: CallRecord, now: number): CallStatus {
  if (call.ended) return call.ended.as;
  if (now <= call.createdAt) return 'queued';
  if (now < call.answersAt) return 'ringing';
  if (now < call.endsAt) return call.fails ? 'ringing' : 'in-progress';
  return call.fails ? 'failed' : 'completed';
}

export function hasEnded(call: CallRecord, now: number): boolean {
  return now >= endOf(call);
}

/** Seconds talked: as much of its own length as has passed of its time. Begun seconds count. */
export function durationOf(call: CallRecord): number {
  const { ended, answersAt, endsAt, seconds } = call;
  if (call.fails || (ended && ended.at <= answersAt)) return 0;
  if (!ended) return seconds;
  return Math.ceil((seconds * (ended.at - answersAt)) / (endsAt - answersAt));
}

/** While it goes on: as it stands, what it will cost when nobody ends it. */
export function standingOfCall(call: CallRecord, now: number): Standing<Place, Unit> {
  const micros = BigInt(Math.ceil(durationOf(call) / 60)) * call.perMinute;
  const amounts = { count: 1n, segments: 0n, micros };
  const end = endOf(call);
  if (call.ended?.as === 'canceled') return { place: 'cancelled.call', amounts, until: null };
  if (now < end) return { place: 'owed.call', amounts, until: end };
  if (micros === 0n) return { place: 'free.call', amounts, until: null };
  if (thirds(call.pace, end, call.reads, now) === 3) {
    return { place: 'billed.call', amounts, until: null };
  }
  return { place: 'owed.call', amounts, until: pricedAt(call.pace, end) };
}

export function renderCall(
  call: CallRecord,
  accountSid: string,
  now: number,
): Record<string, unknown> {
  const status = callStatus(call, now);
  const ended = hasEnded(call, now);
  const { place, amounts } = standingOfCall(call, now);
  const answered = now >= call.answersAt && durationOf(call) > 0;
  const uri = `/2010-04-01/Accounts/${accountSid}/Calls/${call.id}`;
  return {
    sid: call.id,
    date_created: rfc2822(call.createdAt),
    date_updated: rfc2822(ended ? endOf(call) : call.createdAt),
    parent_call_sid: null,
    account_sid: accountSid,
    to: call.to,
    to_formatted: call.to,
    from: call.from,
    from_formatted: call.from,
    phone_number_sid: null,
    status,
    start_time: answered ? rfc2822(call.answersAt) : null,
    end_time: ended ? rfc2822(endOf(call)) : null,
    duration: ended ? String(durationOf(call)) : null,
    price: place === 'billed.call' ? statedPrice(amounts.micros) : null,
    price_unit: 'USD',
    direction: 'outbound-api',
    answered_by: null,
    api_version: '2010-04-01',
    forwarded_from: null,
    group_sid: null,
    caller_name: null,
    queue_time: '0',
    trunk_sid: null,
    uri: `${uri}.json`,
    subresource_uris: {
      notifications: `${uri}/Notifications.json`,
      recordings: `${uri}/Recordings.json`,
    },
  };
}

function endOf({ ended, endsAt }: CallRecord): number {
  return ended?.at ?? endsAt;
}
