/**
 * Resend's error bodies (vendors.md 3). Thrown by the handlers, turned into a reply in resend.ts
 * alone. Nothing that was refused is stored or executed.
 */
import type { Gateway } from '../vendor.ts';

export class ResendError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export function errorText(statusCode: number, name: string, message: string): string {
  return JSON.stringify({ statusCode, message, name });
}

export function missing(field: string): ResendError {
  return new ResendError(422, 'missing_required_field', `Missing \`${field}\` field.`);
}

export function invalid(message: string, status = 422): ResendError {
  return new ResendError(status, 'validation_error', message);
}

export function notFound(what: string): ResendError {
  return new ResendError(404, 'not_found', `${what} not found`);
}

const NAMES: Readonly<Record<number, string>> = {
  400: 'validation_error',
  401: 'missing_api_key',
  403: 'invalid_api_key',
  404: 'not_found',
  405: 'method_not_allowed',
  422: 'validation_error',
  429: 'rate_limit_exceeded',
  500: 'internal_server_error',
};

export const resendGateway: Gateway = {
  refuse: (status) => ({
    headers: status === 429 ? ['retry-after', '1'] : [],
    body: errorText(
      status,
      NAMES[status] ?? 'application_error',
      `The sandbox was asked to answer ${status}.`,
    ),
  }),
  wrongType: '{"id":42,"data":"much","object":["email"]}',
};
