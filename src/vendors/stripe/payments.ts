/**
 * Prices of what takes money in or sends it out by an amount of its own, and of what is done with a
 * payment afterwards. A PaymentIntent counts from its creation: its client secret lets anyone with a
 * publishable key confirm it outside, so `confirm` and `capture_method` make no difference here.
 * What the ledger does not know of a payment is asked of Stripe.
 */
import { idIn, integerIn, type Json, textIn } from '../reply.ts';
import type { Learned, Quote } from '../vendor.ts';
import { minorUnit } from './currency.ts';
import { findingIn, paymentIn } from './facts.ts';
import {
  type Asked,
  ask,
  FREE,
  get,
  ID,
  learnedObject,
  learnedPrice,
  missing,
  noPrice,
  notUnderstood,
  type Priced,
  priced,
  type Rule,
  withoutRate,
} from './rule.ts';
import { readStated, type Stated, type Where } from './stated.ts';

/** `amount` and `currency` say it, or the fields that stand in their place. */
export function byAmount(where: Partial<Where> = {}, kind: 'exact' | 'estimated' = 'exact'): Rule {
  return {
    by: 'fields',
    price(asked) {
      const stated = readStated(asked.fields, { amount: 'amount', ...where });
      if ('code' in stated) return stated;
      return priceOfStated(kind, stated, asked, { amount: 'amount', ...where });
    },
  };
}

/** Credit counts as much as debit: by its size. */
export function priceOfStated(
  kind: 'exact' | 'bounded' | 'estimated',
  { minor, currency }: Stated,
  { tariff }: Asked,
  where: Where = { amount: 'amount' },
): Priced {
  const nothing = { ...FREE, amount: minor, currency };
  if (minor === null) return { ...nothing, quote: missing(where.amount!) };
  if (currency === null) return { ...nothing, quote: missing(where.currency ?? 'currency') };
  return { ...nothing, quote: priced(kind, minor < 0n ? -minor : minor, currency, tariff) };
}

/** With `source_transaction` the amount may be left out: then it is the charge's. */
export const transfer: Rule = {
  by: 'fields',
  price(asked) {
    const { fields } = asked;
    const stated = readStated(fields, { amount: 'amount' });
    if ('code' in stated) return stated;
    const charge = fields.get('source_transaction');
    if (stated.minor !== null || !charge || !ID.test(charge)) {
      return priceOfStated('exact', stated, asked);
    }
    const asks = ask('what the charge came to', get(asked, `/v1/charges/${charge}`));
    return { ...asks, currency: stated.currency };
  },
  learn({ tariff }, told) {
    const charge = told.at(-1)!;
    const [amount, currency] = [integerIn(charge.amount), textIn(charge.currency)];
    const read = charge.object === 'charge' && amount !== null && amount >= 0n && currency !== null;
    return read ? learnedPrice('bounded', amount, currency, tariff) : notUnderstood('the charge');
  },
};

/**
 * What the object is worth, less what is counted for it already; the field, when it is there, is a
 * total that replaces the object's own amount.
 */
function ofObject(
  objectId: string | null,
  stated: Stated,
  { tariff }: Asked,
): { quote: Quote; amount: bigint | null; currency: string | null } {
  const { minor, currency } = stated;
  const row = { amount: minor, currency };
  if (objectId === null) return { ...row, quote: missing('id') };
  if (currency !== null && minorUnit(currency, tariff) === null) {
    return { ...row, quote: withoutRate(currency, tariff) };
  }
  const limit = minor === null ? null : { minor };
  return { ...row, quote: { kind: 'object', objectId, of: 'amount', limit } };
}

/** A step of the PaymentIntent in the path; `field` states another amount than its own. */
export function ofPayment(field: string | null, required = false): Rule {
  return {
    by: 'object',
    price(asked) {
      const stated = readStated(asked.fields, { amount: field });
      if ('code' in stated) return stated;
      if (required && stated.minor === null) return noPrice(missing(field!));
      return { ...ofObject(asked.subject, stated, asked), lookUp: lookAt(asked, asked.subject) };
    },
    learn: learnPayment,
  };
}

/**
 * Captured in parts, it is counted as a whole from the first part on, until the last: what a later
 * part takes is not known. A last part comes on top of those before it.
 */
export const capture: Rule = {
  by: 'object',
  price(asked) {
    const { fields, subject } = asked;
    const stated = readStated(fields, { amount: 'amount_to_capture' });
    if ('code' in stated) return stated;
    const isLast = (fields.get('final_capture') ?? 'true') === 'true';
    const found = ofObject(subject, { ...stated, minor: isLast ? stated.minor : null }, asked);
    return { ...found, amount: stated.minor, lookUp: lookAt(asked, subject) };
  },
  learn(asked, told, quoted) {
    const learned = learnPayment(asked, told, quoted);
    const moved = 'facts' in learned ? learned.facts?.[0]?.moved : null;
    if (!moved || !('quote' in learned) || quoted.kind !== 'object' || !quoted.limit) {
      return learned;
    }
    return { ...learned, quote: { ...quoted, limit: { minor: quoted.limit.minor + moved } } };
  },
};

/** An update: free unless it changes the amount, or the currency that the amount is in. */
export const update: Rule = {
  by: 'change',
  price(asked) {
    const { fields, subject } = asked;
    const stated = readStated(fields, { amount: 'amount' });
    if ('code' in stated) return stated;
    if (stated.minor === null && stated.currency === null) return FREE;
    const found = { ...ofObject(subject, stated, asked), lookUp: lookAt(asked, subject) };
    if (stated.currency === null || found.quote.kind !== 'object' || !found.lookUp) return found;
    // The ledger would count the new amount by the old currency.
    return { ...found, quote: ask('which currency it is in now', found.lookUp).quote };
  },
  learn(asked, told, quoted) {
    if (quoted.kind === 'object') return learnPayment(asked, told, quoted);
    const stated = readStated(asked.fields, { amount: 'amount' });
    const fact = paymentIn(told.at(-1)!, asked.tariff);
    if ('code' in stated || fact === null) return notUnderstood('the PaymentIntent');
    const { minor, currency } = stated;
    if (currency === null || currency === fact.currency) {
      return learnedObject(fact, ofObject(fact.id, stated, asked).quote, asked.tariff);
    }
    return learnedPrice('bounded', minor ?? fact.amount, currency, asked.tariff);
  },
};

/** A reader in a shop takes the PaymentIntent that a field names. */
export const atReader: Rule = {
  by: 'object',
  price(asked) {
    const stated = readStated(asked.fields, { amount: null });
    if ('code' in stated) return stated;
    const id = asked.fields.get('payment_intent') || null;
    if (id === null) return noPrice(missing('payment_intent'));
    return { ...ofObject(id, stated, asked), lookUp: lookAt(asked, id) };
  },
  learn: learnPayment,
};

/** Of a charge alone, or of a PaymentIntent's: then that is the object that counts. */
export const captureCharge: Rule = {
  by: 'object',
  price(asked) {
    const { fields, subject } = asked;
    const stated = readStated(fields, { amount: 'amount' });
    if ('code' in stated) return stated;
    return { ...ofObject(subject, stated, asked), lookUp: lookAtCharge(asked, subject) };
  },
  learn: learnPayment,
};

/** What the object in the path says of itself; `path` is where it is read. */
export function ofMoney(path: string, type: string): Rule {
  return {
    by: 'object',
    price(asked) {
      const { fields, subject } = asked;
      const stated = readStated(fields, { amount: null });
      if ('code' in stated) return stated;
      const lookUp = subject === null ? null : get(asked, `${path}/${subject}`);
      return { ...ofObject(subject, stated, asked), lookUp };
    },
    learn({ tariff }, told, quoted) {
      const fact = findingIn(told.at(-1)!, type, tariff);
      const found = fact !== null && fact !== 'attached';
      return found ? learnedObject(fact, quoted, tariff) : notUnderstood(`the ${type}`);
    },
  };
}

/** The amount of another object, which a field names. */
export function ofNamed(field: string, path: string): Rule {
  return {
    by: 'stripe',
    price(asked) {
      const id = asked.fields.get(field);
      if (!id || !ID.test(id)) return noPrice(missing(field));
      return ask('what it came to', get(asked, `${path}/${id}`));
    },
    learn({ tariff }, told) {
      const { amount, currency } = told.at(-1)!;
      const [minor, code] = [integerIn(amount), textIn(currency)];
      if (minor === null || minor < 0n || code === null) return notUnderstood('its amount');
      return learnedPrice('exact', minor, code, tariff);
    },
  };
}

function lookAt(asked: Asked, id: string | null, expand?: string) {
  return id !== null && ID.test(id) ? get(asked, `/v1/payment_intents/${id}`, expand) : null;
}

/** Refunds show at the charge alone. */
export function lookAtPaid(asked: Asked, id: string | null) {
  return lookAt(asked, id, 'latest_charge');
}

export function lookAtCharge(asked: Asked, id: string | null) {
  return id !== null && ID.test(id) ? get(asked, `/v1/charges/${id}`, 'payment_intent') : null;
}

/** The payment, for the ledger to price by; a charge whose PaymentIntent it did not show is followed. */
export function learnPayment(asked: Asked, told: readonly Json[], quoted: Quote): Learned {
  const object = told.at(-1)!;
  const fact = paymentIn(object, asked.tariff);
  if (fact !== null) return learnedObject(fact, quoted, asked.tariff);
  const intent = object.object === 'charge' ? idIn(object.payment_intent) : null;
  const lookUp = told.length === 1 ? lookAtPaid(asked, intent) : null;
  return lookUp ? { lookUp } : notUnderstood('the payment');
}
