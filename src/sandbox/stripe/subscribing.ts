/**
 * Carries out what subscription-plan.ts planned: changes the subscription, and bills it or leaves the
 * lines to the next invoice. `latest_invoice` changes only when something is billed.
 */
import type { AccountBooks } from './account-books.ts';
import { periodFrom, wholeLines } from './billing.ts';
import { cardOutcome } from './cards.ts';
import { cardOfCustomer } from './customer-balance.ts';
import { cardError } from './errors.ts';
import { newId } from './ids.ts';
import {
  addInvoice,
  collect,
  finalize,
  giveUpInvoice,
  noPaymentMethod,
  paymentOf,
  pendingItems,
  voidInvoice,
} from './invoicing.ts';
import { type Invoice, type InvoiceLine, remainingOf } from './objects/invoice.ts';
import type { InvoiceItem } from './objects/invoice-item.ts';
import type { Subscription } from './objects/subscription.ts';
import { cardOf } from './payment-methods.ts';
import type { New } from './records.ts';
import type { Plan } from './subscription-plan.ts';

/** What the request wants when the payment does not succeed at once. */
export type PaymentBehavior = string;

/** Throws Stripe's 400 without a card, and its 402 when a refusal is to undo everything. */
export function startSubscription(
  books: AccountBooks,
  { after, lines }: Plan<New<Subscription>>,
  items: New<InvoiceItem>[],
  behavior: PaymentBehavior,
): Subscription {
  const total = [...lines, ...items].reduce((sum, { amount }) => sum + amount, 0);
  if (total > 0) demandCard(books, after, behavior);
  const sub = books.add<Subscription>(after);
  const added = items.map((item) => books.add<InvoiceItem>({ ...item, subscription: sub.id }));
  const change = { event: 'customer.subscription.created', before: null };
  bill(books, sub, change, lines, { reason: 'subscription_create', behavior, items: added });
  return sub;
}

export function changeSubscription(
  books: AccountBooks,
  sub: Subscription,
  { after, lines, bills }: Plan<Subscription>,
  behavior: PaymentBehavior,
  items: New<InvoiceItem>[] = [],
): void {
  if (bills && behavior === 'error_if_incomplete') demandCard(books, after, behavior);
  const change = { event: 'customer.subscription.updated', before: { ...sub } };
  Object.assign(sub, after);
  for (const item of items) books.add<InvoiceItem>({ ...item, subscription: sub.id });
  if (bills) bill(books, sub, change, lines, { reason: 'subscription_update', behavior });
  else leaveToNext(books, sub, change, lines);
}

export function endSubscription(
  books: AccountBooks,
  sub: Subscription,
  { after, lines, bills }: Plan<Subscription>,
): void {
  Object.assign(sub, after);
  const change = { event: 'customer.subscription.deleted', before: null };
  if (bills) bill(books, sub, change, lines, { reason: 'subscription_update' });
  else leaveToNext(books, sub, change, lines);
}

/** The next period begins; the last one when it was to be canceled at its end. */
export function renew(books: AccountBooks, sub: Subscription): void {
  const before = { ...sub };
  if (sub.cancelAtPeriodEnd) {
    sub.status = 'canceled';
    sub.canceledAt = books.now;
    books.save(sub, 'customer.subscription.deleted');
    return;
  }
  sub.period = periodFrom(sub.period.end, sub.items);
  if (sub.status === 'trialing') sub.status = 'active';
  const lines = wholeLines(sub.id, sub.items, sub.period);
  const change = { event: 'customer.subscription.updated', before };
  bill(books, sub, change, lines, { reason: 'subscription_cycle' });
}

/** Items that wait for this subscription's next invoice. */
export function waitingItems(books: AccountBooks, sub: New<Subscription>): InvoiceItem[] {
  return pendingItems(books, sub.customer, sub.currency).filter(
    (item) => item.subscription === null || item.subscription === sub.id,
  );
}

/** The subscription's event; it shows the invoice that the change made. */
interface Told {
  event: string;
  before: Subscription | null;
}

function bill(
  books: AccountBooks,
  sub: Subscription,
  { event, before }: Told,
  lines: InvoiceLine[],
  how: { reason: string; behavior?: PaymentBehavior; items?: InvoiceItem[] },
): void {
  const { customer, currency, collectionMethod, daysUntilDue, defaultPaymentMethod } = sub;
  const invoice = addInvoice(
    books,
    {
      customer,
      currency,
      lines,
      billingReason: how.reason,
      collectionMethod,
      daysUntilDue,
      autoAdvance: sub.pauseCollection === null,
      subscription: sub.id,
      defaultPaymentMethod,
    },
    how.items ?? waitingItems(books, sub),
  );
  sub.latestInvoice = invoice.id;
  const sent = collectionMethod === 'send_invoice';
  if (sub.status === 'incomplete' && sent) sub.status = 'active';
  books.save(sub, event, before);
  if (sub.pauseCollection) endUncollected(books, invoice, sub.pauseCollection);
  if (sent || sub.pauseCollection) return;
  finalize(books, invoice);
  if (remainingOf(invoice) === 0) return;
  if (how.behavior === 'default_incomplete') paymentOf(books, invoice);
  else if (cardFor(books, sub)) collect(books, invoice);
}

/** What `pause_collection[behavior]` says: the draft is kept, or the invoice ends unpaid. */
function endUncollected(
  books: AccountBooks,
  invoice: Invoice,
  { behavior }: Record<string, string>,
): void {
  if (behavior === 'void' || behavior === 'mark_uncollectible') finalize(books, invoice);
  if (invoice.status !== 'open') return;
  if (behavior === 'void') voidInvoice(books, invoice);
  else giveUpInvoice(books, invoice);
}

/** Nothing is billed now: the lines become items of the next invoice. */
function leaveToNext(
  books: AccountBooks,
  sub: Subscription,
  { event, before }: Told,
  lines: InvoiceLine[],
): void {
  books.save(sub, event, before);
  for (const { id, invoiceItem, ...line } of lines) {
    const item: New<InvoiceItem> = {
      ...line,
      id: newId('ii_1', 23),
      created: books.now,
      metadata: {},
      object: 'invoiceitem',
      currency: sub.currency,
      customer: sub.customer,
      invoice: null,
      deleted: false,
    };
    books.add<InvoiceItem>(item, 'invoiceitem.created');
  }
}

function demandCard(books: AccountBooks, sub: New<Subscription>, behavior: PaymentBehavior): void {
  if (sub.collectionMethod === 'send_invoice' || behavior === 'default_incomplete') return;
  const card = cardFor(books, sub);
  if (!card) throw noPaymentMethod();
  const outcome = cardOutcome(cardOf(books, card));
  if (behavior === 'error_if_incomplete' && outcome.kind === 'declined') {
    throw cardError(outcome.refusal, {});
  }
}

function cardFor(books: AccountBooks, sub: New<Subscription>): string | null {
  return sub.defaultPaymentMethod ?? cardOfCustomer(books, sub.customer);
}
