/**
 * Which handler answers which call. What is not in this table is answered as Stripe answers an
 * address it does not know.
 */
import type { Handler } from './call.ts';
import {
  captureChargeById,
  createCharge,
  listCharges,
  retrieveCharge,
  updateCharge,
} from './charges.ts';
import {
  createBalanceTransaction,
  createCustomer,
  deleteCustomer,
  listBalanceTransactions,
  listCustomers,
  retrieveBalanceTransaction,
  retrieveCustomer,
  updateCustomer,
} from './customers.ts';
import {
  cancelFund,
  createPayout,
  createTopup,
  createTransfer,
  listFunds,
  retrieveBalance,
  retrieveFund,
} from './funds.ts';
import {
  cancelPaymentIntent,
  capturePaymentIntent,
  confirmPaymentIntent,
  createPaymentIntent,
  incrementAuthorization,
  listPaymentIntents,
  retrievePaymentIntent,
  updatePaymentIntent,
} from './payment-intents.ts';
import {
  attachPaymentMethod,
  cancelSetupIntent,
  confirmSetupIntent,
  createPaymentMethod,
  createSetupIntent,
  detachPaymentMethod,
  listPaymentMethods,
  retrievePaymentMethod,
  retrieveSetupIntent,
} from './payment-methods.ts';
import { createRefund, listRefunds, retrieveRefund, updateRefund } from './refunds.ts';

const ROUTES = new Map<string, Handler>([
  ['POST /v1/payment_intents', createPaymentIntent],
  ['GET /v1/payment_intents', listPaymentIntents],
  ['GET /v1/payment_intents/*', retrievePaymentIntent],
  ['POST /v1/payment_intents/*', updatePaymentIntent],
  ['POST /v1/payment_intents/*/confirm', confirmPaymentIntent],
  ['POST /v1/payment_intents/*/capture', capturePaymentIntent],
  ['POST /v1/payment_intents/*/cancel', cancelPaymentIntent],
  ['POST /v1/payment_intents/*/increment_authorization', incrementAuthorization],
  ['POST /v1/charges', createCharge],
  ['GET /v1/charges', listCharges],
  ['GET /v1/charges/*', retrieveCharge],
  ['POST /v1/charges/*', updateCharge],
  ['POST /v1/charges/*/capture', captureChargeById],
  ['POST /v1/refunds', createRefund],
  ['GET /v1/refunds', listRefunds],
  ['GET /v1/refunds/*', retrieveRefund],
  ['POST /v1/refunds/*', updateRefund],
  ['POST /v1/customers', createCustomer],
  ['GET /v1/customers', listCustomers],
  ['GET /v1/customers/*', retrieveCustomer],
  ['POST /v1/customers/*', updateCustomer],
  ['DELETE /v1/customers/*', deleteCustomer],
  ['POST /v1/customers/*/balance_transactions', createBalanceTransaction],
  ['GET /v1/customers/*/balance_transactions', listBalanceTransactions],
  ['GET /v1/customers/*/balance_transactions/*', retrieveBalanceTransaction],
  ['GET /v1/customers/*/payment_methods', listPaymentMethods],
  ['POST /v1/payment_methods', createPaymentMethod],
  ['GET /v1/payment_methods', listPaymentMethods],
  ['GET /v1/payment_methods/*', retrievePaymentMethod],
  ['POST /v1/payment_methods/*/attach', attachPaymentMethod],
  ['POST /v1/payment_methods/*/detach', detachPaymentMethod],
  ['POST /v1/setup_intents', createSetupIntent],
  ['GET /v1/setup_intents/*', retrieveSetupIntent],
  ['POST /v1/setup_intents/*/confirm', confirmSetupIntent],
  ['POST /v1/setup_intents/*/cancel', cancelSetupIntent],
  ['POST /v1/payouts', createPayout],
  ['GET /v1/payouts', listFunds('payout')],
  ['GET /v1/payouts/*', retrieveFund('payout')],
  ['POST /v1/payouts/*/cancel', cancelFund('payout')],
  ['POST /v1/topups', createTopup],
  ['GET /v1/topups', listFunds('topup')],
  ['GET /v1/topups/*', retrieveFund('topup')],
  ['POST /v1/topups/*/cancel', cancelFund('topup')],
  ['POST /v1/transfers', createTransfer],
  ['GET /v1/transfers', listFunds('transfer')],
  ['GET /v1/transfers/*', retrieveFund('transfer')],
  ['GET /v1/balance', retrieveBalance],
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
  const [, , , id = '', , subId = ''] = segments;
  if (segments.length > 3) segments[3] = '*';
  if (segments.length > 5) segments[5] = '*';
  const handler = ROUTES.get(`${method} ${segments.join('/')}`);
  return handler && { handler, id, subId };
}
