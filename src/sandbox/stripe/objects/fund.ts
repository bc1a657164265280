/** Money that moves without a card: a payout, a topup, a transfer. */
import { type Bucket, type Kind, type Money, NOWHERE } from './kept.ts';

export interface Fund extends Money {
  object: 'payout' | 'topup' | 'transfer';
  status: 'pending' | 'in_transit' | 'paid' | 'succeeded' | 'failed' | 'canceled';
  /** The payout's method, the topup's source, the transfer's destination: shown as given. */
  detail: string | null;
  description: string | null;
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
          amount_reversed: 0,
          destination: record.detail,
          reversed: false,
          source_type: 'card',
          transfer_group: null,
        };
    }
  },
  standing: (record) =>
    record.status === 'canceled' || record.status === 'failed'
      ? NOWHERE
      : [[BUCKETS[record.object], record.amount]],
};
