/**
 * Customers and the store credit on them. A customer that nobody created here is taken for an old
 * one of the account (call.ts), so a credit can be given to it.
 */
import { readCurrency, readSignedAmount } from './amounts.ts';
import {
  asItWas,
  type Call,
  filtered,
  fromPath,
  type Handler,
  list,
  type Routes,
  readMetadata,
  readText,
} from './call.ts';
import { changeBalance, newCustomer, oldOrKnown } from './customer-balance.ts';
import { invalid, missing, noSuch } from './errors.ts';
import { newId } from './ids.ts';
import { collect } from './invoicing.ts';
import type { Customer } from './objects/customer.ts';
import { demandAttachable } from './payment-methods.ts';
import { render } from './records.ts';

const createCustomer: Handler = (call) => {
  demandAttachable(call.form.text('source') ?? '');
  const customer = call.books.add<Customer>(newCustomer(call.books, newId('cus_', 14), false));
  change(call, customer);
  call.books.save(customer, 'customer.created');
  return render(customer);
};

const retrieveCustomer: Handler = (call) => render(fromPath(call, 'customer'));

const updateCustomer: Handler = (call) => {
  const customer = living(call);
  demandAttachable(call.form.text('source') ?? '');
  const before = asItWas(customer);
  change(call, customer);
  call.books.save(customer, 'customer.updated', before);
  if (call.form.has('source')) retryInvoices(call, customer);
  return render(customer);
};

/** With a new source, what the customer's subscriptions could not collect is tried again. */
function retryInvoices({ books }: Call, customer: Customer): void {
  for (const invoice of books.all('invoice')) {
    const { status, collectionMethod, subscription, paymentUnderWay } = invoice;
    const waits = status === 'open' && collectionMethod === 'charge_automatically';
    if (invoice.customer !== customer.id || !waits || !subscription || paymentUnderWay) continue;
    collect(books, invoice, customer.defaultSource);
  }
}

const deleteCustomer: Handler = (call) => {
  const customer = living(call);
  customer.deleted = true;
  call.books.save(customer, 'customer.deleted');
  return render(customer);
};

const listCustomers: Handler = (call) => {
  const alive = call.books.all('customer').filter((customer) => !customer.deleted);
  return list(
    call,
    filtered(call.form, 'email', alive, (customer) => customer.email),
  );
};

/** A negative amount is credit for the customer. Store credit: no cash moves. */
const createBalanceTransaction: Handler = (call) => {
  const amount = readSignedAmount(call.form, 'amount');
  if (amount === undefined) throw missing('amount');
  if (amount === 0) throw invalid('Invalid non-zero integer', 'amount');
  const currency = readCurrency(call.form);
  const customer = oldOrKnown(call.books, call.id);
  if (customer.deleted) throw noSuch('customer', call.id);
  const transaction = changeBalance(call.books, customer, {
    amount,
    currency,
    type: 'adjustment',
    description: readText(call.form, 'description'),
    metadata: readMetadata(call.form),
  });
  return render(transaction);
};

const retrieveBalanceTransaction: Handler = (call) => {
  const transaction = call.books.find('customer_balance_transaction', call.subId);
  if (transaction?.customer !== call.id) throw noSuch('customer balance transaction', call.subId);
  return render(transaction);
};

const listBalanceTransactions: Handler = (call) =>
  list(
    call,
    call.books.all('customer_balance_transaction').filter((one) => one.customer === call.id),
  );

function living(call: Call): Customer {
  const customer = fromPath(call, 'customer');
  if (customer.deleted) throw noSuch('customer', call.id);
  return customer;
}

function change(call: Call, customer: Customer): void {
  customer.email = readText(call.form, 'email', customer.email);
  customer.name = readText(call.form, 'name', customer.name);
  customer.description = readText(call.form, 'description', customer.description);
  customer.defaultSource = readText(call.form, 'source', customer.defaultSource);
  customer.defaultPaymentMethod = readText(
    call.form,
    'invoice_settings[default_payment_method]',
    customer.defaultPaymentMethod,
  );
  customer.metadata = readMetadata(call.form, customer.metadata);
}

export const CUSTOMER_ROUTES: Routes = [
  ['POST /v1/customers', createCustomer],
  ['GET /v1/customers', listCustomers],
  ['GET /v1/customers/*', retrieveCustomer],
  ['POST /v1/customers/*', updateCustomer],
  ['DELETE /v1/customers/*', deleteCustomer],
  ['POST /v1/customers/*/balance_transactions', createBalanceTransaction],
  ['GET /v1/customers/*/balance_transactions', listBalanceTransactions],
  ['GET /v1/customers/*/balance_transactions/*', retrieveBalanceTransaction],
];
