/**
 * Prices of invoice items. One accrues: the money moves when its invoice is paid, out of sight if
 * nobody asks for that, so it counts from its making. An item with a price of the catalogue costs
 * that price times its quantity, which Stripe is asked for.
 */
import type { Refusal } from '../../errors.ts';
import { ambiguous } from '../one-reading.ts';
import { integerIn, type Json, textIn } from '../reply.ts';
import type { Learned } from '../vendor.ts';
import { faultInMinor, readMinor } from './currency.ts';
import { priceOfStated } from './payments.ts';
import {
  type Asked,
  ask,
  FREE,
  get,
  learnedPrice,
  missing,
  noPrice,
  notUnderstood,
  type Priced,
  type Rule,
  topOf,
  unpriced,
} from './rule.ts';
import { amountIn, isRefused, readStated, type Stated } from './stated.ts';

/** Other ways to say what an item costs, or what comes on top of it. */
const OTHERWISE = new Set('price_data quantity_decimal tax_rates'.split(' '));

/** With one of these an update changes what the item costs by what only Stripe can work out. */
const REPRICES = new Set([
  ...[...OTHERWISE, 'price', 'pricing'],
  ...['unit_amount', 'unit_amount_decimal', 'quantity'],
]);

export const createItem: Rule = {
  by: 'fields',
  price(asked) {
    const stated = readStated(asked.fields, { amount: 'amount', signed: true });
    return 'code' in stated ? stated : priceOfItem(asked, stated);
  },
  learn({ fields, tariff }, told) {
    const price = told.at(-1)!;
    const each = unitAmountOf(price);
    const currency = textIn(price.currency);
    const quantity = readMinor(fields.get('quantity') ?? '1', false);
    if (each === null || currency === null || quantity === null) {
      return { quote: unpriced('the price has no amount for each that holds for every quantity') };
    }
    const stated = fields.get('currency')?.toLowerCase() ?? currency;
    if (stated !== currency) return { quote: unpriced(`the price is in ${currency}`) };
    const minor = each * quantity;
    // Taxes may come on top; its invoice shows them.
    return learnedPrice('estimated', minor, currency, tariff);
  },
};

/** The ways to say what an item costs; with two of them nobody knows which counts. */
const WAYS = ['amount', 'unit_amount', 'unit_amount_decimal', 'price', 'pricing[price]'];

function priceOfItem(asked: Asked, stated: Stated): Priced | Refusal {
  const { fields } = asked;
  const quantity = amountIn(fields, 'quantity');
  if (isRefused(quantity)) return quantity;
  for (const name of fields.keys()) {
    const top = topOf(name);
    if (!OTHERWISE.has(top) && (top !== 'pricing' || name === 'pricing[price]')) continue;
    return noPrice(unpriced(`\`${top}\` has a price that only Stripe knows`));
  }
  const [way = 'amount', other] = WAYS.filter((name) => fields.has(name));
  if (other !== undefined) {
    return ambiguous(`\`${way}\` and \`${other}\` both state the price; give one of them`);
  }
  switch (way) {
    case 'price':
    case 'pricing[price]':
      return askPrice(asked, fields.get(way)!);
    case 'unit_amount':
      return priceOfUnits(asked, stated, quantity ?? 1n);
    case 'unit_amount_decimal': {
      const minor = upOf(fields.get(way)!, quantity ?? 1n);
      if (minor === null) return noPrice(unpriced('`unit_amount_decimal` is no plain number'));
      return { ...priceOfStated('bounded', { ...stated, minor }, asked), amount: null };
    }
    default:
      if (quantity === null || quantity === 1n) return priceOfStated('exact', stated, asked);
      return noPrice(unpriced('`quantity` does not say whether it multiplies `amount`'));
  }
}

function askPrice(asked: Asked, price: string): Priced {
  // Old plans have names that their owners chose; these would lead elsewhere.
  if (/^\.{0,2}$/.test(price)) return noPrice(missing('price'));
  return ask('the price', get(asked, `/v1/prices/${encodeURIComponent(price)}`));
}

function priceOfUnits(asked: Asked, stated: Stated, quantity: bigint): Priced | Refusal {
  const unit = amountIn(asked.fields, 'unit_amount', true);
  if (isRefused(unit)) return unit;
  if (unit === null) return noPrice(missing('unit_amount'));
  const fault = stated.currency === null ? null : faultInMinor(unit, stated.currency);
  if (fault !== null) return ambiguous(fault);
  const minor = unit * quantity;
  return { ...priceOfStated('exact', { ...stated, minor }, asked), amount: null };
}

/** A decimal number of minor units, so many times, rounded away from 0; null when it is none. */
function upOf(text: string, times: bigint): bigint | null {
  const [, sign, whole, part = ''] = /^(-?)(0|[1-9]\d{0,11})(?:\.(\d{1,12}))?$/.exec(text) ?? [];
  if (whole === undefined) return null;
  const scale = 10n ** BigInt(part.length);
  const minor = (BigInt(whole + part) * times + scale - 1n) / scale;
  return sign === '-' ? -minor : minor;
}

/** One that is the same however many there are, without tiers and rounding by packs. */
function unitAmountOf(price: Json): bigint | null {
  if (price.object !== 'price' || price.billing_scheme !== 'per_unit') return null;
  if (price.transform_quantity != null || price.custom_unit_amount != null) return null;
  const each = integerIn(price.unit_amount);
  return each === null || each < 0n ? null : each;
}

/** What a new amount adds to the old one. */
export const updateItem: Rule = {
  by: 'change',
  price(asked) {
    const { fields, subject } = asked;
    const reprices = [...fields.keys()].map(topOf).find((top) => REPRICES.has(top));
    if (reprices !== undefined) {
      return noPrice(unpriced(`\`${reprices}\` has a price that only Stripe knows`));
    }
    const stated = readStated(fields, { amount: 'amount', signed: true });
    if ('code' in stated) return stated;
    if (stated.minor === null) return FREE;
    if (subject === null) return noPrice(missing('id'));
    const asks = ask('what the item came to before', get(asked, `/v1/invoiceitems/${subject}`));
    return { ...asks, amount: stated.minor };
  },
  learn: ({ fields, tariff }, told): Learned => {
    const item = told.at(-1)!;
    const [before, currency] = [integerIn(item.amount), textIn(item.currency)];
    const after = readMinor(fields.get('amount') ?? '', true);
    if (item.object !== 'invoiceitem' || before === null || currency === null || after === null) {
      return notUnderstood('the invoice item');
    }
    const fault = faultInMinor(after, currency);
    if (fault !== null) return { quote: unpriced(fault) };
    // Credit counts like debit, by its size; what changes sides counts as a whole.
    const size = (minor: bigint) => (minor < 0n ? -minor : minor);
    const more = after < 0n === before < 0n ? size(after) - size(before) : size(after);
    const { amount: _, ...learned } = learnedPrice(
      'bounded',
      more > 0n ? more : 0n,
      currency,
      tariff,
    );
    return learned;
  },
};
