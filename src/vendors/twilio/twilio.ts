/**
 * Twilio: one object that wires the parts. The order of `read` is the order of trust: first that
 * the request has one reading, then what it is, then what it costs.
 */
import type { Refusal } from '../../errors.ts';
import { ambiguous } from '../one-reading.ts';
import type {
  Learned,
  OperationClass,
  Quote,
  Reading,
  Tariff,
  Vendor,
  VendorReply,
  VendorRequest,
} from '../vendor.ts';
import { checkCredentials, checkScope, outbound } from './account.ts';
import { isWithheld, type Pricing, priceOf } from './classes.ts';
import { clueOf } from './clue.ts';
import { conclude } from './conclude.ts';
import { renderRefusal } from './error-shape.ts';
import { investigate } from './investigate.ts';
import { operationOf } from './operations.ts';
import { pricesIn } from './pricing-api.ts';
import { placeOf } from './products.ts';
import { quoteOf, reason } from './quote.ts';
import { readContent } from './request.ts';

const CLASSES: Readonly<Record<Quote['kind'], OperationClass>> = {
  exact: 'priced',
  bounded: 'priced',
  estimated: 'priced',
  object: 'priced',
  ask: 'priced',
  free: 'free',
  unpriced: 'unpriced',
};

/** Of Twilio's answers: a message is queued within milliseconds, its price comes in seconds to a day. */
const FIRST_PRICE_MS = 5_000;
/** A message that was accepted is in the list by then. */
const FIRST_SEARCH_MS = 15_000;

export const twilio: Vendor = {
  name: 'twilio',
  baseUrl: 'https://api.twilio.com',
  credentialFields: ['account_sid', 'auth_token'],
  optionalFields: ['api_key_sid'],
  publicFields: ['account_sid', 'api_key_sid'],
  /** A TwiML script has at most 4,000 characters, a text 1,600. */
  bodyLimit: 256 * 1024,
  /** Twilio executes the same request twice (vendors.md 2.5). */
  idempotencyWindowMs: 0,
  firstLookMs: { held: FIRST_PRICE_MS, unknown: FIRST_SEARCH_MS },
  identityHeaders: [],
  read,
  checkScope: (request, { fields }, destination) => checkScope(request, fields, destination),
  outbound,
  conclude,
  learn,
  investigate,
  renderRefusal,
  checkCredentials,
};

function read(request: VendorRequest, tariff: Tariff): Reading | Refusal {
  const { method } = request;
  const content = readContent(request);
  if ('code' in content) return content;
  const place = placeOf(request.path);
  if ('code' in place) return place;
  const { name, ids } = operationOf(method, place);
  const pricing = priceOf(method, name);
  if (content.json !== null && TAKES_FORM.has(pricing.by)) {
    return ambiguous(
      'this call takes a form; send `content-type: application/x-www-form-urlencoded`',
    );
  }
  const { quote, lookUp } = quoteOf(pricing, content, tariff.prices);
  const costs = quote.kind !== 'free';
  return {
    operation: name,
    class: isWithheld(method, name) ? 'withheld' : CLASSES[quote.kind],
    quote,
    ...{ amount: null, currency: null, rate: null },
    objectId: ids[0] ?? null,
    customer: null,
    fields: content.fields,
    canonicalBody: content.canonical,
    idempotency: method === 'GET' && !costs ? 'none' : 'proxy',
    onBehalfOf: [],
    lookUp,
    clue: clueOf(pricing, content.fields, tariff.prices),
  };
}

/** Whose fields are read from a form: as JSON they would not be Twilio's. */
const TAKES_FORM: ReadonlySet<Pricing['by']> = new Set([
  'message',
  'call',
  'verification',
  'absence',
]);

/** The Pricing API's answer: the prices of a country, and with them the call's. */
function learn(reading: Reading, replies: readonly VendorReply[], tariff: Tariff): Learned {
  const prices = pricesIn(reading.lookUp!, replies.at(-1)!, tariff);
  if ('why' in prices) {
    const why = reason(`Twilio was asked, and ${prices.why}`);
    return { quote: { kind: 'unpriced', reason: why, ...(prices.has && { noKeyPrice: true }) } };
  }
  const content = { fields: reading.fields, canonical: reading.canonicalBody, json: null };
  const all = new Map([...prices, ...tariff.prices]);
  const { quote } = quoteOf(priceOf('POST', reading.operation), content, all);
  if (quote.kind !== 'ask') return { quote, prices };
  const none = `${quote.reason} Its Pricing API, which was asked, does not say either.`;
  return { quote: { kind: 'unpriced', reason: none }, prices };
}
