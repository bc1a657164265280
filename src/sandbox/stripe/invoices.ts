/**
 * Invoices: made as drafts, finalized, paid by a payment behind them, or ended without. What one
 * asks is known to Stripe alone; a caller learns it by reading `amount_remaining`.
 */
import { readCurrency } from './amounts.ts';
import {
  type Call,
  filtered,
  fromPath,
  type Handler,
  list,
  listOf,
  type Routes,
  readCustomer,
  readFlag,
  readMetadata,
  readText,
} from './call.ts';
import { cardError, conflict, invalid, missing, noSuch, StripeError } from './errors.ts';
import { editable, readItem } from './invoice-items.ts';
import {
  addInvoice,
  addItems,
  collect,
  finalize,
  giveUpInvoice,
  type NewInvoice,
  pendingItems,
  voidInvoice,
} from './invoicing.ts';
import { type Invoice, remainingOf, showLine } from './objects/invoice.ts';
import type { InvoiceItem } from './objects/invoice-item.ts';
import type { Json } from './objects/kept.ts';
import { render } from './records.ts';
import { payOutOfBand } from './settlement.ts';

const createInvoice: Handler = (call) => {
  const { form, books } = call;
  const customer = readCustomer(call);
  if (!customer) throw missing('customer');
  const given = form.has('currency') ? readCurrency(form) : undefined;
  const includes = form.text('pending_invoice_items_behavior') === 'include';
  const items = includes ? pendingItems(books, customer, given) : [];
  const from: NewInvoice = {
    ...settings(call, DEFAULTS),
    customer,
    currency: given ?? items[0]?.currency ?? 'usd',
    lines: [],
    billingReason: 'manual',
    autoAdvance: readFlag(form, 'auto_advance'),
    subscription: readText(form, 'subscription'),
  };
  return render(addInvoice(books, from, items));
};

const updateInvoice: Handler = (call) => {
  const { form, books } = call;
  const invoice = living(call);
  const before = { ...invoice };
  invoice.autoAdvance = form.has('auto_advance')
    ? readFlag(form, 'auto_advance')
    : invoice.autoAdvance;
  Object.assign(invoice, settings(call, invoice));
  books.save(invoice, 'invoice.updated', before);
  return render(invoice);
};

type Settings = Pick<
  Invoice,
  'collectionMethod' | 'daysUntilDue' | 'defaultPaymentMethod' | 'description' | 'metadata'
>;

const DEFAULTS: Settings = {
  collectionMethod: 'charge_automatically',
  daysUntilDue: null,
  defaultPaymentMethod: null,
  description: null,
  metadata: {},
};

function settings({ form }: Call, before: Settings): Settings {
  const method = form.text('collection_method') ?? before.collectionMethod;
  if (method !== 'charge_automatically' && method !== 'send_invoice') {
    throw invalid(`Invalid collection_method: ${method}`, 'collection_method');
  }
  const days = form.text('days_until_due');
  return {
    collectionMethod: method,
    daysUntilDue: days ? Number(days) : before.daysUntilDue,
    defaultPaymentMethod: readText(form, 'default_payment_method', before.defaultPaymentMethod),
    description: readText(form, 'description', before.description),
    metadata: readMetadata(form, before.metadata),
  };
}

const deleteInvoice: Handler = (call) => {
  const invoice = editable(call, living(call).id);
  for (const item of call.books.all('invoiceitem')) {
    if (item.invoice !== invoice.id) continue;
    item.deleted = true;
    call.books.save(item);
  }
  invoice.status = 'deleted';
  call.books.save(invoice, 'invoice.deleted');
  return render(invoice);
};

const addLines: Handler = (call) => {
  const { books, form } = call;
  const invoice = editable(call, living(call).id);
  const items = form
    .groups('lines')
    .map((line) => readItem(call, line, invoice.customer, invoice.currency))
    .map((item) => books.add<InvoiceItem>(item, 'invoiceitem.created'));
  addItems(books, invoice, items);
  return render(invoice);
};

const finalizeInvoice: Handler = (call) => {
  const { form, books } = call;
  const invoice = living(call);
  if (invoice.status !== 'draft') {
    throw conflict(
      `This invoice is already finalized, you can't re-finalize a non-draft invoice.`,
      'invoice_not_editable',
    );
  }
  if (form.has('auto_advance')) invoice.autoAdvance = readFlag(form, 'auto_advance');
  finalize(books, invoice);
  return render(invoice);
};

/** Paid or declined at once, unless the bank takes days. A draft is finalized first. */
const payInvoice: Handler = (call) => {
  const { form, books } = call;
  const invoice = living(call);
  if (invoice.status === 'paid') throw conflict('Invoice is already paid', null);
  if (invoice.status === 'void') throw conflict('Voided invoices cannot be paid.', null);
  const card = form.text('payment_method') ?? form.text('source') ?? null;
  if (invoice.status === 'draft') finalize(books, invoice);
  if (remainingOf(invoice) === 0) return render(invoice);
  if (readFlag(form, 'paid_out_of_band')) {
    payOutOfBand(books, invoice);
    return render(invoice);
  }
  const refusal = collect(books, invoice, card);
  if (refusal) throw cardError(refusal, paymentIn(call, invoice));
  if (invoice.paymentUnderWay) throwIfCustomerIsWanted(call, invoice);
  return render(invoice);
};

function throwIfCustomerIsWanted(call: Call, invoice: Invoice): void {
  const payment = call.books.find('payment_intent', invoice.paymentIntent ?? '');
  if (payment?.status !== 'requires_action') return;
  const error = {
    type: 'card_error',
    code: 'invoice_payment_intent_requires_action',
    message: 'This payment requires additional user action before it can be completed.',
    ...paymentIn(call, invoice),
  } as const;
  throw new StripeError(402, error, true);
}

function paymentIn({ books }: Call, invoice: Invoice): Json {
  const payment = books.find('payment_intent', invoice.paymentIntent ?? '');
  return payment ? { charge: payment.latestCharge, payment_intent: render(payment) } : {};
}

/** The customer is asked by e-mail: nothing moves yet. A draft is finalized first. */
const sendInvoice: Handler = (call) => {
  const invoice = living(call);
  if (invoice.collectionMethod !== 'send_invoice') {
    throw conflict(
      'You can only manually send an invoice if its collection method is send_invoice.',
      null,
    );
  }
  if (invoice.status === 'draft') finalize(call.books, invoice);
  call.books.tell('invoice.sent', invoice);
  return render(invoice);
};

const voidOpenInvoice: Handler = (call) => {
  const invoice = living(call);
  if (invoice.status !== 'open' && invoice.status !== 'uncollectible') {
    throw conflict(
      `You can only void open or uncollectible invoices; this one is ${invoice.status}.`,
      null,
    );
  }
  if (invoice.paymentUnderWay) throw conflict('A payment of this invoice is under way.', null);
  voidInvoice(call.books, invoice);
  return render(invoice);
};

const markUncollectible: Handler = (call) => {
  const invoice = living(call);
  if (invoice.status !== 'open') throw conflict('The invoice is not open.', null);
  giveUpInvoice(call.books, invoice);
  return render(invoice);
};

const retrieveInvoice: Handler = (call) => render(living(call));

const listInvoices: Handler = (call) => {
  const { form } = call;
  const all = call.books.all('invoice').filter((invoice) => invoice.status !== 'deleted');
  const ofCustomer = filtered(form, 'customer', all, (invoice) => invoice.customer);
  const ofStatus = filtered(form, 'status', ofCustomer, (invoice) => invoice.status);
  return list(
    call,
    filtered(form, 'subscription', ofStatus, (invoice) => invoice.subscription),
  );
};

const listLines: Handler = (call) => {
  const invoice = living(call);
  const lines = invoice.lines.map((line) => ({ ...line, created: invoice.created }));
  return listOf(call, lines, (line) => showLine(invoice, line));
};

const listInvoicePayments: Handler = (call) => {
  const { form, books } = call;
  const all = books.all('invoice_payment');
  const ofInvoice = filtered(form, 'invoice', all, (one) => one.invoice);
  const wanted = filtered(form, 'payment[payment_intent]', ofInvoice, (one) => one.paymentIntent);
  return list(
    call,
    filtered(form, 'status', wanted, (one) => (one.amountPaid === null ? 'open' : 'paid')),
  );
};

function living(call: Call): Invoice {
  const invoice = fromPath(call, 'invoice');
  if (invoice.status === 'deleted') throw noSuch('invoice', call.id);
  return invoice;
}

export const INVOICE_ROUTES: Routes = [
  ['POST /v1/invoices', createInvoice],
  ['GET /v1/invoices', listInvoices],
  ['GET /v1/invoices/*', retrieveInvoice],
  ['POST /v1/invoices/*', updateInvoice],
  ['DELETE /v1/invoices/*', deleteInvoice],
  ['POST /v1/invoices/*/add_lines', addLines],
  ['GET /v1/invoices/*/lines', listLines],
  ['POST /v1/invoices/*/finalize', finalizeInvoice],
  ['POST /v1/invoices/*/pay', payInvoice],
  ['POST /v1/invoices/*/send', sendInvoice],
  ['POST /v1/invoices/*/void', voidOpenInvoice],
  ['POST /v1/invoices/*/mark_uncollectible', markUncollectible],
  ['GET /v1/invoice_payments', listInvoicePayments],
];
