/**
 * What a phone call costs at most: the minutes that its time limit allows, at the price of whom it
 * calls. What its script does besides, such as dialling others, is in no request; Twilio states
 * those legs as calls of their own, which investigate.ts adds.
 */
import type { Fields } from '../form.ts';
import { readPhone } from './phone.ts';
import { configured, type Found, listedPrice, type Priced, unpriced } from './priced.ts';
import type { Prices } from './prices.ts';

/** Seconds; Twilio's own limit when the request sets none. */
const DEFAULT_TIME_LIMIT = 4 * 60 * 60;

/** What the stated price of a call leaves out: micro-dollars, once and for each minute. */
export interface Extras {
  readonly once: bigint;
  readonly perMinute: bigint;
}

export function quoteCall(fields: Fields, prices: Prices): Priced {
  if (fields.has('Byoc')) return unpriced('`Byoc` routes it by a carrier of your own');
  const minute = minutePrice(fields.get('To') ?? '', prices);
  if (!('micros' in minute)) return minute;
  const extras = extrasOf(fields, prices);
  if ('kind' in extras) return extras;
  const minutes = BigInt(Math.ceil(secondsOf(fields) / 60));
  const micros = minutes * (minute.micros + extras.perMinute) + extras.once;
  return { kind: isPlain(fields) ? 'bounded' : 'estimated', micros };
}

/** `+14155552671`, `sip:…`, `client:…`. */
function minutePrice(to: string, prices: Prices): Found {
  const scheme = /^(sip|client):/.exec(to)?.[1];
  if (scheme) return configured(prices, `voice/${scheme}`);
  const phone = readPhone(to);
  if (phone !== null) return listedPrice(prices, 'voice', phone);
  return unpriced(
    '`To` must be a number such as `+14155552671` (in a form, `+` is written `%2B`), a `sip:` ' +
      'or a `client:` address',
  );
}

/** Of features that Twilio bills beside the connection, or the one that has no price. */
export function extrasOf(
  fields: Fields,
  prices: Prices,
): Extras | Extract<Priced, { kind: 'ask' | 'unpriced' }> {
  const recording =
    fields.get('Record') === 'true' ? configured(prices, 'voice-recording') : NOTHING;
  if (!('micros' in recording)) return recording;
  const detection = fields.get('MachineDetection')
    ? configured(prices, 'machine-detection')
    : NOTHING;
  if (!('micros' in detection)) return detection;
  return { once: detection.micros, perMinute: recording.micros };
}

const NOTHING: Found = { micros: 0n };

function secondsOf(fields: Fields): number {
  const text = fields.get('TimeLimit') ?? '0';
  return Number(text) || DEFAULT_TIME_LIMIT;
}

/**
 * Whether the script is in the request and does nothing that costs: then no call costs more. Speech
 * is not nothing: the account's own setting may make a dear voice of the plain one.
 */
function isPlain(fields: Fields): boolean {
  const script = fields.get('Twiml');
  if (script === undefined || fields.has('Url') || fields.has('ApplicationSid')) return false;
  const tags = script.match(/<[^>]*>?/g) ?? [];
  return tags.every((tag) => /^<(?:\/?(?:Response|Play|Pause|Hangup|Reject)\b|\?xml )/.test(tag));
}
