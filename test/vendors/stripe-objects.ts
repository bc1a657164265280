/** Payments and charges as Stripe shows them, for the tests of the Stripe vendor. */

/** A PaymentIntent of $29. */
export const intent = (status: string, more: object = {}) => ({
  ...{ id: 'pi_1', object: 'payment_intent', amount: 2900, amount_received: 0, currency: 'usd' },
  ...{ amount_capturable: 0, latest_charge: null, last_payment_error: null, status },
  ...more,
});

/** One that was paid whole. */
export const paid = intent('succeeded', { amount_received: 2900 });

/** One whose last attempt was declined. */
export const failed = intent('requires_payment_method', {
  last_payment_error: { code: 'card_declined' },
});

/** A charge of $29 that belongs to no PaymentIntent. */
export const charge = (more: object = {}) => ({
  ...{ id: 'ch_1', object: 'charge', amount: 2900, amount_captured: 2900, amount_refunded: 0 },
  ...{ captured: true, currency: 'usd', payment_intent: null, refunded: false },
  ...{ status: 'succeeded', ...more },
});
