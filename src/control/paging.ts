/**
 * Cursor pages: how a list is asked for a part and says where the next begins. A cursor is the
 * handle of the last row shown, so that it stays right while new rows arrive.
 */
import { z } from 'zod';
import { type HandleKind, handle, parseHandle } from '../ids.ts';
import type { Page, PageQuery } from '../ledger/ledger.ts';
import { pageLimit } from './fields.ts';

const DEFAULT_LIMIT = 50;

/** The query parameters of a list whose rows have handles of this kind. */
export function pageFields(kind: HandleKind) {
  return {
    limit: pageLimit.optional(),
    cursor: handleField(kind, 'a next_cursor of this list').optional(),
  };
}

/** A field that holds a handle; gives the id. */
export function handleField(kind: HandleKind, what: string) {
  return z
    .string()
    .transform((text, context): bigint => {
      const id = parseHandle(kind, text);
      if (id !== undefined) return id;
      context.addIssue({ code: 'custom', message: `must be ${what} (${kind}_…)` });
      return z.NEVER;
    })
    .meta({ pattern: `^${kind}_[0-9a-z]{13}$` });
}

export function pageQuery(query: {
  limit?: number | undefined;
  cursor?: bigint | undefined;
}): PageQuery {
  const limit = query.limit ?? DEFAULT_LIMIT;
  return query.cursor === undefined ? { limit } : { limit, before: query.cursor };
}

export function pageView<T>(kind: HandleKind, page: Page<T>, view: (row: T) => unknown) {
  return {
    data: page.rows.map(view),
    next_cursor: page.next === null ? null : handle(kind, page.next),
  };
}
