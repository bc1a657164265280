/**
 * What a payment's end does to the invoice that it pays. Below payments.ts, so that a bank
 * debit which ends days later settles its invoice by the same way as a card at once.
 */
import type { AccountBooks } from './account-books.ts';
import { type Invoice, remainingOf } from './objects/invoice.ts';
import type { PaymentIntent } from './objects/payment-intent.ts';

const WAITING: readonly string[] = ['incomplete', 'past_due'];

/** Counts `amount` as received; the invoice is paid when nothing remains. */
export function payInvoice(books: AccountBooks, invoice: Invoice, amount: number): void {
  invoice.amountPaid += amount;
  invoice.paymentUnderWay = false;
  if (remainingOf(invoice) > 0) books.save(invoice, 'invoice.updated');
  else endPaid(books, invoice);
}

/** The seller got the money elsewhere: no cash moves here, and `amount_paid` does not say it did. */
export function payOutOfBand(books: AccountBooks, invoice: Invoice): void {
  invoice.paidOutOfBand = remainingOf(invoice);
  endPaid(books, invoice);
}

function endPaid(books: AccountBooks, invoice: Invoice): void {
  invoice.status = 'paid';
  invoice.autoAdvance = false;
  invoice.paidAt = books.now;
  books.save(invoice, 'invoice.paid');
  books.tell('invoice.payment_succeeded', invoice);
  continueSubscription(books, invoice);
}

function continueSubscription(books: AccountBooks, invoice: Invoice): void {
  const sub = books.find('subscription', invoice.subscription ?? '');
  if (!sub || (!WAITING.includes(sub.status) && sub.status !== 'paused')) return;
  const before = { ...sub };
  sub.status = 'active';
  books.save(sub, 'customer.subscription.updated', before);
  if (before.status === 'paused') books.tell('customer.subscription.resumed', sub);
}

export function settleInvoiceOf(books: AccountBooks, pi: PaymentIntent): void {
  const invoice = invoiceOf(books, pi);
  if (!invoice) return;
  invoice.attempts++;
  const payment = books.find('invoice_payment', invoicePaymentId(pi));
  if (payment) {
    payment.amountPaid = pi.amountReceived;
    payment.paidAt = books.now;
    books.save(payment, 'invoice_payment.paid');
  }
  payInvoice(books, invoice, pi.amountReceived);
}

/** The id of the link between a payment and its invoice. */
export function invoicePaymentId(pi: PaymentIntent): string {
  return pi.id.replace(/^pi_3/, 'inpay_1');
}

export function declineInvoiceOf(books: AccountBooks, pi: PaymentIntent): void {
  const invoice = invoiceOf(books, pi);
  if (!invoice) return;
  invoice.attempts++;
  invoice.paymentUnderWay = false;
  books.save(invoice, 'invoice.payment_failed');
  const sub = books.find('subscription', invoice.subscription ?? '');
  if (sub?.status !== 'active') return;
  const before = { ...sub };
  sub.status = 'past_due';
  books.save(sub, 'customer.subscription.updated', before);
}

/** The payment waits for the customer or the bank. */
export function suspendInvoiceOf(books: AccountBooks, pi: PaymentIntent): void {
  const invoice = invoiceOf(books, pi);
  if (!invoice) return;
  invoice.paymentUnderWay = true;
  const asks = pi.status === 'requires_action';
  books.save(invoice, asks ? 'invoice.payment_action_required' : 'invoice.updated');
  // A debit that is under way is trusted.
  if (!asks) continueSubscription(books, invoice);
}

function invoiceOf(books: AccountBooks, pi: PaymentIntent): Invoice | undefined {
  return pi.invoice ? books.find('invoice', pi.invoice) : undefined;
}
