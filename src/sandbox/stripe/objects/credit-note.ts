/**
 * A credit note: takes back part of what an invoice asked. Cash moves by its refund alone; store
 * credit is an entry at the customer; on an open invoice it only lowers what remains.
 */
import type { Kept, Kind } from './kept.ts';

export interface CreditNote extends Kept {
  object: 'credit_note';
  status: 'issued' | 'void';
  invoice: string;
  customer: string;
  currency: string;
  /** Minor units, all of it: `prePayment` and what follows it. */
  total: number;
  prePayment: number;
  outOfBand: number;
  refunds: readonly { refund: string; amount: number }[];
  balanceTransaction: string | null;
  memo: string | null;
  reason: string | null;
  voidedAt: number | null;
}

export const creditNote: Kind<CreditNote> = {
  show: (cn) => ({
    id: cn.id,
    object: 'credit_note',
    amount: cn.total,
    amount_shipping: 0,
    created: cn.created,
    currency: cn.currency,
    customer: cn.customer,
    customer_balance_transaction: cn.balanceTransaction,
    discount_amount: 0,
    discount_amounts: [],
    effective_at: cn.created,
    invoice: cn.invoice,
    lines: { object: 'list', data: [], has_more: false, url: `/v1/credit_notes/${cn.id}/lines` },
    livemode: false,
    memo: cn.memo,
    metadata: cn.metadata,
    number: `SBX-CN-${cn.id.slice(-4)}`,
    out_of_band_amount: cn.outOfBand || null,
    pdf: `https://pay.stripe.com/credit_notes/sandbox/${cn.id}/pdf`,
    post_payment_amount: cn.total - cn.prePayment,
    pre_payment_amount: cn.prePayment,
    reason: cn.reason,
    refunds: cn.refunds.map(({ refund, amount }) => ({
      amount_refunded: amount,
      payment_record_refund: null,
      refund,
      type: 'refund',
    })),
    shipping_cost: null,
    status: cn.status,
    subtotal: cn.total,
    total: cn.total,
    total_taxes: [],
    type: cn.prePayment === cn.total ? 'pre_payment' : cn.prePayment > 0 ? 'mixed' : 'post_payment',
    voided_at: cn.voidedAt,
  }),
};
