/** Money that moves without a card: a payout, a topup, a transfer. */
import { type Bucket, type Kind, type Money, NOWHERE } from './kept.ts';

export interface Fund extends Money {
  object: 'payout' | 'topup' | 'transfer';
  status: 'pending' | 'in_transit' | 'paid' | 'succeeded' | 'failed' | 'canceled';
  /** The payout's method, the topup's source, the transfer's destination: shown as given. */
  detail: string | null;
  description: string | null;
  /** Of a transfer: what came back of it. */
  reversed: number;
  /** Of a payout: the one that it reverses, and the one that reverses it. */
  original: string | null;
  reversedBy: string | null;
}

const BUCKETS = {
  payout: 'payouts',
  topup: 'topups',
  transfer: 'transfers',
} as const satisfies Record<Fund['object'], Bucket>;

export const fund: Kind<Fund> = {
  show: (record) => {
    const common = {
      id: record.id,
      object: record.object,
      amount: record.amount,
      balance_transaction: `txn_${record.id.slice(3)}`,
      created: record.created,
      currency: record.currency,
      description: record.description,
      livemode: false,
      metadata: record.metadata,
    };
    const failure = record.status === 'failed' ? 'account_closed' : null;
    switch (record.object) {
      case 'payout':
        return {
          ...common,
          arrival_date: record.created + 86_400,
          automatic: false,
          destination: 'ba_sandbox',
          failure_code: failure,
          method: record.detail ?? 'standard',
          original_payout: record.original,
          reversed_by: record.reversedBy,
          source_type: 'card',
          status: record.status,
          type: 'bank_account',
        };
      case 'topup':
        return {
          ...common,
          failure_code: failure,
          source: record.detail,
          status: record.status,
          transfer_group: null,
        };
      case 'transfer':
        return {
          ...common,
          amount_reversed: record.reversed,
          destination: record.detail,
          reversed: record.reversed === record.amount,
          source_type: 'card',
          transfer_group: null,
        };
    }
  },
  standing: (record) => {
    if (record.status === 'canceled' || record.status === 'failed') return NOWHERE;
    // A payout that reverses another has its amount with a minus.
    if (record.original) return [['payout_reversals', -record.amount]];
    return [[BUCKETS[record.object], record.amount]];
  },
};
