/**
 * Twilio's list prices as far as they are known, for accounts of which nobody says otherwise: of the
 * United States alone. Of every other country the Pricing API is asked, and what is in neither has
 * no price until the operator gives it one. The names are those of vendors/twilio/prices.ts.
 */
import { parseUsd } from '../money.ts';
import type { PriceTable } from './book.ts';

/** The day on which they were read. */
export const LISTED_ON = '2026-11-24';

/** In dollars. */
const LISTED: Readonly<Record<string, string>> = {
  'sms/US': '0.0083',
  // Carriers take between 0.0025 and 0.0062 a segment; which one it is going to is not known.
  'sms-fee/US': '0.0062',
  'mms/US': '0.022',
  // Of the carriers' fees for a picture the dearest.
  'mms-fee/US': '0.01',
  'message-failed': '0.001',
  verify: '0.05',
  'lookup/validation': '0',
};

export const TWILIO_LIST_PRICES: PriceTable = new Map(
  Object.entries(LISTED).map(([name, usd]) => [name, parseUsd(usd)]),
);
