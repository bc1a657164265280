/**
 * What a reply means for the money. Money comes back only on proof: a decline or a rejection. What
 * cannot be read, and every 5xx, proves nothing and stays counted. Never throws.
 */
import { idIn, isRejection, type Json, objectIn, readJson, textIn } from '../reply.ts';
import type { Conclusion, ObjectFact, Reading, Tariff, VendorReply } from '../vendor.ts';
import { type End, endOf, isAnswerOf, named, UNKNOWN } from './endings.ts';
import { billedIn, findingIn, findingInError, invoicesOf, paymentIn } from './facts.ts';

/** The type of object that the operations of a resource answer with, where it shows money. */
const TYPES: Readonly<Record<string, string>> = {
  payment_intents: 'payment_intent',
  charges: 'charge',
  refunds: 'refund',
  payouts: 'payout',
  topups: 'topup',
  transfers: 'transfer',
  application_fees: 'application_fee',
  invoices: 'invoice',
  invoiceitems: 'invoiceitem',
  subscriptions: 'subscription',
  'treasury.outbound_payments': 'treasury.outbound_payment',
  'treasury.outbound_transfers': 'treasury.outbound_transfer',
  'treasury.inbound_transfers': 'treasury.inbound_transfer',
  'treasury.credit_reversals': 'treasury.credit_reversal',
  'treasury.debit_reversals': 'treasury.debit_reversal',
  'v2.money_management.outbound_payments': 'v2.money_management.outbound_payment',
  'v2.money_management.outbound_transfers': 'v2.money_management.outbound_transfer',
  'v2.money_management.inbound_transfers': 'v2.money_management.inbound_transfer',
  'v2.money_management.payout_intents': 'v2.money_management.payout_intent',
};

/** The customer or the bank is still to say: the payment that an error carries is not over. */
const UNDER_WAY = new Set(['requires_action', 'requires_source_action', 'processing']);

type Found = (Omit<End, 'outcome'> & { outcome: Conclusion['outcome'] }) & { repeatable: boolean };

export function conclude(reading: Reading, reply: VendorReply, tariff: Tariff): Conclusion {
  const body = readJson(reply);
  const error = objectIn(body?.error);
  const { objectId, ...end } = foundIn(reading, reply.status, body, error, tariff);
  const replied = error === null ? textIn(body?.id) : idIn(error.payment_intent ?? error.charge);
  return {
    ...end,
    replayedByVendor: reply.headers.get('idempotent-replayed') === 'true',
    vendorRequestId: reply.headers.get('request-id') ?? null,
    vendorObjectId: objectId ?? replied,
  };
}

function foundIn(
  reading: Reading,
  status: number,
  body: Json | null,
  error: Json | null,
  tariff: Tariff,
): Found {
  const isFree = reading.quote.kind === 'free';
  if (status >= 200 && status < 300) {
    const end = isFree ? ofFree(reading, body, tariff) : endOf(reading, body ?? {}, tariff);
    const repeatable = reading.idempotency === 'vendor' && end.outcome !== 'unknown';
    return { ...end, repeatable };
  }
  if (isRejection({ status })) return rejected(reading, status, error, tariff);
  return isFree ? { ...NO_COST, repeatable: false } : { ...UNKNOWN, repeatable: false };
}

const NO_COST: End = { outcome: 'settled', cost: 0n, objects: [] };

function ofFree(reading: Reading, body: Json | null, tariff: Tariff): End {
  const type = named(TYPES, reading.operation);
  if (body === null || type === undefined || !isAnswerOf(reading, body)) return NO_COST;
  return { ...NO_COST, objects: factsIn(body, type, tariff) };
}

function factsIn(body: Json, type: string, tariff: Tariff): readonly ObjectFact[] {
  if (body.object !== type) return [];
  if (type === 'subscription') return invoicesOf(body, tariff);
  if (type === 'invoice') return billedIn(body, tariff);
  const finding = type === 'charge' ? paymentIn(body, tariff) : findingIn(body, type, tariff);
  return finding === null || finding === 'attached' ? [] : [finding];
}

/**
 * A 4xx proves that this request moved nothing; a 402 also that the same key would be answered so
 * again. Others (a validation, 401, 409 while a twin runs, 429) are not stored by Stripe.
 */
function rejected(reading: Reading, status: number, error: Json | null, tariff: Tariff): Found {
  const intent = objectIn(error?.payment_intent);
  const finding = intent === null ? null : findingInError(intent, status, tariff);
  const objects = finding === null || finding === 'attached' ? [] : [finding];
  const repeatable = status === 402 && reading.idempotency === 'vendor';
  // An invoice whose payment waits for the customer is answered so, and may be paid without us.
  const { operation, objectId } = reading;
  if (status === 402 && operation === 'invoices.pay' && UNDER_WAY.has(String(intent?.status))) {
    return { outcome: 'held', cost: null, objects: [], objectId: objectId!, repeatable };
  }
  return { outcome: 'released', cost: null, repeatable, objects };
}
