/** A customer, and the entries of the store credit on it. No cash moves by either. */
import type { Kept, Kind, Money } from './kept.ts';

export interface Customer extends Kept {
  object: 'customer';
  email: string | null;
  name: string | null;
  description: string | null;
  /** Minor units; negative: credit that the customer has. */
  balance: number;
  deleted: boolean;
}

export const customer: Kind<Customer> = {
  show: (cus) =>
    cus.deleted
      ? { id: cus.id, object: 'customer', deleted: true }
      : {
          id: cus.id,
          object: 'customer',
          address: null,
          balance: cus.balance,
          created: cus.created,
          currency: null,
          default_source: null,
          delinquent: false,
          description: cus.description,
          email: cus.email,
          invoice_settings: { default_payment_method: null },
          livemode: false,
          metadata: cus.metadata,
          name: cus.name,
          phone: null,
          shipping: null,
        },
};

export interface BalanceTransaction extends Money {
  object: 'customer_balance_transaction';
  customer: string;
  endingBalance: number;
  description: string | null;
}

export const balanceTransaction: Kind<BalanceTransaction> = {
  show: (cbtxn) => ({
    id: cbtxn.id,
    object: 'customer_balance_transaction',
    amount: cbtxn.amount,
    created: cbtxn.created,
    currency: cbtxn.currency,
    customer: cbtxn.customer,
    description: cbtxn.description,
    ending_balance: cbtxn.endingBalance,
    livemode: false,
    metadata: cbtxn.metadata,
    type: 'adjustment',
  }),
  standing: (cbtxn) => [['credits', cbtxn.amount]],
};
