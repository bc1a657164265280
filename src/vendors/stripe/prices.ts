/**
 * Which operations move money, and where their price is: the tables. Read from Stripe's own
 * parameter descriptions, row by row. A row is a whole path, never the beginning of one; what has
 * no row has no price, so an operation that Stripe adds is refused until somebody has read it.
 */
import { foldedPath } from '../folded-path.ts';
import type { Operation } from './operations.ts';

/** How quote.ts finds what a call costs. */
export type Pricing =
  /** Nothing: it moves no money. */
  | { by: 'nothing' }
  /** `amount` and `currency` say it. `signed`: credit as well as debit; either way it counts. */
  | { by: 'amount'; signed: boolean; kind: 'exact' | 'estimated' }
  /** The object in the path says it, unless `field` states an amount of its own. */
  | { by: 'object'; field: string | null; required: boolean }
  /** An update: by the object when it changes amount or currency, else nothing. */
  | { by: 'change' }
  /** The charge or PaymentIntent that is refunded says it, unless `amount` does. */
  | { by: 'refund' }
  /** `amount`, or `unit_amount` times `quantity`. */
  | { by: 'item' }
  /** Nothing, unless one of the fields that give a customer credit or a plan is there. */
  | { by: 'customer' }
  /** It cannot be known. */
  | { by: 'stripe'; why: string };

const nothing: Pricing = { by: 'nothing' };
const amount: Pricing = { by: 'amount', signed: false, kind: 'exact' };
const signedAmount: Pricing = { by: 'amount', signed: true, kind: 'exact' };
/** Fees come on top that the reply states (`amount_total`). */
const amountAndFees: Pricing = { by: 'amount', signed: false, kind: 'estimated' };
const objectOr = (field: string): Pricing => ({ by: 'object', field, required: false });
const newTotal: Pricing = { by: 'object', field: 'amount', required: true };
const object: Pricing = { by: 'object', field: null, required: false };

/**
 * POST, by template. A PaymentIntent counts from its creation: its client secret lets anyone with
 * a publishable key confirm it outside, so `confirm` and `capture_method` make no difference here.
 * Inside `amount` and so without a price of their own: `transfer_data[amount]`,
 * `application_fee_amount`, `amount_details[…]`. Overcapture is requested at creation and used by a
 * capture, which is priced by its own `amount_to_capture`.
 */
const POSTS: ReadonlyMap<string, Pricing> = new Map([
  // money
  ['/v1/payment_intents', amount],
  ['/v1/payment_intents/{id}', { by: 'change' }],
  ['/v1/payment_intents/{id}/confirm', objectOr('amount_to_confirm')],
  ['/v1/payment_intents/{id}/capture', objectOr('amount_to_capture')],
  ['/v1/payment_intents/{id}/increment_authorization', newTotal],
  ['/v1/payment_intents/{id}/apply_customer_balance', objectOr('amount')],
  ['/v1/payment_intents/{id}/verify_microdeposits', object],
  ['/v1/charges', amount],
  ['/v1/charges/{id}/capture', objectOr('amount')],
  ['/v1/refunds', { by: 'refund' }],
  ['/v1/payouts', amount],
  ['/v1/topups', amount],
  ['/v1/transfers', amount],
  ['/v1/customers/{id}/balance_transactions', signedAmount],
  ['/v1/invoiceitems', { by: 'item' }],
  ['/v1/climate/orders', amountAndFees],
  ['/v1/treasury/outbound_payments', amount],
  ['/v1/treasury/outbound_transfers', amount],
  ['/v1/treasury/inbound_transfers', amount],
  // calling off
  ...free('/v1/payment_intents/{id}/cancel', '/v1/setup_intents/{id}/cancel'),
  ...free('/v1/payouts/{id}/cancel', '/v1/topups/{id}/cancel', '/v1/refunds/{id}/cancel'),
  ...free('/v1/checkout/sessions/{id}/expire', '/v1/climate/orders/{id}/cancel'),
  // updates that take a description, metadata and the like
  ...free('/v1/charges/{id}', '/v1/refunds/{id}', '/v1/payouts/{id}', '/v1/topups/{id}'),
  ...free('/v1/transfers/{id}', '/v1/transfers/{id}/reversals/{id}'),
  ...free('/v1/application_fees/{id}/refunds/{id}', '/v1/climate/orders/{id}'),
  ...free('/v1/customers/{id}/balance_transactions/{id}'),
  // records of who pays, with what, for what
  ['/v1/customers', { by: 'customer' }],
  ['/v1/customers/{id}', { by: 'customer' }],
  ...free('/v1/customers/{id}/tax_ids', '/v1/tax_ids', '/v1/tax_rates', '/v1/tax_rates/{id}'),
  ...free('/v1/payment_methods', '/v1/payment_methods/{id}'),
  ...free('/v1/payment_methods/{id}/attach', '/v1/payment_methods/{id}/detach'),
  ...free('/v1/setup_intents', '/v1/setup_intents/{id}', '/v1/setup_intents/{id}/confirm'),
  ...free('/v1/products', '/v1/products/{id}', '/v1/products/{id}/features'),
  ...free('/v1/prices', '/v1/prices/{id}', '/v1/plans', '/v1/plans/{id}'),
  ...free('/v1/coupons', '/v1/coupons/{id}', '/v1/promotion_codes', '/v1/promotion_codes/{id}'),
  ...free('/v1/shipping_rates', '/v1/shipping_rates/{id}', '/v1/invoices/create_preview'),
  // guarded below, and of those the ones that move nothing
  ...free('/v1/webhook_endpoints', '/v1/webhook_endpoints/{id}', '/v1/ephemeral_keys'),
  ...free('/v1/apps/secrets', '/v1/apps/secrets/delete', '/v1/tokens'),
  ...free('/v1/account_links', '/v1/account_sessions', '/v1/test_helpers/test_clocks'),
]);

/**
 * What leaks secrets, moves control or exfiltrates, whatever the method: the resource and all below
 * it. A key reaches it only by an endpoint of its own.
 */
const GUARDED: ReadonlySet<string> = new Set([
  '/v1/webhook_endpoints', // answers with the signing secret
  '/v1/ephemeral_keys', // secrets for a customer's or card's data
  '/v1/apps', // an app's secret store, and what is installed
  '/v1/forwarding', // sends card data to a URL
  '/v1/accounts', // other accounts, and where their payouts go
  '/v1/account_links',
  '/v1/account_sessions',
  '/v1/external_accounts',
  '/v1/tokens', // raw card and bank data
  '/v1/balance_settings', // when and where payouts go
  '/v1/issuing', // cards that spend outside
  '/v1/treasury', // the bank account
  '/v1/test_helpers',
  '/oauth', // other accounts' tokens
  '/v2/core',
  '/v2/money_management',
  '/v2/test_helpers',
]);

/** What bills later, out of Keybrake's sight: ending one can bill too. Reading is free. */
const COMMITMENTS = [
  ...['/v1/subscriptions', '/v1/subscription_items', '/v1/subscription_schedules'],
  ...['/v1/quotes/{id}/accept', '/v1/customers/{id}/subscriptions'],
  '/v1/account', // changes of the account itself, in old versions
];

/** What finds the call's price. A GET is free; so is a DELETE that does not end a commitment. */
export function priceOf(method: string, { template }: Operation): Pricing {
  if (method !== 'GET' && commits(template)) {
    return { by: 'stripe', why: 'it commits to bills that come later' };
  }
  if (method === 'GET') return nothing;
  if (template === null) return { by: 'stripe', why: 'the path is not one of the API' };
  return method === 'POST' ? priceOfPost(template) : nothing;
}

function priceOfPost(template: string): Pricing {
  const why = `POST ${template} has no row in the price list`;
  return POSTS.get(template) ?? { by: 'stripe', why };
}

/** Whether a key without allowed_endpoints must not reach the operation. */
export function isWithheld(method: string, path: string, { template }: Operation): boolean {
  return (method !== 'GET' && commits(template)) || isGuarded(path);
}

function commits(template: string | null): boolean {
  if (template === null) return false;
  return COMMITMENTS.some((each) => template === each || template.startsWith(`${each}/`));
}

/**
 * Whether the path lies in a guarded resource under any spelling that a lenient server might take
 * for it: upper case, percent-encoded, with empty segments.
 */
function isGuarded(path: string): boolean {
  const [version = '', resource = ''] = foldedPath(path);
  return GUARDED.has(`/${version}`) || GUARDED.has(`/${version}/${resource}`);
}

function free(...templates: string[]): [string, Pricing][] {
  return templates.map((template) => [template, nothing]);
}
