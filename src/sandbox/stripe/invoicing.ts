/**
 * What becomes of an invoice, whoever asked for it: made of its lines, finalized, collected, ended.
 * Its payment is a PaymentIntent like any other (payments.ts), which tells the invoice how it ended.
 */
import type { AccountBooks } from './account-books.ts';
import type { CardRefusal } from './cards.ts';
import { balanceIn, cardOfCustomer, changeBalance, oldOrKnown } from './customer-balance.ts';
import { conflict } from './errors.ts';
import { newId, newObjectId } from './ids.ts';
import { dueOf, type Invoice, type InvoiceLine, remainingOf } from './objects/invoice.ts';
import type { InvoiceItem } from './objects/invoice-item.ts';
import type { InvoicePayment } from './objects/invoice-payment.ts';
import type { PaymentIntent } from './objects/payment-intent.ts';
import { attempt } from './payments.ts';
import type { New } from './records.ts';
import { invoicePaymentId, payInvoice } from './settlement.ts';

export type NewInvoice = Pick<Invoice, 'customer' | 'currency' | 'lines' | 'billingReason'> &
  Partial<Invoice>;

/** A draft that is not in the books yet. */
export function draftOf(books: AccountBooks, from: NewInvoice): New<Invoice> {
  return {
    id: newObjectId('in_1', 23),
    created: books.now,
    metadata: {},
    amount: totalOf(from.lines),
    object: 'invoice',
    status: 'draft',
    autoAdvance: false,
    collectionMethod: 'charge_automatically',
    daysUntilDue: null,
    defaultPaymentMethod: null,
    description: null,
    subscription: null,
    number: null,
    startingBalance: balanceIn(books, from.customer, from.currency),
    endingBalance: null,
    amountPaid: 0,
    paidOutOfBand: 0,
    preCredited: 0,
    postCredited: 0,
    attempts: 0,
    paymentIntent: null,
    paymentUnderWay: false,
    finalizedAt: null,
    paidAt: null,
    endedAt: null,
    ...from,
  };
}

export function addInvoice(
  books: AccountBooks,
  from: NewInvoice,
  items: InvoiceItem[] = [],
): Invoice {
  const invoice = books.add<Invoice>(draftOf(books, from));
  addItems(books, invoice, items);
  books.tell('invoice.created', invoice);
  return invoice;
}

/** Puts items on a draft. */
export function addItems(books: AccountBooks, invoice: Invoice, items: InvoiceItem[]): void {
  for (const item of items) {
    item.invoice = invoice.id;
    books.save(item);
  }
  setLines(books, invoice, [...invoice.lines, ...items.map(lineOf)]);
}

export function setLines(books: AccountBooks, invoice: Invoice, lines: InvoiceLine[]): void {
  invoice.lines = lines;
  invoice.amount = totalOf(lines);
  books.save(invoice);
}

/** Items that wait for the customer's next invoice, oldest first. */
export function pendingItems(
  books: AccountBooks,
  customer: string,
  currency?: string,
): InvoiceItem[] {
  const pending = books
    .all('invoiceitem')
    .filter((item) => item.customer === customer && !item.invoice && !item.deleted)
    .reverse();
  const wanted = currency ?? pending[0]?.currency;
  return pending.filter((item) => item.currency === wanted);
}

/** Fixes what a draft asks: store credit is used up, or added when the total is below nothing. */
export function finalize(books: AccountBooks, invoice: Invoice): void {
  const { customer, currency } = invoice;
  invoice.status = 'open';
  invoice.number = `SBX${newId('', 5).toUpperCase()}-0001`;
  invoice.finalizedAt = books.now;
  invoice.startingBalance = balanceIn(books, customer, currency);
  invoice.endingBalance = Math.min(0, invoice.amount + invoice.startingBalance);
  const applied = invoice.endingBalance - invoice.startingBalance;
  if (applied !== 0) {
    const type = 'applied_to_invoice';
    const change = { amount: applied, currency, type, invoice: invoice.id } as const;
    changeBalance(books, oldOrKnown(books, customer), change);
  }
  books.save(invoice, 'invoice.finalized');
  if (dueOf(invoice) === 0) payInvoice(books, invoice, 0);
}

/**
 * Tries to take what an open invoice asks from `card`, else from its own or the customer's. Returns
 * why that was declined, or null. Throws when there is no card, or a payment is under way.
 */
export function collect(
  books: AccountBooks,
  invoice: Invoice,
  card: string | null = null,
): CardRefusal | null {
  const paymentMethod =
    card ?? invoice.defaultPaymentMethod ?? cardOfCustomer(books, invoice.customer);
  if (!paymentMethod) throw noPaymentMethod();
  if (invoice.paymentUnderWay) {
    throw conflict(`Invoice ${invoice.id} has a payment that is not finished.`, null);
  }
  const pi = paymentOf(books, invoice);
  pi.paymentMethod = paymentMethod;
  pi.amount = remainingOf(invoice);
  return attempt(books, pi, false);
}

export function noPaymentMethod() {
  return conflict(
    'This customer has no attached payment source or default payment method. Please consider adding a default payment method.',
    'resource_missing',
  );
}

/** The payment that was declined before, or a new one that waits to be confirmed. */
export function paymentOf(books: AccountBooks, invoice: Invoice): PaymentIntent {
  const before = books.find('payment_intent', invoice.paymentIntent ?? '');
  if (before?.status === 'requires_payment_method') return before;
  const pi = books.add<PaymentIntent>(
    {
      id: newObjectId('pi_3', 23),
      created: books.now,
      metadata: {},
      amount: remainingOf(invoice),
      currency: invoice.currency,
      object: 'payment_intent',
      status: 'requires_payment_method',
      captureMethod: 'automatic',
      amountCapturable: 0,
      amountReceived: 0,
      customer: invoice.customer,
      paymentMethod: null,
      description: invoice.subscription ? 'Subscription update' : 'Payment for Invoice',
      latestCharge: null,
      lastRefusal: null,
      returnUrl: null,
      canceledAt: null,
      cancellationReason: null,
      feeAmount: null,
      destination: null,
      onBehalfOf: null,
      invoice: invoice.id,
    },
    'payment_intent.created',
  );
  invoice.paymentIntent = pi.id;
  books.save(invoice);
  books.add<InvoicePayment>({
    id: invoicePaymentId(pi),
    created: books.now,
    metadata: {},
    object: 'invoice_payment',
    invoice: invoice.id,
    paymentIntent: pi.id,
    currency: pi.currency,
    amountRequested: pi.amount,
    amountPaid: null,
    paidAt: null,
  });
  return pi;
}

/** Void: as if it had never asked; store credit that it used comes back. */
export function voidInvoice(books: AccountBooks, invoice: Invoice): void {
  const { customer, currency } = invoice;
  const applied = (invoice.endingBalance ?? 0) - invoice.startingBalance;
  if (applied !== 0) {
    const type = 'unapplied_from_invoice';
    const change = { amount: -applied, currency, type, invoice: invoice.id } as const;
    changeBalance(books, oldOrKnown(books, customer), change);
  }
  invoice.status = 'void';
  invoice.endedAt = books.now;
  books.save(invoice, 'invoice.voided');
}

/** Nobody expects the money any more; it can still be paid. */
export function giveUpInvoice(books: AccountBooks, invoice: Invoice): void {
  invoice.status = 'uncollectible';
  invoice.endedAt = books.now;
  books.save(invoice, 'invoice.marked_uncollectible');
}

export function lineOf(item: InvoiceItem): InvoiceLine {
  const { amount, description, quantity, price, product, proration, period } = item;
  const { subscription, subscriptionItem } = item;
  return {
    id: newId('il_1', 23),
    amount,
    description,
    quantity,
    price,
    product,
    proration,
    subscription,
    subscriptionItem,
    invoiceItem: item.id,
    period,
  };
}

function totalOf(lines: readonly InvoiceLine[]): number {
  return lines.reduce((sum, line) => sum + line.amount, 0);
}
