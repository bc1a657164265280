/**
 * How the two versions of the API differ on the wire: the form of a body, the shape of an error, and
 * what an idempotency key keeps. Everything behind them is the same.
 */
import { type ErrorBody, invalid, StripeError } from './errors.ts';
import { Form } from './form.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

export interface Dialect {
  /** Throws a StripeError for a body that cannot be read at all. */
  read(query: string, body: string, contentType: string): Form;
  /** Methods whose idempotency key counts. */
  keyed: readonly string[];
  keepsMs: number;
  /**
   * A failure is executed anew on a retry, to completion. Otherwise what an endpoint answered once
   * it began to execute is kept, errors too.
   */
  retriesFailures: boolean;
  errorText(error: ErrorBody, status: number): string;
}

const V1: Dialect = {
  read: (query, body, contentType) => new Form(query, body, contentType),
  keyed: ['POST'],
  keepsMs: DAY_MS,
  retriesFailures: false,
  errorText: (error) => JSON.stringify({ error }),
};

const V2: Dialect = {
  read: (query, body) => {
    const form = Form.ofJson(query, body);
    if (!form) throw invalid('The request body is not valid JSON.');
    return form;
  },
  keyed: ['POST', 'DELETE'],
  keepsMs: 30 * DAY_MS,
  retriesFailures: true,
  errorText: (error, status) => JSON.stringify({ error: inV2(error, status) }),
};

export function dialectOf(path: string): Dialect {
  return path.startsWith('/v2/') ? V2 : V1;
}

/** An error of v2 alone, such as `not_cancelable`, which its SDKs know by `type` and `code`. */
export function refusedInV2(type: string, message: string, status = 400): StripeError {
  return new StripeError(status, { type: type as ErrorBody['type'], code: type, message }, true);
}

/** A wrong field has a `code` and no `type` in v2; what is missing is `not_found`. */
function inV2({ type, param, ...error }: ErrorBody, status: number): Record<string, unknown> {
  if (type !== 'invalid_request_error') return { type, ...error };
  if (status === 404) return { ...error, code: 'not_found' };
  return { ...error, code: 'invalid_fields', ...(param && { fields: [{ field: param }] }) };
}
