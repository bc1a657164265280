/**
 * An open call as its row still tells it: where its object can be looked at, as much of its reading
 * as a conclusion rests on, and the rate of its own time. Guesses nothing that the row does not say.
 */
import { PICOS_PER_MICRO } from '../../money.ts';
import { integerIn, type Json, textIn } from '../reply.ts';
import type { OpenCall, Reading, Tariff } from '../vendor.ts';
import { withUnit } from './currency.ts';
import { operationOf } from './operations.ts';
import { ID } from './rule.ts';

/** Where objects are that a call names in its answer and not in its path, by their ids' beginning. */
const COLLECTIONS: Readonly<Record<string, string>> = {
  ...{ pi: 'payment_intents', ch: 'charges', py: 'charges', re: 'refunds', pyr: 'refunds' },
  ...{ po: 'payouts', tu: 'topups', tr: 'transfers', in: 'invoices', ii: 'invoiceitems' },
  ...{ cn: 'credit_notes', sub: 'subscriptions' },
};

export function makesObject({ operation }: Pick<OpenCall, 'operation'>): boolean {
  return operation?.endsWith('.create') === true;
}

/** The first id in the call's path: the object that it acts on. */
export function subjectOf({ method, path }: OpenCall): string | null {
  return operationOf(method, path).ids[0] ?? null;
}

/** Where the object that the call made, acted on or was answered with is; null: not known. */
export function pathOf(call: OpenCall, id: string): string | null {
  if (!ID.test(id)) return null;
  const { method, path } = call;
  const { ids } = operationOf(method, path);
  if (ids.includes(id)) return path.slice(0, `${path}/`.indexOf(`/${id}/`) + 1 + id.length);
  const collection = collectionOf(id);
  if (collection !== null) return `/v1/${collection}/${id}`;
  return makesObject(call) ? `${path}/${id}` : null;
}

function collectionOf(id: string): string | null {
  const kind = id.slice(0, id.indexOf('_'));
  return Object.hasOwn(COLLECTIONS, kind) ? COLLECTIONS[kind]! : null;
}

/** As of a call that is answered with this object, which may be another than the call's own. */
export function readingOf(call: OpenCall, id: string): Reading {
  const { amount, currency, quote } = call;
  const collection = collectionOf(id);
  const isOther = collection !== null && !call.operation?.startsWith(`${collection}.`);
  const operation = isOther ? `${collection}.update` : call.operation;
  const objectId = isOther ? id : subjectOf(call);
  return {
    ...{ operation, class: 'priced', amount, currency, objectId, customer: null },
    quote: makesObject(call)
      ? { kind: 'exact', micros: quote }
      : { kind: 'object', objectId: objectId ?? '', of: 'amount', limit: null },
    ...{ fields: new Map(), canonicalBody: '', idempotency: 'vendor', onBehalfOf: [] },
    ...{ lookUp: null, rate: null, clue: null },
  };
}

/**
 * The tariff with the rate that the call was quoted by, where the quote shows it: what is found out
 * a week later must not cost more than was held. The quote was the amount times the rate, rounded
 * up; what divides out is the largest rate that gives this very quote. Of a refund, `object` says
 * the currency, and the amount if the request did not.
 */
export function tariffThen(call: OpenCall, object: Json, tariff: Tariff): Tariff {
  if (!makesObject(call)) return tariff;
  const refund = call.operation === 'refunds.create';
  const currency = call.currency ?? (refund ? textIn(object.currency) : null);
  const amount = call.amount ?? (refund ? integerIn(object.amount) : null) ?? 0n;
  const size = amount < 0n ? -amount : amount;
  if (size === 0n || call.quote <= 0n || currency === null || currency === 'usd') return tariff;
  return withUnit(currency, (call.quote * PICOS_PER_MICRO) / size, call.rateDate, tariff);
}
