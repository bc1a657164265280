/**
 * An invoice. What it asks stands here until it is paid; then its charge counts. Invoices that are
 * collected without another call are told from those that wait for one.
 */
import { type Json, type Kind, type Money, NOWHERE } from './kept.ts';

export interface InvoiceLine {
  id: string;
  amount: number;
  description: string | null;
  quantity: number;
  price: string | null;
  product: string | null;
  proration: boolean;
  subscription: string | null;
  subscriptionItem: string | null;
  invoiceItem: string | null;
  period: { start: number; end: number };
}

/** `amount` is the total of the lines; it can be negative. */
export interface Invoice extends Money {
  object: 'invoice';
  status: 'draft' | 'open' | 'paid' | 'uncollectible' | 'void' | 'deleted';
  customer: string;
  lines: readonly InvoiceLine[];
  autoAdvance: boolean;
  collectionMethod: 'charge_automatically' | 'send_invoice';
  daysUntilDue: number | null;
  defaultPaymentMethod: string | null;
  description: string | null;
  billingReason: string;
  subscription: string | null;
  number: string | null;
  /** The customer's balance before; that of after is null until the invoice is finalized. */
  startingBalance: number;
  endingBalance: number | null;
  amountPaid: number;
  /** Paid without Stripe: no cash moved here. */
  paidOutOfBand: number;
  /** Credited by credit notes before and after it was paid. */
  preCredited: number;
  postCredited: number;
  attempts: number;
  /** The last payment that was tried. */
  paymentIntent: string | null;
  /** That payment waits for the customer or for the bank. */
  paymentUnderWay: boolean;
  finalizedAt: number | null;
  paidAt: number | null;
  endedAt: number | null;
}

export function dueOf(inv: Invoice): number {
  return Math.max(0, inv.amount + inv.startingBalance - inv.preCredited);
}

export function remainingOf(inv: Invoice): number {
  return Math.max(0, dueOf(inv) - inv.amountPaid);
}

export const invoice: Kind<Invoice> = {
  show: (inv) => (inv.status === 'deleted' ? showDeleted(inv) : showWhole(inv)),
  standing: (inv) => {
    const automatic = inv.autoAdvance && inv.collectionMethod === 'charge_automatically';
    switch (inv.status) {
      case 'draft':
        return automatic ? [['collecting', dueOf(inv)]] : NOWHERE;
      case 'open':
        return [[automatic || inv.paymentUnderWay ? 'collecting' : 'invoiced', remainingOf(inv)]];
      default:
        return NOWHERE;
    }
  },
};

const showDeleted = (inv: Invoice): Json => ({ id: inv.id, object: 'invoice', deleted: true });

function showWhole(inv: Invoice): Json {
  const draft = inv.status === 'draft';
  const period = inv.lines[0]?.period ?? { start: inv.created, end: inv.created };
  return {
    id: inv.id,
    object: 'invoice',
    account_country: 'US',
    account_name: 'Sandbox',
    amount_due: dueOf(inv),
    amount_overpaid: 0,
    amount_paid: inv.amountPaid,
    amount_paid_off_stripe: inv.paidOutOfBand,
    amount_remaining: remainingOf(inv),
    amount_shipping: 0,
    application: null,
    attempt_count: inv.attempts,
    attempted: inv.attempts > 0,
    auto_advance: inv.autoAdvance,
    automatic_tax: { disabled_reason: null, enabled: false, liability: null, status: null },
    automatically_finalizes_at: draft && inv.autoAdvance ? inv.created + 3600 : null,
    billing_reason: inv.billingReason,
    collection_method: inv.collectionMethod,
    created: inv.created,
    currency: inv.currency,
    customer: inv.customer,
    default_payment_method: inv.defaultPaymentMethod,
    default_source: null,
    description: inv.description,
    discounts: [],
    due_date: inv.daysUntilDue === null ? null : inv.created + inv.daysUntilDue * 86_400,
    effective_at: inv.finalizedAt,
    ending_balance: inv.endingBalance,
    hosted_invoice_url: draft ? null : `https://invoice.stripe.com/i/sandbox/${inv.id}`,
    issuer: { type: 'self' },
    lines: {
      object: 'list',
      data: inv.lines.map((line) => showLine(inv, line)),
      has_more: false,
      total_count: inv.lines.length,
      url: `/v1/invoices/${inv.id}/lines`,
    },
    livemode: false,
    metadata: inv.metadata,
    next_payment_attempt: null,
    number: inv.number,
    on_behalf_of: null,
    parent: inv.subscription && {
      quote_details: null,
      subscription_details: { metadata: {}, subscription: inv.subscription },
      type: 'subscription_details',
    },
    payment_settings: { default_mandate: null, payment_method_types: null },
    period_end: period.end,
    period_start: period.start,
    post_payment_credit_notes_amount: inv.postCredited,
    pre_payment_credit_notes_amount: inv.preCredited,
    receipt_number: null,
    starting_balance: inv.startingBalance,
    status: inv.status,
    status_transitions: {
      finalized_at: inv.finalizedAt,
      marked_uncollectible_at: inv.status === 'uncollectible' ? inv.endedAt : null,
      paid_at: inv.paidAt,
      voided_at: inv.status === 'void' ? inv.endedAt : null,
    },
    subtotal: inv.amount,
    total: inv.amount,
    total_discount_amounts: [],
    total_taxes: [],
  };
}

export function showLine(inv: Invoice, line: InvoiceLine): Json {
  const ofSubscription = line.invoiceItem === null && line.subscription !== null;
  const proration = { proration: line.proration, subscription: line.subscription };
  return {
    id: line.id,
    object: 'line_item',
    amount: line.amount,
    currency: inv.currency,
    description: line.description,
    discount_amounts: [],
    discountable: !line.proration,
    discounts: [],
    invoice: inv.id,
    livemode: false,
    metadata: {},
    parent: {
      invoice_item_details: ofSubscription
        ? null
        : { ...proration, invoice_item: line.invoiceItem, proration_details: null },
      subscription_item_details: ofSubscription
        ? { ...proration, invoice_item: null, subscription_item: line.subscriptionItem }
        : null,
      type: ofSubscription ? 'subscription_item_details' : 'invoice_item_details',
    },
    period: line.period,
    pricing: line.price && {
      price_details: { price: line.price, product: line.product },
      type: 'price_details',
      unit_amount_decimal: String(line.amount / line.quantity),
    },
    quantity: line.quantity,
    taxes: [],
  };
}
