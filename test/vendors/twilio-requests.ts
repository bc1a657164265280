/**
 * Requests, replies and open calls for the tests of the Twilio vendor, in the form the proxy hands
 * them over; and Twilio's own API descriptions, which lie outside the repository.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Refusal } from '../../src/errors.ts';
import { parseUsd } from '../../src/money.ts';
import { Secret } from '../../src/seal.ts';
import { TariffBook } from '../../src/tariffs/book.ts';
import { TWILIO_LIST_PRICES } from '../../src/tariffs/twilio-list-prices.ts';
import { PLACEHOLDER } from '../../src/vendors/twilio/account.ts';
import { twilio } from '../../src/vendors/twilio/twilio.ts';
import {
  type Destination,
  isRefusal,
  type OpenCall,
  type Quote,
  type Reading,
  type Tariff,
  type VendorReply,
  type VendorRequest,
} from '../../src/vendors/vendor.ts';

export const SID = `AC${'1f'.repeat(16)}`;
export const OTHER_SID = `AC${'2e'.repeat(16)}`;
export const TOKEN = 'a_real_auth_token_0001';
export const ACCOUNT: Destination = {
  baseUrl: 'https://api.twilio.com',
  credentials: { account_sid: new Secret(SID), auth_token: new Secret(TOKEN) },
};

/** The list prices and these, in dollars by name. */
export function tariffOf(prices: Record<string, string> = {}, rates: Record<string, bigint> = {}) {
  const book = new TariffBook();
  const own = Object.entries(prices).map(([name, usd]) => [name, parseUsd(usd)] as const);
  book.setPrices('twilio', null, new Map([...TWILIO_LIST_PRICES, ...own]));
  book.setRates({ date: '2026-11-23', units: new Map(Object.entries(rates)) });
  return book.of('twilio', 'default', Date.parse('2026-11-24'));
}

/** The list prices alone. */
export const LISTED: Tariff = tariffOf();

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

/** `body`: as it is on the wire. */
export function request(
  method: string,
  target: string,
  body = '',
  headers: Record<string, string> = body === '' ? {} : FORM,
): VendorRequest {
  const [path = '', query = ''] = target.split('?', 2);
  return {
    method,
    path,
    query,
    headers: new Map(Object.entries(headers)),
    body: Buffer.from(body),
  };
}

export const MESSAGES = `/2010-04-01/Accounts/${PLACEHOLDER}/Messages.json`;
export const CALLS = `/2010-04-01/Accounts/${PLACEHOLDER}/Calls.json`;
export const VERIFICATIONS = `/verify/v2/Services/VA${'0'.repeat(32)}/Verifications`;

export type Fields = Record<string, string>;

export function form(fields: Fields): string {
  return new URLSearchParams(fields).toString();
}

/** Reads a request that must have one reading. */
export function reading(what: VendorRequest, tariff: Tariff = LISTED): Reading {
  const result = twilio.read(what, tariff);
  assert.ok(!isRefusal(result), `refused: ${'code' in result ? result.message : ''}`);
  return result;
}

/** Reads a request that must be refused. */
export function refused(what: VendorRequest): Refusal {
  const result = twilio.read(what, LISTED);
  assert.ok(isRefusal(result), `was read, and should have been refused: ${what.path}`);
  return result;
}

/** A POST of a form. */
export function posted(path: string, fields: Fields, tariff?: Tariff): Reading {
  return reading(request('POST', path, form(fields)), tariff);
}

export const US = '+14155552671';
export const GB = '+447400123456';
export const JAMAICA = '+18765551234';

export function message(fields: Fields = {}, tariff?: Tariff): Reading {
  return posted(MESSAGES, { To: US, From: '+15005550006', Body: 'Hello', ...fields }, tariff);
}

/** What a quote says, shortly: `estimated 0.0145`. */
export function shown({ quote, lookUp }: Pick<Reading, 'quote' | 'lookUp'>): string {
  return quote.kind === 'ask' ? `ask ${lookUp?.path}` : micros(quote);
}

function micros(quote: Quote): string {
  return 'micros' in quote ? `${quote.kind} ${quote.micros}` : quote.kind;
}

export function reply(
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): VendorReply {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { status, headers: new Map(Object.entries(headers)), body: Buffer.from(text) };
}

export const SM = `SM${'0a'.repeat(16)}`;
export const CA = `CA${'0b'.repeat(16)}`;

/** A message as Twilio shows it. */
export function shownMessage(more: object = {}): Record<string, unknown> {
  return {
    ...{ sid: SM, status: 'queued', to: US, from: '+15005550006', body: 'Hello' },
    ...{ price: null, price_unit: 'USD', direction: 'outbound-api', messaging_service_sid: null },
    date_created: 'Tue, 24 Nov 2026 09:00:01 +0000',
    ...more,
  };
}

/** A call as Twilio shows it. */
export function shownCall(more: object = {}): Record<string, unknown> {
  const { body: _, ...rest } = shownMessage();
  return { ...rest, sid: CA, duration: null, parent_call_sid: null, ...more };
}

export const AT = Date.parse('2026-11-24T09:00:00Z');

/** A call that was sent as this reading at AT, and is open. */
export function open(sent: Reading, more: Partial<OpenCall> = {}): OpenCall {
  return {
    ...{ id: 1n, at: AT, sentAt: AT, account: 'default', state: 'held', method: 'POST' },
    ...{ path: MESSAGES, operation: sent.operation },
    quote: 'micros' in sent.quote ? sent.quote.micros : 0n,
    ...{ amount: null, currency: null, rateDate: null, idempotencyKey: 'k', onBehalfOf: null },
    ...{ vendorObjectId: SM, clue: sent.clue, looks: 0, taken: new Set<string>() },
    ...more,
  };
}

// ---------------------------------------------------------------- Twilio's API descriptions

const FOLDER = join(import.meta.dirname, '../../../shared/data/twilio');

export const withoutSpecs = existsSync(FOLDER)
  ? false
  : 'the API descriptions are not beside the repo';

export interface Described {
  method: string;
  /** As a client sends it, ids filled in. */
  path: string;
  /** `CreateMessage`. */
  operationId: string;
  examples: Record<string, unknown>;
}

interface Operation {
  operationId: string;
  responses: Record<
    string,
    { content?: Record<string, { examples?: Record<string, { value: unknown }> }> }
  >;
}

const VERBS = ['get', 'post', 'put', 'patch', 'delete'];
/** In the place of an id: no word that the API gives a meaning. */
const ID = `XX${'0'.repeat(32)}`;

/** Every operation of every description. */
export function described(): Described[] {
  return readdirSync(FOLDER).flatMap((file) => {
    const product = /^twilio_([a-z]+)_/.exec(file)![1]!;
    const { paths } = JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as {
      paths: Record<string, Record<string, Operation>>;
    };
    return Object.entries(paths).flatMap(([template, verbs]) => {
      const own = template.replace('{AccountSid}', PLACEHOLDER).replace(/\{\w+\}/g, ID);
      const path = product === 'api' ? own : `/${product}${own}`;
      return VERBS.filter((verb) => verbs[verb]).map((verb) => {
        const { operationId, responses } = verbs[verb]!;
        const examples = Object.values(responses).flatMap(({ content = {} }) =>
          Object.values(content).flatMap((each) => Object.entries(each.examples ?? {})),
        );
        const values = examples.map(([name, { value }]) => [name, value]);
        return {
          method: verb.toUpperCase(),
          path,
          operationId,
          examples: Object.fromEntries(values),
        };
      });
    });
  });
}

/** A reply that a description gives as an example. */
export function example(operationId: string, path: RegExp, name: string): unknown {
  const found = described().find(
    (each) => each.operationId === operationId && path.test(each.path),
  );
  assert.ok(found?.examples[name], `${operationId} has no example ${name}`);
  return found.examples[name];
}
