/**
 * What a call costs, from its fields, before it is sent. Rounds nothing and guesses nothing: an
 * amount is a plain whole number in the one field that the price table names, or the call is
 * unpriced or refused.
 */
import type { Refusal } from '../../errors.ts';
import type { Fields } from '../form.ts';
import { ambiguous } from '../one-reading.ts';
import type { Quote, Rate, Tariff } from '../vendor.ts';
import {
  faultInMinor,
  MAX_MINOR,
  minorUnit,
  readCurrency,
  readMinor,
  toMicros,
  whyNoUnit,
} from './currency.ts';
import type { Pricing } from './prices.ts';

export interface Quoted {
  quote: Quote;
  /** Minor units as on the wire, signed; null when the request states none. */
  amount: bigint | null;
  /** Lower case; null when the request states none. */
  currency: string | null;
  /** That currency's; null without one, or without a rate. */
  rate: Rate | null;
}

/** Each states an amount in one operation or another; a call has at most the one of its own. */
const AMOUNTS = ['amount', 'amount_to_confirm', 'amount_to_capture'];

/** Fields that a price hangs on, so they are plain values and never lists or parents. */
const PLAIN = new Set([
  ...AMOUNTS,
  ...['currency', 'charge', 'payment_intent', 'origin', 'unit_amount', 'quantity'],
]);

/**
 * Other ways to say what an invoice item costs, or what comes on top of it. With one of them the
 * whole is known to Stripe alone.
 */
const ITEM_OTHERWISE = new Set(
  'price price_data pricing unit_amount_decimal quantity_decimal tax_rates'.split(' '),
);

/**
 * Fields of a customer that move money: store credit by today's name and by the one before 2019,
 * and the subscription that versions before 2018 start along with the customer.
 */
const CUSTOMER_MONEY = new Set('balance account_balance plan quantity trial_end'.split(' '));

/** Longer than any id of Stripe's. */
export const MAX_ID = 255;

/** `subject`: the id in the path that the call acts on, if any. */
export function quote(
  pricing: Pricing,
  subject: string | null,
  fields: Fields,
  tariff: Tariff,
): Quoted | Refusal {
  const stated = readStated(pricing, fields);
  if ('code' in stated) return stated;
  const found = byRule(pricing, stated, subject, fields, tariff);
  if ('code' in found) return found;
  const { minor, currency } = stated;
  const rate = currency === null ? null : (minorUnit(currency, tariff)?.rate ?? null);
  return { quote: found, amount: minor, currency, rate };
}

interface Stated {
  /** The amount in the field that the rule names. */
  minor: bigint | null;
  currency: string | null;
}

const UNSTATED: ReadonlySet<Pricing['by']> = new Set(['nothing', 'customer', 'stripe']);

/** Reads amount and currency where the rule has them, and refuses what could be read as either. */
function readStated(pricing: Pricing, fields: Fields): Stated | Refusal {
  if (UNSTATED.has(pricing.by)) return { minor: null, currency: null };
  const own = pricing.by === 'object' ? pricing.field : 'amount';
  for (const name of fields.keys()) {
    const top = topOf(name);
    if (top !== name && PLAIN.has(top)) {
      return ambiguous(`\`${top}\` must be one plain value; write \`${top}=...\``);
    }
    if (AMOUNTS.includes(name) && name !== own) {
      const instead = own === null ? 'which takes none' : `which takes \`${own}\``;
      return ambiguous(`\`${name}\` is no field of this call, ${instead}; leave it out`);
    }
  }
  const signed = pricing.by === 'item' || (pricing.by === 'amount' && pricing.signed);
  const minor = own === null ? null : amountIn(fields, own, signed);
  if (minor !== null && typeof minor === 'object') return minor;
  const text = fields.get('currency');
  const currency = text === undefined ? null : readCurrency(text);
  if (text !== undefined && currency === null) {
    return ambiguous('`currency` must be three letters and nothing else, as in `currency=usd`');
  }
  const fault = minor === null || currency === null ? null : faultInMinor(minor, currency);
  return fault === null ? { minor, currency } : ambiguous(fault);
}

function amountIn(fields: Fields, name: string, signed: boolean): bigint | null | Refusal {
  const text = fields.get(name);
  if (text === undefined) return null;
  const minor = readMinor(text, signed);
  if (minor !== null) return minor;
  return ambiguous(
    `\`${name}\` must be a plain whole number of minor units of at most 12 digits, ` +
      `as in \`${name}=2900\`${signed ? ' or `-2900`' : ''}`,
  );
}

function byRule(
  pricing: Pricing,
  stated: Stated,
  subject: string | null,
  fields: Fields,
  tariff: Tariff,
): Quote | Refusal {
  switch (pricing.by) {
    case 'nothing':
      return { kind: 'free' };
    case 'amount':
      return ofAmount(pricing.kind, stated, tariff);
    case 'object':
      if (pricing.required && stated.minor === null) return missing(pricing.field!);
      return ofObject(subject, 'amount', stated, tariff);
    case 'change':
      if (stated.minor === null && stated.currency === null) return { kind: 'free' };
      return ofObject(subject, 'amount', stated, tariff);
    case 'refund':
      return ofRefund(stated, fields, tariff);
    case 'item':
      return ofItem(stated, fields, tariff);
    case 'customer':
      return ofCustomer(fields);
    case 'stripe':
      return unpriced(pricing.why);
  }
}

function ofAmount(kind: 'exact' | 'estimated', { minor, currency }: Stated, tariff: Tariff): Quote {
  if (minor === null) return missing('amount');
  if (currency === null) return missing('currency');
  const micros = toMicros(minor < 0n ? -minor : minor, currency, tariff);
  return micros === null ? needsRate(currency, tariff) : { kind, micros };
}

function ofObject(
  objectId: string | null,
  of: 'amount' | 'refundable',
  { minor, currency }: Stated,
  tariff: Tariff,
): Quote {
  if (objectId === null) return missing('id');
  if (currency !== null && minorUnit(currency, tariff) === null) {
    return needsRate(currency, tariff);
  }
  return { kind: 'object', objectId, of, limit: minor === null ? null : { minor } };
}

/** By one of `charge` and `payment_intent`; or of a customer's cash balance, by `amount`. */
function ofRefund(stated: Stated, fields: Fields, tariff: Tariff): Quote | Refusal {
  const charge = fields.get('charge');
  const intent = fields.get('payment_intent');
  if (charge !== undefined && intent !== undefined) {
    return ambiguous('`charge` and `payment_intent` both name what to refund; give one of them');
  }
  const objectId = charge ?? intent;
  if (objectId) {
    if (objectId.length > MAX_ID) return ambiguous('`charge` or `payment_intent` is no id');
    if (!fields.has('origin')) return ofObject(objectId, 'refundable', stated, tariff);
    return ambiguous('`origin` refunds a balance and `charge` a payment; give one of them');
  }
  if (fields.get('origin') === 'customer_balance') return ofAmount('exact', stated, tariff);
  return missing('charge` or `payment_intent');
}

/** It accrues: the money moves when its invoice is paid, which happens out of sight. */
function ofItem(stated: Stated, fields: Fields, tariff: Tariff): Quote | Refusal {
  for (const name of fields.keys()) {
    const top = topOf(name);
    if (ITEM_OTHERWISE.has(top)) return unpriced(`\`${top}\` has a price that only Stripe knows`);
  }
  const unit = amountIn(fields, 'unit_amount', true);
  const quantity = amountIn(fields, 'quantity', false);
  if (unit !== null && typeof unit === 'object') return unit;
  if (quantity !== null && typeof quantity === 'object') return quantity;
  if (unit === null) {
    if (quantity === null || quantity === 1n) return ofAmount('exact', stated, tariff);
    return unpriced('`quantity` does not say whether it multiplies `amount`');
  }
  if (stated.minor !== null) {
    return ambiguous('`amount` and `unit_amount` both state the price; give one of them');
  }
  const fault = stated.currency === null ? null : faultInMinor(unit, stated.currency);
  if (fault !== null) return ambiguous(fault);
  const minor = unit * (quantity ?? 1n);
  if (minor > MAX_MINOR || -minor > MAX_MINOR) return unpriced('the amount is too large');
  return ofAmount('exact', { ...stated, minor }, tariff);
}

function ofCustomer(fields: Fields): Quote {
  for (const name of fields.keys()) {
    const top = topOf(name);
    if (!CUSTOMER_MONEY.has(top)) continue;
    return unpriced(
      `\`${top}\` changes what the customer owes by an amount that only Stripe knows; for credit ` +
        'use POST /v1/customers/{id}/balance_transactions',
    );
  }
  return { kind: 'free' };
}

function topOf(name: string): string {
  const bracket = name.indexOf('[');
  return bracket < 0 ? name : name.slice(0, bracket);
}

function unpriced(why: string): Quote {
  return { kind: 'unpriced', reason: `The cost cannot be known before it is sent: ${why}.` };
}

function missing(field: string): Quote {
  return unpriced(`\`${field}\` is missing`);
}

function needsRate(currency: string, tariff: Tariff): Quote {
  return unpriced(whyNoUnit(currency, tariff));
}
