/**
 * Requests to the fake vendors by plain node:http, which changes no byte of path and body, and the
 * short forms in which the tests of Twilio and Resend send theirs.
 */
import { request } from 'node:http';
import type { TestContext } from 'node:test';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../src/sandbox/server.ts';
import { type ManualClock, manualClock } from '../support/manual-clock.ts';

export interface RawReply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  /** Latin-1: one character is one byte. */
  body: string;
}

export function send(
  url: string,
  method: string,
  path: string,
  body: string,
  headers: Record<string, string>,
): Promise<RawReply> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        hostname,
        port,
        method,
        path,
        agent: false,
        headers: { 'content-length': Buffer.byteLength(body), ...headers },
      },
      (reply) => {
        const chunks: Buffer[] = [];
        reply.on('data', (chunk: Buffer) => chunks.push(chunk));
        reply.on('error', reject);
        reply.on('end', () => {
          const text = Buffer.concat(chunks).toString('latin1');
          resolve({ status: reply.statusCode!, headers: reply.headers, body: text });
        });
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

export interface JsonReply extends RawReply {
  /** The body's JSON object; empty when it is none. */
  json: Record<string, unknown>;
}

/** The sandbox on a clock that only the test moves, gone when the test ends. */
export async function startStill(
  t: TestContext,
  options: SandboxOptions = {},
): Promise<{ sandbox: Sandbox; clock: ManualClock }> {
  const clock = manualClock();
  const sandbox = await startSandbox({ clock, ...options });
  t.after(() => sandbox.close());
  return { sandbox, clock };
}

export type Twilio = (
  method: string,
  path: string,
  form?: Record<string, string | string[]>,
) => Promise<JsonReply>;

/** `path`: what follows the account (`/Messages.json`), or a product's (`/verify/v2/…`). */
export function twilioOf(sandbox: Sandbox, headers: Record<string, string> = {}): Twilio {
  const { twilioUrl, twilioAccountSid, twilioAuthToken } = sandbox;
  const basic = Buffer.from(`${twilioAccountSid}:${twilioAuthToken}`).toString('base64');
  return async (method, path, form = {}) => {
    const pairs = Object.entries(form).flatMap(([name, value]) =>
      [value].flat().map((one): [string, string] => [name, one]),
    );
    const whole = /^\/[a-z]+\//.test(path)
      ? path
      : `/2010-04-01/Accounts/${twilioAccountSid}${path}`;
    const reply = await send(twilioUrl, method, whole, new URLSearchParams(pairs).toString(), {
      authorization: `Basic ${basic}`,
      'content-type': 'application/x-www-form-urlencoded',
      ...headers,
    });
    return { ...reply, json: jsonOf(reply) };
  };
}

export const FROM = '+15005550006';
export const TO = '+14155552671';

export const sms = (more: Record<string, string | string[]> = {}) => ({
  To: TO,
  From: FROM,
  Body: 'hello',
  ...more,
});

export type Resend = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<JsonReply>;

export function resendOf({ resendUrl, resendSecret }: Sandbox): Resend {
  return async (method, path, body, headers = {}) => {
    const text = body === undefined ? '' : JSON.stringify(body);
    const reply = await send(resendUrl, method, path, text, {
      authorization: `Bearer ${resendSecret}`,
      'content-type': 'application/json',
      'user-agent': 'test/1',
      ...headers,
    });
    return { ...reply, json: jsonOf(reply) };
  };
}

export const email = (more: Record<string, unknown> = {}) => ({
  from: 'Acme <hello@acme.example>',
  to: 'one@reader.example',
  subject: 'Hi',
  text: 'Hello',
  ...more,
});

function jsonOf({ body }: RawReply): Record<string, unknown> {
  try {
    return JSON.parse(Buffer.from(body, 'latin1').toString()) as Record<string, unknown>;
  } catch {
    return {};
  }
}
