/**
 * Requests, replies and open calls for the tests of the Resend vendor, in the form the proxy hands
 * them over; and Resend's own API description, which lies outside the repository.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Refusal } from '../../src/errors.ts';
import type { Micros } from '../../src/money.ts';
import { TariffBook } from '../../src/tariffs/book.ts';
import { resend } from '../../src/vendors/resend/resend.ts';
import {
  isRefusal,
  type OpenCall,
  type Reading,
  type Tariff,
  type VendorReply,
  type VendorRequest,
} from '../../src/vendors/vendor.ts';

/** $0.0009 for a recipient. */
export const PRICE: Micros = 900n;
export const TARIFF = tariffOf(PRICE);

export function tariffOf(price: Micros | null): Tariff {
  const book = new TariffBook();
  if (price !== null) book.setPrices('resend', null, new Map([['email', price]]));
  return book.of('resend', 'default', 0);
}

const JSON_TYPE = { 'content-type': 'application/json' };

/** `body`: text as it is, or what becomes JSON. */
export function request(
  method: string,
  target: string,
  body: unknown = '',
  headers: Record<string, string> = {},
): VendorRequest {
  const [path, query = ''] = target.split('?', 2);
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const all = { ...(text === '' ? {} : JSON_TYPE), ...headers };
  return {
    method,
    path: path!,
    query,
    headers: new Map(Object.entries(all)),
    body: Buffer.from(text),
  };
}

/** Reads a request that must have one reading. */
export function reading(
  method: string,
  target: string,
  body: unknown = '',
  headers: Record<string, string> = {},
): Reading {
  const result = resend.read(request(method, target, body, headers), TARIFF);
  assert.ok(!isRefusal(result), `refused: ${'code' in result ? result.message : ''}`);
  return result;
}

/** Reads a request that must be refused for its two readings. */
export function refused(what: VendorRequest): Refusal {
  const result = resend.read(what, TARIFF);
  assert.ok(isRefusal(result), 'was read, and should have been refused');
  assert.equal(result.code, 'request_ambiguous');
  return result;
}

export function reply(status: number, body: unknown): VendorReply {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { status, headers: new Map(Object.entries(JSON_TYPE)), body: Buffer.from(text) };
}

export const MAIL = {
  from: 'Shop <shop@shop.example>',
  to: ['a@a.example'],
  subject: 'Order',
  text: 'It left.',
};

/** A call as it is looked for, that sent this request at this time and got no answer. */
export function lost(sent: Reading, at: number, more: Partial<OpenCall> = {}): OpenCall {
  assert.equal(sent.quote.kind, 'exact');
  return {
    ...{ id: 1n, at, sentAt: at, account: 'default', state: 'unknown', method: 'POST' },
    path: sent.operation === 'emails.send' ? '/emails' : '/emails/batch',
    operation: sent.operation,
    quote: 'micros' in sent.quote ? sent.quote.micros : 0n,
    ...{ amount: null, currency: null, rateDate: null, idempotencyKey: 'k', onBehalfOf: null },
    ...{ vendorObjectId: null, clue: sent.clue, looks: 0, taken: new Set() },
    ...more,
  };
}

const FILE = join(import.meta.dirname, '../../../shared/data/resend/openapi.json');

export const withoutSpec = existsSync(FILE) ? false : 'the API description is not beside the repo';

/** Every operation of the API: `POST`, `/emails/{id}/cancel`, `emails/cancel`. */
export function specOperations(): [method: string, template: string, operationId: string][] {
  const { paths } = JSON.parse(readFileSync(FILE, 'utf8')) as {
    paths: Record<string, Record<string, { operationId: string }>>;
  };
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([method]) => method !== 'parameters')
      .map(([method, { operationId }]): [string, string, string] => {
        return [method.toUpperCase(), path.replace(/\{\w+\}/g, '{id}'), operationId];
      }),
  );
}
