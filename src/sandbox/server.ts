/**
 * Starts the sandbox: fake vendors on loopback that keep their own books, with faults on request.
 */
import { randomBytes } from 'node:crypto';
import { type Clock, systemClock } from '../clock.ts';
import type { Faults } from './faults.ts';
import { Front } from './front.ts';
import { StripeBooks } from './stripe/books.ts';
import { stripeGateway } from './stripe/gateway.ts';
import { finishPayment } from './stripe/payment-intents.ts';
import { FakeStripe } from './stripe/stripe.ts';

export interface SandboxOptions {
  /** Decides when stored replies expire and what `created` says; default: the system's. */
  clock?: Clock;
  /** Default 0: any free one. */
  port?: number;
  /** The secret that the fake Stripe accepts; default: a new one. */
  secret?: string;
  /** How many requests the log keeps; default 10,000. 0 for benchmarks. */
  keepLog?: number;
  /** How many objects, and stored replies, are kept at least; default 50,000. */
  keepObjects?: number;
  /** How long the vendor takes to execute, in milliseconds; between two, by a seed; default 0. */
  latencyMs?: number | { min: number; max: number };
  latencySeed?: number;
}

export interface Sandbox {
  /** `http://127.0.0.1:{port}` */
  stripeUrl: string;
  secret: string;
  stripe: StripeBooks;
  faults: Faults;
  /** The customer authenticates, or the bank debit ends: what no API call does. */
  finishPayment(paymentIntentId: string, outcome: 'succeeded' | 'failed'): void;
  /** Ends every connection and forgets every delayed call. */
  close(): Promise<void>;
}

export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const clock = options.clock ?? systemClock;
  const secret = options.secret ?? `sk_test_sandbox_${randomBytes(18).toString('hex')}`;
  const books = new StripeBooks({
    keepLog: options.keepLog ?? 10_000,
    keepObjects: options.keepObjects ?? 50_000,
  });
  const front = new Front(new FakeStripe({ secret, clock, books }), stripeGateway, options);
  const listener = await front.open(options.port);
  return {
    stripeUrl: listener.url,
    secret,
    stripe: books,
    faults: front.faults,
    finishPayment: (id, outcome) =>
      void finishPayment(books, id, outcome, Math.floor(clock.now() / 1000)),
    close: () => listener.close(),
  };
}
