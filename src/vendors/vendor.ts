/**
 * What Keybrake must know of a vendor's API, as pure functions: a request in, its price out; a
 * reply in, its outcome out. Nothing here reads a clock, a socket or the ledger, so every rule can
 * be tested by its table, and the same code runs under simulation.
 */
import type { KeyPlace } from '../credential.ts';
import type { Refusal } from '../errors.ts';
import type { Micros, Picos } from '../money.ts';
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

/** What a currency is worth, and since when. */
export interface Rate {
  /** Pico-dollars of one whole unit of the currency (one euro, one yen). */
  readonly unit: Picos;
  /** The day the rate is of, `2026-11-23`; null for dollars, which need none. */
  readonly date: string | null;
}

/**
 * What calls and currencies cost at the time of a call: plain values, so that pricing stays a pure
 * function. One tariff serves a call from its reading to its conclusion.
 */
export interface Tariff {
  /** By lower-case code. A currency that is not here has no rate, or one that is too old. */
  readonly rates: ReadonlyMap<string, Rate>;
  /** Why a currency is not in `rates`: `its rate is of 2026-11-01`; `*`: why any other is not. */
  readonly missing: ReadonlyMap<string, string>;
  /** The vendor's own prices for this account, by names that the vendor's folder defines. */
  readonly prices: ReadonlyMap<string, Micros>;
}

/**
 * The price of a call before it is sent.
 * `exact` is what it will cost, `bounded` cannot cost more, `estimated` may; `object` is a price
 * that only the object knows, and the ledger resolves it in the admitting transaction:
 * - `amount`: the object's money, less what is counted for it already; `limit` replaces the object's
 *   own amount when the request states one (confirm, capture, a raise to a new total).
 * - `refundable`: what was received and not yet refunded; `limit` when the request states less.
 * `ask`: only the vendor knows, and Reading.lookUp asks it; `reason` says what if it cannot tell.
 * `unpriced` with `noKeyPrice`: no price that a key has for the endpoint stands in, or the run would
 * choose what counts. It states its amount, in a currency without a rate; or the vendor would know
 * the price and could not be asked, which a run can bring about.
 */
export type Quote =
  | { kind: 'exact' | 'bounded' | 'estimated'; micros: Micros }
  | { kind: 'free' }
  | { kind: 'unpriced'; reason: string; noKeyPrice?: true }
  | { kind: 'ask'; reason: string }
  | { kind: 'object'; objectId: string; of: 'amount' | 'refundable'; limit: ObjectAmount | null };

/**
 * A question to the vendor that changes nothing there: a GET, or a preview by POST. It is sent with
 * the real credentials, before the call it serves, or long after.
 */
export interface LookUp {
  readonly method: 'GET' | 'POST';
  /** The vendor's own path, as in VendorRequest. */
  readonly path: string;
  /** Without the `?`. */
  readonly query: string;
  /** Lower-case names; credentials are added. Empty for most. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What a look-up told of a price: another question, the price itself, or what the ledger needs. */
export type Learned =
  | { lookUp: LookUp }
  | { facts: readonly ObjectFact[] }
  | ({ quote: Quote; facts?: readonly ObjectFact[] } & Told);

/** What a look-up told beside the price. */
export interface Told {
  /** By what the quote was counted, for the row; absent when the ledger's object says it. */
  amount?: bigint;
  currency?: string;
  rate?: Rate;
  /** How it stood before the call, for `conclude` to tell what is new: a subscription's last invoice. */
  before?: string;
  /** The account's prices for a day, by the vendor's names, so that nobody asks for them again. */
  prices?: ReadonlyMap<string, Micros>;
}

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
  /**
   * Who executes one idempotency key once for this request: the `vendor` (Stripe: any v1 POST); the
   * `proxy` alone, so that what was sent and not answered is never sent again; or `none`, because
   * repeating it costs and changes nothing.
   */
  readonly idempotency: 'vendor' | 'proxy' | 'none';
  /** Headers that choose whose money it is, present on this request: `stripe-account: acct_1`. */
  readonly onBehalfOf: readonly { header: string; value: string }[];
  /** Asks the vendor for the price when neither the request nor the ledger knows it; null: nobody does. */
  readonly lookUp: LookUp | null;
  /** The rate by which `amount` was counted; null when the request names no currency. */
  readonly rate: Rate | null;
  /**
   * By what the call can be found again at a vendor that does not list idempotency keys: a few
   * short texts (recipient, hash of the body). Kept on the row while the call is open. Null: by its
   * idempotency key, or not at all.
   */
  readonly clue: string | null;
  /** How it stood before the call, when a look-up told. */
  readonly before?: string;
}

/**
 * What the ledger learns of a vendor object from a reply. Amounts in minor units of its currency:
 * the ledger keeps the rate of the object's first sight, so that a payment that is captured next
 * week costs what was held for it, whatever its currency did meanwhile.
 */
export interface ObjectFact {
  readonly id: string;
  /** Other names of the same money: a PaymentIntent's latest charge. */
  readonly aliases: readonly string[];
  /** Lower case. */
  readonly currency: string;
  /** Pico-dollars per minor unit (a cent: 10,000,000,000); null without a rate. */
  readonly unit: Picos | null;
  /** The day of that rate; null for dollars, and without a rate. */
  readonly rateDate: string | null;
  /** The object's whole amount. */
  readonly amount: bigint;
  /**
   * `open`: money may still move, all holds stay. `final`: `moved` is what moved for good, the rest
   * of the holds comes back. `declined`: nothing moved by now and a new attempt would be priced
   * anew, so the holds come back.
   */
  readonly state: 'open' | 'final' | 'declined';
  /** With `final`: what moved. With `open`: what has moved by now; null: nothing, or it is not told. */
  readonly moved: bigint | null;
  /** What the vendor says was given back of it; null when the reply does not tell. */
  readonly refunded: bigint | null;
  /** The object that its money counts with from now on: an item's invoice. Absent: itself. */
  readonly partOf?: string;
}

/** What a reply means for the money. */
export interface Conclusion {
  /**
   * `settled`: the cost is known. `released`: proof that nothing moved. `held`: accepted, and the
   * money may still move or come back. `unknown`: the reply proves neither.
   */
  readonly outcome: 'settled' | 'released' | 'held' | 'unknown';
  /** With `settled`: what it cost; null: what was held for it. */
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

/** A request as it goes out. */
export interface Outbound {
  /** `https://api.stripe.com`, without a slash at its end: from the account and the vendor alone. */
  readonly baseUrl: string;
  /** With the query. */
  readonly path: string;
  /** Lower-case names. */
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

/** Where a call goes and with what: an account, as far as a vendor needs to know it. */
export interface Destination {
  readonly baseUrl: string;
  readonly credentials: Credentials;
}

/** A call whose money is open, for whoever looks at the vendor for what became of it. */
export interface OpenCall {
  readonly id: bigint;
  readonly at: number;
  /** When it was last sent: `at`, or later when a repetition went out under its hold. */
  readonly sentAt: number;
  /** The vendor account's name. */
  readonly account: string;
  /** `held`: answered, and the price or the money is still to come. `unknown`: sent, not answered. */
  readonly state: 'held' | 'unknown';
  readonly method: string;
  readonly path: string;
  readonly operation: string | null;
  readonly quote: Micros;
  readonly amount: bigint | null;
  readonly currency: string | null;
  /** The day of the rate by which `amount` was quoted; null for dollars. */
  readonly rateDate: string | null;
  /** The idempotency key that the vendor was sent, the client's or the proxy's own; null: none. */
  readonly idempotencyKey: string | null;
  readonly onBehalfOf: string | null;
  readonly vendorObjectId: string | null;
  readonly clue: string | null;
  /** How often it has been looked for. */
  readonly looks: number;
  /** Vendor objects of this time that other rows answer for: one is never two calls'. */
  readonly taken: ReadonlySet<string>;
}

/** What to do next about an open call. */
export type Investigation =
  /** Ask this; the reply is added to those that `investigate` is given. */
  | { next: 'look'; lookUp: LookUp }
  /** The vendor does not say yet. In milliseconds. */
  | { next: 'wait'; ms: number }
  /** It is known. `reply`: the answer that the caller never got, for a repetition of the call. */
  | { next: 'conclude'; conclusion: Conclusion; why: string; reply: VendorReply | null }
  /** The vendor will not say: an operator has to. */
  | { next: 'give_up'; why: string };

export interface Vendor {
  readonly name: string;
  readonly baseUrl: string;
  /** The fields that an account of this vendor consists of: `['secret']`. */
  readonly credentialFields: readonly string[];
  /** Further ones that an account may have. */
  readonly optionalFields?: readonly string[];
  /** Those of them that are no secrets: the vendor's replies show them. */
  readonly publicFields?: readonly string[];
  /**
   * Where a call to this vendor may carry its vault key, so that the vendor's own SDKs can send it;
   * absent: anywhere in Authorization, and nowhere else. A header that stands here never goes out
   * as it came in.
   */
  readonly keyPlaces?: readonly KeyPlace[];
  /** Largest request body, in bytes. */
  readonly bodyLimit: number;
  /**
   * How long after the first attempt the vendor still executes one idempotency key only once, in
   * milliseconds, with a margin; 0 when it does not at all.
   */
  readonly idempotencyWindowMs: number;
  /** Its header for idempotency keys, in lower case; absent: `idempotency-key`. */
  readonly idempotencyHeader?: string;
  /**
   * How long after its answer a call that is left open is looked for first, in milliseconds; null:
   * never. `held` ones wait for the money, `unknown` ones for whoever can tell.
   */
  readonly firstLookMs: { readonly held: number | null; readonly unknown: number | null };
  /** Headers that change what a request means: two requests that differ in one are not the same. */
  readonly identityHeaders: readonly string[];
  /** What the request means, or why it has two readings. */
  read(request: VendorRequest, tariff: Tariff): Reading | Refusal;
  /**
   * Why the request would act for somebody else than the account that it is sent for, which only the
   * account can tell; null: it would not. Without it, nothing in a request names an account.
   */
  checkScope?(request: VendorRequest, reading: Reading, destination: Destination): Refusal | null;
  /**
   * The request that goes out: the client's headers, less those that must not, with the real
   * credentials and the idempotency key (null: none).
   */
  outbound(
    request: VendorRequest,
    destination: Destination,
    idempotencyKey: string | null,
  ): Outbound;
  /** What the reply means. Never throws: what cannot be read is `unknown`. */
  conclude(reading: Reading, reply: VendorReply, tariff: Tariff): Conclusion;
  /**
   * What the reply to `reading.lookUp` (and to those that followed) tells of the price. Never
   * throws: what cannot be read is an `unpriced` quote. The last reply is the newest.
   */
  learn(reading: Reading, replies: readonly VendorReply[], tariff: Tariff): Learned;
  /**
   * How to find out at the vendor what became of an open call; `replies` to the looks so far. Only
   * looks, never executes. Null: nothing at this vendor tells.
   */
  investigate(
    call: OpenCall,
    replies: readonly VendorReply[],
    tariff: Tariff,
    now: number,
  ): Investigation | null;
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

/** Why the tariff has no rate for a currency. */
export function whyNoRate(currency: string, { missing }: Tariff): string {
  return missing.get(currency) ?? missing.get('*') ?? 'none is configured';
}
