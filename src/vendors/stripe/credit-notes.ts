/**
 * Prices of credit notes: what is refunded in cash, and what is credited to the customer's balance.
 * A preview of the same note shows both, with the currency of its invoice and whether Stripe would
 * take it. The rest of a note lowers what an open invoice asks for, or writes down what was given
 * back elsewhere: no money of ours.
 */
import { canonicalForm, type Fields } from '../form.ts';
import { idIn, type Json, objectIn, textIn } from '../reply.ts';
import { ask, get, learnedPrice, missing, noPrice, notUnderstood, type Rule } from './rule.ts';
import { positive } from './standings.ts';
import { amountIn, isRefused, readStated } from './stated.ts';

export const creditNote: Rule = {
  by: 'stripe',
  price(asked) {
    const { fields } = asked;
    // `amount` is the whole of the note, with what moves nothing.
    const stated = readStated(fields, { amount: 'amount' });
    if ('code' in stated) return stated;
    const given = statedBack(fields);
    if (isRefused(given)) return given;
    const row = { amount: stated.minor };
    if (!fields.get('invoice')) return { ...noPrice(missing('invoice')), ...row };
    const lookUp = get(asked, '/v1/credit_notes/preview');
    const named = [...fields].filter(([name]) => !name.startsWith('expand'));
    const query = canonicalForm(new Map(named));
    return { ...ask('what the note gives back', { ...lookUp, query }), ...row };
  },
  learn({ fields, tariff }, told) {
    const note = told.at(-1)!;
    const stated = statedBack(fields);
    const currency = textIn(note.currency);
    if (note.object !== 'credit_note' || currency === null || isRefused(stated)) {
      return notUnderstood('a preview of the credit note');
    }
    const shown = givenBack(note, fields) ?? stated;
    return learnedPrice('exact', shown > stated ? shown : stated, currency, tariff);
  },
};

/** What the request says that is given back. */
function statedBack(fields: Fields) {
  const refund = amountIn(fields, 'refund_amount');
  const credit = amountIn(fields, 'credit_amount');
  if (isRefused(refund)) return refund;
  if (isRefused(credit)) return credit;
  return (refund ?? 0n) + (credit ?? 0n);
}

/**
 * What the note itself gives back, in minor units: all that it takes off after payment, without
 * what was given back elsewhere and refunds made before that the request only names. Null: it does
 * not say.
 */
export function givenBack(note: Json, fields: Fields): bigint | null {
  const back = positive(note.post_payment_amount);
  if (back === null) return null;
  const named = new Set(
    [...fields].flatMap(([name, value]) => (/^refunds?(?:\[|$)/.test(name) ? [value] : [])),
  );
  const refunds = Array.isArray(note.refunds) ? note.refunds.map(objectIn) : [];
  const earlier = refunds.filter((each) => named.has(idIn(each?.refund) ?? ''));
  const elsewhere = earlier.reduce(
    (sum, each) => sum + (positive(each?.amount_refunded) ?? 0n),
    positive(note.out_of_band_amount) ?? 0n,
  );
  return back > elsewhere ? back - elsewhere : 0n;
}
