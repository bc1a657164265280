/**
 * Prices of what gives money back: refunds, and reversals of transfers, payouts and application
 * fees. Each costs what is left of the object that it gives back of, unless it states less.
 */
import type { Refusal } from '../../errors.ts';
import { ambiguous } from '../one-reading.ts';
import type { Quote } from '../vendor.ts';
import { minorUnit } from './currency.ts';
import { findingIn } from './facts.ts';
import { learnPayment, lookAtCharge, lookAtPaid, priceOfStated } from './payments.ts';
import {
  type Asked,
  FREE,
  get,
  learnedObject,
  learnedPrice,
  MAX_ID,
  missing,
  noPrice,
  notUnderstood,
  type Priced,
  type Rule,
  withoutRate,
} from './rule.ts';
import { readStated, type Stated } from './stated.ts';

/** By one of `charge` and `payment_intent`; or of a customer's cash balance, by `amount`. */
export const refund: Rule = {
  by: 'object',
  price(asked) {
    const stated = readStated(asked.fields, { amount: 'amount' });
    return 'code' in stated ? stated : priceOfRefund(asked, stated);
  },
  learn: learnPayment,
};

function priceOfRefund(asked: Asked, stated: Stated): Priced | Refusal {
  const { fields } = asked;
  const charge = fields.get('charge');
  const intent = fields.get('payment_intent');
  if (charge !== undefined && intent !== undefined) {
    return ambiguous('`charge` and `payment_intent` both name what to refund; give one of them');
  }
  const objectId = charge ?? intent;
  if (objectId) {
    if (objectId.length > MAX_ID) return ambiguous('`charge` or `payment_intent` is no id');
    if (fields.has('origin')) {
      return ambiguous('`origin` refunds a balance and `charge` a payment; give one of them');
    }
    const lookUp = charge ? lookAtCharge(asked, charge) : lookAtPaid(asked, objectId);
    return { ...leftOf(objectId, stated, asked), lookUp };
  }
  if (fields.get('origin') === 'customer_balance') return priceOfStated('exact', stated, asked);
  return noPrice(missing('charge` or `payment_intent'));
}

/** What is left of the object in the path, a `type` that is read at `path`. */
export function restOf(path: string, type: string): Rule {
  return {
    by: 'object',
    price(asked) {
      const stated = readStated(asked.fields, { amount: 'amount' });
      if ('code' in stated) return stated;
      const { subject } = asked;
      if (subject === null) return noPrice(missing('id'));
      return { ...leftOf(subject, stated, asked), lookUp: get(asked, `${path}/${subject}`) };
    },
    learn({ tariff }, told, quoted) {
      const fact = findingIn(told.at(-1)!, type, tariff);
      const found = fact !== null && fact !== 'attached';
      return found ? learnedObject(fact, quoted, tariff) : notUnderstood(`the ${type}`);
    },
  };
}

/** The whole payout; one that is on its way has no end yet of which something could be left. */
export const reversePayout: Rule = {
  ...restOf('/v1/payouts', 'payout'),
  learn({ tariff }, told, quoted) {
    const fact = findingIn(told.at(-1)!, 'payout', tariff);
    if (fact === null || fact === 'attached') return notUnderstood('the payout');
    if (fact.state === 'final') return learnedObject(fact, quoted, tariff);
    return learnedPrice('exact', fact.amount, fact.currency, tariff);
  },
};

function leftOf(objectId: string, { minor, currency }: Stated, { tariff }: Asked) {
  const row = { ...FREE, amount: minor, currency };
  if (currency !== null && minorUnit(currency, tariff) === null) {
    return { ...row, quote: withoutRate(currency, tariff) };
  }
  const limit = minor === null ? null : { minor };
  const quote: Quote = { kind: 'object', objectId, of: 'refundable', limit };
  return { ...row, quote };
}
