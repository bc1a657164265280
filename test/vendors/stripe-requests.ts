/**
 * Requests and replies for the tests of the Stripe vendor, in the form the proxy hands them over;
 * and the recorded vendor traffic and the list of operations, which lie outside the repository.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Refusal } from '../../src/errors.ts';
import { TariffBook } from '../../src/tariffs/book.ts';
import { stripe } from '../../src/vendors/stripe/stripe.ts';
import {
  type Conclusion,
  isRefusal,
  type Reading,
  type Tariff,
  type VendorReply,
  type VendorRequest,
} from '../../src/vendors/vendor.ts';

/** In micro-dollars. */
export const CENT = 10_000n;

export const PI = '/v1/payment_intents';
/** $29, as a form states it. */
export const USD = 'amount=2900&currency=usd';

/** A tariff that knows no currency but dollars, and no price. */
export const DOLLARS: Tariff = new TariffBook().of('stripe', 'default', 0);

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

export function request(
  method: string,
  target: string,
  body: string | Uint8Array = '',
  headers: Record<string, string> = body.length > 0 ? FORM : {},
): VendorRequest {
  const [path, query = ''] = target.split('?', 2);
  return {
    method,
    path: path!,
    query,
    headers: new Map(Object.entries(headers)),
    body: Buffer.from(body),
  };
}

/** Reads a request that must have one reading. */
export function reading(method: string, target: string, body = ''): Reading {
  const result = stripe.read(request(method, target, body), DOLLARS);
  assert.ok(!isRefusal(result), `refused: ${'code' in result ? result.message : ''}`);
  return result;
}

/** Reads a request that must be refused. */
export function refused(what: VendorRequest): Refusal {
  const result = stripe.read(what, DOLLARS);
  assert.ok(isRefusal(result), 'was read, and should have been refused');
  return result;
}

export function reply(
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): VendorReply {
  const bytes = body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body));
  return { status, headers: new Map(Object.entries(headers)), body: bytes };
}

/** Reads a request, and concludes it by this reply. */
export function conclude(
  method: string,
  path: string,
  body: string,
  answer: VendorReply,
): Conclusion {
  return stripe.conclude(reading(method, path, body), answer, DOLLARS);
}

const DATA = join(import.meta.dirname, '../../../shared/data/stripe');

export const withoutData = existsSync(DATA) ? false : 'the recorded data is not beside the repo';

export function data<T>(name: string): T {
  return JSON.parse(readFileSync(join(DATA, name), 'utf8')) as T;
}

/** A call as it was made, and what Stripe answered. */
export interface Exchange {
  cassette: string;
  request: { method: string; path: string; body: string; headers: Record<string, string> };
  response: { status: number; body: unknown; headers: Record<string, string> };
}
