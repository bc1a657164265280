/**
 * What a message costs before it is sent. Always an estimate: the sender that Twilio picks, the
 * carrier and what becomes of the message decide the price that it states later.
 */
import type { Micros } from '../../money.ts';
import type { Fields } from '../form.ts';
import { readPhone } from './phone.ts';
import { configured, estimated, type Found, listedPrice, type Priced, unpriced } from './priced.ts';
import { CHANNELS, type Prices, priceAt } from './prices.ts';
import { MAX_SEGMENTS, segmentsOf } from './segments.ts';
import { smartEncoded } from './smart-encoding.ts';

export function quoteMessage(fields: Fields, prices: Prices): Priced {
  const to = fields.get('To') ?? '';
  const found = /^[a-z]+:/.test(to) ? inChannel(to, prices) : toNumber(to, fields, prices);
  if (!('micros' in found)) return found;
  const extra = isOn(fields, 'ShortenUrls') ? configured(prices, 'shorten-urls') : { micros: 0n };
  return 'micros' in extra ? estimated(found.micros + extra.micros) : extra;
}

/** `whatsapp:+15552229999`, `messenger:1234`: by the message, whatever its length. */
function inChannel(to: string, prices: Prices): Found {
  const [channel = '', address = ''] = to.split(':', 2);
  if (CHANNELS.has(channel)) return configured(prices, channel, readPhone(address));
  return unpriced(`\`To\` is in a channel that is none of ${[...CHANNELS].join(', ')}`);
}

function toNumber(to: string, fields: Fields, prices: Prices): Found {
  const phone = readPhone(to);
  if (phone === null)
    return unpriced(
      '`To` must be a number such as `+14155552671`; in a form, `+` is written `%2B`',
    );
  const mms =
    isOn(fields, 'SendAsMms') || [...fields.keys()].some((name) => /^MediaUrl\[/.test(name));
  const template = fields.get('ContentSid');
  const whole = template ? priceAt(prices, 'content', phone) : null;
  if (whole !== null) return { micros: whole };
  const mmsPrice = priceAt(prices, 'mms', phone);
  const mmsFee = priceAt(prices, 'mms-fee', phone) ?? 0n;
  if (mms && mmsPrice === null) return configured(prices, 'mms', phone);
  if (mms) return { micros: mmsPrice! + mmsFee };
  const segment = listedPrice(prices, 'sms', phone);
  if (!('micros' in segment)) return segment;
  const each = segment.micros + (priceAt(prices, 'sms-fee', phone) ?? 0n);
  const text = each * BigInt(segmentsIn(fields));
  // What a template says, and whether it has pictures, Twilio alone knows.
  return { micros: template ? larger(text, (mmsPrice ?? 0n) + mmsFee) : text };
}

function segmentsIn(fields: Fields): number {
  if (fields.get('ContentSid')) return MAX_SEGMENTS;
  const body = fields.get('Body') ?? '';
  const smart = segmentsOf(smartEncoded(body));
  if (isOn(fields, 'SmartEncoded')) return smart;
  const plain = segmentsOf(body);
  return mayBeEncoded(fields) && smart > plain ? smart : plain;
}

/** A messaging service encodes smartly, unless it is set not to: which, Twilio alone knows. */
export function mayBeEncoded(fields: Fields): boolean {
  return Boolean(fields.get('MessagingServiceSid'));
}

function isOn(fields: Fields, name: string): boolean {
  return fields.get(name) === 'true';
}

function larger(a: Micros, b: Micros): Micros {
  return a > b ? a : b;
}
