/**
 * What the platform keeps of a connected account's payment, and what it gives back of that. Both
 * are the platform's own objects, whosever the payment is. The fee itself is inside the payment.
 */
import type { Kind, Money } from './kept.ts';

export interface ApplicationFee extends Money {
  object: 'application_fee';
  /** The connected account that paid it. */
  payer: string;
  charge: string;
  amountRefunded: number;
}

export const applicationFee: Kind<ApplicationFee> = {
  show: (fee) => ({
    id: fee.id,
    object: 'application_fee',
    account: fee.payer,
    amount: fee.amount,
    amount_refunded: fee.amountRefunded,
    application: 'ca_sandbox',
    balance_transaction: `txn_${fee.id.slice(4)}`,
    charge: fee.charge,
    created: fee.created,
    currency: fee.currency,
    livemode: false,
    originating_transaction: null,
    refunded: fee.amountRefunded === fee.amount,
  }),
  standing: (fee) => [['application_fees', fee.amount]],
};

export interface FeeRefund extends Money {
  object: 'fee_refund';
  fee: string;
}

export const feeRefund: Kind<FeeRefund> = {
  show: (fr) => ({
    id: fr.id,
    object: 'fee_refund',
    amount: fr.amount,
    balance_transaction: `txn_${fr.id.slice(3)}`,
    created: fr.created,
    currency: fr.currency,
    fee: fr.fee,
    metadata: fr.metadata,
  }),
  standing: (fr) => [['fee_refunds', fr.amount]],
};
