/**
 * A message: what is kept of it, and its state as a function of the time. A message is never
 * changed by a timer; whoever asks is told what has become of it by then.
 */
import type { Standing } from '../standing-books.ts';
import type { Fate } from './numbers.ts';
import { type Pace, pricedAt, thirds } from './pace.ts';
import type { Place, Unit } from './places.ts';
import { statedPrice } from './prices.ts';
import { rfc2822 } from './times.ts';

export interface MessageRecord {
  object: 'message';
  /** The Sid: `SM…`, with media `MM…`. */
  id: string;
  standing: Standing<Place, Unit> | null;
  to: string;
  /** Null until Twilio has picked one from the messaging service. */
  from: string | null;
  messagingServiceSid: string | null;
  body: string;
  media: string[];
  segments: number;
  /** Milliseconds since 1970, as are all times. */
  createdAt: number;
  /** When it goes out: at once, or as scheduled. */
  sendAt: number;
  canceledAt: number | null;
  fate: Fate;
  /** What it costs, all segments and fees; nothing when it is `unpriced`. */
  micros: bigint;
  pace: Pace;
  /** How often it was read by itself since it went out. */
  reads: number;
}

export type MessageStatus =
  | 'accepted'
  | 'scheduled'
  | 'canceled'
  | 'queued'
  | 'sending'
  | 'sent'
  | Exclude<Fate, 'unpriced'>;

/** The sender that stands for whichever one a messaging service picks. */
const POOL_SENDER = '+15005550006';

const thirdsOf = (message: MessageRecord, now: number) =>
  thirds(message.pace, message.sendAt, message.reads, now);

export function messageStatus(message: MessageRecord, now: number): MessageStatus {
  if (message.canceledAt !== null) return 'canceled';
  if (now < message.sendAt) return 'scheduled';
  const passed = thirdsOf(message, now);
  if (passed === 0) return message.messagingServiceSid ? 'accepted' : 'queued';
  const fails = message.fate === 'failed' || message.fate === 'unpriced';
  if (passed === 1) return fails ? 'sending' : 'sent';
  return message.fate === 'unpriced' ? 'failed' : message.fate;
}

/** No more will become of it, but for its price. */
export function isFinal(message: MessageRecord, now: number): boolean {
  return message.canceledAt !== null || thirdsOf(message, now) >= 2;
}

export function standingOfMessage(message: MessageRecord, now: number): Standing<Place, Unit> {
  const kind = message.id.startsWith('MM') ? 'mms' : 'sms';
  const { micros, sendAt, pace, fate } = message;
  const amounts = { count: 1n, segments: BigInt(message.segments), micros };
  if (message.canceledAt !== null) return { place: `cancelled.${kind}`, amounts, until: null };
  if (now < sendAt) return { place: `scheduled.${kind}`, amounts, until: sendAt };
  if (fate === 'unpriced') return { place: `free.${kind}`, amounts, until: null };
  if (thirdsOf(message, now) === 3) return { place: `billed.${kind}`, amounts, until: null };
  return { place: `owed.${kind}`, amounts, until: pricedAt(pace, sendAt) };
}

const FAILURES: Readonly<Record<string, [code: number, message: string]>> = {
  failed: [30008, 'Unknown error'],
  undelivered: [30003, 'Unreachable destination handset'],
};

/**
 * `isNew`: as the answer to its creation shows it, when no time has passed whatever the clock says.
 */
export function renderMessage(
  message: MessageRecord,
  accountSid: string,
  now: number,
  isNew = false,
): Record<string, unknown> {
  const status = isNew
    ? messageStatus({ ...message, pace: { afterMs: 1 } }, message.createdAt)
    : messageStatus(message, now);
  const passed = isNew || message.canceledAt !== null ? 0 : thirdsOf(message, now);
  const wasSent = passed > 0;
  const isPriced = passed === 3 && message.fate !== 'unpriced';
  const [errorCode, errorMessage] = FAILURES[status] ?? [null, null];
  const uri = `/2010-04-01/Accounts/${accountSid}/Messages/${message.id}`;
  return {
    body: message.body,
    num_segments: message.messagingServiceSid && !wasSent ? '0' : String(message.segments),
    direction: 'outbound-api',
    from: message.from ?? (wasSent ? POOL_SENDER : null),
    date_updated: rfc2822(message.canceledAt ?? (wasSent ? message.sendAt : message.createdAt)),
    price: isPriced ? statedPrice(message.micros) : null,
    error_message: errorMessage,
    uri: `${uri}.json`,
    account_sid: accountSid,
    num_media: String(message.media.length),
    to: message.to,
    date_created: rfc2822(message.createdAt),
    status,
    sid: message.id,
    date_sent: wasSent ? rfc2822(message.sendAt) : null,
    messaging_service_sid: message.messagingServiceSid,
    error_code: errorCode,
    price_unit: 'USD',
    api_version: '2010-04-01',
    subresource_uris: { media: `${uri}/Media.json` },
  };
}
