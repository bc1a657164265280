/**
 * Which operations a key without allowed_endpoints does not reach, whatever they cost: those that
 * leak secrets or people's papers, that move control of the account, and that open a commitment
 * which bills later. By resources, so that an operation that Stripe adds to one of them is withheld
 * too; how a path is spelled makes no difference.
 */
import { foldedPath } from '../folded-path.ts';
import type { Operation } from './operations.ts';

/** Whatever the method: the resource and all below it. */
const GUARDED: ReadonlySet<string> = new Set([
  '/v1/webhook_endpoints', // answers with the signing secret
  '/v1/ephemeral_keys', // secrets for a customer's or card's data
  '/v1/customer_sessions', // the same, for a browser
  '/v1/apps', // an app's secret store, and what is installed
  '/v1/forwarding', // sends card data to a URL
  '/v1/file_links', // a file for whoever has the link
  '/v1/accounts', // other accounts, and where their payouts go
  '/v1/account_links',
  '/v1/account_sessions',
  '/v1/external_accounts',
  '/v1/tokens', // raw card and bank data
  '/v1/identity', // people's papers
  '/v1/financial_connections', // people's bank accounts
  '/v1/balance_settings', // when and where payouts go
  '/v1/issuing', // cards that spend outside
  '/v1/treasury', // the bank account
  '/v1/test_helpers',
  '/oauth', // other accounts' tokens
  '/v2/core',
  '/v2/money_management',
  '/v2/test_helpers',
]);

/** Reading them is free; anything else is withheld, of the template and of all below it. */
const WITHHELD_CHANGES: readonly string[] = [
  // what bills later, out of sight: making, changing and ending it
  ...['/v1/subscriptions', '/v1/subscription_items', '/v1/subscription_schedules'],
  ...['/v1/quotes/{id}/accept', '/v1/customers/{id}/subscriptions'],
  '/v1/customers/{id}/discount', // without it the customer's subscriptions bill more
  '/v1/payment_links', // paid any number of times
  ...['/v1/billing/meter_events', '/v2/billing/meter_events', '/v2/billing/meter_event_stream'],
  // how everybody's payments run, not one run's
  ...['/v1/account', '/v1/apple_pay/domains', '/v1/payment_method_domains'],
  ...['/v1/payment_method_configurations', '/v1/billing_portal/configurations'],
  ...['/v1/tax/settings', '/v1/tax/registrations', '/v1/invoice_rendering_templates'],
  ...['/v1/radar/value_lists', '/v1/radar/value_list_items', '/v1/reviews'],
  ...['/v1/terminal/configurations', '/v1/terminal/locations', '/v1/terminal/onboarding_links'],
  '/v2/commerce/product_catalog/imports',
  // answers with what opens a door for somebody else
  ...['/v1/billing_portal/sessions', '/v1/terminal/connection_tokens'],
  '/v2/billing/meter_event_session',
];

/** One method of a path. */
const WITHHELD: ReadonlySet<string> = new Set([
  // Ends all of the customer's subscriptions, and nothing brings the customer back.
  'DELETE /v1/customers/{id}',
  'POST /v1/terminal/readers',
  'POST /v1/terminal/readers/{id}',
  'DELETE /v1/terminal/readers/{id}',
]);

export function isWithheld(method: string, path: string, { template }: Operation): boolean {
  if (isGuarded(path)) return true;
  if (method === 'GET' || template === null) return false;
  if (WITHHELD.has(`${method} ${template}`)) return true;
  return WITHHELD_CHANGES.some((each) => template === each || template.startsWith(`${each}/`));
}

/**
 * Whether the path lies in a guarded resource under any spelling that a lenient server might take
 * for it: upper case, percent-encoded, with empty segments.
 */
function isGuarded(path: string): boolean {
  const [version = '', resource = ''] = foldedPath(path);
  return GUARDED.has(`/${version}`) || GUARDED.has(`/${version}/${resource}`);
}
