/**
 * What each test card does. The names are those of Stripe's testing page (`pm_card_…`, `tok_…`);
 * the sandbox plays an account in which every other payment method that is named exists and pays.
 */

export interface CardRefusal {
  code: string;
  declineCode: string | null;
  message: string;
}

export type CardOutcome =
  | { kind: 'approved' }
  | { kind: 'declined'; refusal: CardRefusal }
  /** The customer must authenticate first. */
  | { kind: 'action' }
  /** A bank debit: accepted now, paid or failed days later. */
  | { kind: 'processing' };

const APPROVED: CardOutcome = { kind: 'approved' };

const declined = (code: string, declineCode: string | null, message: string): CardOutcome => ({
  kind: 'declined',
  refusal: { code, declineCode, message },
});

const OUTCOMES: Readonly<Record<string, CardOutcome>> = {
  chargeDeclined: declined('card_declined', 'generic_decline', 'Your card was declined.'),
  chargeDeclinedInsufficientFunds: declined(
    'card_declined',
    'insufficient_funds',
    'Your card has insufficient funds.',
  ),
  chargeDeclinedLostCard: declined('card_declined', 'lost_card', 'Your card was declined.'),
  chargeDeclinedStolenCard: declined('card_declined', 'stolen_card', 'Your card was declined.'),
  chargeDeclinedFraudulent: declined('card_declined', 'fraudulent', 'Your card was declined.'),
  chargeDeclinedVelocityLimitExceeded: declined(
    'card_declined',
    'card_velocity_exceeded',
    'Your card was declined for making repeated attempts too frequently.',
  ),
  chargeDeclinedExpiredCard: declined('expired_card', null, 'Your card has expired.'),
  chargeDeclinedIncorrectCvc: declined(
    'incorrect_cvc',
    null,
    "Your card's security code is incorrect.",
  ),
  chargeDeclinedProcessingError: declined(
    'processing_error',
    null,
    'An error occurred while processing your card. Try again in a little bit.',
  ),
  chargeCustomerFail: declined('card_declined', 'generic_decline', 'Your card was declined.'),
  radarBlock: declined('card_declined', 'fraudulent', 'Your card was declined.'),
  authenticationRequired: { kind: 'action' },
  threeDSecure2Required: { kind: 'action' },
  threeDSecureRequired: { kind: 'action' },
  usBankAccount_success: { kind: 'processing' },
  usBankAccount_processing: { kind: 'processing' },
};

/** Stripe's answer to an off-session payment whose card wants the customer present. */
export const AUTHENTICATION_REQUIRED: CardRefusal = {
  code: 'authentication_required',
  declineCode: 'authentication_required',
  message: 'Your card was declined. This transaction requires authentication.',
};

/** `card` is a test card's name (`pm_card_chargeDeclined`, `tok_chargeDeclined`) or any other id. */
export function cardOutcome(card: string): CardOutcome {
  const name = card.replace(/^(?:pm_card_|tok_|pm_)(?:visa_)?/, '');
  return Object.hasOwn(OUTCOMES, name) ? OUTCOMES[name]! : APPROVED;
}

/** A payment on this card is refunded later, not at once. */
export function refundsLate(card: string): boolean {
  return /^(?:pm_card_|tok_)pendingRefund$/.test(card);
}
