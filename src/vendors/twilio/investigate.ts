/**
 * What became of a message or a call that was left open: its price, once Twilio states it, or the
 * message itself, when the answer was lost. Only looks, and gives up after two days.
 */
import { type Micros, timesRate } from '../../money.ts';
import { type Json, objectIn, readJson, textIn } from '../reply.ts';
import type {
  Conclusion,
  Investigation,
  LookUp,
  OpenCall,
  Tariff,
  VendorReply,
} from '../vendor.ts';
import { type Clue, readClue } from './clue.ts';
import { findLost } from './find-lost.ts';
import { addressOf, listOf } from './places.ts';
import { kindOf, microsOf, type Resource, resourceIn } from './resources.ts';
import { statedMicros } from './stated.ts';

const SECOND_MS = 1_000;
const HOUR_MS = 3_600 * SECOND_MS;
/** A price comes within a day (help.twilio.com, SMS message fees). */
const PRICE_MS = 24 * HOUR_MS;
const GIVE_UP_MS = 48 * HOUR_MS;
const FIRST_WAIT_MS = 5 * SECOND_MS;

export function investigate(
  call: OpenCall,
  replies: readonly VendorReply[],
  tariff: Tariff,
  now: number,
): Investigation | null {
  if (call.state === 'unknown') return findLost(call, replies, now);
  if (call.vendorObjectId === null) return null;
  const found = priceOf(call, call.vendorObjectId, replies, tariff, now);
  if (found.next !== 'wait' || now - sentAt(call) < GIVE_UP_MS) return found;
  return { next: 'give_up', why: 'Twilio has stated no price for two days' };
}

/** When it went out, or is to go out. */
function sentAt(call: OpenCall): number {
  const { sendAt = 0 } = clueIn(call);
  return sendAt > call.sentAt ? sendAt : call.sentAt;
}

function clueIn({ clue }: OpenCall): Partial<Clue> {
  return clue === null ? {} : readClue(clue);
}

function priceOf(
  call: OpenCall,
  sid: string,
  replies: readonly VendorReply[],
  tariff: Tariff,
  now: number,
): Investigation {
  const kind = kindOf(sid);
  if (kind === null) return { next: 'give_up', why: `${sid} is no message and no call` };
  const [shown, legs] = replies;
  if (!shown) return { next: 'look', lookUp: addressOf(kind, sid) };
  if (shown.status === 404) {
    return conclude('settled', call.quote, `${sid} is not at Twilio any more: as quoted`);
  }
  const body = shown.status === 200 ? readJson(shown) : null;
  const resource = resourceIn(body, kind, tariff);
  if (resource?.sid !== sid) return wait(call, now);
  if (resource.price === null) return unpricedYet(call, resource, tariff, now);
  const stated = microsOf(resource.price);
  if (kind === 'message') return conclude('settled', stated, 'Twilio stated its price');
  if (!legs) return { next: 'look', lookUp: legsOf(sid) };
  const others = costOfLegs(sid, legs, tariff);
  if (others === null) return wait(call, now);
  const whole = stated + others + extras(clueIn(call), body!.duration);
  return conclude('settled', whole, 'Twilio stated its price, and that of its other legs');
}

/** Without a price: it may have none, or it is still to come. */
function unpricedYet(
  call: OpenCall,
  resource: Resource,
  tariff: Tariff,
  now: number,
): Investigation {
  const { status, unreadable } = resource;
  if (unreadable !== null && now - sentAt(call) >= GIVE_UP_MS) {
    return { next: 'give_up', why: `its price cannot be counted: ${unreadable}` };
  }
  if (status === 'canceled') return conclude('released', null, 'it was cancelled');
  if (unreadable === null && now - sentAt(call) >= PRICE_MS) {
    if (status === 'failed' || status === 'undelivered' || UNANSWERED.has(status)) {
      return withoutPrice(call, status, tariff);
    }
  }
  return wait(call, now);
}

/** A call that was not answered. */
const UNANSWERED: ReadonlySet<string> = new Set(['busy', 'no-answer', 'failed']);

/** It has ended badly and Twilio had a day to state a price. */
function withoutPrice(call: OpenCall, status: string, { prices }: Tariff): Investigation {
  if (kindOf(call.vendorObjectId) === 'call') {
    return conclude('released', null, `it ended as ${status}: nobody was connected`);
  }
  const why = `it ended as ${status}, and Twilio has stated no price for a day`;
  const processing = prices.get('message-failed');
  return conclude('settled', processing ?? call.quote, why);
}

/** The calls that its script made; null while one of them has no price yet. */
function costOfLegs(parent: string, reply: VendorReply, tariff: Tariff): Micros | null {
  const body = reply.status === 200 ? readJson(reply) : null;
  if (!Array.isArray(body?.calls) || textIn(body.next_page_uri) !== null) return null;
  let sum = 0n;
  for (const leg of body.calls.map(objectIn)) {
    if (leg?.parent_call_sid !== parent) continue;
    const cost = costOfLeg(leg, tariff);
    if (cost === null) return null;
    sum += cost;
  }
  return sum;
}

function costOfLeg(leg: Json, tariff: Tariff): Micros | null {
  const status = textIn(leg.status) ?? '';
  const never = status === 'canceled' || UNANSWERED.has(status);
  if (never && (leg.price === null || leg.price === undefined)) return 0n;
  return statedMicros(leg.price, leg.price_unit, tariff);
}

/** What the stated price leaves out, by the minutes that were begun. */
function extras({ once = '0', perMinute = '0' }: Partial<Clue>, duration: unknown): Micros {
  const seconds = typeof duration === 'string' && /^\d{1,7}$/.test(duration) ? Number(duration) : 0;
  const minutes = BigInt(Math.ceil(seconds / 60));
  return BigInt(once) + timesRate(minutes, BigInt(perMinute) * 1_000_000n);
}

function legsOf(sid: string): LookUp {
  return listOf('call', { ParentCallSid: sid });
}

/** Longer each time: most prices come within seconds, the others within a day. */
function wait(call: OpenCall, now: number): Investigation {
  const ms = Math.min(FIRST_WAIT_MS * 2 ** Math.min(call.looks, 12), HOUR_MS);
  const { sendAt = 0 } = clueIn(call);
  const untilSent = sendAt + FIRST_WAIT_MS - now;
  return { next: 'wait', ms: untilSent > 0 ? Math.min(untilSent, HOUR_MS) : ms };
}

function conclude(
  outcome: 'settled' | 'released',
  cost: Micros | null,
  why: string,
): Investigation {
  const conclusion: Conclusion = {
    ...{ outcome, cost, repeatable: false, replayedByVendor: false },
    ...{ vendorRequestId: null, vendorObjectId: null, objects: [] },
  };
  return { next: 'conclude', conclusion, why, reply: null };
}
