/** A quote: what would be billed, once the customer accepts. */
import type { Kept, Kind } from './kept.ts';
import { type Price, price } from './price.ts';

export interface QuoteLine {
  id: string;
  price: Price;
  quantity: number;
}

export interface Quote extends Kept {
  object: 'quote';
  status: 'draft' | 'open' | 'accepted' | 'canceled';
  customer: string | null;
  currency: string;
  lines: readonly QuoteLine[];
  collectionMethod: 'charge_automatically' | 'send_invoice';
  trialDays: number | null;
  description: string | null;
  invoice: string | null;
  subscription: string | null;
  finalizedAt: number | null;
  endedAt: number | null;
}

export function totalOfQuote(qt: Quote): number {
  return qt.lines.reduce((sum, line) => sum + line.price.unitAmount * line.quantity, 0);
}

export function showQuoteLine(qt: Quote, line: QuoteLine) {
  const amount = line.price.unitAmount * line.quantity;
  return {
    id: line.id,
    object: 'item',
    amount_discount: 0,
    amount_subtotal: amount,
    amount_tax: 0,
    amount_total: amount,
    currency: qt.currency,
    price: price.show(line.price),
    quantity: line.quantity,
  };
}

export const quote: Kind<Quote> = {
  show: (qt) => {
    const total = totalOfQuote(qt);
    const details = { amount_discount: 0, amount_shipping: 0, amount_tax: 0 };
    const upfront = { amount_subtotal: total, amount_total: total, total_details: details };
    return {
      id: qt.id,
      object: 'quote',
      amount_subtotal: total,
      amount_total: total,
      application: null,
      collection_method: qt.collectionMethod,
      computed: { recurring: null, upfront },
      created: qt.created,
      currency: qt.currency,
      customer: qt.customer,
      description: qt.description,
      discounts: [],
      expires_at: qt.created + 30 * 86_400,
      invoice: qt.invoice,
      livemode: false,
      metadata: qt.metadata,
      number: qt.finalizedAt === null ? null : `QT-SBX-${qt.id.slice(-4)}-1`,
      status: qt.status,
      status_transitions: {
        accepted_at: qt.status === 'accepted' ? qt.endedAt : null,
        canceled_at: qt.status === 'canceled' ? qt.endedAt : null,
        finalized_at: qt.finalizedAt,
      },
      subscription: qt.subscription,
      subscription_data: { effective_date: null, trial_period_days: qt.trialDays },
      subscription_schedule: null,
      total_details: details,
      transfer_data: null,
    };
  },
};
