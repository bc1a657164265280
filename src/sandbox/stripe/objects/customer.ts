/** A customer, and the entries of the store credit on it. No cash moves by either. */
import type { Kept, Kind, Money } from './kept.ts';

export interface Customer extends Kept {
  object: 'customer';
  email: string | null;
  name: string | null;
  description: string | null;
  /** Minor units of `currency`; negative: credit that the customer has. */
  balance: number;
  currency: string | null;
  defaultPaymentMethod: string | null;
  defaultSource: string | null;
  /** Taken for an old customer of the account, whose card pays, because nobody created it here. */
  old: boolean;
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
          currency: cus.currency,
          default_source: cus.defaultSource,
          delinquent: false,
          description: cus.description,
          email: cus.email,
          invoice_settings: {
            custom_fields: null,
            default_payment_method: cus.defaultPaymentMethod,
            footer: null,
          },
          livemode: false,
          metadata: cus.metadata,
          name: cus.name,
          phone: null,
          shipping: null,
        },
};

export interface BalanceTransaction extends Money {
  object: 'customer_balance_transaction';
  type: 'adjustment' | 'applied_to_invoice' | 'unapplied_from_invoice' | 'credit_note';
  customer: string;
  endingBalance: number;
  description: string | null;
  invoice: string | null;
  creditNote: string | null;
}

export const balanceTransaction: Kind<BalanceTransaction> = {
  show: (cbtxn) => ({
    id: cbtxn.id,
    object: 'customer_balance_transaction',
    amount: cbtxn.amount,
    created: cbtxn.created,
    credit_note: cbtxn.creditNote,
    currency: cbtxn.currency,
    customer: cbtxn.customer,
    description: cbtxn.description,
    ending_balance: cbtxn.endingBalance,
    invoice: cbtxn.invoice,
    livemode: false,
    metadata: cbtxn.metadata,
    type: cbtxn.type,
  }),
  standing: ({ type, amount }) => [
    [type === 'adjustment' || type === 'credit_note' ? 'credits' : 'credits_applied', amount],
  ],
};
