/** Which payment pays which invoice. The money itself stands with the two of them. */
import type { Kept, Kind } from './kept.ts';

export interface InvoicePayment extends Kept {
  object: 'invoice_payment';
  invoice: string;
  paymentIntent: string;
  currency: string;
  amountRequested: number;
  /** Null until it is paid. */
  amountPaid: number | null;
  paidAt: number | null;
}

export const invoicePayment: Kind<InvoicePayment> = {
  show: (inpay) => ({
    id: inpay.id,
    object: 'invoice_payment',
    amount_paid: inpay.amountPaid,
    amount_requested: inpay.amountRequested,
    created: inpay.created,
    currency: inpay.currency,
    invoice: inpay.invoice,
    is_default: true,
    livemode: false,
    payment: { payment_intent: inpay.paymentIntent, type: 'payment_intent' },
    status: inpay.amountPaid === null ? 'open' : 'paid',
    status_transitions: { canceled_at: null, paid_at: inpay.paidAt },
  }),
};
