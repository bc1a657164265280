/** Money of API v2: out to others, between own accounts, in from a bank. Amounts are objects here. */
import { type Bucket, type Json, type Kind, type Money, NOWHERE } from './kept.ts';

export interface MoneyMovement extends Money {
  object:
    | 'v2.money_management.outbound_payment'
    | 'v2.money_management.outbound_transfer'
    | 'v2.money_management.inbound_transfer';
  status: 'processing' | 'posted' | 'failed' | 'returned' | 'canceled';
  /** As the request gave them. */
  from: Json;
  to: Json;
  description: string | null;
  payoutIntent: string | null;
}

const BUCKETS = {
  'v2.money_management.outbound_payment': 'outbound_payments',
  'v2.money_management.outbound_transfer': 'outbound_transfers',
  'v2.money_management.inbound_transfer': 'inbound_transfers',
} as const satisfies Record<MoneyMovement['object'], Bucket>;

/** RFC 3339, as v2 writes times. */
export function moment(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}

export const moneyMovement: Kind<MoneyMovement> = {
  show: (move) => {
    const amount = { value: move.amount, currency: move.currency };
    const { currency: _from, ...from } = move.from;
    const { currency: _to, ...to } = move.to;
    const common = {
      id: move.id,
      object: move.object,
      amount,
      created: moment(move.created),
      description: move.description,
      from: { ...from, debited: amount },
      livemode: false,
      to: { ...to, credited: amount },
    };
    if (move.object === 'v2.money_management.inbound_transfer') {
      return { ...common, transfer_history: [historyOf(move)] };
    }
    return {
      ...common,
      cancelable: move.status === 'processing',
      metadata: move.metadata,
      payout_intent: move.payoutIntent,
      recipient_notification: { setting: 'none' },
      statement_descriptor: 'Sandbox',
      status: move.status,
    };
  },
  standing: ({ status, object, amount }) =>
    status === 'processing' || status === 'posted' ? [[BUCKETS[object], amount]] : NOWHERE,
};

function historyOf({ id, created, status }: MoneyMovement): Json {
  const step = status === 'posted' ? 'succeeded' : status;
  const type = `bank_debit_${step}`;
  const at = moment(created);
  return { id: `${id}_history`, created: at, effective_at: at, type, [type]: {} };
}

/** Asks for an outbound payment or transfer, which then is what moves. */
export interface PayoutIntent extends Money {
  object: 'v2.money_management.payout_intent';
  status: 'requires_action' | 'processing' | 'posted' | 'canceled';
  confirmationMethod: 'automatic' | 'manual';
  from: Json;
  to: Json;
  description: string | null;
  latestPayout: { id: string; type: 'outbound_payment' | 'outbound_transfer' } | null;
}

export const payoutIntent: Kind<PayoutIntent> = {
  show: (intent) => ({
    id: intent.id,
    object: intent.object,
    amount: { value: intent.amount, currency: intent.currency },
    confirmation_method: intent.confirmationMethod,
    created: moment(intent.created),
    description: intent.description,
    from: intent.from,
    latest_payout: intent.latestPayout && {
      [intent.latestPayout.type]: intent.latestPayout.id,
      type: intent.latestPayout.type,
    },
    livemode: false,
    metadata: intent.metadata,
    next_action:
      intent.status === 'requires_action'
        ? { confirm: { reason: 'manually_requested' }, type: 'confirm' }
        : null,
    status: intent.status,
    to: intent.to,
  }),
  standing: (intent) => (intent.status === 'requires_action' ? [['open', intent.amount]] : NOWHERE),
};
