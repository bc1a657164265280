/** A verification: what is kept of it, its state as a function of the time, and what it costs. */
import type { Standing } from '../standing-books.ts';
import type { Place, Unit } from './places.ts';
import type { TwilioPrices } from './prices.ts';
import { isoSeconds } from './times.ts';

export interface VerificationRecord {
  object: 'verification';
  /** The Sid: `VE…`. */
  id: string;
  standing: Standing<Place, Unit> | null;
  serviceSid: string;
  to: string;
  channel: string;
  code: string;
  /** Milliseconds since 1970, as are all times. */
  createdAt: number;
  updatedAt: number;
  outcome: 'approved' | 'canceled' | null;
  /** Each sends the code, and costs. */
  attempts: { at: number; channel: string; sid: string }[];
  failedChecks: number;
  prices: TwilioPrices;
}

const LIFETIME_MS = 10 * 60 * 1000;

export type VerificationStatus = 'pending' | 'approved' | 'canceled' | 'expired';

export function verificationStatus(record: VerificationRecord, now: number): VerificationStatus {
  if (record.outcome) return record.outcome;
  return now < record.createdAt + LIFETIME_MS ? 'pending' : 'expired';
}

/** Twilio states no price for it: it is billed at once. */
export function standingOfVerification(record: VerificationRecord): Standing<Place, Unit> {
  const { verification, verificationMessage } = record.prices;
  const micros =
    BigInt(record.attempts.length) * verificationMessage +
    (record.outcome === 'approved' ? verification : 0n);
  return {
    place: 'billed.verification',
    amounts: { count: 1n, segments: 0n, micros },
    until: null,
  };
}

/** What a verification and a check of it have in common. */
export function renderVerification(
  record: VerificationRecord,
  accountSid: string,
  now: number,
): Record<string, unknown> {
  return {
    sid: record.id,
    service_sid: record.serviceSid,
    account_sid: accountSid,
    to: record.to,
    channel: record.channel,
    status: verificationStatus(record, now),
    valid: record.outcome === 'approved',
    amount: null,
    payee: null,
    date_created: isoSeconds(record.createdAt),
    date_updated: isoSeconds(record.updatedAt),
  };
}
