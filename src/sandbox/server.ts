/**
 * Starts the sandbox: fake vendors on loopback that keep their own books, with faults on request.
 * Each vendor has a port, books and faults of its own; front.ts is the same for all of them.
 */
import { randomBytes } from 'node:crypto';
import { type Clock, systemClock } from '../clock.ts';
import type { Faults } from './faults.ts';
import { Front } from './front.ts';
import type { Listener } from './listener.ts';
import { ResendBooks } from './resend/books.ts';
import { resendGateway } from './resend/errors.ts';
import { FakeResend } from './resend/resend.ts';
import { StripeBooks } from './stripe/books.ts';
import { stripeGateway } from './stripe/gateway.ts';
import { finishPayment } from './stripe/outside.ts';
import { FakeStripe } from './stripe/stripe.ts';
import { TwilioBooks } from './twilio/books.ts';
import { twilioGateway } from './twilio/errors.ts';
import { DEFAULT_PRICES, type TwilioPrices } from './twilio/prices.ts';
import { FakeTwilio } from './twilio/twilio.ts';

export interface SandboxOptions {
  /** Decides when stored replies expire, what `created` says and when prices are stated. */
  clock?: Pick<Clock, 'now'>;
  /** The fake Stripe's; default 0: any free one. */
  port?: number;
  twilioPort?: number;
  resendPort?: number;
  /** The secret that the fake Stripe accepts; default: a new one. So it is with the others. */
  secret?: string;
  twilioAccountSid?: string;
  twilioAuthToken?: string;
  resendSecret?: string;
  /** How many requests each vendor's log keeps; default 10,000. 0 for benchmarks. */
  keepLog?: number;
  /** How many objects, and stored replies, each keeps at least; default 50,000. */
  keepObjects?: number;
  /** How long each vendor takes to execute, in milliseconds; between two, by a seed; default 0. */
  latencyMs?: number | { min: number; max: number };
  latencySeed?: number;
  /**
   * How long after a message went out, or a call ended, Twilio states its price, by the clock;
   * default 50. At a third of it a message is sent, at two thirds it has arrived.
   */
  twilioPriceAfterMs?: number;
  /** Instead: the price is stated in the answer to this many readings of the resource. */
  twilioPriceAfterReads?: number;
  /** What differs from the prices of twilio/prices.ts; the Pricing API goes on to list those. */
  twilioPrices?: Partial<TwilioPrices>;
  /** How long a call lasts by its own account; default 75, at most the call's TimeLimit. */
  twilioCallSeconds?: number;
  /** When a call that nobody ends is over, by the clock; default 50. It rings for a third of it. */
  twilioCallEndsAfterMs?: number;
}

export interface Sandbox {
  /** `http://127.0.0.1:{port}`, as are the others. */
  stripeUrl: string;
  secret: string;
  stripe: StripeBooks;
  /** The fake Stripe's. */
  faults: Faults;
  /** The customer authenticates, or the bank debit ends: what no API call does. */
  finishPayment(paymentIntentId: string, outcome: 'succeeded' | 'failed'): void;
  /** The API at its root; the other products below, as `/verify`, `/lookups`, `/pricing`. */
  twilioUrl: string;
  twilioAccountSid: string;
  twilioAuthToken: string;
  twilio: TwilioBooks;
  twilioFaults: Faults;
  resendUrl: string;
  resendSecret: string;
  resend: ResendBooks;
  resendFaults: Faults;
  /** Ends every connection and forgets every delayed call. */
  close(): Promise<void>;
}

/** Throws when a port is taken, and leaves nothing open then. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const clock = options.clock ?? systemClock;
  const secret = options.secret ?? `sk_test_sandbox_${randomBytes(18).toString('hex')}`;
  const resendSecret = options.resendSecret ?? `re_sandbox_${randomBytes(18).toString('hex')}`;
  const accountSid = options.twilioAccountSid ?? `AC${randomBytes(16).toString('hex')}`;
  const authToken = options.twilioAuthToken ?? randomBytes(16).toString('hex');
  const bounds = {
    keepLog: options.keepLog ?? 10_000,
    keepObjects: options.keepObjects ?? 50_000,
  };
  const books = {
    stripe: new StripeBooks(bounds),
    twilio: new TwilioBooks(bounds, clock),
    resend: new ResendBooks(bounds, clock),
  };
  const stripe = new FakeStripe({ secret, clock, books: books.stripe });
  const behaviour = twilioBehaviour(options);
  const twilio = new FakeTwilio({ accountSid, authToken, clock, books: books.twilio, behaviour });
  const resend = new FakeResend({ secret: resendSecret, clock, books: books.resend });
  const fronts = {
    stripe: new Front(stripe, stripeGateway, options),
    twilio: new Front(twilio, twilioGateway, options),
    resend: new Front(resend, resendGateway, options),
  };
  const [stripeAt, twilioAt, resendAt] = await openAll([
    fronts.stripe.open(options.port),
    fronts.twilio.open(options.twilioPort),
    fronts.resend.open(options.resendPort),
  ]);
  return {
    stripeUrl: stripeAt.url,
    secret,
    stripe: books.stripe,
    faults: fronts.stripe.faults,
    finishPayment: (id, outcome) =>
      void finishPayment(books.stripe, id, outcome, Math.floor(clock.now() / 1000)),
    twilioUrl: twilioAt.url,
    twilioAccountSid: accountSid,
    twilioAuthToken: authToken,
    twilio: books.twilio,
    twilioFaults: fronts.twilio.faults,
    resendUrl: resendAt.url,
    resendSecret,
    resend: books.resend,
    resendFaults: fronts.resend.faults,
    close: async () => {
      await Promise.all([stripeAt.close(), twilioAt.close(), resendAt.close()]);
    },
  };
}

/** The account of each fake vendor: where it is, and the credentials that it accepts. */
export function sandboxAccounts(
  sandbox: Sandbox,
): { vendor: string; baseUrl: string; fields: Record<string, string> }[] {
  const { secret, twilioAccountSid, twilioAuthToken, resendSecret } = sandbox;
  return [
    { vendor: 'stripe', baseUrl: sandbox.stripeUrl, fields: { secret } },
    {
      vendor: 'twilio',
      baseUrl: sandbox.twilioUrl,
      fields: { account_sid: twilioAccountSid, auth_token: twilioAuthToken },
    },
    { vendor: 'resend', baseUrl: sandbox.resendUrl, fields: { secret: resendSecret } },
  ];
}

function twilioBehaviour(options: SandboxOptions) {
  const { twilioPriceAfterReads: reads, twilioPriceAfterMs: afterMs = 50 } = options;
  return {
    prices: { ...DEFAULT_PRICES, ...options.twilioPrices },
    pace: reads === undefined ? { afterMs } : { reads },
    call: {
      seconds: options.twilioCallSeconds ?? 75,
      endsAfterMs: options.twilioCallEndsAfterMs ?? 50,
    },
  };
}

type Three = [Listener, Listener, Listener];

async function openAll(opening: Promise<Listener>[]): Promise<Three> {
  const results = await Promise.allSettled(opening);
  const open = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failed = results.find((result) => result.status === 'rejected');
  if (!failed) return open as Three;
  await Promise.all(open.map((listener) => listener.close()));
  throw failed.reason;
}
