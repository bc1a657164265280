/**
 * What belongs to the account and costs nothing: the account itself, its messaging services, its
 * voice settings. A few rows, so that every product has an address that answers.
 */
import { type Context, found, type Outcome } from './context.ts';
import { notFound } from './errors.ts';
import { isoSeconds, rfc2822 } from './times.ts';

export function readAccount({ accountSid, now }: Context): Outcome {
  return found({
    sid: accountSid,
    friendly_name: 'Sandbox',
    status: 'active',
    type: 'Full',
    owner_account_sid: accountSid,
    date_created: rfc2822(now),
    date_updated: rfc2822(now),
    uri: `/2010-04-01/Accounts/${accountSid}.json`,
  });
}

/** Any `MG…` is a service of this account. */
export function readMessagingService({ accountSid, names, path, now }: Context): Outcome {
  const [sid = ''] = names;
  if (!/^MG[0-9a-fA-F]{32}$/.test(sid)) throw notFound(path);
  return found({
    account_sid: accountSid,
    sid,
    friendly_name: 'Sandbox service',
    date_created: isoSeconds(now),
    date_updated: isoSeconds(now),
    smart_encoding: false,
    validity_period: 36_000,
    url: `https://messaging.twilio.com/v1/Services/${sid}`,
    links: {},
  });
}

export function readVoiceSettings(): Outcome {
  return found({
    dialing_permissions_inheritance: false,
    url: 'https://voice.twilio.com/v1/Settings',
  });
}
