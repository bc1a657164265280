/**
 * Which handler answers which call, gathered from the files of the resources. What is in none of
 * them is answered as Stripe answers an address it does not know.
 */
import { APPLICATION_FEE_ROUTES } from './application-fees.ts';
import type { Handler } from './call.ts';
import { CHARGE_ROUTES } from './charges.ts';
import { CORE_ACCOUNT_ROUTES } from './core-accounts.ts';
import { CREDIT_NOTE_ROUTES } from './credit-notes.ts';
import { CUSTOMER_ROUTES } from './customers.ts';
import { EVENT_ROUTES } from './events.ts';
import { FUND_ROUTES } from './funds.ts';
import { INVOICE_ITEM_ROUTES } from './invoice-items.ts';
import { INVOICE_PREVIEW_ROUTES } from './invoice-preview.ts';
import { INVOICE_ROUTES } from './invoices.ts';
import { MONEY_MANAGEMENT_ROUTES } from './money-management.ts';
import { PAYMENT_INTENT_ROUTES } from './payment-intents.ts';
import { PAYMENT_METHOD_ROUTES } from './payment-methods.ts';
import { PRICE_ROUTES } from './prices.ts';
import { QUOTE_ROUTES } from './quotes.ts';
import { REFUND_ROUTES } from './refunds.ts';
import { SUBSCRIPTION_ITEM_ROUTES } from './subscription-items.ts';
import { SUBSCRIPTION_ROUTES } from './subscriptions.ts';
import { TRANSFER_REVERSAL_ROUTES } from './transfer-reversals.ts';

const ROUTES = new Map<string, Handler>([
  ...PAYMENT_INTENT_ROUTES,
  ...CHARGE_ROUTES,
  ...REFUND_ROUTES,
  ...CUSTOMER_ROUTES,
  ...PAYMENT_METHOD_ROUTES,
  ...FUND_ROUTES,
  ...TRANSFER_REVERSAL_ROUTES,
  ...APPLICATION_FEE_ROUTES,
  ...PRICE_ROUTES,
  ...INVOICE_ITEM_ROUTES,
  ...INVOICE_ROUTES,
  ...INVOICE_PREVIEW_ROUTES,
  ...CREDIT_NOTE_ROUTES,
  ...SUBSCRIPTION_ROUTES,
  ...SUBSCRIPTION_ITEM_ROUTES,
  ...QUOTE_ROUTES,
  ...MONEY_MANAGEMENT_ROUTES,
  ...CORE_ACCOUNT_ROUTES,
  ...EVENT_ROUTES,
]);

export interface Route {
  handler: Handler;
  id: string;
  subId: string;
}

/** `path` as readPath gives it. Undefined: no such address. */
export function route(method: string, path: string): Route | undefined {
  const exact = ROUTES.get(`${method} ${path}`);
  if (exact) return { handler: exact, id: '', subId: '' };
  const segments = path.split('/');
  // An id follows the resource, which in v2 stands in a namespace: /v2/core/accounts/{id}.
  const first = segments[1] === 'v2' ? 4 : 3;
  const [id = '', subId = ''] = [segments[first], segments[first + 2]];
  if (segments.length > first) segments[first] = '*';
  if (segments.length > first + 2) segments[first + 2] = '*';
  const handler = ROUTES.get(`${method} ${segments.join('/')}`);
  return handler && { handler, id, subId };
}
