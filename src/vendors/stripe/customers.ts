/**
 * The prices of making and of changing a customer: nothing, unless a field moves money along with
 * it or makes what the customer subscribes to bill more.
 */
import { type Json, objectIn } from '../reply.ts';
import {
  type Asked,
  ask,
  FREE,
  get,
  missing,
  noPrice,
  notUnderstood,
  type Priced,
  type Rule,
  topOf,
  unpriced,
} from './rule.ts';

/**
 * Store credit by today's name and by the one before 2019, and the subscription that versions before
 * 2018 start along with the customer.
 */
const MONEY = new Set('balance account_balance plan quantity trial_end'.split(' '));

/** A new source, by today's name and by those of old versions. */
const SOURCES = new Set('source card bank_account'.split(' '));

const DISCOUNTS = ['coupon', 'promotion_code'];

export const create: Rule = { by: 'change', price: ({ fields }) => withMoney(fields) ?? FREE };

/**
 * With a new source Stripe tries again to collect the open invoices of the customer's subscriptions
 * (docs.stripe.com/api/customers/update), which the reply does not show: so whether there are any is
 * asked before.
 */
export const update: Rule = {
  by: 'change',
  price(asked) {
    const { fields, subject } = asked;
    const money = withMoney(fields);
    if (money !== null) return money;
    if (DISCOUNTS.some((name) => fields.get(name) === '')) {
      const why = 'without its discount the customer’s subscriptions bill more';
      return { ...noPrice(unpriced(why)), commits: true };
    }
    const hasSource = [...fields.keys()].some((name) => SOURCES.has(topOf(name)));
    if (!hasSource) return FREE;
    return subject === null ? noPrice(missing('id')) : askOpen(asked, subject);
  },
  learn(_, told) {
    const { object, data, has_more } = told.at(-1)!;
    if (object !== 'list' || !Array.isArray(data)) return notUnderstood('the open invoices');
    if (has_more === false && !data.map(objectIn).some(isRetried))
      return { quote: { kind: 'free' } };
    const why =
      'with the new source Stripe would collect an open invoice of a subscription; pay or void ' +
      'that first, or give the customer a payment method, which collects nothing';
    return { quote: unpriced(why) };
  },
};

/** `segment`: the customer's id as it stands in the path; whoever made it may have chosen it. */
function askOpen(asked: Asked, segment: string): Priced {
  const customer = encodeURIComponent(decodeURIComponent(segment));
  const query = `customer=${customer}&limit=100&status=open`;
  return ask('what the new source pays', { ...get(asked, '/v1/invoices'), query });
}

/** One that cannot be read might be. */
function isRetried(invoice: Json | null): boolean {
  if (invoice === null) return true;
  const { collection_method, parent, subscription } = invoice;
  if (collection_method === 'send_invoice') return false;
  return subscription != null || objectIn(objectIn(parent)?.subscription_details) !== null;
}

function withMoney(fields: Asked['fields']): Priced | null {
  for (const name of fields.keys()) {
    const top = topOf(name);
    if (!MONEY.has(top)) continue;
    const why =
      `\`${top}\` changes what the customer owes by an amount that only Stripe knows; for credit ` +
      'use POST /v1/customers/{id}/balance_transactions';
    return noPrice(unpriced(why));
  }
  return null;
}
