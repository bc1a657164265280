/**
 * Prices of what starts or changes subscriptions, by a preview of the invoice that Stripe would make.
 * A preview may show more than is billed at once (the next renewal along with what a change owes),
 * and never the renewals after it, which no call shows: so all of this is withheld from a key that
 * does not name it.
 */

import type { Fields } from '../form.ts';
import { idIn, integerIn, type Json, objectIn, textIn } from '../reply.ts';
import type { Learned } from '../vendor.ts';
import {
  type Asked,
  ask,
  FREE,
  get,
  learnedPrice,
  missing,
  noPrice,
  notUnderstood,
  preview,
  type Rule,
  topOf,
  unpriced,
} from './rule.ts';

const WHAT = 'what it bills';

/** Fields of an update that bill nothing, now or with the next invoice. */
const HARMLESS = new Set(
  (
    'application_fee_percent cancel_at_period_end cancellation_details days_until_due ' +
    'default_payment_method default_source description expand invoice_settings metadata ' +
    'off_session on_behalf_of pause_collection payment_behavior payment_settings ' +
    'proration_behavior proration_date transfer_data trial_settings'
  ).split(' '),
);

/** Fields that a preview takes as they are. */
const ALIKE = new Set(
  'automatic_tax currency customer customer_account discounts on_behalf_of'.split(' '),
);

/** Fields that a preview takes as details of the subscription. */
const DETAILS = new Set(
  (
    'billing_cycle_anchor billing_mode billing_schedules cancel_at cancel_at_period_end ' +
    'default_tax_rates items proration_behavior proration_date trial_end'
  ).split(' '),
);

/** Fields that a preview has under another name. */
const RENAMED: Readonly<Record<string, string>> = {
  add_invoice_items: 'invoice_items',
  backdate_start_date: 'subscription_details[start_date]',
  coupon: 'discounts[0][coupon]',
  promotion_code: 'discounts[0][promotion_code]',
  plan: 'subscription_details[items][0][plan]',
  quantity: 'subscription_details[items][0][quantity]',
};

/** Counted as if there were no trial: its end bills the first period where no call shows it. */
export const create: Rule = {
  by: 'stripe',
  price(asked) {
    const fields = [...asked.fields].filter(([name, value]) => {
      return name !== 'trial_end' || value === 'now';
    });
    return ask(WHAT, askPreview(asked, translated(new Map(fields))));
  },
  learn: ({ tariff }, told) => learnPreview(told.at(-1)!, tariff),
};

/** The subscription first, for which invoice was its last before the call; then the preview. */
export const update: Rule = {
  by: 'stripe',
  price(asked) {
    const { fields, subject } = asked;
    if ([...fields.keys()].every((name) => HARMLESS.has(topOf(name)))) return FREE;
    if (subject === null) return noPrice(missing('id'));
    return ask(WHAT, get(asked, `/v1/subscriptions/${subject}`));
  },
  learn: (asked, told) => learnChange(asked, told, translated(asked.fields)),
};

export const resume: Rule = {
  by: 'stripe',
  price(asked) {
    if (asked.subject === null) return noPrice(missing('id'));
    return ask(WHAT, get(asked, `/v1/subscriptions/${asked.subject}`));
  },
  learn(asked, told) {
    const resumed = new Map([['subscription_details[resume_at]', 'now']]);
    return learnChange(asked, told, new Map([...translated(asked.fields), ...resumed]));
  },
};

/** Ending it is free, unless what is used and not billed yet is to be billed now. */
export const cancel: Rule = {
  by: 'stripe',
  price(asked) {
    const { fields, subject } = asked;
    const bills = fields.get('invoice_now') ?? 'false';
    if (bills.toLowerCase() === 'false') return FREE;
    if (subject === null) return noPrice(missing('id'));
    return ask(WHAT, get(asked, `/v1/subscriptions/${subject}`));
  },
  learn(asked, told) {
    const prorates = asked.fields.get('prorate') === 'true' ? 'create_prorations' : 'none';
    return learnChange(
      asked,
      told,
      new Map([
        ['subscription_details[cancel_now]', 'true'],
        ['subscription_details[proration_behavior]', prorates],
      ]),
    );
  },
};

export const createItem: Rule = {
  by: 'stripe',
  price(asked) {
    const subscription = asked.fields.get('subscription');
    if (!subscription) return noPrice(missing('subscription'));
    const fields = new Map([['subscription', subscription], ...itemFields(asked.fields)]);
    return ask(WHAT, askPreview(asked, fields));
  },
  learn: ({ tariff }, told) => learnPreview(told.at(-1)!, tariff),
};

/** The item first, for its subscription. */
export const updateItem: Rule = changeOfItem([]);
export const deleteItem: Rule = changeOfItem([['subscription_details[items][0][deleted]', 'true']]);

function changeOfItem(more: [string, string][]): Rule {
  return {
    by: 'stripe',
    price(asked) {
      if (asked.subject === null) return noPrice(missing('id'));
      return ask(WHAT, get(asked, `/v1/subscription_items/${asked.subject}`));
    },
    learn(asked, told) {
      if (told.length > 1) return learnPreview(told.at(-1)!, asked.tariff);
      const [item] = told;
      const subscription = textIn(item!.subscription);
      if (item!.object !== 'subscription_item' || subscription === null) {
        return notUnderstood('the item of the subscription');
      }
      const named: [string, string][] = [
        ['subscription', subscription],
        ['subscription_details[items][0][id]', asked.subject!],
      ];
      const fields = new Map([...named, ...itemFields(asked.fields), ...more]);
      return { lookUp: askPreview(asked, fields) };
    },
  };
}

/** A quote says itself what accepting it comes to. */
export const acceptQuote: Rule = {
  by: 'stripe',
  price(asked) {
    if (asked.subject === null) return noPrice(missing('id'));
    return ask('what the quote comes to', get(asked, `/v1/quotes/${asked.subject}`));
  },
  learn({ tariff }, told) {
    const quote = told.at(-1)!;
    const upfront = objectIn(objectIn(quote.computed)?.upfront);
    const totals = [quote.amount_total, upfront?.amount_total].map(integerIn);
    const [total, currency] = [largest(totals), textIn(quote.currency)];
    if (quote.object !== 'quote' || total === null || currency === null) {
      return notUnderstood('the quote');
    }
    return learnedPrice('estimated', total, currency, tariff);
  },
};

function learnChange(asked: Asked, told: readonly Json[], fields: Fields): Learned {
  const [subscription] = told;
  if (subscription!.object !== 'subscription') return notUnderstood('the subscription');
  // Without one, no id of an invoice is equal to it.
  const before = idIn(subscription!.latest_invoice) ?? '';
  if (told.length > 1) return { ...learnPreview(told.at(-1)!, asked.tariff), before };
  const named = new Map([['subscription', asked.subject!], ...fields]);
  if (asked.fields.has('plan') || asked.fields.has('quantity')) {
    const items = objectIn(subscription!.items)?.data;
    const id = Array.isArray(items) && items.length === 1 ? idIn(objectIn(items[0])?.id) : null;
    if (id === null) return { quote: unpriced('`plan` and `quantity` mean one of several items') };
    named.set('subscription_details[items][0][id]', id);
  }
  return { lookUp: askPreview(asked, named) };
}

function askPreview(asked: Asked, fields: Fields) {
  return preview(asked, '/v1/invoices/create_preview', fields);
}

function learnPreview(invoice: Json, tariff: Asked['tariff']) {
  const [due, currency] = [integerIn(invoice.amount_due), textIn(invoice.currency)];
  if (invoice.object !== 'invoice' || due === null || currency === null) {
    return notUnderstood('a preview of the invoice');
  }
  return learnedPrice('estimated', due > 0n ? due : 0n, currency, tariff);
}

function translated(fields: Fields): Map<string, string> {
  const out = new Map<string, string>();
  for (const [name, value] of fields) {
    const top = topOf(name);
    const rest = name.slice(top.length);
    if (value === '' && (top === 'coupon' || top === 'promotion_code')) continue;
    if (ALIKE.has(top)) out.set(name, value);
    else if (DETAILS.has(top)) out.set(`subscription_details[${top}]${rest}`, value);
    else if (Object.hasOwn(RENAMED, top)) out.set(`${RENAMED[top]}${rest}`, value);
  }
  return out;
}

/** Fields of a subscription item, which stands in a preview as the first of its subscription's. */
function itemFields(fields: Fields): [string, string][] {
  return [...fields].flatMap(([name, value]): [string, string][] => {
    const top = topOf(name);
    if (top === 'proration_behavior' || top === 'proration_date') {
      return [[`subscription_details[${name}]`, value]];
    }
    if (!OF_ITEM.has(top)) return [];
    return [[`subscription_details[items][0][${top}]${name.slice(top.length)}`, value]];
  });
}

const OF_ITEM = new Set(
  'billing_thresholds clear_usage current_trial discounts plan price price_data quantity tax_rates'.split(
    ' ',
  ),
);

function largest(values: readonly (bigint | null)[]): bigint | null {
  return values.reduce(
    (most, value) => (value !== null && (most === null || value > most) ? value : most),
    null,
  );
}
