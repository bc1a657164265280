/**
 * What a lookup costs: the sum of the fields that it asks for. A GET that asks for none is free; one
 * that asks for a field without a price is refused, whatever the others cost.
 */
import type { Micros } from '../../money.ts';
import type { Fields } from '../form.ts';
import { asList, asObject, type Json } from '../json-body.ts';
import { configured, estimated, type Found, type Priced, unpriced } from './priced.ts';
import type { Prices } from './prices.ts';

export function quoteLookup(fields: Fields, prices: Prices): Priced {
  const asked = (fields.get('Fields') ?? '').split(',').map((field) => field.trim());
  return total([asked.filter((field) => field !== '')], prices);
}

/** Several numbers in one JSON body: `{"phone_numbers": [{"phone_number", "fields": […]}]}`. */
export function quoteBulkLookup(body: Json | null, prices: Prices): Priced {
  const numbers = asList(asObject(body ?? undefined)?.get('phone_numbers'));
  if (numbers === null) return unpriced('`phone_numbers` must be a list');
  const asked: (readonly string[])[] = [];
  for (const number of numbers) {
    const fields = asObject(number)?.get('fields');
    const list = fields === undefined ? [] : asList(fields);
    if (list === null || !list.every((field) => typeof field === 'string')) {
      return unpriced('`fields` must be a list of names');
    }
    asked.push(list);
  }
  return total(asked, prices);
}

/** A field that is asked for twice in one lookup is answered, and counted, once. */
function total(lookups: readonly (readonly string[])[], prices: Prices): Priced {
  let sum: Micros = 0n;
  for (const fields of lookups) {
    for (const field of new Set(fields)) {
      if (!/^[a-z_]{1,40}$/.test(field)) return unpriced('it asks for a field that is none');
      const price: Found = configured(prices, `lookup/${field}`);
      if (!('micros' in price)) return price;
      sum += price.micros;
    }
  }
  return sum === 0n ? { kind: 'free' } : estimated(sum);
}
