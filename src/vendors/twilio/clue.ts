/**
 * What is kept of a message or a call while it is open, to know it again in Twilio's lists, which
 * name no idempotency key: whom it went to, from whom, a hash of what it said; when it is to go out;
 * and what its stated price will leave out.
 */
import { hash } from 'node:crypto';
import type { Fields } from '../form.ts';
import { extrasOf } from './call-quote.ts';
import type { Pricing } from './classes.ts';
import { mayBeEncoded } from './message-quote.ts';
import type { Prices } from './prices.ts';
import { smartEncoded } from './smart-encoding.ts';

export interface Clue {
  readonly to: string;
  readonly from?: string;
  /** The messaging service that picks the sender. */
  readonly service?: string;
  /** Absent when Twilio may write another text than the request's: a template, an encoding. */
  readonly body?: string;
  /** Milliseconds since 1970, of a message that is scheduled. */
  readonly sendAt?: number;
  /** Micro-dollars of a call's extras. */
  readonly once?: string;
  readonly perMinute?: string;
}

export function clueOf({ by }: Pricing, fields: Fields, prices: Prices): string | null {
  const to = fields.get('To');
  if (to === undefined || (by !== 'message' && by !== 'call')) return null;
  const clue: Clue = {
    to,
    ...given('from', fields.get('From')),
    ...given('service', fields.get('MessagingServiceSid')),
    ...(by === 'message' ? ofMessage(fields) : ofCall(fields, prices)),
  };
  return JSON.stringify(clue);
}

export function readClue(text: string): Clue {
  return JSON.parse(text) as Clue;
}

/** Of a message's text. */
export function hashOf(body: string): string {
  return hash('sha256', body, 'base64url').slice(0, 22);
}

function ofMessage(fields: Fields): Partial<Clue> {
  const body = fields.get('Body') ?? '';
  const rewritten =
    ['ContentSid', 'SmartEncoded', 'ShortenUrls'].some((name) => fields.has(name)) ||
    (mayBeEncoded(fields) && smartEncoded(body) !== body);
  const sendAt = Date.parse(fields.get('SendAt') ?? '');
  return {
    ...(rewritten ? {} : { body: hashOf(body) }),
    ...(Number.isNaN(sendAt) ? {} : { sendAt }),
  };
}

function ofCall(fields: Fields, prices: Prices): Partial<Clue> {
  const extras = extrasOf(fields, prices);
  if ('kind' in extras) return {};
  const { once, perMinute } = extras;
  return {
    ...(once > 0n ? { once: String(once) } : {}),
    ...(perMinute > 0n ? { perMinute: String(perMinute) } : {}),
  };
}

function given<Name extends string>(
  name: Name,
  value: string | undefined,
): { [K in Name]?: string } {
  return value ? ({ [name]: value } as { [K in Name]?: string }) : {};
}
