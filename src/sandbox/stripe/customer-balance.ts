/**
 * Changes a customer's store credit, the one place that does, and knows which card pays for a
 * customer. Credit is no cash: nothing here moves any.
 */
import type { AccountBooks } from './account-books.ts';
import { newId } from './ids.ts';
import type { BalanceTransaction, Customer } from './objects/customer.ts';
import type { New } from './records.ts';

export interface BalanceChange {
  /** Minor units; negative: credit for the customer. */
  amount: number;
  currency: string;
  type: BalanceTransaction['type'];
  description?: string | null;
  metadata?: Record<string, string>;
  invoice?: string;
  creditNote?: string;
}

export function changeBalance(
  books: AccountBooks,
  customer: Customer,
  change: BalanceChange,
): BalanceTransaction {
  const before = { ...customer };
  customer.balance += change.amount;
  customer.currency ??= change.currency;
  books.save(customer, 'customer.updated', before);
  return books.add<BalanceTransaction>({
    id: newId('cbtxn_1', 23),
    created: books.now,
    metadata: change.metadata ?? {},
    amount: change.amount,
    currency: change.currency,
    object: 'customer_balance_transaction',
    type: change.type,
    customer: customer.id,
    endingBalance: customer.balance,
    description: change.description ?? null,
    invoice: change.invoice ?? null,
    creditNote: change.creditNote ?? null,
  });
}

/** The customer; one that nobody created here is taken for an old one and kept from now on. */
export function oldOrKnown(books: AccountBooks, id: string): Customer {
  return books.find('customer', id) ?? books.add<Customer>(newCustomer(books, id, true));
}

/** What counts against an invoice in this currency. */
export function balanceIn(books: AccountBooks, customerId: string, currency: string): number {
  const customer = books.find('customer', customerId);
  return customer && (customer.currency ?? currency) === currency ? customer.balance : 0;
}

/** The card that pays when none is named; an old customer's always pays. Null: there is none. */
export function cardOfCustomer(books: AccountBooks, customerId: string): string | null {
  const customer = books.find('customer', customerId);
  if (!customer) return 'pm_card_visa';
  const own = customer.defaultPaymentMethod ?? customer.defaultSource;
  return own ?? (customer.old ? 'pm_card_visa' : null);
}

export function newCustomer(books: AccountBooks, id: string, old: boolean): New<Customer> {
  return {
    id,
    created: books.now,
    metadata: {},
    object: 'customer',
    email: null,
    name: null,
    description: null,
    balance: 0,
    currency: null,
    defaultPaymentMethod: null,
    defaultSource: null,
    old,
    deleted: false,
  };
}
