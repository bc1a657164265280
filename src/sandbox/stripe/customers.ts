/**
 * Customers and the store credit on them. A customer that nobody created here is taken for an old
 * one of the account (call.ts), so a credit can be given to it.
 */
import { readCurrency, readSignedAmount } from './amounts.ts';
import {
  type Call,
  filtered,
  fromPath,
  type Handler,
  list,
  readMetadata,
  readText,
} from './call.ts';
import { invalid, missing, noSuch } from './errors.ts';
import { newId } from './ids.ts';
import type { BalanceTransaction, Customer } from './records.ts';
import { render } from './render.ts';

export const createCustomer: Handler = (call) => {
  const customer = newCustomer(call, newId('cus_', 14));
  change(call, customer);
  return render(customer);
};

export const retrieveCustomer: Handler = (call) => render(fromPath(call, 'customer'));

export const updateCustomer: Handler = (call) => {
  const customer = living(call);
  change(call, customer);
  return render(customer);
};

export const deleteCustomer: Handler = (call) => {
  const customer = living(call);
  customer.deleted = true;
  call.books.save(customer);
  return render(customer);
};

export const listCustomers: Handler = (call) => {
  const alive = call.books.all('customer').filter((customer) => !customer.deleted);
  return list(
    call,
    filtered(call.form, 'email', alive, (customer) => customer.email),
  );
};

/** A negative amount is credit for the customer. Store credit: no cash moves. */
export const createBalanceTransaction: Handler = (call) => {
  const amount = readSignedAmount(call.form, 'amount');
  if (amount === undefined) throw missing('amount');
  if (amount === 0) throw invalid('Invalid non-zero integer', 'amount');
  const currency = readCurrency(call.form);
  const customer = call.books.find('customer', call.id) ?? newCustomer(call, call.id);
  if (customer.deleted) throw noSuch('customer', call.id);
  customer.balance += amount;
  call.books.save(customer);
  const transaction: BalanceTransaction = {
    id: newId('cbtxn_1', 23),
    created: call.now,
    metadata: readMetadata(call.form),
    amount,
    currency,
    bucket: null,
    counted: 0,
    object: 'customer_balance_transaction',
    customer: customer.id,
    endingBalance: customer.balance,
    description: readText(call.form, 'description'),
  };
  call.books.save(transaction);
  return render(transaction);
};

export const retrieveBalanceTransaction: Handler = (call) => {
  const transaction = call.books.find('customer_balance_transaction', call.subId);
  if (transaction?.customer !== call.id) throw noSuch('customer balance transaction', call.subId);
  return render(transaction);
};

export const listBalanceTransactions: Handler = (call) =>
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
  customer.metadata = readMetadata(call.form, customer.metadata);
  call.books.save(customer);
}

function newCustomer(call: Call, id: string): Customer {
  return {
    id,
    created: call.now,
    metadata: {},
    object: 'customer',
    email: null,
    name: null,
    description: null,
    balance: 0,
    deleted: false,
  };
}
