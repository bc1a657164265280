/** A charge: where card money really moves. One can be held and captured in part at the same time. */
import type { CardRefusal } from '../cards.ts';
import { type Kind, type Money, NOWHERE } from './kept.ts';

export interface Charge extends Money {
  object: 'charge';
  /**
   * `pending`: a bank debit that is under way. `released`: an authorisation that was given up.
   * `authorised` may be captured in part already, when more captures are to follow.
   */
  state: 'pending' | 'authorised' | 'captured' | 'failed' | 'released';
  amountCaptured: number;
  amountRefunded: number;
  customer: string | null;
  paymentIntent: string | null;
  paymentMethod: string | null;
  description: string | null;
  refusal: CardRefusal | null;
  /** What the platform is to keep of it, and the fee object when it was taken. */
  feeAmount: number | null;
  applicationFee: string | null;
  /** The connected account that the rest is passed on to: `transfer_data[destination]`. */
  destination: string | null;
}

export const charge: Kind<Charge> = {
  show: (ch) => {
    const failed = ch.state === 'failed';
    const pending = ch.state === 'pending';
    return {
      id: ch.id,
      object: 'charge',
      amount: ch.amount,
      amount_captured: ch.amountCaptured,
      amount_refunded: ch.amountRefunded,
      application: null,
      application_fee: ch.applicationFee,
      application_fee_amount: ch.feeAmount,
      balance_transaction: ch.state === 'captured' ? `txn_${ch.id.slice(3)}` : null,
      captured: ch.state === 'captured' || pending,
      created: ch.created,
      currency: ch.currency,
      customer: ch.customer,
      description: ch.description,
      disputed: false,
      failure_code: ch.refusal?.code ?? null,
      failure_message: ch.refusal?.message ?? null,
      livemode: false,
      metadata: ch.metadata,
      outcome: {
        network_status: failed ? 'declined_by_network' : 'approved_by_network',
        reason: ch.refusal?.declineCode ?? null,
        type: failed ? 'issuer_declined' : 'authorized',
      },
      paid: !failed && !pending,
      payment_intent: ch.paymentIntent,
      payment_method: ch.paymentMethod,
      payment_method_details: { card: { brand: 'visa', last4: '4242' }, type: 'card' },
      receipt_url: null,
      // What a cancellation or a partial capture lets go is no refund, from 2025-03-31.basil on.
      refunded: ch.amountRefunded > 0 && ch.amountRefunded === (ch.amountCaptured || ch.amount),
      source: null,
      // An authorisation says "succeeded" too, with captured false: recorded so from Stripe.
      status: failed ? 'failed' : pending ? 'pending' : 'succeeded',
      transfer_data: ch.destination && { amount: null, destination: ch.destination },
      transfer_group: null,
    };
  },
  standing: (ch) => {
    switch (ch.state) {
      case 'authorised':
        return [
          ['authorised', ch.amount - ch.amountCaptured],
          ['payments', ch.amountCaptured],
        ];
      case 'captured':
        return [['payments', ch.amountCaptured]];
      case 'pending':
        // Of a PaymentIntent: that counts as open.
        return ch.paymentIntent ? NOWHERE : [['open', ch.amount]];
      default:
        return NOWHERE;
    }
  },
};
