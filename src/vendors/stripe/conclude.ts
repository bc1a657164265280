/**
 * What a reply means for the money. Money comes back only on proof: a decline or a rejection. What
 * cannot be read, and every 5xx, proves nothing and stays counted. Never throws.
 */
import type { Micros } from '../../money.ts';
import { timesRate } from '../../money.ts';
import { idIn, type Json, objectIn, readJson, textIn } from '../reply.ts';
import type { Conclusion, ObjectFact, Reading, Tariff, VendorReply } from '../vendor.ts';
import { costIn, type Finding, findingIn, findingInError } from './facts.ts';

/**
 * The type of object that the operations of a resource answer with. A payment's holds are resolved
 * by the ledger from its fact; other money is settled as soon as its object is final. Those with a
 * `cost` have nothing to wait for: the field says what they cost.
 */
const REPLIES: Readonly<Record<string, { type: string; payment?: true; cost?: string }>> = {
  payment_intents: { type: 'payment_intent', payment: true },
  charges: { type: 'charge', payment: true },
  refunds: { type: 'refund' },
  payouts: { type: 'payout' },
  topups: { type: 'topup' },
  transfers: { type: 'transfer' },
  invoiceitems: { type: 'invoiceitem', cost: 'amount' },
  'customers.balance_transactions': { type: 'customer_balance_transaction', cost: 'amount' },
  'climate.orders': { type: 'climate.order', cost: 'amount_total' },
  'treasury.outbound_payments': { type: 'treasury.outbound_payment', cost: 'amount' },
  'treasury.outbound_transfers': { type: 'treasury.outbound_transfer', cost: 'amount' },
  'treasury.inbound_transfers': { type: 'treasury.inbound_transfer', cost: 'amount' },
};

interface End {
  outcome: Conclusion['outcome'];
  cost: Micros | null;
  repeatable: boolean;
  objects: readonly ObjectFact[];
}

const UNKNOWN: End = { outcome: 'unknown', cost: null, repeatable: false, objects: [] };

export function conclude(reading: Reading, reply: VendorReply, tariff: Tariff): Conclusion {
  const body = readJson(reply);
  const error = objectIn(body?.error);
  return {
    ...endOf(reading, reply.status, body, error, tariff),
    replayedByVendor: reply.headers.get('idempotent-replayed') === 'true',
    vendorRequestId: reply.headers.get('request-id') ?? null,
    vendorObjectId: error === null ? textIn(body?.id) : idIn(error.payment_intent ?? error.charge),
  };
}

function endOf(
  reading: Reading,
  status: number,
  body: Json | null,
  error: Json | null,
  tariff: Tariff,
): End {
  if (status >= 200 && status < 300) return accepted(reading, body, tariff);
  if (status >= 400 && status < 500) return rejected(reading, status, error, tariff);
  return reading.quote.kind === 'free' ? settled(0n, false, []) : UNKNOWN;
}

function accepted(reading: Reading, body: Json | null, tariff: Tariff): End {
  const repeatable = reading.idempotency === 'vendor';
  const rule = ruleOf(reading);
  const finding =
    body === null || rule === undefined ? null : found(reading, body, rule.type, tariff);
  const objects = finding === null || finding === 'attached' ? [] : [finding];
  if (reading.quote.kind === 'free') return settled(0n, repeatable, objects);
  if (body === null || rule === undefined) return UNKNOWN;
  if (rule.cost !== undefined) {
    const cost = costIn(body, rule.type, rule.cost, tariff);
    return cost === null ? UNKNOWN : settled(cost, repeatable, []);
  }
  if (finding === null) return UNKNOWN;
  const [fact] = objects;
  // Quoted in one currency, answered in another that has no rate: it proves nothing.
  if (fact?.unit === null && reading.quote.kind !== 'object') return UNKNOWN;
  if (fact?.state === 'final' && !rule.payment) {
    if (fact.unit === null) return UNKNOWN;
    return settled(timesRate(fact.moved ?? 0n, fact.unit), repeatable, objects);
  }
  return { outcome: 'held', cost: null, repeatable, objects };
}

/**
 * A 4xx proves that this request moved nothing; a 402 also that the same key would be answered so
 * again. Others (a validation, 401, 409 while a twin runs, 429) are not stored by Stripe.
 */
function rejected(reading: Reading, status: number, error: Json | null, tariff: Tariff): End {
  const intent = objectIn(error?.payment_intent);
  const finding = intent === null ? null : findingInError(intent, status, tariff);
  const objects = finding === null || finding === 'attached' ? [] : [finding];
  const repeatable = status === 402 && reading.idempotency === 'vendor';
  return { outcome: 'released', cost: null, repeatable, objects };
}

function settled(cost: Micros | null, repeatable: boolean, objects: readonly ObjectFact[]): End {
  return { outcome: 'settled', cost, repeatable, objects };
}

function ruleOf({ operation }: Reading) {
  const resource = operation === null ? '' : operation.slice(0, operation.lastIndexOf('.'));
  return Object.hasOwn(REPLIES, resource) ? REPLIES[resource] : undefined;
}

/** The object's fact, provided that it is the object that was asked for. */
function found(
  { operation, objectId }: Reading,
  body: Json,
  type: string,
  tariff: Tariff,
): Finding {
  if (!operation!.endsWith('.create') && body.id !== objectId) return null;
  return findingIn(body, type, tariff);
}
