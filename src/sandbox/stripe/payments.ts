/**
 * What an attempt to pay a PaymentIntent does, whoever asked for it: the customer's confirmation, an
 * invoice, or the bank days later. Changes a PaymentIntent, its charge and its invoice together.
 */
import type { AccountBooks } from './account-books.ts';
import { AUTHENTICATION_REQUIRED, type CardRefusal, cardOutcome } from './cards.ts';
import { addCharge, endPending } from './charging.ts';
import type { PaymentIntent } from './objects/payment-intent.ts';
import { cardOf } from './payment-methods.ts';
import { declineInvoiceOf, settleInvoiceOf, suspendInvoiceOf } from './settlement.ts';

/**
 * Tries to take the PaymentIntent's amount from its payment method. `customerIsAway`: a card that
 * wants the customer is declined. Returns why it was declined, or null; the PaymentIntent says the
 * rest by its status.
 */
export function attempt(
  books: AccountBooks,
  pi: PaymentIntent,
  customerIsAway: boolean,
): CardRefusal | null {
  const outcome = cardOutcome(cardOf(books, pi.paymentMethod!));
  switch (outcome.kind) {
    case 'approved':
      succeed(books, pi);
      return null;
    case 'declined':
      decline(books, pi, outcome.refusal);
      return outcome.refusal;
    case 'action':
      if (customerIsAway) {
        decline(books, pi, AUTHENTICATION_REQUIRED);
        return AUTHENTICATION_REQUIRED;
      }
      pi.status = 'requires_action';
      pi.lastRefusal = null;
      books.save(pi, 'payment_intent.requires_action');
      suspendInvoiceOf(books, pi);
      return null;
    case 'processing':
      pi.latestCharge = addCharge(books, chargeOf(pi), 'pending').id;
      pi.status = 'processing';
      pi.lastRefusal = null;
      books.save(pi, 'payment_intent.processing');
      suspendInvoiceOf(books, pi);
      return null;
  }
}

/** The customer authenticated, or the bank paid. */
export function succeed(books: AccountBooks, pi: PaymentIntent): void {
  const manual = pi.captureMethod === 'manual' && pi.status !== 'processing';
  const pending = pendingCharge(books, pi);
  if (pending) endPending(books, pending, null);
  else pi.latestCharge = addCharge(books, chargeOf(pi), manual ? 'authorised' : 'captured').id;
  pi.lastRefusal = null;
  pi.status = manual ? 'requires_capture' : 'succeeded';
  pi.amountCapturable = manual ? pi.amount : 0;
  pi.amountReceived = manual ? 0 : pi.amount;
  books.save(pi, `payment_intent.${manual ? 'amount_capturable_updated' : 'succeeded'}`);
  settleInvoiceOf(books, pi);
}

export function decline(books: AccountBooks, pi: PaymentIntent, refusal: CardRefusal): void {
  const pending = pendingCharge(books, pi);
  if (pending) endPending(books, pending, refusal);
  else pi.latestCharge = addCharge(books, chargeOf(pi), refusal).id;
  pi.lastRefusal = refusal;
  pi.paymentMethod = null;
  pi.status = 'requires_payment_method';
  books.save(pi, 'payment_intent.payment_failed');
  declineInvoiceOf(books, pi);
}

function pendingCharge(books: AccountBooks, pi: PaymentIntent) {
  const charge = pi.latestCharge ? books.find('charge', pi.latestCharge) : undefined;
  return charge?.state === 'pending' ? charge : undefined;
}

function chargeOf(pi: PaymentIntent) {
  return {
    amount: pi.amount,
    currency: pi.currency,
    customer: pi.customer,
    paymentIntent: pi.id,
    paymentMethod: pi.paymentMethod,
    description: pi.description,
    metadata: pi.metadata,
    feeAmount: pi.feeAmount,
    destination: pi.destination,
  };
}
