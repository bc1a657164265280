/** The price of making or changing a customer: nothing, unless a field moves money along with it. */
import { FREE, noPrice, type Rule, topOf, unpriced } from './rule.ts';

/**
 * Store credit by today's name and by the one before 2019, and the subscription that versions before
 * 2018 start along with the customer.
 */
const MONEY = new Set('balance account_balance plan quantity trial_end'.split(' '));

export const customer: Rule = {
  by: 'change',
  price({ fields }) {
    for (const name of fields.keys()) {
      const top = topOf(name);
      if (!MONEY.has(top)) continue;
      const why =
        `\`${top}\` changes what the customer owes by an amount that only Stripe knows; for credit ` +
        'use POST /v1/customers/{id}/balance_transactions';
      return noPrice(unpriced(why));
    }
    return FREE;
  },
};
