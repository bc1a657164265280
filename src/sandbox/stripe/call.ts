/**
 * What a handler is given, and the small readings that many of them share: metadata, customers,
 * lists. A handler checks its parameters first and changes the books after, so that what throws
 * has changed nothing but what it says.
 */

import type { AccountBooks } from './account-books.ts';
import { readOptionalAmount } from './amounts.ts';
import { invalid, noSuch } from './errors.ts';
import type { Form } from './form.ts';
import type { Json } from './objects/kept.ts';
import { type RecordOf, render, type StripeRecord } from './records.ts';

export interface Call {
  books: AccountBooks;
  form: Form;
  /** The path's third segment (`/v1/charges/{id}`), or empty. */
  id: string;
  /** The path's fifth segment, or empty. */
  subId: string;
  /** The path as it was routed, for lists' `url`. */
  path: string;
  /** Seconds since 1970. */
  now: number;
}

export type Handler = (call: Call) => Json;

/** `POST /v1/charges/*`, a star for each id, and who answers it. */
export type Routes = readonly (readonly [string, Handler])[];

const NO_METADATA: Record<string, string> = {};

/** Metadata after this request: given keys replace, an empty value removes one. */
export function readMetadata(
  form: Form,
  before: Record<string, string> = NO_METADATA,
): Record<string, string> {
  const given = form.map('metadata');
  if (!given) return before;
  const merged = { ...before, ...given };
  for (const [key, value] of Object.entries(given)) if (value === '') delete merged[key];
  return merged;
}

/** An optional text: null when absent or emptied. */
export function readText(form: Form, name: string, before: string | null = null): string | null {
  const text = form.text(name);
  return text === undefined ? before : text || null;
}

/**
 * The customer of a payment. Any id is taken for one that the account has had for long, because the
 * code that users bring names customers of their own; one that was deleted here is gone.
 */
export function readCustomer(call: Call, before: string | null = null): string | null {
  const id = readText(call.form, 'customer', before);
  if (id && call.books.find('customer', id)?.deleted) throw noSuch('customer', id, 'customer');
  return id;
}

/** What a payment says of connected accounts: the platform's fee, and who gets the rest. */
export function readConnect({ form, books }: Call): {
  feeAmount: number | null;
  destination: string | null;
} {
  const feeAmount = readOptionalAmount(form, 'application_fee_amount') ?? null;
  const destination = readText(form, 'transfer_data[destination]');
  if (feeAmount !== null && !books.account && !destination) {
    throw invalid(
      'Can only apply an application_fee_amount when the request is made on behalf of another account.',
      'application_fee_amount',
    );
  }
  return { feeAmount, destination };
}

/** A copy to tell an event what changed; fields are replaced, so one level is enough. */
export function asItWas<Of extends StripeRecord>(record: Of): Of {
  return { ...record };
}

/** The object that the path names. Throws Stripe's 404. */
export function fromPath<Kind extends StripeRecord['object']>(
  call: Call,
  kind: Kind,
): RecordOf<Kind> {
  const record = call.books.find(kind, call.id);
  if (!record) throw noSuch(kind, call.id);
  return record;
}

/** Stripe's list: newest first, `limit` (1 to 100, default 10), `starting_after`, `created`. */
export function list(call: Call, records: StripeRecord[]): Json {
  return listOf(call, records, render);
}

export function listOf<Item extends { id: string; created: number }>(
  { form, path }: Call,
  items: Item[],
  show: (item: Item) => Json,
): Json {
  const limit = Math.min(Math.max(Number(form.text('limit') ?? 10) || 10, 1), 100);
  const inTime = items.filter(createdIn(form));
  const after = form.text('starting_after');
  const start = after ? inTime.findIndex((item) => item.id === after) + 1 : 0;
  if (after && start === 0) throw noSuch('object', after, 'starting_after');
  const page = inTime.slice(start, start + limit);
  return {
    object: 'list',
    data: page.map(show),
    has_more: inTime.length > start + limit,
    url: path,
  };
}

/** A list of API v2: its pages are addresses, and one page is enough here. */
export function listInV2<Item extends { created: number }>(
  { form }: Call,
  items: Item[],
  show: (item: Item) => Json,
): Json {
  const limit = Number(form.text('limit') ?? 20) || 20;
  const data = items.filter(createdIn(form)).slice(0, limit).map(show);
  return { data, next_page_url: null, previous_page_url: null };
}

/** `created=1700000000`, or `created[gte]` and the like; v2 writes times out. */
function createdIn(form: Form): (item: { created: number }) => boolean {
  const bound = (name: string, none: number) => {
    const text = form.text(`created[${name}]`);
    if (text === undefined) return none;
    return /^\d+$/.test(text) ? Number(text) : Date.parse(text) / 1000;
  };
  const from = Math.max(bound('gte', 0), bound('gt', -1) + 1);
  const to = Math.min(bound('lte', Infinity), bound('lt', Infinity) - 1);
  const exactly = form.text('created');
  return ({ created }) =>
    created >= from && created <= to && (exactly === undefined || created === Number(exactly));
}

/** Keeps those whose field equals the query parameter of that name, when it is given. */
export function filtered<Item>(
  form: Form,
  name: string,
  records: Item[],
  field: (record: Item) => string | null,
): Item[] {
  const wanted = form.text(name);
  return wanted === undefined ? records : records.filter((record) => field(record) === wanted);
}

/** Older stripe-python releases (5.0.0 does) write a boolean as Python prints it: `True`. */
export function readFlag(form: Form, name: string): boolean {
  const text = form.text(name)?.toLowerCase();
  if (text === undefined || text === 'false' || text === '') return false;
  if (text === 'true' || name === 'off_session') return true;
  throw invalid(`Invalid boolean: ${text}`, name);
}
