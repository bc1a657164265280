/**
 * What a handler of the fake Resend is given, and what it answers. A handler checks its request
 * first and changes the books after, so that what throws has changed nothing.
 */
import type { ResendBooks } from './books.ts';

export interface Context {
  books: ResendBooks;
  /** The body's JSON; undefined where there was no body. */
  json: unknown;
  query: URLSearchParams;
  /** Lower-case names. */
  headers: Record<string, string>;
  /** What the path names. */
  names: string[];
  /** Milliseconds since 1970. */
  now: number;
}

export interface Outcome {
  status: number;
  body: Record<string, unknown>;
}

export type Handler = (context: Context) => Outcome;

export const found = (body: Record<string, unknown>): Outcome => ({ status: 200, body });
export const created = (body: Record<string, unknown>): Outcome => ({ status: 201, body });

/** Resend's list: newest first, `limit` (1 to 100, default 20), `after` and `before` an id. */
export function list<Item extends { id: string }>({ query }: Context, items: Item[]): Outcome {
  const limit = Math.min(Math.max(Number(query.get('limit') ?? 20) || 20, 1), 100);
  const after = items.findIndex(({ id }) => id === query.get('after')) + 1;
  const before = items.findIndex(({ id }) => id === query.get('before'));
  const start = before >= 0 ? Math.max(before - limit, 0) : after;
  const end = before >= 0 ? before : start + limit;
  return found({
    object: 'list',
    has_more: before >= 0 ? start > 0 : items.length > end,
    data: items.slice(start, end),
  });
}
