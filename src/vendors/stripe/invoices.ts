/**
 * Prices of what is done with invoices. What one asks for is known to Stripe alone, and until it is
 * finalized anybody may change it, so it is read before every call that collects it. A draft that
 * nobody collects moves nothing and is free; from finalizing on an invoice counts, because whoever
 * has its link can pay it, as a PaymentIntent counts from its creation.
 */

import type { Fields } from '../form.ts';
import { integerIn, type Json, objectIn, textIn } from '../reply.ts';
import type { Learned, Quote } from '../vendor.ts';
import { findingIn, itemsOf } from './facts.ts';
import {
  type Asked,
  ask,
  FREE,
  get,
  learnedObject,
  missing,
  noPrice,
  notUnderstood,
  type Priced,
  type Rule,
  topOf,
  unpriced,
} from './rule.ts';

const COLLECTED_LATER = 'Stripe collects it later, and by then it may ask for more';

/** Fields of an update that change neither what an invoice asks for nor whether it is collected. */
const HARMLESS = new Set(
  (
    'account_tax_ids custom_fields days_until_due default_payment_method default_source description ' +
    'due_date effective_at expand footer metadata number payment_settings rendering ' +
    'rendering_options statement_descriptor'
  ).split(' '),
);

/** Pays it, finalizes it or sends it out: for what remains to be paid. */
export const collect: Rule = {
  by: 'stripe',
  price(asked) {
    // Exactly so: another spelling that Stripe reads as `false` would charge the customer.
    if (asked.fields.get('paid_out_of_band') === 'true') return FREE;
    return askInvoice(asked, 'what the invoice asks for');
  },
  learn: learnCollected,
};

/** A draft, unless it is to advance by itself. */
export const create: Rule = {
  by: 'change',
  price: ({ fields, headers }) =>
    advances(fields) || advancesUnasked(fields, headers['stripe-version'])
      ? { ...noPrice(unpriced(COLLECTED_LATER)), commits: true }
      : FREE,
};

/** An update: it may set an invoice going, or change what one asks for that is going already. */
export const update: Rule = {
  by: 'change',
  price(asked) {
    if (advances(asked.fields)) return askInvoice(asked, 'what the invoice asks for');
    const changes = [...asked.fields.keys()].some((name) => {
      return name !== 'auto_advance' && !HARMLESS.has(topOf(name));
    });
    return changes ? askInvoice(asked, 'whether the invoice is collected') : FREE;
  },
  learn(asked, told) {
    return advances(asked.fields) ? learnCollected(asked, told) : learnDraft(told.at(-1)!);
  },
};

/** Lines of a draft. */
export const changeLines: Rule = {
  by: 'change',
  price: (asked) => askInvoice(asked, 'whether the invoice is collected'),
  learn: (_, told) => learnDraft(told.at(-1)!),
};

function askInvoice(asked: Asked, what: string): Priced {
  if (asked.subject === null) return noPrice(missing('id'));
  return ask(what, get(asked, `/v1/invoices/${asked.subject}`));
}

/** Whether the request makes Stripe finalize and collect the invoice by itself. */
function advances(fields: Fields): boolean {
  const advance = fields.get('auto_advance');
  if (advance !== undefined && advance.toLowerCase() !== 'false') return true;
  return (fields.get('automatically_finalizes_at') ?? '') !== '';
}

/**
 * Before version 2018-11-08 a new invoice collects itself unless it is told not to
 * (docs.stripe.com/changelog/2018-11-08/one-off-invoices-no-longer-auto-collect-payment).
 */
function advancesUnasked(fields: Fields, version: string | undefined): boolean {
  return version !== undefined && version < '2018-11-08' && !fields.has('auto_advance');
}

/**
 * What remains to be paid, also of a draft: it is finalized by the call or after it. What its items
 * hold is the invoice's, so they are asked for when it shows only the first of them.
 */
function learnCollected(asked: Asked, told: readonly Json[]): Learned {
  const [invoice, more] = [told[0]!, told[1]];
  const shown = invoice.status === 'draft' ? finalized(invoice) : invoice;
  const fact = findingIn(shown, 'invoice', asked.tariff);
  if (fact === null || fact === 'attached') return notUnderstood('the invoice');
  if (more === undefined && objectIn(invoice.lines)?.has_more === true) {
    const lines = get(asked, `/v1/invoices/${asked.subject}/lines`);
    return { lookUp: { ...lines, query: 'limit=100' } };
  }
  const quote: Quote = { kind: 'object', objectId: fact.id, of: 'amount', limit: null };
  const learned = learnedObject(fact, quote, asked.tariff);
  const items = itemsOf(more ? { ...invoice, lines: more } : invoice, asked.tariff);
  return 'facts' in learned ? { ...learned, facts: [fact, ...items] } : learned;
}

/**
 * A draft as it may be once it is finalized: the customer's credit, which what remains to be paid is
 * less by, may have gone to another invoice by then.
 */
function finalized(draft: Json): Json {
  const [total, remaining] = [integerIn(draft.total), integerIn(draft.amount_remaining)];
  const most = total !== null && remaining !== null && total > remaining;
  return { ...draft, status: 'open', ...(most && { amount_remaining: draft.total }) };
}

function learnDraft(invoice: Json): Learned {
  if (invoice.object !== 'invoice' || textIn(invoice.status) === null) {
    return notUnderstood('the invoice');
  }
  const going = invoice.status !== 'draft' || invoice.auto_advance !== false;
  const timed = integerIn(invoice.automatically_finalizes_at) !== null;
  return { quote: going || timed ? unpriced(COLLECTED_LATER) : { kind: 'free' } };
}
