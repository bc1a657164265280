/**
 * Prices of invoice items. One accrues: the money moves when its invoice is paid, out of sight if
 * nobody asks for that, so it counts from its making. An item with a price of the catalogue costs
 * that price times its quantity, which Stripe is asked for.
 */
import type { Refusal } from '../../errors.ts';
import { ambiguous } from '../one-reading.ts';
import { integerIn, type Json, textIn } from '../reply.ts';
import type { Learned } from '../vendor.ts';
import { faultInMinor, MAX_MINOR, readMinor } from './currency.ts';
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
const OTHERWISE = new Set('price_data unit_amount_decimal quantity_decimal tax_rates'.split(' '));

/** With one of these an update changes what the item costs by what only Stripe can work out. */
const REPRICES = new Set([...OTHERWISE, 'price', 'pricing', 'unit_amount', 'quantity']);

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
    if (minor > MAX_MINOR) return { quote: unpriced('the amount is too large') };
    // Taxes may come on top; its invoice shows them.
    return learnedPrice('estimated', minor, currency, tariff);
  },
};

function priceOfItem(asked: Asked, stated: Stated): Priced | Refusal {
  const { fields } = asked;
  const quantity = amountIn(fields, 'quantity');
  if (isRefused(quantity)) return quantity;
  for (const name of fields.keys()) {
    const top = topOf(name);
    if (OTHERWISE.has(top))
      return noPrice(unpriced(`\`${top}\` has a price that only Stripe knows`));
  }
  const listed = fields.get('pricing[price]') ?? fields.get('price');
  if (listed !== undefined) {
    return ask('the price', get(asked, `/v1/prices/${encodeURIComponent(listed)}`));
  }
  const unit = amountIn(fields, 'unit_amount', true);
  if (isRefused(unit)) return unit;
  if (unit === null) {
    if (quantity === null || quantity === 1n) return priceOfStated('exact', stated, asked);
    return noPrice(unpriced('`quantity` does not say whether it multiplies `amount`'));
  }
  if (stated.minor !== null) {
    return ambiguous('`amount` and `unit_amount` both state the price; give one of them');
  }
  const fault = stated.currency === null ? null : faultInMinor(unit, stated.currency);
  if (fault !== null) return ambiguous(fault);
  const minor = unit * (quantity ?? 1n);
  if (minor > MAX_MINOR || -minor > MAX_MINOR) return noPrice(unpriced('the amount is too large'));
  const found = priceOfStated('exact', { ...stated, minor }, asked);
  return { ...found, amount: null };
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
