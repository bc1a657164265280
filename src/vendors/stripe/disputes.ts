/**
 * The price of answering a dispute: Stripe asks a fee for countering it
 * (support.stripe.com/topics/disputes), which it keeps unless the dispute is won and which no reply
 * states. Evidence is handed in by any update that does not say `submit=false`, also by one that
 * only names metadata.
 */
import { FREE, noPrice, type Rule, unpriced } from './rule.ts';

export const update: Rule = {
  by: 'change',
  price({ fields }) {
    // Exactly so: another spelling that Stripe reads as true would counter the dispute.
    if (fields.get('submit') === 'false') return FREE;
    const why =
      'it counters the dispute, and Stripe asks a fee for that which is in none of its answers; ' +
      'with `submit=false` the evidence waits';
    return noPrice(unpriced(why));
  },
};
