/** A sandbox and the official SDK against it, both gone when the test ends. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import Stripe from 'stripe';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../src/sandbox/server.ts';
import { type RawReply, send } from './wire.ts';

export async function start(
  t: TestContext,
  options: SandboxOptions = {},
): Promise<{ sandbox: Sandbox; stripe: Stripe }> {
  const sandbox = await startSandbox(options);
  t.after(() => sandbox.close());
  return { sandbox, stripe: sdk(sandbox.stripeUrl, sandbox.secret) };
}

/** The official SDK, which tries once unless it is told to try again. */
export function sdk(url: string, secret: string, maxNetworkRetries = 0): Stripe {
  const { hostname, port } = new URL(url);
  return new Stripe(secret, {
    host: hostname,
    port: Number(port),
    protocol: 'http',
    telemetry: false,
    maxNetworkRetries,
  });
}

/** A PaymentIntent of `amount` cents that pays at once, unless `more` says otherwise. */
export const paying = (
  amount: number,
  more: Partial<Stripe.PaymentIntentCreateParams> = {},
): Stripe.PaymentIntentCreateParams => ({
  amount,
  currency: 'usd',
  confirm: true,
  payment_method: 'pm_card_visa',
  ...more,
});

/** The SDK's error of a call that must fail. */
export async function failure(call: Promise<unknown>): Promise<Stripe.errors.StripeError> {
  const error = await call.then(
    () => assert.fail('the call succeeded'),
    (reason) => reason,
  );
  assert.ok(error instanceof Stripe.errors.StripeError, String(error));
  return error;
}

/** One form request by plain node:http, which changes no byte of path and body. */
export function raw(
  sandbox: Pick<Sandbox, 'stripeUrl' | 'secret'>,
  method: string,
  path: string,
  body = '',
  headers: Record<string, string> = {},
): Promise<RawReply> {
  return send(sandbox.stripeUrl, method, path, body, {
    authorization: `Bearer ${sandbox.secret}`,
    'content-type': 'application/x-www-form-urlencoded',
    ...headers,
  });
}
