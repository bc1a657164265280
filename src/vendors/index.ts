/**
 * The vendors that Keybrake knows, by name. A vendor is a folder of pure functions and a line here.
 */
import { resend } from './resend/resend.ts';
import { stripe } from './stripe/stripe.ts';
import { twilio } from './twilio/twilio.ts';
import type { Vendor } from './vendor.ts';

export const VENDORS: ReadonlyMap<string, Vendor> = new Map(
  [stripe, twilio, resend].map((vendor) => [vendor.name, vendor]),
);
