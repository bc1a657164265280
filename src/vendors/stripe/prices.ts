/**
 * What each operation of Stripe's API costs: the table, read from Stripe's own parameter
 * descriptions, row by row. A row is a method and a whole path, never the beginning of one. What has
 * no row is unread: it has no price and is withheld, so that an operation that Stripe adds is
 * refused until somebody has read it. Reads are free below each resource that has a row or is named
 * as one that is only read.
 */
import { creditNote } from './credit-notes.ts';
import * as customers from './customers.ts';
import * as disputes from './disputes.ts';
import { FREE_OPERATIONS, READ_ONLY } from './free.ts';
import {
  createItem as createInvoiceItem,
  updateItem as updateInvoiceItem,
} from './invoice-items.ts';
import * as invoices from './invoices.ts';
import { type Operation, operationOf, resourceOf } from './operations.ts';
import {
  atReader,
  byAmount,
  capture,
  captureCharge,
  ofMoney,
  ofNamed,
  ofPayment,
  transfer,
  update,
} from './payments.ts';
import { refund, restOf, reversePayout } from './refunds.ts';
import { FREE, noPrice, type Rule, unpriced } from './rule.ts';
import * as subscriptions from './subscriptions.ts';

const nothing: Rule = { by: 'nothing', price: () => FREE };
/** A read moves no money whatever it reads; but nobody has seen what it tells. */
const unreadGet: Rule = { by: 'unread', price: () => FREE };

function unread(why: string): Rule {
  return { by: 'unread', price: () => noPrice(unpriced(why)) };
}

/** It cannot be known: a key that is to reach it says what it costs. */
function unknowable(why: string): Rule {
  return { by: 'unknowable', price: () => noPrice(unpriced(why)) };
}

const collects = unknowable('the customer pays later, and chooses what');
const asksFee = unknowable('Stripe asks a fee for it that is in none of its answers');
const uses = unknowable('it counts into bills that come later');
const commits = unknowable('it commits to bills that come later');
const spends = unknowable('it lets money be spent that no call shows');
const reverses = (named: string) => ofNamed(named, `/v1/treasury/${named}s`);
const inV2 = byAmount({ amount: 'amount[value]', currency: 'amount[currency]' });
const credits = { amount: 'amount[monetary][value]', currency: 'amount[monetary][currency]' };

/**
 * Inside an amount and so without a price of their own: `transfer_data[amount]`,
 * `application_fee_amount`, `amount_details[…]`. Overcapture is asked for at creation and used by a
 * capture, which is priced by its own `amount_to_capture`.
 */
const PRICED: readonly [string, Rule][] = [
  // payments
  ['POST /v1/payment_intents', byAmount()],
  ['POST /v1/payment_intents/{id}', update],
  ['POST /v1/payment_intents/{id}/confirm', ofPayment('amount_to_confirm')],
  ['POST /v1/payment_intents/{id}/capture', capture],
  ['POST /v1/payment_intents/{id}/increment_authorization', ofPayment('amount', true)],
  ['POST /v1/payment_intents/{id}/apply_customer_balance', ofPayment('amount')],
  ['POST /v1/payment_intents/{id}/verify_microdeposits', ofPayment(null)],
  ['POST /v1/charges', byAmount()],
  ['POST /v1/charges/{id}/capture', captureCharge],
  ['POST /v1/terminal/readers/{id}/process_payment_intent', atReader],
  ['POST /v1/terminal/readers/{id}/confirm_payment_intent', atReader],
  // money in and out of the balance
  ['POST /v1/topups', byAmount()],
  ['POST /v1/payouts', byAmount()],
  ['POST /v1/transfers', transfer],
  ['POST /v1/treasury/outbound_payments', byAmount()],
  ['POST /v1/treasury/outbound_transfers', byAmount()],
  ['POST /v1/treasury/inbound_transfers', byAmount()],
  ['POST /v2/money_management/outbound_payments', inV2],
  ['POST /v2/money_management/outbound_transfers', inV2],
  ['POST /v2/money_management/inbound_transfers', inV2],
  ['POST /v2/money_management/payout_intents', inV2],
  [
    'POST /v2/money_management/payout_intents/{id}/confirm',
    ofMoney('/v2/money_management/payout_intents', 'v2.money_management.payout_intent'),
  ],
  // giving back
  ['POST /v1/refunds', refund],
  ['POST /v1/terminal/readers/{id}/refund_payment', refund],
  ['POST /v1/transfers/{id}/reversals', restOf('/v1/transfers', 'transfer')],
  ['POST /v1/application_fees/{id}/refunds', restOf('/v1/application_fees', 'application_fee')],
  ['POST /v1/payouts/{id}/reverse', reversePayout],
  ['POST /v1/treasury/credit_reversals', reverses('received_credit')],
  ['POST /v1/treasury/debit_reversals', reverses('received_debit')],
  ['POST /v1/credit_notes', creditNote],
  // credit
  ['POST /v1/customers', customers.create],
  ['POST /v1/customers/{id}', customers.update],
  ['POST /v1/customers/{id}/balance_transactions', byAmount({ signed: true })],
  ['POST /v1/billing/credit_grants', byAmount(credits)],
  // invoices
  ['POST /v1/invoiceitems', createInvoiceItem],
  ['POST /v1/invoiceitems/{id}', updateInvoiceItem],
  ['POST /v1/invoices', invoices.create],
  ['POST /v1/invoices/{id}', invoices.update],
  ['POST /v1/invoices/{id}/add_lines', invoices.changeLines],
  ['POST /v1/invoices/{id}/remove_lines', invoices.changeLines],
  ['POST /v1/invoices/{id}/update_lines', invoices.changeLines],
  ['POST /v1/invoices/{id}/lines/{id}', invoices.changeLines],
  ['POST /v1/invoices/{id}/finalize', invoices.collect],
  ['POST /v1/invoices/{id}/pay', invoices.collect],
  ['POST /v1/invoices/{id}/send', invoices.collect],
  // subscriptions
  ['POST /v1/subscriptions', subscriptions.create],
  ['POST /v1/subscriptions/{id}', subscriptions.update],
  ['POST /v1/subscriptions/{id}/migrate', subscriptions.update],
  ['POST /v1/subscriptions/{id}/resume', subscriptions.resume],
  ['DELETE /v1/subscriptions/{id}', subscriptions.cancel],
  ['POST /v1/subscription_items', subscriptions.createItem],
  ['POST /v1/subscription_items/{id}', subscriptions.updateItem],
  ['DELETE /v1/subscription_items/{id}', subscriptions.deleteItem],
  ['POST /v1/quotes/{id}/accept', subscriptions.acceptQuote],
  ['POST /v1/disputes/{id}', disputes.update],
  // Fees come on top that the reply states (`amount_total`).
  ['POST /v1/climate/orders', byAmount({}, 'estimated')],
];

/** What has no price before it is sent: a key that is to reach it says what it costs. */
const UNKNOWABLE: readonly [string, Rule][] = [
  ...rowsOf(collects, '/v1/checkout/sessions POST POST/{id}'),
  ...rowsOf(collects, '/v1/payment_links POST POST/{id}'),
  ...rowsOf(uses, '/v1/billing/meter_events POST'),
  ...rowsOf(uses, '/v2/billing/meter_events POST'),
  ...rowsOf(uses, '/v2/billing/meter_event_stream POST'),
  ...rowsOf(
    commits,
    '/v1/subscription_schedules POST POST/{id} POST/{id}/cancel POST/{id}/release',
  ),
  ...rowsOf(commits, '/v1/subscriptions/{id} POST/pause DELETE/discount'),
  ...rowsOf(commits, '/v1/customers/{id} DELETE/discount'),
  ...rowsOf(unknowable('the disputed money is given up'), '/v1/disputes/{id} POST/close'),
  ...rowsOf(asksFee, '/v1/identity/verification_sessions POST'),
  ...rowsOf(asksFee, '/v1/financial_connections/sessions POST'),
  ...rowsOf(asksFee, '/v1/financial_connections/accounts/{id} POST/refresh POST/subscribe'),
  ...rowsOf(asksFee, '/v1/radar/payment_evaluations POST'),
  ...rowsOf(asksFee, '/v1/tax/calculations POST'),
  ...rowsOf(asksFee, '/v1/tax/transactions POST/create_from_calculation POST/create_reversal'),
  ...rowsOf(asksFee, '/v1/three_d_secure/authentications POST POST/{id}/submit'),
  ...rowsOf(spends, '/v1/issuing/cards POST POST/{id}'),
  ...rowsOf(spends, '/v1/issuing/authorizations/{id} POST/approve'),
  ...rowsOf(spends, '/v2/core/vault/us_bank_accounts/{id} POST/send_microdeposits'),
];

const ROWS: ReadonlyMap<string, Rule> = new Map([
  ...rowsOf(nothing, FREE_OPERATIONS),
  ...UNKNOWABLE,
  ...PRICED,
]);

/** By name, for those who meet the operation after its request is gone. */
const BY_NAME: ReadonlyMap<string, Rule> = new Map(
  [...ROWS].map(([row, rule]) => {
    const [method = '', template = ''] = row.split(' ');
    return [operationOf(method, template).name ?? row, rule];
  }),
);

const READ: ReadonlySet<string> = new Set([
  ...READ_ONLY.trim().split(/\s+/),
  ...[...ROWS.keys()].map((row) => resourceOf(row.split(' ')[1]!)),
]);

/** What finds the call's price. */
export function priceOf(method: string, { template }: Operation): Rule {
  if (template === null) {
    return method === 'GET' ? unreadGet : unread('the path is not one of the API');
  }
  if (method === 'GET') return READ.has(resourceOf(template)) ? nothing : unreadGet;
  return ROWS.get(`${method} ${template}`) ?? unread(`${method} ${template} is in no price list`);
}

/** The same by name; undefined for what has no row. */
export function priceByName(operation: string): Rule | undefined {
  return BY_NAME.get(operation);
}

/** Each line is a path and what can be done at it or below it; a line of words with `#` is none. */
function rowsOf(rule: Rule, table: string): [string, Rule][] {
  const lines = table.split('\n').filter((line) => /^\s*\//.test(line));
  return lines.flatMap((line) => {
    const [root, ...done] = line.trim().split(' ');
    return done.map((each): [string, Rule] => {
      const method = each.split('/', 1)[0]!;
      return [`${method} ${root}${each.slice(method.length)}`, rule];
    });
  });
}
