/**
 * What a verification costs: a price for its success and one for sending it, which is that of a
 * message or a call in most channels. Twilio states neither, so what is quoted is what it counts.
 * Each POST sends again, and counts again.
 */
import type { Fields } from '../form.ts';
import { type PhoneNumber, readPhone } from './phone.ts';
import { configured, estimated, type Found, listedPrice, type Priced, unpriced } from './priced.ts';
import { type Prices, priceAt } from './prices.ts';

export function quoteVerification(fields: Fields, prices: Prices): Priced {
  const channel = fields.get('Channel')?.toLowerCase() ?? '';
  if (!/^[a-z]+$/.test(channel)) return unpriced('`Channel` is missing');
  const success = configured(prices, 'verify');
  if (!('micros' in success)) return success;
  const sending = sendingPrice(channel, readPhone(fields.get('To') ?? ''), prices);
  return 'micros' in sending ? estimated(success.micros + sending.micros) : sending;
}

function sendingPrice(channel: string, to: PhoneNumber | null, prices: Prices): Found {
  const own = priceAt(prices, `verify/${channel}`, to);
  if (own !== null) return { micros: own };
  if (to === null || (channel !== 'sms' && channel !== 'call')) {
    return configured(prices, `verify/${channel}`, to);
  }
  // The code is one segment, or said within a minute.
  if (channel === 'call') return listedPrice(prices, 'voice', to);
  const segment = listedPrice(prices, 'sms', to);
  if (!('micros' in segment)) return segment;
  return { micros: segment.micros + (priceAt(prices, 'sms-fee', to) ?? 0n) };
}
