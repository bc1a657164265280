/**
 * The workers of the queue: callers that use the official Stripe SDK as a billing task would, and a
 * tally of what each of them was told. Nothing here knows Keybrake but for the address and the key.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import Stripe from 'stripe';
import type { PlannedCharge } from './charges.ts';

/** What the callers were told, by idempotency key. */
export interface Tally {
  attempted: number;
  answered: number;
  /** Idempotency key to the PaymentIntent that was returned as succeeded. */
  paid: Map<string, string>;
  paidCents: bigint;
  declined: Set<string>;
  /** 429 with `X-Keybrake-Cap-Hit: true`, raised as StripeRateLimitError. */
  capped: Set<string>;
  cappedCents: bigint;
  smallestCappedCents: number | null;
  /** 401 after a revoke, raised as StripeAuthenticationError. */
  revoked: number;
  /** Anything else; the demo fails on the first. */
  surprises: string[];
}

export function newTally(): Tally {
  return {
    attempted: 0,
    answered: 0,
    paid: new Map(),
    paidCents: 0n,
    declined: new Set(),
    capped: new Set(),
    cappedCents: 0n,
    smallestCappedCents: null,
    revoked: 0,
    surprises: [],
  };
}

/** The one change in a run's code: Keybrake's address, and a vault key in place of the secret. */
export function stripeThrough(url: string, vaultKey: string): Stripe {
  const { hostname, port } = new URL(url);
  return new Stripe(vaultKey, { host: hostname, port, protocol: 'http', telemetry: false });
}

/** One task: one PaymentIntent, confirmed at once. Never throws; the tally has what happened. */
export async function charge(stripe: Stripe, planned: PlannedCharge, tally: Tally): Promise<void> {
  const { customer, cents, card, idempotencyKey } = planned;
  tally.attempted += 1;
  try {
    const intent = await stripe.paymentIntents.create(
      { amount: cents, currency: 'usd', customer, payment_method: card, confirm: true },
      { idempotencyKey },
    );
    if (intent.status === 'succeeded') {
      tally.paid.set(idempotencyKey, intent.id);
      tally.paidCents += BigInt(cents);
    } else tally.surprises.push(`${idempotencyKey}: PaymentIntent is ${intent.status}`);
  } catch (error) {
    note(error, planned, tally);
  }
  tally.answered += 1;
}

function note(error: unknown, { idempotencyKey, cents }: PlannedCharge, tally: Tally): void {
  if (error instanceof Stripe.errors.StripeCardError) tally.declined.add(idempotencyKey);
  else if (isCapHit(error)) {
    tally.capped.add(idempotencyKey);
    tally.cappedCents += BigInt(cents);
    tally.smallestCappedCents = Math.min(tally.smallestCappedCents ?? cents, cents);
  } else if (error instanceof Stripe.errors.StripeAuthenticationError) tally.revoked += 1;
  else tally.surprises.push(`${idempotencyKey}: ${error instanceof Error ? error.message : error}`);
}

function isCapHit(error: unknown): boolean {
  return (
    error instanceof Stripe.errors.StripeRateLimitError &&
    error.headers?.['x-keybrake-cap-hit'] === 'true'
  );
}

/** Runs `task` over the items with `atOnce` callers, each taking the next item when it is free. */
export async function workThrough<T>(
  items: Iterable<T>,
  atOnce: number,
  task: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items[Symbol.iterator]();
  const worker = async () => {
    for (let next = queue.next(); !next.done; next = queue.next()) await task(next.value);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** What a task does beside the charge (reads a row, writes a result); makes the demo watchable. */
export async function ownWork(meanMs: number): Promise<void> {
  if (meanMs > 0) await sleep(meanMs * (0.5 + Math.random()));
}
