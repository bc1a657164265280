/**
 * What a handler is given, and the small readings that many of them share: metadata, customers,
 * lists. A handler checks its parameters first and changes the books after, so that what throws
 * has changed nothing but what it says.
 */
import type { StripeBooks } from './books.ts';
import { noSuch } from './errors.ts';
import type { Form } from './form.ts';
import type { RecordOf, StripeRecord } from './records.ts';
import { type Json, render } from './render.ts';

export interface Call {
  books: StripeBooks;
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

/** The object that the path names. Throws Stripe's 404. */
export function fromPath<Kind extends StripeRecord['object']>(
  call: Call,
  kind: Kind,
): RecordOf<Kind> {
  const record = call.books.find(kind, call.id);
  if (!record) throw noSuch(kind, call.id);
  return record;
}

/** Stripe's list: newest first, `limit` (1 to 100, default 10), `starting_after`. */
export function list(call: Call, records: StripeRecord[]): Json {
  const limit = Math.min(Math.max(Number(call.form.text('limit') ?? 10) || 10, 1), 100);
  const after = call.form.text('starting_after');
  const start = after ? records.findIndex((record) => record.id === after) + 1 : 0;
  const page = records.slice(start, start + limit);
  return {
    object: 'list',
    data: page.map(render),
    has_more: records.length > start + limit,
    url: call.path,
  };
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
