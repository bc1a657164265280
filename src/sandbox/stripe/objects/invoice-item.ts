/** An invoice item: something to bill with the next invoice, or one that it was added to. */
import type { Kept, Kind } from './kept.ts';

export interface InvoiceItem extends Kept {
  object: 'invoiceitem';
  /** Minor units, of all units together; negative: credit. */
  amount: number;
  currency: string;
  customer: string;
  description: string | null;
  quantity: number;
  price: string | null;
  product: string | null;
  proration: boolean;
  subscription: string | null;
  subscriptionItem: string | null;
  period: { start: number; end: number };
  /** Null: waits for the next one. */
  invoice: string | null;
  deleted: boolean;
}

export const invoiceItem: Kind<InvoiceItem> = {
  show: (ii) =>
    ii.deleted
      ? { id: ii.id, object: 'invoiceitem', deleted: true }
      : {
          id: ii.id,
          object: 'invoiceitem',
          amount: ii.amount,
          currency: ii.currency,
          customer: ii.customer,
          date: ii.created,
          description: ii.description,
          discountable: !ii.proration,
          discounts: [],
          invoice: ii.invoice,
          livemode: false,
          metadata: ii.metadata,
          net_amount: ii.amount,
          parent: ii.subscription && {
            subscription_details: {
              subscription: ii.subscription,
              subscription_item: ii.subscriptionItem,
            },
            type: 'subscription_details',
          },
          period: ii.period,
          pricing: ii.price && {
            price_details: { price: ii.price, product: ii.product },
            type: 'price_details',
            unit_amount_decimal: String(ii.amount / ii.quantity),
          },
          proration: ii.proration,
          quantity: ii.quantity,
          tax_rates: [],
        },
};
