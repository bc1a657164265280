/** A refund: counts from the moment it is accepted, and no longer once it has failed. */
import { type Kind, type Money, NOWHERE } from './kept.ts';

export interface Refund extends Money {
  object: 'refund';
  status: 'pending' | 'succeeded' | 'failed' | 'canceled';
  /** What really goes back: `amount`, or nothing when an authorisation was let go. */
  moved: number;
  charge: string;
  paymentIntent: string | null;
  reason: string | null;
}

export const refund: Kind<Refund> = {
  show: (re) => ({
    id: re.id,
    object: 'refund',
    amount: re.amount,
    balance_transaction: `txn_${re.id.slice(3)}`,
    charge: re.charge,
    created: re.created,
    currency: re.currency,
    ...(re.status === 'failed' && { failure_reason: 'expired_or_canceled_card' }),
    metadata: re.metadata,
    payment_intent: re.paymentIntent,
    reason: re.reason,
    receipt_number: null,
    source_transfer_reversal: null,
    status: re.status,
    transfer_reversal: null,
  }),
  standing: (re) =>
    re.status === 'failed' || re.status === 'canceled' ? NOWHERE : [['refunds', re.moved]],
};
