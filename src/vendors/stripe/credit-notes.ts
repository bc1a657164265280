/**
 * Prices of credit notes: what is refunded in cash, and what is credited to the customer's balance.
 * Both stand in the request, in the currency of the invoice, which a preview of the same note shows
 * together with whether Stripe would take it. The rest of a note lowers what an open invoice asks
 * for, or writes down what was given back elsewhere: no money of ours.
 */

import type { Fields } from '../form.ts';
import { canonicalForm } from '../form.ts';
import { textIn } from '../reply.ts';
import {
  ask,
  FREE,
  get,
  learnedPrice,
  missing,
  noPrice,
  notUnderstood,
  type Rule,
} from './rule.ts';
import { amountIn, isRefused, readStated } from './stated.ts';

export const creditNote: Rule = {
  by: 'stripe',
  price(asked) {
    const { fields } = asked;
    // `amount` is the whole of the note, with what moves nothing.
    const stated = readStated(fields, { amount: 'amount' });
    if ('code' in stated) return stated;
    const given = givenBack(fields);
    if (isRefused(given)) return given;
    const row = { amount: stated.minor };
    if (given === 0n) return { ...FREE, ...row };
    if (!fields.get('invoice')) return { ...noPrice(missing('invoice')), ...row };
    const lookUp = get(asked, '/v1/credit_notes/preview');
    const query = canonicalForm(
      new Map([...fields].filter(([name]) => !name.startsWith('expand'))),
    );
    return { ...ask('the currency of its invoice', { ...lookUp, query }), ...row };
  },
  learn({ fields, tariff }, told) {
    const note = told.at(-1)!;
    const given = givenBack(fields);
    const currency = textIn(note.currency);
    if (note.object !== 'credit_note' || currency === null || isRefused(given)) {
      return notUnderstood('a preview of the credit note');
    }
    return learnedPrice('exact', given, currency, tariff);
  },
};

function givenBack(fields: Fields) {
  const refund = amountIn(fields, 'refund_amount');
  const credit = amountIn(fields, 'credit_amount');
  if (isRefused(refund)) return refund;
  if (isRefused(credit)) return credit;
  return (refund ?? 0n) + (credit ?? 0n);
}
