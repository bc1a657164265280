/**
 * A rule of the price table: how a call of one kind is priced from its fields, and, where only
 * Stripe knows, what to ask it first and what the answers mean. Rules are pure; the words in which
 * they refuse stand here, so that a reason reads the same whoever gives it.
 */
import type { Refusal } from '../../errors.ts';
import { canonicalForm, type Fields } from '../form.ts';
import type { Json } from '../reply.ts';
import type { Learned, LookUp, ObjectFact, Quote, Tariff } from '../vendor.ts';
import { MAX_MINOR, minorUnit, toMicros, whyNoUnit } from './currency.ts';

/** A call whose price is asked for. */
export interface Asked {
  /** The id in the path that the call acts on, if any. */
  readonly subject: string | null;
  readonly fields: Fields;
  readonly tariff: Tariff;
  /** Whose money it is and which version: every look-up carries them. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface Priced {
  readonly quote: Quote;
  /** Minor units as on the wire, signed; null when the request states none. */
  readonly amount: bigint | null;
  /** Lower case; null when the request states none. */
  readonly currency: string | null;
  readonly lookUp: LookUp | null;
  /** It opens a commitment that bills later, which other calls of the operation do not. */
  readonly commits?: true;
}

export interface Rule {
  /**
   * Where the price is. `nothing`: it moves no money. `change`: it moves none unless a field says
   * so. `fields`, `object`, `stripe`: those know it. `unknowable`: nobody does, so the key has to
   * say. `unread`: nobody has read what it does.
   */
  readonly by: 'nothing' | 'change' | 'fields' | 'object' | 'stripe' | 'unknowable' | 'unread';
  price(asked: Asked): Priced | Refusal;
  /**
   * What Stripe's answers tell, the newest last; all of them were successes. `quoted`: the quote of
   * `price`, which Stripe was asked for.
   */
  learn?(asked: Asked, told: readonly Json[], quoted: Quote): Learned;
}

export const FREE: Priced = { quote: { kind: 'free' }, amount: null, currency: null, lookUp: null };

/** What may stand in a look-up's path. */
export const ID = /^[A-Za-z0-9_]{1,255}$/;

/** Longer than any id of Stripe's. */
export const MAX_ID = 255;

export function noPrice(quote: Quote): Priced {
  return { ...FREE, quote };
}

/** Only Stripe knows, and this asks it. */
export function ask(what: string, lookUp: LookUp): Priced {
  return { ...FREE, quote: { kind: 'ask', reason: reasonOf(`only Stripe knows ${what}`) }, lookUp };
}

export function unpriced(why: string): Extract<Quote, { kind: 'unpriced' }> {
  return { kind: 'unpriced', reason: reasonOf(why) };
}

/** It states an amount whose currency has no rate. */
export function withoutRate(currency: string, tariff: Tariff): Quote {
  return { kind: 'unpriced', reason: reasonOf(whyNoUnit(currency, tariff)), noKeyPrice: true };
}

/** Stripe was asked, and its answer is none that tells: another time it may be. */
export function unanswered(why: string): Extract<Learned, { quote: Quote }> {
  return { quote: { ...unpriced(why), noKeyPrice: true } };
}

export function missing(field: string): Quote {
  return unpriced(`\`${field}\` is missing`);
}

function reasonOf(why: string): string {
  return `The cost cannot be known before it is sent: ${why}.`;
}

/** A price in minor units, as a quote and for the row; refused when the currency has no rate. */
export function priced(
  kind: 'exact' | 'bounded' | 'estimated',
  minor: bigint,
  currency: string,
  tariff: Tariff,
): Quote {
  if (minor > MAX_MINOR) return { ...unpriced('the amount is too large'), noKeyPrice: true };
  const micros = toMicros(minor, currency, tariff);
  return micros === null ? withoutRate(currency, tariff) : { kind, micros };
}

/** The same, told by a look-up. */
export function learnedPrice(
  kind: 'exact' | 'bounded' | 'estimated',
  minor: bigint,
  currency: string,
  tariff: Tariff,
): Extract<Learned, { quote: Quote }> {
  const quote = priced(kind, minor, currency, tariff);
  const found = minorUnit(currency, tariff);
  return { quote, amount: minor, currency, ...(found && { rate: found.rate }) };
}

/** The ledger prices by the object, of which this is the newest. */
export function learnedObject(fact: ObjectFact, quote: Quote, tariff: Tariff): Learned {
  return fact.unit === null
    ? { quote: withoutRate(fact.currency, tariff) }
    : { facts: [fact], quote };
}

export function notUnderstood(what: string): Learned {
  return unanswered(`Stripe answered with something else than ${what}`);
}

export function get({ headers }: Asked, path: string, expand?: string): LookUp {
  const query = expand === undefined ? '' : `expand%5B0%5D=${expand}`;
  return { method: 'GET', path, query, headers, body: '' };
}

/** A preview: a POST that makes nothing. */
export function preview({ headers }: Asked, path: string, fields: Fields): LookUp {
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  const body = canonicalForm(fields);
  return { method: 'POST', path, query: '', headers: { ...headers, ...type }, body };
}

export function topOf(name: string): string {
  const bracket = name.indexOf('[');
  return bracket < 0 ? name : name.slice(0, bracket);
}
