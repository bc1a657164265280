/** A payment method, and the SetupIntent that prepares one. */
import type { Kept, Kind } from './kept.ts';

export interface PaymentMethod extends Kept {
  object: 'payment_method';
  /** The test card it was made from: decides what a payment on it does. */
  card: string;
  customer: string | null;
}

export const paymentMethod: Kind<PaymentMethod> = {
  show: (pm) => ({
    id: pm.id,
    object: 'payment_method',
    billing_details: { address: null, email: null, name: null, phone: null },
    card: { brand: 'visa', country: 'US', exp_month: 12, exp_year: 2034, last4: '4242' },
    created: pm.created,
    customer: pm.customer,
    livemode: false,
    metadata: pm.metadata,
    type: 'card',
  }),
};

export interface SetupIntent extends Kept {
  object: 'setup_intent';
  status:
    | 'requires_payment_method'
    | 'requires_confirmation'
    | 'requires_action'
    | 'succeeded'
    | 'canceled';
  customer: string | null;
  paymentMethod: string | null;
  usage: string;
}

export const setupIntent: Kind<SetupIntent> = {
  show: (seti) => ({
    id: seti.id,
    object: 'setup_intent',
    client_secret: `${seti.id}_secret_${seti.id.slice(-12)}`,
    created: seti.created,
    customer: seti.customer,
    last_setup_error: null,
    livemode: false,
    metadata: seti.metadata,
    next_action:
      seti.status === 'requires_action' ? { type: 'use_stripe_sdk', use_stripe_sdk: {} } : null,
    payment_method: seti.paymentMethod,
    payment_method_types: ['card'],
    status: seti.status,
    usage: seti.usage,
  }),
};
