/**
 * What a call to Twilio costs, by its operation: which rule of the price table applies, and which
 * question to the Pricing API would complete it.
 */
import type { LookUp, Quote } from '../vendor.ts';
import { quoteCall } from './call-quote.ts';
import type { Pricing } from './classes.ts';
import { quoteBulkLookup, quoteLookup } from './lookup-quote.ts';
import { quoteMessage } from './message-quote.ts';
import { type Priced, unpriced } from './priced.ts';
import type { Prices } from './prices.ts';
import type { Content } from './request.ts';
import { quoteVerification } from './verify-quote.ts';

export interface Quoted {
  readonly quote: Quote;
  /** With an `ask`. */
  readonly lookUp: LookUp | null;
}

export function quoteOf(pricing: Pricing, content: Content, prices: Prices): Quoted {
  const priced = byRule(pricing, content, prices);
  switch (priced.kind) {
    case 'ask':
      return { quote: { kind: 'ask', reason: reason(priced.what) }, lookUp: priced.lookUp };
    case 'unpriced':
      return { quote: { kind: 'unpriced', reason: reason(priced.why) }, lookUp: null };
    default:
      return { quote: priced, lookUp: null };
  }
}

export function reason(why: string): string {
  return `The cost cannot be known before it is sent: ${why}.`;
}

function byRule(pricing: Pricing, { fields, json }: Content, prices: Prices): Priced {
  switch (pricing.by) {
    case 'nothing':
      return { kind: 'free' };
    case 'message':
      return quoteMessage(fields, prices);
    case 'call':
      return quoteCall(fields, prices);
    case 'verification':
      return quoteVerification(fields, prices);
    case 'lookup':
      return quoteLookup(fields, prices);
    case 'bulk_lookup':
      return quoteBulkLookup(json, prices);
    case 'absence': {
      const costly = [...fields.keys()].find((name) =>
        pricing.of.some((each) => name === each || name.startsWith(`${each}[`)),
      );
      return costly === undefined ? { kind: 'free' } : unpriced(`\`${costly}\`: ${pricing.why}`);
    }
    case 'twilio':
      return unpriced(pricing.why);
  }
}
