/**
 * All kinds of objects in one table: how each is shown and where its money stands. A new kind is a
 * file in objects/ and a line here.
 */
import {
  type ApplicationFee,
  applicationFee,
  type FeeRefund,
  feeRefund,
} from './objects/application-fee.ts';
import { type Charge, charge } from './objects/charge.ts';
import { type CoreAccount, coreAccount } from './objects/core-account.ts';
import { type CreditNote, creditNote } from './objects/credit-note.ts';
import {
  type BalanceTransaction,
  balanceTransaction,
  type Customer,
  customer,
} from './objects/customer.ts';
import { type Fund, fund } from './objects/fund.ts';
import { type Invoice, invoice } from './objects/invoice.ts';
import { type InvoiceItem, invoiceItem } from './objects/invoice-item.ts';
import { type InvoicePayment, invoicePayment } from './objects/invoice-payment.ts';
import { type Json, type Kind, NOWHERE, type Standing } from './objects/kept.ts';
import {
  type MoneyMovement,
  moneyMovement,
  type PayoutIntent,
  payoutIntent,
} from './objects/money-movement.ts';
import { type PaymentIntent, paymentIntent } from './objects/payment-intent.ts';
import {
  type PaymentMethod,
  paymentMethod,
  type SetupIntent,
  setupIntent,
} from './objects/payment-method.ts';
import { type Price, type Product, price, product } from './objects/price.ts';
import { type Quote, quote } from './objects/quote.ts';
import { type Refund, refund } from './objects/refund.ts';
import { type Subscription, subscription } from './objects/subscription.ts';
import { type TransferReversal, transferReversal } from './objects/transfer-reversal.ts';

export type MoneyRecord =
  | PaymentIntent
  | Charge
  | Refund
  | Fund
  | TransferReversal
  | ApplicationFee
  | FeeRefund
  | MoneyMovement
  | PayoutIntent
  | BalanceTransaction
  | Invoice;
export type StripeRecord =
  | MoneyRecord
  | Customer
  | PaymentMethod
  | SetupIntent
  | Product
  | Price
  | InvoiceItem
  | InvoicePayment
  | CreditNote
  | Subscription
  | Quote
  | CoreAccount;

/** The record of a kind; some kinds share one: payouts, topups and transfers. */
export type RecordOf<Name extends StripeRecord['object']> = RecordNamed<StripeRecord, Name>;

type RecordNamed<Of extends StripeRecord, Name> = Of extends StripeRecord
  ? Name extends Of['object']
    ? Of
    : never
  : never;

/** What a handler says of a new object; the rest is the books' to write. */
export type New<Of> = Of extends unknown ? Omit<Of, 'account' | 'counted'> : never;

const KINDS: { [Name in StripeRecord['object']]: Kind<RecordOf<Name>> } = {
  payment_intent: paymentIntent,
  charge,
  refund,
  payout: fund,
  topup: fund,
  transfer: fund,
  transfer_reversal: transferReversal,
  application_fee: applicationFee,
  fee_refund: feeRefund,
  customer,
  customer_balance_transaction: balanceTransaction,
  payment_method: paymentMethod,
  setup_intent: setupIntent,
  product,
  price,
  invoiceitem: invoiceItem,
  invoice,
  invoice_payment: invoicePayment,
  credit_note: creditNote,
  subscription,
  quote,
  'v2.money_management.outbound_payment': moneyMovement,
  'v2.money_management.outbound_transfer': moneyMovement,
  'v2.money_management.inbound_transfer': moneyMovement,
  'v2.money_management.payout_intent': payoutIntent,
  'v2.core.account': coreAccount,
};

const kindOf = (record: StripeRecord) => KINDS[record.object] as Kind<StripeRecord>;

/** As clients see it. */
export function render(record: StripeRecord): Json {
  return kindOf(record).show(record);
}

export function standing(record: StripeRecord): Standing {
  return kindOf(record).standing?.(record) ?? NOWHERE;
}
