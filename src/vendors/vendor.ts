/**
 * What Keybrake must know of a vendor's API, as pure functions: a request in, its price out; a
 * reply in, its outcome out. Nothing here reads a clock, a socket or the ledger, so every rule can
 * be tested by its table, and the same code runs under simulation.
 */
import type { Refusal } from '../errors.ts';
import type { Micros } from '../money.ts';
import type { Secret } from '../seal.ts';

/** A request in canonical form (proxy/canonical.ts): what is matched is what is sent. */
export interface VendorRequest {
  /** Upper case. */
  readonly method: string;
  /** The vendor's own path, canonical: begins with `/`, no dot segments, no empty segments. */
  readonly path: string;
  /** Without the `?`; empty when there is none. */
  readonly query: string;
  /** Lower-case names; a name that came twice was refused before. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
}

/** A reply as it came. */
export interface VendorReply {
  readonly status: number;
  /** Lower-case names; repeated ones joined with `, `. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
}

/**
 * The price of a call before it is sent.
 * `exact` is what it will cost, `bounded` cannot cost more, `estimated` may; `object` is a price
 * that only the object knows, and the ledger resolves it in the admitting transaction:
 * - `amount`: the object's money, less what is counted for it already; `limit` replaces the object's
 *   own amount when the request states one (confirm, capture, a raise to a new total).
 * - `refundable`: what was received and not yet refunded; `limit` when the request states less.
 */
export type Quote =
  | { kind: 'exact' | 'bounded' | 'estimated'; micros: Micros }
  | { kind: 'free' }
  | { kind: 'unpriced'; reason: string }
  | { kind: 'object'; objectId: string; of: 'amount' | 'refundable'; limit: ObjectAmount | null };

/** An amount in the object's own currency, whose meaning in dollars the object decides. */
export interface ObjectAmount {
  /** Minor units, as on the wire. */
  minor: bigint;
}

/**
 * `withheld`: leaks secrets, moves control or opens a commitment that bills later; a key without
 * allowed_endpoints does not reach it. `unpriced`: its cost cannot be known beforehand.
 */
export type OperationClass = 'priced' | 'free' | 'unpriced' | 'withheld';

/** What a request means. */
export interface Reading {
  /** `payment_intents.create`; null when the path is none that is known. */
  readonly operation: string | null;
  readonly class: OperationClass;
  readonly quote: Quote;
  /** As on the wire, in minor units, for the row; null when the request has none. */
  readonly amount: bigint | null;
  /** Lower case, for the row. */
  readonly currency: string | null;
  /** The vendor object that the call acts on, from path or body: `pi_…`, `ch_…`. */
  readonly objectId: string | null;
  /** The vendor's customer that the call is about, for the row. */
  readonly customer: string | null;
  /** Every field of the request by its flat name (`metadata[run]`), for the key's params rules. */
  readonly fields: ReadonlyMap<string, string>;
  /** Sorted and re-encoded: two spellings of one request are one text. For the fingerprint. */
  readonly canonicalBody: string;
  /** Whether the vendor executes one idempotency key once for this request (Stripe: any v1 POST). */
  readonly idempotent: boolean;
  /** Headers that choose whose money it is, present on this request: `stripe-account: acct_1`. */
  readonly onBehalfOf: readonly { header: string; value: string }[];
}

/** What the ledger learns of a vendor object from a reply. Amounts in micro-dollars. */
export interface ObjectFact {
  readonly id: string;
  /** Other names of the same money: a PaymentIntent's latest charge. */
  readonly aliases: readonly string[];
  /** The object's whole amount; null when its currency has no rate. */
  readonly amount: Micros | null;
  /** Micro-dollars per minor unit of its currency (USD: 10,000); null without a rate. */
  readonly unit: Micros | null;
  /**
   * `open`: money may still move, all holds stay. `final`: `moved` is what moved for good, the rest
   * of the holds comes back. `declined`: nothing moved by now and a new attempt would be priced
   * anew, so the holds come back.
   */
  readonly state: 'open' | 'final' | 'declined';
  /** With `final`: what moved. */
  readonly moved: Micros | null;
}

/** What a reply means for the money. */
export interface Conclusion {
  /**
   * `settled`: the cost is known. `released`: proof that nothing moved. `held`: accepted, and the
   * money may still move or come back. `unknown`: the reply proves neither.
   */
  readonly outcome: 'settled' | 'released' | 'held' | 'unknown';
  /** With `settled`. */
  readonly cost: Micros | null;
  /** Whether the vendor would give this very answer to the same idempotency key again. */
  readonly repeatable: boolean;
  /** The vendor answered from its own store of replies: nothing new was executed. */
  readonly replayedByVendor: boolean;
  readonly vendorRequestId: string | null;
  readonly vendorObjectId: string | null;
  readonly objects: readonly ObjectFact[];
}

export type Credentials = Readonly<Record<string, Secret>>;

export interface Vendor {
  readonly name: string;
  readonly baseUrl: string;
  /** The fields that an account of this vendor consists of: `['secret']`. */
  readonly credentialFields: readonly string[];
  /** Largest request body, in bytes. */
  readonly bodyLimit: number;
  /**
   * How long after the first attempt the vendor still executes one idempotency key only once, in
   * milliseconds, with a margin; 0 when it does not at all.
   */
  readonly idempotencyWindowMs: number;
  /** Headers that change what a request means: two requests that differ in one are not the same. */
  readonly identityHeaders: readonly string[];
  /** What the request means, or why it has two readings. */
  read(request: VendorRequest): Reading | Refusal;
  /**
   * The headers that go out: the client's, less those that must not, with the real credentials and
   * the idempotency key (null: none). Lower-case names.
   */
  outbound(
    request: VendorRequest,
    credentials: Credentials,
    idempotencyKey: string | null,
  ): Record<string, string>;
  /** What the reply means. Never throws: what cannot be read is `unknown`. */
  conclude(reading: Reading, reply: VendorReply): Conclusion;
  /** The refusal in the vendor's own error shape, so that its SDK raises its own exception. */
  renderRefusal(
    refusal: Refusal,
    callId: string,
  ): { headers: Record<string, string>; body: string };
  /** Checks credentials' form when they are stored; returns what is wrong, or null. */
  checkCredentials(fields: Readonly<Record<string, string>>): string | null;
}

export function isRefusal(value: Reading | Refusal): value is Refusal {
  return 'code' in value;
}
