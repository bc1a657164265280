/** Money of a transfer that comes back from the connected account. */
import type { Kind, Money } from './kept.ts';

export interface TransferReversal extends Money {
  object: 'transfer_reversal';
  transfer: string;
  description: string | null;
}

export const transferReversal: Kind<TransferReversal> = {
  show: (trr) => ({
    id: trr.id,
    object: 'transfer_reversal',
    amount: trr.amount,
    balance_transaction: `txn_${trr.id.slice(4)}`,
    created: trr.created,
    currency: trr.currency,
    destination_payment_refund: null,
    metadata: trr.metadata,
    source_refund: null,
    transfer: trr.transfer,
  }),
  standing: (trr) => [['transfer_reversals', trr.amount]],
};
