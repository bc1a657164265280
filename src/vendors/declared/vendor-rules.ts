/**
 * A description made ready for calls: its endpoints with their expressions, its prices and headers
 * in maps. Made once when the file is read.
 */
import { headerOfPlace } from '../../credential.ts';
import { endpointExpression } from '../endpoints.ts';
import type { Prices } from './measure.ts';
import type { Description, Endpoint } from './schema.ts';

export interface Rules {
  readonly description: Description;
  readonly prices: Prices;
  /** Headers that carry credentials, this way or that; without Authorization. */
  readonly authHeaders: ReadonlySet<string>;
  /** The first endpoint that the call is. */
  find(method: string, path: string): { endpoint: Endpoint; id: string | null } | null;
  byName(operation: string | null): Endpoint | null;
}

export function rulesOf(description: Description): Rules {
  const { endpoints, prices = {}, auth_in = [], auth_out } = description;
  const compiled = endpoints.map((endpoint) => ({
    endpoint,
    expression: endpointExpression(endpoint.match)!,
    hasId: /\{/.test(endpoint.match),
  }));
  const named = new Map(endpoints.flatMap((each) => (each.name ? [[each.name, each]] : [])));
  const authHeaders = new Set([
    ...auth_in.map(headerOfPlace).filter((name) => name !== 'authorization'),
    ...Object.keys(auth_out.headers ?? {}),
  ]);
  return {
    description,
    prices: new Map(Object.entries(prices)),
    authHeaders,
    find(method, path) {
      const line = `${method} ${path}`;
      for (const { endpoint, expression, hasId } of compiled) {
        const match = expression.exec(line);
        if (match) return { endpoint, id: hasId ? idIn(match.slice(1)) : null };
      }
      return null;
    },
    byName: (operation) => (operation === null ? null : (named.get(operation) ?? null)),
  };
}

/** Longer than any id. */
const MAX_ID = 255;

/** What the first wildcard stands for, when it can be an id. */
function idIn([id = '']: readonly string[]): string | null {
  return id !== '' && id.length <= MAX_ID && !id.includes('/') ? id : null;
}
