/**
 * Twilio's error bodies (vendors.md 2.5). Thrown by the handlers, turned into a reply in twilio.ts
 * alone. Nothing that was refused is stored or executed.
 */
import type { Gateway } from '../vendor.ts';

export class TwilioError extends Error {
  readonly status: number;
  readonly code: number;

  constructor(status: number, code: number, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export function errorText(status: number, code: number, message: string): string {
  const more_info = `https://www.twilio.com/docs/errors/${code}`;
  return JSON.stringify({ code, message, more_info, status });
}

export function notFound(path: string): TwilioError {
  return new TwilioError(404, 20404, `The requested resource ${path} was not found`);
}

/** A parameter that a newer product misses or does not know: its own code for all of them. */
export function invalidParameter(name: string, code = 60200): TwilioError {
  return new TwilioError(400, code, `Invalid parameter: ${name}`);
}

/** Twilio's general codes are 20000 and the status: 20429 too many requests, 20503. */
export const twilioGateway: Gateway = {
  refuse: (status) => ({
    headers: [],
    body: errorText(status, 20_000 + status, `The sandbox was asked to answer ${status}.`),
  }),
  wrongType: '{"sid":42,"status":["queued"],"price":{"much":true},"num_segments":null}',
};
