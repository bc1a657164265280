/**
 * What became of a call that was left open, by looking alone: at the events that name its
 * idempotency key, and at the object that it made or acted on. Gives money back only on proof: a
 * decline that the object states, or that nothing was carried out when it must show by now.
 */

import { integerIn, type Json, readJson, textIn } from '../reply.ts';
import type { Conclusion, Investigation, OpenCall, Tariff, VendorReply } from '../vendor.ts';
import { conclude } from './conclude.ts';
import { lookAt, type Search, searchEvents } from './events.ts';
import { findingInError } from './facts.ts';
import { makesObject, pathOf, readingOf, subjectOf, tariffThen } from './open-call.ts';
import { operationOf } from './operations.ts';
import { priceOf } from './prices.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** Events and objects show what was carried out within seconds; this is the margin for a bad day. */
const SHOWS_BY_MS = 10 * MINUTE_MS;

/** How often it is looked: after the first pause, then each twice as long, up to the longest. */
const PAUSES = {
  held: { first: MINUTE_MS, longest: 6 * HOUR_MS },
  unknown: { first: 2 * SECOND_MS, longest: HOUR_MS },
};

/** Bank debits and payouts take days, and an authorisation stands for up to 30. */
const GIVE_UP_MS = { held: 31 * 24 * HOUR_MS, unknown: 24 * HOUR_MS };

/** In milliseconds after its answer, or after the one that never came. */
export const FIRST_LOOK_MS = { held: PAUSES.held.first, unknown: PAUSES.unknown.first };

interface Making {
  /** The events to look through, as a query. */
  events: string;
  /** The type of the object that they are of; null: of another one than was made. */
  type: string | null;
}

/** What always makes an event when it is carried out, so that the absence of one is proof. */
const MAKES: ReadonlyMap<string, Making> = new Map([
  making('payment_intents', 'payment_intent'),
  making('charges', 'charge', 'type=charge.*'),
  making('refunds', 'refund', 'types[0]=refund.created&types[1]=charge.refunded'),
  making('payouts', 'payout'),
  making('topups', 'topup'),
  making('transfers', 'transfer'),
  making('transfers.reversals', null, 'type=transfer.reversed'),
  making('application_fees.refunds', null, 'type=application_fee.refunded'),
  making('invoiceitems', 'invoiceitem'),
  making('credit_notes', 'credit_note'),
  making('subscriptions', 'subscription', 'type=customer.subscription.created'),
  making('climate.orders', 'climate.order'),
  making('treasury.outbound_payments', 'treasury.outbound_payment'),
  making('treasury.outbound_transfers', 'treasury.outbound_transfer'),
  making('treasury.inbound_transfers', 'treasury.inbound_transfer'),
]);

function making(
  resource: string,
  type: string | null,
  events = `type=${type}.created`,
): [string, Making] {
  return [`${resource}.create`, { events, type }];
}

/** Events of an attempt to pay that a request made. */
const ATTEMPTS = ['processing', 'requires_action', 'payment_failed', 'amount_capturable_updated']
  .map((end, index) => `types[${index}]=payment_intent.${end}`)
  .join('&');

const UNCONFIRMED = new Set(
  'requires_payment_method requires_confirmation requires_source'.split(' '),
);

/**
 * Whether an object whose money is open shows that the call on it was carried out, or that it was
 * not. Null: neither, as of an authorisation of which a part was captured before.
 */
const SHOWS: ReadonlyMap<string, (object: Json, call: OpenCall) => boolean | null> = new Map([
  ['payment_intents.confirm', ({ status }: Json) => !UNCONFIRMED.has(String(status))],
  [
    'payment_intents.capture',
    ({ status, amount_received }: Json) =>
      status === 'requires_capture' && !amount_received ? false : null,
  ],
  ['payment_intents.increment_authorization', hasItsAmount],
  ['payment_intents.update', hasItsAmount],
  [
    'charges.capture',
    ({ status, captured }: Json) => (status === 'succeeded' && captured === false ? false : null),
  ],
]);

function hasItsAmount(object: Json, { amount }: OpenCall): boolean | null {
  if (amount === null) return null;
  if (integerIn(object.amount) === amount) return true;
  const status = String(object.status);
  return UNCONFIRMED.has(status) || status === 'requires_capture' ? false : null;
}

export function investigate(
  call: OpenCall,
  replies: readonly VendorReply[],
  tariff: Tariff,
  now: number,
): Investigation | null {
  const { method, path, quote } = call;
  const v1 = path.startsWith('/v1/');
  if (quote === 0n && (!v1 || isFree(call))) {
    return released('It counts for nothing, whether it was carried out or not.');
  }
  // A DELETE has no idempotency key, and v2 has events without them.
  if (!v1 || method !== 'POST') return null;
  const look = new Look(call, replies, tariff, now);
  if (call.state === 'held') return look.atHeld();
  const shows = SHOWS.get(call.operation ?? '');
  return shows ? look.atSubject(shows) : look.atEvents();
}

/** Of those that are free unless they state money, the ones that stated none. */
const FREE_WITHOUT_AMOUNT = new Set(['nothing', 'change']);
/** What only a key can have priced, and what a preview did. */
const COUNTED_AS_QUOTED = new Set(['unknowable', 'unread', 'stripe']);

function isFree({ method, path, amount, currency }: OpenCall): boolean {
  if (amount !== null || currency !== null) return false;
  return FREE_WITHOUT_AMOUNT.has(priceOf(method, operationOf(method, path)).by);
}

/** One look at one call: each method ends in what is next. */
class Look {
  readonly #call: OpenCall;
  readonly #replies: readonly VendorReply[];
  readonly #tariff: Tariff;
  readonly #now: number;

  constructor(call: OpenCall, replies: readonly VendorReply[], tariff: Tariff, now: number) {
    this.#call = call;
    this.#replies = replies;
    this.#tariff = tariff;
    this.#now = now;
  }

  /** Answered, and the money may still move: the object says whether it has by now. */
  atHeld(): Investigation {
    const { vendorObjectId: id } = this.#call;
    if (id === null) return this.#later('its answer named no object');
    return this.#at(id, 0, (object, told) => {
      const stands = `${id} is ${statusOf(object)}`;
      if (told.outcome === 'settled') return known(told, `${stands}.`);
      const { vendorObjectId: now } = told;
      if (told.outcome === 'held' && now !== null && now !== id)
        return known(told, `${stands}, on ${now}.`);
      if (told.outcome !== 'held') return this.#later(`${stands}, and no amount of it counts`);
      if (told.objects.some(({ state }) => state !== 'open')) return known(told, `${stands}.`);
      return this.#declined(object, false) ?? this.#later(stands);
    });
  }

  /** Sent and not answered: its events show whether it was carried out, and what it made. */
  atEvents(): Investigation {
    const { idempotencyKey, operation } = this.#call;
    if (idempotencyKey === null) return this.#later('it had no idempotency key');
    const makes = MAKES.get(operation ?? '');
    const search = searchEvents(this.#call, makes?.events ?? '', this.#replies, this.#now);
    switch (search.kind) {
      case 'page':
        return { next: 'look', lookUp: search.lookUp };
      case 'blind':
        return this.#later(search.why);
      case 'found':
        return this.#carriedOut(search, makes?.type ?? null);
      case 'absent': {
        const none = `Stripe has no event of its idempotency key ${search.when}`;
        if (!makes || !this.#showsByNow) return this.#later(none);
        return released(`${none}: it was not carried out.`);
      }
    }
  }

  #carriedOut(
    { traces, used }: Extract<Search, { kind: 'found' }>,
    type: string | null,
  ): Investigation {
    const made = traces.find(({ object }) => type !== null && object.object === type);
    const why = `the event ${(made ?? traces[0]!).id} names its idempotency key`;
    const id = made ? textIn(made.object.id) : subjectOf(this.#call);
    if (id === null || (!made && makesObject(this.#call))) return this.#atItsQuote(why);
    return this.#at(id, used, (object, told) => {
      const declined = this.#declined(object, true);
      if (declined) return declined;
      if (told.outcome !== 'settled' && told.outcome !== 'held') return this.#atItsQuote(why);
      return known(told, `${id} is ${statusOf(object)}; ${why}.`);
    });
  }

  /**
   * It was carried out. What it cost is what was quoted if that is its own amount, a preview's, or
   * the key's price.
   */
  #atItsQuote(why: string): Investigation {
    const { method, path, operation, amount, quote } = this.#call;
    const stated = amount !== null && makesObject(this.#call) && !PAYMENTS.has(operation!);
    const { by } = priceOf(method, operationOf(method, path));
    const byOthers = COUNTED_AS_QUOTED.has(by) && quote > 0n;
    if (!stated && !byOthers)
      return this.#later(`it was carried out (${why}), at a cost not known`);
    return known(concluded('settled', quote), `It was carried out: ${why}.`);
  }

  /** Sent and not answered, and it acts on an object: how that stands tells. */
  atSubject(shows: (object: Json, call: OpenCall) => boolean | null): Investigation {
    return this.#at(subjectOf(this.#call) ?? '', 0, (object, told) => {
      const stands = `${textIn(object.id)} is ${statusOf(object)}`;
      const [fact] = told.objects;
      if (told.outcome !== 'held' || !fact) return this.#later(`${stands}, and no amount counts`);
      const done = fact.state === 'final' || shows(object, this.#call);
      if (done) return known(told, `${stands}.`);
      if (done === null || !this.#showsByNow) return this.#later(stands);
      // Declined, or never carried out: either way no attempt of it is under way any more.
      return (
        this.#declined(object, true) ??
        released(`${stands}, so it was not carried out.`, textIn(object.id))
      );
    });
  }

  /** Looks at the object; `used`: how many replies are those of earlier questions. */
  #at(
    id: string,
    used: number,
    then: (object: Json, told: Conclusion) => Investigation,
  ): Investigation {
    const path = pathOf(this.#call, id);
    if (path === null) return this.#later(`where to look for ${id} is not known`);
    const reply = this.#replies[used];
    if (!reply) return { next: 'look', lookUp: lookAt(this.#call, path) };
    const object = reply.status === 200 ? readJson(reply) : null;
    if (object?.id !== id) return this.#later(`Stripe answered ${reply.status} to GET ${path}`);
    const tariff = tariffThen(this.#call, object, this.#tariff);
    return then(object, conclude(readingOf(this.#call, id), reply, tariff));
  }

  /**
   * An attempt to pay failed, and the PaymentIntent waits for another method. That gives back what
   * the call holds when the attempt was the call's own (`own`: as far as the caller knows). One that
   * was made to be confirmed by the customer stays counted: there the next attempt passes nobody.
   */
  #declined(object: Json, own: boolean): Investigation | null {
    const { operation } = this.#call;
    if (object.object !== 'payment_intent' || object.last_payment_error == null) return null;
    const fact = findingInError(object, 402, this.#tariff);
    if (fact === null || fact === 'attached' || fact.state !== 'declined') return null;
    const conclusion = { ...concluded('held', null), vendorObjectId: fact.id, objects: [fact] };
    const declined = known(conclusion, `${fact.id} was declined.`);
    if (own || operation === 'payment_intents.confirm') return declined;
    if (operation !== 'payment_intents.create') return null;
    const attempts = searchEvents(this.#call, ATTEMPTS, this.#replies.slice(1), this.#now);
    if (attempts.kind === 'page') return { next: 'look', lookUp: attempts.lookUp };
    return attempts.kind === 'found' ? declined : null;
  }

  get #showsByNow(): boolean {
    return this.#now >= this.#call.sentAt + SHOWS_BY_MS;
  }

  #later(why: string): Investigation {
    const { state, sentAt, looks } = this.#call;
    const age = this.#now - sentAt;
    if (age >= GIVE_UP_MS[state]) return { next: 'give_up', why: `It is not known: ${why}.` };
    const { first, longest } = PAUSES[state];
    const pause = Math.min(first * 2 ** Math.min(looks, 20), longest);
    // What is proof only after a while is asked for when it is.
    const soon = state === 'unknown' && age < SHOWS_BY_MS && age + pause > SHOWS_BY_MS;
    return { next: 'wait', ms: soon ? SHOWS_BY_MS - age : pause };
  }
}

/** A payment's request states its amount, and only the object says whether it was taken. */
const PAYMENTS = new Set(['payment_intents.create', 'charges.create']);

function statusOf({ status }: Json): string {
  return textIn(status) ?? 'there';
}

function known(conclusion: Conclusion, why: string): Investigation {
  return { next: 'conclude', conclusion, why, reply: null };
}

function released(why: string, vendorObjectId: string | null = null): Investigation {
  return known({ ...concluded('released', null), vendorObjectId }, why);
}

function concluded(outcome: Conclusion['outcome'], cost: bigint | null): Conclusion {
  return {
    ...{ outcome, cost, repeatable: false, replayedByVendor: false },
    ...{ vendorRequestId: null, vendorObjectId: null, objects: [] },
  };
}
