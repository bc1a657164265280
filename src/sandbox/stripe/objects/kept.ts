/**
 * What every object of the vendor has, and the names of the places where money stands. Only what
 * differs between two objects of a kind is kept; the long JSON that clients see is made from it when
 * it is asked for, so 100,000 payments fit in memory.
 */

/**
 * Where money stands, in four groups.
 * May still move: `open` (a PaymentIntent until it is confirmed, or under way), `authorised`,
 * `collecting` (invoices that Stripe collects without another call), `invoiced` (open invoices that
 * wait for a call or for the customer).
 * Moved: `payments`, `payouts`, `transfers`, `topups`, `outbound_payments`, `outbound_transfers`,
 * `inbound_transfers`.
 * Went back: `refunds`, `transfer_reversals`, `fee_refunds`, `payout_reversals`.
 * No cash of ours: `declined` (a PaymentIntent whose last attempt was refused), `application_fees`
 * (inside a payment), `credits` (store credit given, signed as Stripe signs it: negative is the
 * customer's), `credits_applied` (store credit that an invoice used or gave).
 */
export type Bucket =
  | 'open'
  | 'declined'
  | 'authorised'
  | 'collecting'
  | 'invoiced'
  | 'payments'
  | 'refunds'
  | 'payouts'
  | 'payout_reversals'
  | 'transfers'
  | 'transfer_reversals'
  | 'topups'
  | 'application_fees'
  | 'fee_refunds'
  | 'credits'
  | 'credits_applied'
  | 'outbound_payments'
  | 'outbound_transfers'
  | 'inbound_transfers';

/** The places of one object's money, in minor units of its currency. */
export type Standing = readonly (readonly [Bucket, number])[];

export const NOWHERE: Standing = [];

/** Nested values are replaced, never changed in place: events keep an object as it was. */
export interface Kept {
  id: string;
  /** Seconds since 1970, as on the wire. */
  created: number;
  metadata: Record<string, string>;
  /** The connected account whose it is; null: the platform's. Written by AccountBooks.add alone. */
  account: string | null;
}

export interface Money extends Kept {
  /** Minor units. */
  amount: number;
  currency: string;
  /** What the totals count of it now; written by StripeBooks.save alone. */
  counted: { currency: string; standing: Standing } | null;
}

export type Json = Record<string, unknown>;

/** How a kind of object is shown, and where its money stands. Reads the record alone. */
export interface Kind<Of> {
  show(record: Of): Json;
  standing?(record: Of): Standing;
}
