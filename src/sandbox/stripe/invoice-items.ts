/** Invoice items: what is to be billed, before any money moves. */
import { readCurrency, readQuantity, readSignedAmount } from './amounts.ts';
import {
  type Call,
  filtered,
  fromPath,
  type Handler,
  list,
  type Routes,
  readCustomer,
  readMetadata,
  readText,
} from './call.ts';
import { conflict, missing, noSuch } from './errors.ts';
import { inside } from './form.ts';
import { newId } from './ids.ts';
import { addItems, lineOf, setLines } from './invoicing.ts';
import type { Invoice } from './objects/invoice.ts';
import type { InvoiceItem } from './objects/invoice-item.ts';
import { readPrice } from './prices.ts';
import { type New, render } from './records.ts';

const createInvoiceItem: Handler = (call) => {
  const { form, books } = call;
  const customer = readCustomer(call);
  if (!customer) throw missing('customer');
  const invoiceId = form.text('invoice');
  const invoice = invoiceId ? editable(call, invoiceId) : undefined;
  const item = readItem(call, '', customer, invoice?.currency);
  const added = books.add<InvoiceItem>(item, 'invoiceitem.created');
  if (invoice) addItems(books, invoice, [added]);
  return render(added);
};

const updateInvoiceItem: Handler = (call) => {
  const { form, books } = call;
  const item = living(call);
  const invoice = item.invoice ? editable(call, item.invoice) : undefined;
  item.amount = readSignedAmount(form, 'amount') ?? item.amount;
  item.description = readText(form, 'description', item.description);
  item.metadata = readMetadata(form, item.metadata);
  books.save(item);
  if (invoice) {
    const changed = invoice.lines.map((line) =>
      line.invoiceItem === item.id ? lineOf(item) : line,
    );
    setLines(books, invoice, changed);
  }
  return render(item);
};

const deleteInvoiceItem: Handler = (call) => {
  const item = living(call);
  if (item.invoice) {
    const invoice = editable(call, item.invoice);
    const left = invoice.lines.filter((line) => line.invoiceItem !== item.id);
    setLines(call.books, invoice, left);
  }
  item.deleted = true;
  call.books.save(item, 'invoiceitem.deleted');
  return render(item);
};

const retrieveInvoiceItem: Handler = (call) => render(living(call));

const listInvoiceItems: Handler = (call) => {
  const { form } = call;
  const all = call.books.all('invoiceitem').filter((item) => !item.deleted);
  const pending = form.text('pending')?.toLowerCase();
  const wanted = all.filter(
    (item) => pending === undefined || (item.invoice === null) === (pending === 'true'),
  );
  const ofCustomer = filtered(form, 'customer', wanted, (item) => item.customer);
  return list(
    call,
    filtered(form, 'invoice', ofCustomer, (item) => item.invoice),
  );
};

/**
 * An item as the parameters under `prefix` describe it: an amount, a price times a quantity, or both
 * inside. `currency`: when the parameters name none.
 */
export function readItem(
  call: Call,
  prefix: string,
  customer: string,
  currency?: string,
): New<InvoiceItem> {
  const { form } = call;
  const at = (name: string) => inside(prefix, name);
  const price = readPrice(call, prefix);
  const quantity = readQuantity(form, at('quantity'));
  const decimal = form.text(at('unit_amount_decimal')) ?? form.text(at('unit_amount'));
  const each = price?.unitAmount ?? (decimal === undefined ? undefined : Number(decimal));
  const whole = readSignedAmount(form, at('amount'));
  if (whole === undefined && each === undefined) throw missing(at('amount'));
  const given = form.has(at('currency')) ? readCurrency(form, at('currency')) : undefined;
  const own = given ?? price?.currency ?? currency;
  if (!own) throw missing(at('currency'));
  return {
    id: newId('ii_1', 23),
    created: call.now,
    metadata: prefix ? {} : readMetadata(form),
    object: 'invoiceitem',
    amount: whole ?? Math.round(each! * quantity),
    currency: own,
    customer,
    description: readText(form, at('description')),
    quantity,
    price: price?.id ?? null,
    product: price?.product ?? null,
    proration: false,
    subscription: readText(form, at('subscription')),
    subscriptionItem: null,
    period: { start: call.now, end: call.now },
    invoice: null,
    deleted: false,
  };
}

/** The draft of that id. Throws when there is none, or it is no draft any more. */
export function editable(call: Call, id: string): Invoice {
  const invoice = call.books.find('invoice', id);
  if (!invoice) throw noSuch('invoice', id, 'invoice');
  if (invoice.status !== 'draft') {
    throw conflict(
      'This invoice is no longer editable: its status is not draft.',
      'invoice_not_editable',
    );
  }
  return invoice;
}

function living(call: Call): InvoiceItem {
  const item = fromPath(call, 'invoiceitem');
  if (item.deleted) throw noSuch('invoiceitem', call.id);
  return item;
}

export const INVOICE_ITEM_ROUTES: Routes = [
  ['POST /v1/invoiceitems', createInvoiceItem],
  ['GET /v1/invoiceitems', listInvoiceItems],
  ['GET /v1/invoiceitems/*', retrieveInvoiceItem],
  ['POST /v1/invoiceitems/*', updateInvoiceItem],
  ['DELETE /v1/invoiceitems/*', deleteInvoiceItem],
];
