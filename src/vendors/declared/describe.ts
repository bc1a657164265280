/** A description's prices in words, for the person who wrote it. Decides nothing. */
import { formatUsd } from '../../money.ts';
import { FUNCTIONS } from './functions.ts';
import type { Measure, Price } from './measure.ts';
import type { Description, Endpoint } from './schema.ts';

type Prices = NonNullable<Description['prices']>;

/** What a call of the endpoint costs; `-` where that is nothing or nobody's to say. */
export function priceText({ class: kind, quote }: Endpoint, prices: Prices = {}): string {
  if (typeof quote === 'object') {
    const sure = quote.kind === 'exact' ? '' : ` (${quote.kind})`;
    return `${measureText(quote.rule, prices)}${sure}`;
  }
  return kind === 'unpriced' ? 'by the key' : '-';
}

function measureText(rule: Measure, prices: Prices): string {
  switch (rule.by) {
    case 'price':
      return priceOf(rule.price, prices);
    case 'count':
      return `${paths(rule.of)} × ${each(rule, prices)}`;
    case 'function':
      return `${FUNCTIONS.get(rule.name)!.what} in ${paths(rule.of)} × ${each(rule, prices)}`;
    case 'number':
      return `${rule.of.text} × ${each(rule, prices)}`;
    case 'amount': {
      const currency = typeof rule.currency === 'string' ? rule.currency : rule.currency.text;
      return `${rule.of.text} in ${currency}`;
    }
    case 'sum':
      return rule.parts.map((part) => measureText(part, prices)).join(' + ');
  }
}

function each({ price, per }: { price: Price; per: bigint }, prices: Prices): string {
  return per === 1n ? priceOf(price, prices) : `${priceOf(price, prices)} for ${per}`;
}

function priceOf(price: Price, prices: Prices): string {
  const micros = typeof price === 'string' ? prices[price]! : price;
  return `${typeof price === 'string' ? `${price} ` : ''}$${formatUsd(micros)}`;
}

function paths(of: readonly { text: string }[]): string {
  return of.length === 1 ? of[0]!.text : `(${of.map(({ text }) => text).join(' + ')})`;
}
