/**
 * A PaymentIntent. Its money stands here until it is confirmed; from then on its charge counts, and
 * a payment of an invoice counts as the invoice.
 */
import type { CardRefusal } from '../cards.ts';
import { cardErrorBody } from '../errors.ts';
import { type Json, type Kind, type Money, NOWHERE } from './kept.ts';

export interface PaymentIntent extends Money {
  object: 'payment_intent';
  status:
    | 'requires_payment_method'
    | 'requires_confirmation'
    | 'requires_action'
    | 'processing'
    | 'requires_capture'
    | 'succeeded'
    | 'canceled';
  captureMethod: 'automatic' | 'automatic_async' | 'manual';
  amountCapturable: number;
  amountReceived: number;
  customer: string | null;
  paymentMethod: string | null;
  description: string | null;
  latestCharge: string | null;
  lastRefusal: CardRefusal | null;
  returnUrl: string | null;
  canceledAt: number | null;
  cancellationReason: string | null;
  /** What the platform keeps of it, and whom the rest is passed on to. */
  feeAmount: number | null;
  destination: string | null;
  onBehalfOf: string | null;
  /** The invoice that it pays. */
  invoice: string | null;
}

export const paymentIntent: Kind<PaymentIntent> = {
  show: (pi) => ({
    id: pi.id,
    object: 'payment_intent',
    amount: pi.amount,
    amount_capturable: pi.amountCapturable,
    amount_details: { tip: {} },
    amount_received: pi.amountReceived,
    application: null,
    application_fee_amount: pi.feeAmount,
    automatic_payment_methods: null,
    canceled_at: pi.canceledAt,
    cancellation_reason: pi.cancellationReason,
    capture_method: pi.captureMethod,
    client_secret: `${pi.id}_secret_${pi.id.slice(-12)}`,
    confirmation_method: 'automatic',
    created: pi.created,
    currency: pi.currency,
    customer: pi.customer,
    description: pi.description,
    last_payment_error: pi.lastRefusal && cardErrorBody(pi.lastRefusal, {}),
    latest_charge: pi.latestCharge,
    livemode: false,
    metadata: pi.metadata,
    next_action: pi.status === 'requires_action' ? nextAction(pi.returnUrl) : null,
    on_behalf_of: pi.onBehalfOf,
    payment_details: { customer_reference: null, order_reference: pi.invoice },
    payment_method: pi.paymentMethod,
    payment_method_options: {},
    payment_method_types: ['card'],
    processing: null,
    receipt_email: null,
    review: null,
    setup_future_usage: null,
    shipping: null,
    source: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: pi.status,
    transfer_data: pi.destination && { destination: pi.destination },
    transfer_group: null,
  }),
  standing: (pi) => {
    if (pi.invoice) return NOWHERE;
    switch (pi.status) {
      case 'requires_capture':
      case 'succeeded':
      case 'canceled':
        return NOWHERE;
      case 'requires_payment_method':
        return [[pi.lastRefusal ? 'declined' : 'open', pi.amount]];
      default:
        return [['open', pi.amount]];
    }
  },
};

function nextAction(returnUrl: string | null): Json {
  if (!returnUrl) return { type: 'use_stripe_sdk', use_stripe_sdk: {} };
  return {
    redirect_to_url: { return_url: returnUrl, url: 'https://hooks.stripe.com/redirect/sandbox' },
    type: 'redirect_to_url',
  };
}
