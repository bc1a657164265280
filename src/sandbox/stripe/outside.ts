/**
 * What happens outside the API, days later at the real vendor and here when a test says so: the
 * customer authenticates, a bank pays or fails. Each makes its events, caused by no request.
 */
import { AccountBooks } from './account-books.ts';
import type { StripeBooks } from './books.ts';
import { AUTHENTICATION_REQUIRED } from './cards.ts';
import { endPending } from './charging.ts';
import { collect, finalize } from './invoicing.ts';
import { remainingOf } from './objects/invoice.ts';
import type { Json } from './objects/kept.ts';
import type { MoneyMovement } from './objects/money-movement.ts';
import { decline, succeed } from './payments.ts';
import { type RecordOf, render, type StripeRecord } from './records.ts';
import { renew } from './subscribing.ts';

/**
 * The customer authenticates, or the bank debit is paid, or not. Throws when the PaymentIntent is
 * not waiting for either. `now`: seconds since 1970.
 */
export function finishPayment(
  books: StripeBooks,
  id: string,
  outcome: 'succeeded' | 'failed',
  now: number,
): Json {
  const [pi, own] = find(books, 'payment_intent', id, now);
  if (pi.status !== 'requires_action' && pi.status !== 'processing') throw notWaiting(pi);
  if (outcome === 'succeeded') succeed(own, pi);
  else decline(own, pi, AUTHENTICATION_REQUIRED);
  return render(pi);
}

/** A bank debit of the older API is paid, or not. */
export function finishCharge(
  books: StripeBooks,
  id: string,
  outcome: 'succeeded' | 'failed',
  now: number,
): Json {
  const [charge, own] = find(books, 'charge', id, now);
  if (charge.state !== 'pending' || charge.paymentIntent) {
    throw new Error(`${id} is not waiting for a bank by itself`);
  }
  endPending(own, charge, outcome === 'succeeded' ? null : AUTHENTICATION_REQUIRED);
  return render(charge);
}

/** The bank sends a refund back, also one that was said to have succeeded: the money stays. */
export function failRefund(books: StripeBooks, id: string, now: number): Json {
  const [refund, own] = find(books, 'refund', id, now);
  if (refund.status !== 'pending' && refund.status !== 'succeeded') throw notWaiting(refund);
  const before = { ...refund };
  const charge = own.find('charge', refund.charge);
  if (charge) {
    charge.amountRefunded -= refund.amount;
    own.save(charge);
  }
  refund.status = 'failed';
  own.save(refund, 'refund.failed');
  own.tell('refund.updated', refund, before);
  own.tell('charge.refund.updated', refund, before);
  return render(refund);
}

/** A pending refund arrives. */
export function finishRefund(books: StripeBooks, id: string, now: number): Json {
  const [refund, own] = find(books, 'refund', id, now);
  if (refund.status !== 'pending') throw notWaiting(refund);
  const before = { ...refund };
  refund.status = 'succeeded';
  own.save(refund, 'refund.updated', before);
  own.tell('charge.refund.updated', refund, before);
  return render(refund);
}

/** The bank sends a payout back, also one that was said to be paid. */
export function failPayout(books: StripeBooks, id: string, now: number): Json {
  return endFund(books, 'payout', id, 'failed', now);
}

export function finishPayout(books: StripeBooks, id: string, now: number): Json {
  return endFund(books, 'payout', id, 'paid', now);
}

export function failTopup(books: StripeBooks, id: string, now: number): Json {
  return endFund(books, 'topup', id, 'failed', now);
}

export function finishTopup(books: StripeBooks, id: string, now: number): Json {
  return endFund(books, 'topup', id, 'succeeded', now);
}

function endFund(
  books: StripeBooks,
  kind: 'payout' | 'topup',
  id: string,
  outcome: 'failed' | 'paid' | 'succeeded',
  now: number,
): Json {
  const [fund, own] = find(books, kind, id, now);
  const failsLate = outcome === 'failed' && fund.status === 'paid';
  if (fund.status !== 'pending' && !failsLate) throw notWaiting(fund);
  fund.status = outcome;
  own.save(fund, `${kind}.${outcome}`);
  return render(fund);
}

/** What API v2 moved arrives (`posted`), never leaves (`failed`), or comes back (`returned`). */
export function finishMovement(
  books: StripeBooks,
  id: string,
  outcome: 'posted' | 'failed' | 'returned',
  now: number,
): Json {
  const record = books.get(id);
  if (!record || !isMovement(record)) throw new Error(`the sandbox knows no movement ${id}`);
  const [movement, own] = find(books, record.object, id, now);
  const comesBack = outcome === 'returned' && movement.status === 'posted';
  if (movement.status !== 'processing' && !comesBack) throw notWaiting(movement);
  movement.status = outcome;
  const inbound = movement.object === 'v2.money_management.inbound_transfer';
  const step = outcome === 'posted' ? 'succeeded' : outcome;
  own.save(movement, `${movement.object}.${inbound ? `bank_debit_${step}` : outcome}`);
  return render(movement);
}

function isMovement(record: StripeRecord): record is MoneyMovement {
  return /^v2\.money_management\.(?:out|in)bound_/.test(record.object);
}

/**
 * An hour after its making, or days later: an invoice that advances by itself is finalized, and what
 * it asks is taken from `card`, else from the customer's.
 */
export function advanceInvoice(
  books: StripeBooks,
  id: string,
  now: number,
  card: string | null = null,
): Json {
  const [invoice, own] = find(books, 'invoice', id, now);
  if (invoice.status !== 'draft' && invoice.status !== 'open') throw notWaiting(invoice);
  if (invoice.status === 'draft') finalize(own, invoice);
  if (remainingOf(invoice) > 0) collect(own, invoice, card);
  return render(invoice);
}

/** A period of a subscription ends: the next is billed, to the card that it has then. */
export function renewSubscription(books: StripeBooks, id: string, now: number): Json {
  const [sub, own] = find(books, 'subscription', id, now);
  if (sub.status === 'canceled' || sub.status === 'paused') throw notWaiting(sub);
  renew(own, sub);
  return render(sub);
}

/** The object, and its account's books under no request's name. */
function find<Name extends StripeRecord['object']>(
  books: StripeBooks,
  kind: Name,
  id: string,
  now: number,
): [RecordOf<Name>, AccountBooks] {
  const record = books.find(kind, id);
  if (!record) throw new Error(`the sandbox knows no ${kind} ${id}`);
  const request = { id: null, idempotencyKey: null };
  return [record, new AccountBooks(books, { account: record.account, request, now })];
}

function notWaiting(record: { id: string; status: string }): Error {
  return new Error(`${record.id} is not waiting for anything, it is ${record.status}`);
}
