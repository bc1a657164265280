/**
 * Which handler answers which call. The products other than the API itself stand under a prefix of
 * their name, where Twilio has a host for each: `/verify/v2/…` is `https://verify.twilio.com/v2/…`.
 */
import { RouteTable } from '../route-table.ts';
import { readAccount, readMessagingService, readVoiceSettings } from './account.ts';
import { beginCall, listCalls, readCall, updateCall } from './calls.ts';
import type { Handler } from './context.ts';
import { lookUp } from './lookups.ts';
import {
  deleteMessage,
  listMessages,
  readMessage,
  sendMessage,
  updateMessage,
} from './messages.ts';
import {
  listMessagingCountries,
  listVoiceCountries,
  readMessagingCountry,
  readVoiceCountry,
  readVoiceNumber,
} from './pricing.ts';
import {
  checkVerification,
  readVerification,
  startVerification,
  updateVerification,
} from './verify.ts';

/** What follows `/2010-04-01/Accounts/{AccountSid}`. */
const ACCOUNT_ROUTES = new RouteTable<Handler>([
  ['GET /', readAccount],
  ['POST /Messages', sendMessage],
  ['GET /Messages', listMessages],
  ['GET /Messages/*', readMessage],
  ['POST /Messages/*', updateMessage],
  ['DELETE /Messages/*', deleteMessage],
  ['POST /Calls', beginCall],
  ['GET /Calls', listCalls],
  ['GET /Calls/*', readCall],
  ['POST /Calls/*', updateCall],
]);

const PRODUCT_ROUTES = new RouteTable<Handler>([
  ['POST /verify/v2/Services/*/Verifications', startVerification],
  ['GET /verify/v2/Services/*/Verifications/*', readVerification],
  ['POST /verify/v2/Services/*/Verifications/*', updateVerification],
  ['POST /verify/v2/Services/*/VerificationCheck', checkVerification],
  ['GET /lookups/v2/PhoneNumbers/*', lookUp],
  ['GET /pricing/v1/Messaging/Countries', listMessagingCountries],
  ['GET /pricing/v1/Messaging/Countries/*', readMessagingCountry],
  ['GET /pricing/v2/Voice/Countries', listVoiceCountries],
  ['GET /pricing/v2/Voice/Countries/*', readVoiceCountry],
  ['GET /pricing/v2/Voice/Numbers/*', readVoiceNumber],
  ['GET /messaging/v1/Services/*', readMessagingService],
  ['GET /voice/v1/Settings', readVoiceSettings],
]);

export interface Route {
  handler: Handler;
  names: string[];
}

/** `path` as readPath gives it. Undefined: no such address, or another account's. */
export function route(method: string, path: string, accountSid: string): Route | undefined {
  const plain = path.replace(/\.json$/, '');
  const account = `/2010-04-01/Accounts/${accountSid}`;
  if (plain === account) return ACCOUNT_ROUTES.find(method, '/');
  return plain.startsWith(`${account}/`)
    ? ACCOUNT_ROUTES.find(method, plain.slice(account.length))
    : PRODUCT_ROUTES.find(method, plain);
}
