/**
 * What a call to Resend costs before it is sent, as a pure function of the request: recipients times
 * the price of one mail. An amount of which Resend could see another than is counted here is either
 * unpriced or refused.
 */
import type { Refusal } from '../../errors.ts';
import type { Micros } from '../../money.ts';
import { asList, asObject, type Json, type JsonContent } from '../json-body.ts';
import { ambiguous } from '../one-reading.ts';
import type { Quote, Tariff } from '../vendor.ts';
import { type Mail, readMail } from './mail.ts';
import type { Pricing } from './prices.ts';

/** The name of the price of one recipient's mail in a tariff. */
export const PRICE = 'email';

export interface Quoted {
  readonly quote: { kind: 'exact'; micros: Micros } | Extract<Quote, { kind: 'free' | 'unpriced' }>;
  /** Empty when the call sends none, or which ones is not known. */
  readonly mails: readonly Mail[];
}

export function quote(
  pricing: Pricing,
  { value }: JsonContent,
  { prices }: Tariff,
): Quoted | Refusal {
  const body = asObject(value);
  const list = asList(value);
  switch (pricing.by) {
    case 'nothing':
      return FREE;
    case 'resend':
      return unpriced(pricing.why);
    case 'fields': {
      const other = [...(body?.keys() ?? [])].find((name) => !pricing.allowed.includes(name));
      if (list !== null) return ambiguous('the body must be a JSON object');
      return other === undefined ? FREE : unpriced(`it changes \`${other}\`, which may cost`);
    }
    case 'draft': {
      const sent = body?.get('send') ?? false;
      const later = body?.get('scheduled_at') ?? null;
      if (sent === false && later === null) return FREE;
      return unpriced('how many a broadcast goes to is known to Resend alone');
    }
    case 'mail':
      return body === null
        ? ambiguous('the body must be a JSON object, a mail')
        : ofMails([body], prices.get(PRICE));
    case 'mails':
      return list === null
        ? ambiguous('the body must be a JSON list of mails')
        : ofMails(list, prices.get(PRICE));
  }
}

const FREE: Quoted = { quote: { kind: 'free' }, mails: [] };

function ofMails(values: readonly Json[], price: Micros | undefined): Quoted | Refusal {
  const mails: Mail[] = [];
  for (const value of values) {
    const mail = readMail(value);
    if ('ambiguous' in mail) return ambiguous(mail.ambiguous);
    if ('unpriced' in mail) return unpriced(mail.unpriced);
    mails.push(mail);
  }
  if (mails.length === 0) return unpriced('the list has no mail in it');
  if (price === undefined) return { ...unpriced('no price of a mail is configured'), mails };
  const recipients = mails.reduce((sum, mail) => sum + mail.recipients.length, 0);
  return { quote: { kind: 'exact', micros: price * BigInt(recipients) }, mails };
}

function unpriced(reason: string): Quoted {
  return { quote: { kind: 'unpriced', reason }, mails: [] };
}
