/**
 * What Twilio's calls cost before anybody has asked it: the operator's own prices, and the list
 * prices where the operator says nothing.
 */
import { checkPriceName } from '../vendors/twilio/prices.ts';
import type { PriceTable } from './book.ts';
import { readPriceFile } from './price-file.ts';
import { TWILIO_LIST_PRICES } from './twilio-list-prices.ts';

/** `file`: where the operator's prices are, or null. Throws ConfigError when it is wrong. */
export function twilioPrices(file: string | null): PriceTable {
  if (file === null) return TWILIO_LIST_PRICES;
  const { prices, listPrices } = readPriceFile(file, 'KEYBRAKE_TWILIO_PRICES', checkPriceName);
  return listPrices ? new Map([...TWILIO_LIST_PRICES, ...prices]) : prices;
}
