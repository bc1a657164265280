/**
 * Quotes: what the customer is offered. Accepting one makes a subscription, which bills at once, or
 * of one-time prices a draft invoice, which waits to be finalized.
 */
import { readQuantity } from './amounts.ts';
import { periodFrom, wholeLines } from './billing.ts';
import {
  asItWas,
  type Call,
  filtered,
  fromPath,
  type Handler,
  list,
  listOf,
  type Routes,
  readCustomer,
  readMetadata,
  readText,
} from './call.ts';
import { conflict, missing } from './errors.ts';
import { newId, newObjectId } from './ids.ts';
import { addInvoice } from './invoicing.ts';
import type { InvoiceLine } from './objects/invoice.ts';
import { type Quote, type QuoteLine, showQuoteLine } from './objects/quote.ts';
import type { Subscription } from './objects/subscription.ts';
import { readPrice } from './prices.ts';
import { type New, render } from './records.ts';
import { startSubscription } from './subscribing.ts';

const createQuote: Handler = (call) => {
  const { form } = call;
  const lines = readLines(call);
  const days = form.text('subscription_data[trial_period_days]');
  const quote = call.books.add<Quote>(
    {
      id: newId('qt_1', 23),
      created: call.now,
      metadata: readMetadata(form),
      object: 'quote',
      status: 'draft',
      customer: readCustomer(call),
      currency: lines[0]?.price.currency ?? 'usd',
      lines,
      collectionMethod:
        form.text('collection_method') === 'send_invoice' ? 'send_invoice' : 'charge_automatically',
      trialDays: days ? Number(days) : null,
      description: readText(form, 'description'),
      invoice: null,
      subscription: null,
      finalizedAt: null,
      endedAt: null,
    },
    'quote.created',
  );
  return render(quote);
};

const updateQuote: Handler = (call) => {
  const quote = inState(call, 'draft');
  const lines = readLines(call);
  if (lines.length > 0) quote.lines = lines;
  quote.customer = readCustomer(call, quote.customer);
  quote.metadata = readMetadata(call.form, quote.metadata);
  call.books.save(quote);
  return render(quote);
};

const finalizeQuote: Handler = (call) => {
  const quote = inState(call, 'draft');
  if (!quote.customer) throw missing('customer');
  quote.status = 'open';
  quote.finalizedAt = call.now;
  call.books.save(quote, 'quote.finalized');
  return render(quote);
};

const acceptQuote: Handler = (call) => {
  const { books } = call;
  const quote = inState(call, 'open');
  const before = asItWas(quote);
  const recurring = quote.lines.some(({ price }) => price.recurring);
  if (recurring) quote.subscription = subscribe(call, quote);
  else quote.invoice = invoiceFor(call, quote);
  quote.status = 'accepted';
  quote.endedAt = call.now;
  books.save(quote, 'quote.accepted', before);
  return render(quote);
};

function subscribe({ books, now }: Call, quote: Quote): string {
  const repeated = quote.lines.filter(({ price }) => price.recurring);
  const items = repeated.map(({ price, quantity }) => ({
    id: newId('si_', 14),
    created: now,
    metadata: {},
    price,
    quantity,
  }));
  const days = quote.trialDays ?? 0;
  const trial = days > 0 ? { start: now, end: now + days * 86_400 } : null;
  const after: New<Subscription> = {
    id: newObjectId('sub_1', 23),
    created: now,
    metadata: {},
    object: 'subscription',
    status: trial ? 'trialing' : 'incomplete',
    customer: quote.customer!,
    currency: quote.currency,
    items,
    period: trial ?? periodFrom(now, items),
    trial,
    latestInvoice: null,
    defaultPaymentMethod: null,
    collectionMethod: quote.collectionMethod,
    daysUntilDue: null,
    cancelAtPeriodEnd: false,
    pauseCollection: null,
    description: null,
    canceledAt: null,
  };
  const once = quote.lines.filter(({ price }) => !price.recurring).map((line) => lineOf(line, now));
  const lines = [...wholeLines(after.id, items, after.period, trial !== null), ...once];
  return startSubscription(books, { after, lines, bills: true }, [], 'allow_incomplete').id;
}

function invoiceFor({ books, now }: Call, quote: Quote): string {
  return addInvoice(books, {
    customer: quote.customer!,
    currency: quote.currency,
    lines: quote.lines.map((line) => lineOf(line, now)),
    billingReason: 'quote_accept',
    collectionMethod: quote.collectionMethod,
  }).id;
}

function lineOf({ price, quantity }: QuoteLine, now: number): InvoiceLine {
  return {
    id: newId('il_1', 23),
    amount: price.unitAmount * quantity,
    description: price.product,
    quantity,
    price: price.id,
    product: price.product,
    proration: false,
    subscription: null,
    subscriptionItem: null,
    invoiceItem: null,
    period: { start: now, end: now },
  };
}

const cancelQuote: Handler = (call) => {
  const quote = fromPath(call, 'quote');
  if (quote.status !== 'draft' && quote.status !== 'open') throw wrongState(quote);
  quote.status = 'canceled';
  quote.endedAt = call.now;
  call.books.save(quote, 'quote.canceled');
  return render(quote);
};

const retrieveQuote: Handler = (call) => render(fromPath(call, 'quote'));

const listQuotes: Handler = (call) =>
  list(
    call,
    filtered(call.form, 'customer', call.books.all('quote'), (quote) => quote.customer),
  );

const listQuoteLines: Handler = (call) => {
  const quote = fromPath(call, 'quote');
  const lines = quote.lines.map((line) => ({ ...line, created: quote.created }));
  return listOf(call, lines, (line) => showQuoteLine(quote, line));
};

function readLines(call: Call): QuoteLine[] {
  return call.form.groups('line_items').map((prefix) => {
    const price = readPrice(call, prefix);
    if (!price) throw missing(`${prefix}[price]`);
    const quantity = readQuantity(call.form, `${prefix}[quantity]`);
    return { id: newId('li_1', 23), price, quantity };
  });
}

function inState(call: Call, status: Quote['status']): Quote {
  const quote = fromPath(call, 'quote');
  if (quote.status !== status) throw wrongState(quote);
  return quote;
}

function wrongState(quote: Quote) {
  return conflict(`This quote is ${quote.status}.`, null);
}

export const QUOTE_ROUTES: Routes = [
  ['POST /v1/quotes', createQuote],
  ['GET /v1/quotes', listQuotes],
  ['GET /v1/quotes/*', retrieveQuote],
  ['POST /v1/quotes/*', updateQuote],
  ['POST /v1/quotes/*/finalize', finalizeQuote],
  ['POST /v1/quotes/*/accept', acceptQuote],
  ['POST /v1/quotes/*/cancel', cancelQuote],
  ['GET /v1/quotes/*/line_items', listQuoteLines],
];
