/**
 * Step 7, conclude: what became of a call, as a settlement for the ledger and an answer for the
 * client. Money comes back here only where nothing was sent, or where the vendor's reply proves
 * that nothing moved.
 */
import { CATALOGUE, type ErrorCode, type Refusal, refusal } from '../errors.ts';
import type { Settlement } from '../ledger/ledger.ts';
import type { Micros } from '../money.ts';
import type { Conclusion, Reading, Tariff, Vendor, VendorReply } from '../vendors/vendor.ts';
import type { UpstreamResult } from './forward.ts';
import type { ReplySeal } from './sealed-reply.ts';

export interface Concluded {
  readonly settlement: Settlement;
  /** The vendor's reply, or the refusal that answers instead. */
  readonly answer: VendorReply | Refusal;
  /** What the call counts for as far as its own reply tells. */
  readonly cost: Micros;
  readonly status: number;
  /** For the log. */
  readonly why: string | null;
}

export interface Sent {
  id: bigint;
  /** The row whose identity and hold it is: its own, or the first call's on a resend. */
  identityId: bigint;
  quote: Micros;
  vendor: Vendor;
  reading: Reading;
  tariff: Tariff;
  /** The key says what the call costs; the vendor's replies do not. */
  pricedByKey: boolean;
  /** Whether a repetition can be recognised: by a key of the client's, or by its task's attempt. */
  hasIdentity: boolean;
  /** Why it was stopped, when it was. */
  stopped: ErrorCode | null;
  /** From arrival until now. */
  latencyMs: number;
  now: number;
}

export function conclude(sent: Sent, result: UpstreamResult, seal: ReplySeal): Concluded {
  switch (result.kind) {
    case 'reply':
      return concludeReply(sent, result.reply, result.upstreamMs, seal);
    case 'not_sent': {
      // A revoke may come while the connection is being made: the key is dead, whatever came of it.
      if (sent.stopped !== null) return stopped(sent, sent.stopped, result.why);
      const message = 'The vendor could not be reached. Nothing was sent and nothing is counted.';
      return ended(sent, refusal('vendor_unreachable', message), { why: result.why });
    }
    case 'stopped':
      return stopped(sent, sent.stopped ?? 'key_revoked', null);
    case 'no_reply': {
      const answer = noReply(sent);
      return ended(sent, answer, { why: result.why, unknown: true, upstreamMs: result.upstreamMs });
    }
  }
}

const NO_REPLY = 'The call was sent and no whole reply came back.';
/** Where a retry finds nothing out: it would be another call, or is not sent. */
const LOOK = 'Look at the vendor, as Keybrake does. Until it is known, what was held counts.';

/** What stays counted, and whether a retry can find what the first try did. */
function noReply({ reading, hasIdentity }: Sent): Refusal {
  const free = reading.quote.kind === 'free';
  const counted = free
    ? 'It costs nothing, so nothing stays counted'
    : 'Its amount stays counted until the outcome is known';
  // A read repeats nothing; of the rest only a key of the client's own tells a retry from a new call.
  if (free && reading.idempotency === 'none') return unknown(`${counted}.`);
  const retry = 'a retry with the same Idempotency-Key, or by the next attempt of its task,';
  if (!hasIdentity) {
    const what =
      'It had no Idempotency-Key, so a retry would be a new call: look at the vendor first.';
    return { ...unknown(`${counted}. ${what}`), remedy: LOOK };
  }
  if (reading.idempotency === 'vendor') return unknown(`${counted}; ${retry} is safe.`);
  return { ...unknown(`${counted}; ${retry} is not sent.`), remedy: LOOK };
}

function unknown(what: string): Refusal {
  return refusal('outcome_unknown', `${NO_REPLY} ${what}`);
}

function stopped(sent: Sent, code: ErrorCode, why: string | null): Concluded {
  const message = 'The call was stopped before it was sent. Nothing is counted.';
  return ended(sent, refusal(code, message), { why, refused: code });
}

function concludeReply(
  sent: Sent,
  reply: VendorReply,
  upstreamMs: number,
  seal: ReplySeal,
): Concluded {
  const read = priced(sent, reply, sent.vendor.conclude(sent.reading, reply, sent.tariff));
  const keep = sent.hasIdentity && read.repeatable && read.outcome !== 'unknown';
  const settlement: Settlement = {
    id: sent.id,
    at: sent.now,
    outcome: read.outcome,
    cost: read.cost,
    objects: read.objects,
    sealedReply: keep ? seal.close(sent.identityId, reply) : null,
    keepIdentity: keep || read.outcome === 'unknown',
    replayedByVendor: read.replayedByVendor,
    refused: null,
    httpStatus: reply.status,
    vendorRequestId: read.vendorRequestId,
    vendorObjectId: read.vendorObjectId,
    latencyMs: rounded(sent.latencyMs),
    upstreamMs: rounded(upstreamMs),
    lookAt: lookAt(sent, read.outcome),
  };
  const { status } = reply;
  return { settlement, answer: reply, cost: costOf(read, sent.quote), status, why: null };
}

/** A call that the key prices costs that when it was carried out, and nothing when it was not. */
function priced(sent: Sent, { status }: VendorReply, read: Conclusion): Conclusion {
  if (!sent.pricedByKey || read.outcome !== 'unknown' || status < 200 || status >= 300) return read;
  const repeatable = sent.reading.idempotency !== 'none';
  // What is held for it: of a call that was sent again, that stands on the first row.
  return { ...read, outcome: 'settled', cost: null, repeatable };
}

/** When to look at the vendor for what becomes of a call that its answer leaves open. */
function lookAt(
  { vendor, now }: Pick<Sent, 'vendor' | 'now'>,
  outcome: Settlement['outcome'],
): number | null {
  if (outcome !== 'held' && outcome !== 'unknown') return null;
  const ms = vendor.firstLookMs[outcome];
  return ms === null ? null : now + ms;
}

function costOf(read: Conclusion, quote: Micros): Micros {
  if (read.outcome === 'released' || read.replayedByVendor) return 0n;
  return read.outcome === 'settled' ? (read.cost ?? quote) : quote;
}

interface Ending {
  why: string | null;
  refused?: ErrorCode;
  unknown?: boolean;
  upstreamMs?: number;
}

/** The end of a call that has no reply: nothing was sent, or nobody knows. */
function ended(sent: Sent, answer: Refusal, ending: Ending): Concluded {
  const unknown = ending.unknown === true && sent.reading.quote.kind !== 'free';
  const { status } = CATALOGUE[answer.code];
  const settlement: Settlement = {
    id: sent.id,
    at: sent.now,
    outcome: unknown ? 'unknown' : 'released',
    cost: null,
    objects: [],
    sealedReply: null,
    keepIdentity: unknown,
    replayedByVendor: false,
    refused: ending.refused ?? null,
    httpStatus: status,
    vendorRequestId: null,
    vendorObjectId: null,
    latencyMs: rounded(sent.latencyMs),
    upstreamMs: ending.upstreamMs === undefined ? null : rounded(ending.upstreamMs),
    lookAt: lookAt(sent, unknown ? 'unknown' : 'released'),
  };
  return { settlement, answer, cost: unknown ? sent.quote : 0n, status, why: ending.why };
}

/** To a hundredth of a millisecond. */
function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}
