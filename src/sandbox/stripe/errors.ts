/**
 * Stripe's error bodies. Thrown by the handlers, turned into a reply in stripe.ts alone.
 * `stored` tells whether an idempotency key keeps the answer: Stripe stores what an endpoint
 * answered once it began to execute, and neither failed validation nor 401, 409 or 429.
 */
import type { CardRefusal } from './cards.ts';

export interface ErrorBody {
  type: 'api_error' | 'card_error' | 'idempotency_error' | 'invalid_request_error';
  message: string;
  code?: string;
  param?: string;
  [field: string]: unknown;
}

export class StripeError extends Error {
  readonly status: number;
  readonly body: ErrorBody;
  readonly stored: boolean;

  constructor(status: number, body: ErrorBody, stored = false) {
    super(body.message);
    this.status = status;
    this.body = body;
    this.stored = stored;
  }
}

/** A parameter that fails validation: 400, nothing executed, not stored. */
export function invalid(message: string, param?: string, code?: string): StripeError {
  const body: ErrorBody = { type: 'invalid_request_error', message };
  if (code) body.code = code;
  if (param) body.param = param;
  return new StripeError(400, body);
}

export function missing(param: string): StripeError {
  return invalid(`Missing required param: ${param}.`, param, 'parameter_missing');
}

/** An id that names nothing: 404 when it stands in the path, 400 when in a parameter. */
export function noSuch(what: string, id: string, param?: string): StripeError {
  return new StripeError(param ? 400 : 404, {
    type: 'invalid_request_error',
    code: 'resource_missing',
    message: `No such ${what}: '${id}'`,
    param: param ?? 'id',
  });
}

/** What the object's state does not allow: 400, found while executing, so it is stored. */
export function conflict(
  message: string,
  code: string | null,
  more: Record<string, unknown> = {},
): StripeError {
  const body: ErrorBody = { type: 'invalid_request_error', message, ...more };
  if (code) body.code = code;
  return new StripeError(400, body, true);
}

/** The card said no: 402, stored. `objects` are what Stripe sends along: charge, payment_intent. */
export function cardError(refusal: CardRefusal, objects: Record<string, unknown>): StripeError {
  return new StripeError(402, cardErrorBody(refusal, objects), true);
}

export function cardErrorBody(refusal: CardRefusal, more: Record<string, unknown>): ErrorBody {
  const body: ErrorBody = { type: 'card_error', code: refusal.code, message: refusal.message };
  if (refusal.declineCode) body.decline_code = refusal.declineCode;
  return { ...body, ...more };
}
