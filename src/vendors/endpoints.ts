/**
 * `allowed_endpoints`: the three forms of an entry, what is wrong with one, and whether a call is
 * covered. An entry covers a whole path or a whole operation name, never the beginning of one:
 * `/v1/charges` does not cover `/v1/charges/ch_1/capture`. What cannot be read covers nothing.
 */
import type { Micros } from '../money.ts';

/** The part of a call that entries look at. The path is canonical, the operation the vendor's. */
export interface EndpointCall {
  readonly method: string;
  readonly path: string;
  readonly operation: string | null;
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'];
const LONGEST = 500;

const OPERATION = /^[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+$/;
const OPERATION_GROUP = /^[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*\.\*$/;
const WILDCARD = /^(?:\*|\{[A-Za-z][A-Za-z0-9_]*\})$/;
const LITERAL = /^[A-Za-z0-9_~@:.-]+$/;

/**
 * What is wrong with an entry, or null. The forms:
 * - `POST /v1/payment_intents`, a method and a path; `/v1/charges`, a path with any method. In a
 *   path `{name}` and `*` stand for one segment, and `/**` at the end for one segment or more:
 *   `/v1/charges/**` covers what lies below the collection and not the collection.
 * - `payment_intents.create`, an operation; `payment_intents.*`, every operation below that name,
 *   also `payment_intents.lines.list`.
 */
export function checkEndpointPattern(pattern: string): string | null {
  if (pattern.length > LONGEST) return `must not be longer than ${LONGEST} characters`;
  if (pattern !== pattern.trim() || pattern === '')
    return 'must not be empty or begin or end blank';
  const { method, path, operation } = partsOf(pattern);
  if (operation !== null) return checkOperation(operation);
  if (method !== null && !METHODS.includes(method)) {
    return `must begin with a method (${METHODS.join(', ')}), a single space and a path`;
  }
  return checkPath(path!);
}

function checkOperation(name: string): string | null {
  if (OPERATION.test(name) || OPERATION_GROUP.test(name)) return null;
  return (
    'must be `METHOD /path`, `/path`, or an operation such as `payment_intents.create` or ' +
    '`payment_intents.*`, in lower case'
  );
}

function checkPath(path: string): string | null {
  if (!path.startsWith('/')) return 'must have a path that begins with `/`';
  const segments = path.slice(1).split('/');
  if (segments.at(-1) === '**') segments.pop();
  if (segments.length === 0) return 'must name at least one segment before `/**`';
  for (const segment of segments) {
    if (segment === '') return 'must have no empty segment, and no `/` at the end';
    if (segment === '**') return 'may have `**` only at the end';
    if (segment === '.' || segment === '..') return 'must have no dot segment';
    if (WILDCARD.test(segment) || LITERAL.test(segment)) continue;
    if (/[*{}]/.test(segment)) return 'must use `*` and `{name}` for a whole segment';
    // The segment is not repeated: it may be a secret that was pasted into the wrong place.
    return 'must be a plain path: a segment has only letters, digits and _~@:.-';
  }
  return segments.every((segment) => WILDCARD.test(segment)) ? 'must name what it allows' : null;
}

function partsOf(pattern: string): {
  method: string | null;
  path: string | null;
  operation: string | null;
} {
  const space = pattern.indexOf(' ');
  if (space >= 0) {
    const path = pattern.slice(space + 1);
    return { method: pattern.slice(0, space), path, operation: null };
  }
  if (pattern.startsWith('/')) return { method: null, path: pattern, operation: null };
  return { method: null, path: null, operation: pattern };
}

/**
 * One test for all entries. Entries without wildcards, the common ones, cost three look-ups
 * however many they are.
 */
export function compileEndpoints(patterns: readonly string[]): (call: EndpointCall) => boolean {
  const exact = new Set<string>();
  const groups: string[] = [];
  const wild: RegExp[] = [];
  for (const pattern of patterns) {
    if (checkEndpointPattern(pattern) !== null) continue;
    const { method, path, operation } = partsOf(pattern);
    if (operation?.endsWith('.*')) groups.push(operation.slice(0, -1));
    else if (operation !== null || !/[*{]/.test(path!)) exact.add(pattern);
    else wild.push(expression(method, path!));
  }
  return ({ method, path, operation }) => {
    const line = `${method} ${path}`;
    if (exact.has(line) || exact.has(path)) return true;
    if (wild.some((each) => each.test(line))) return true;
    if (operation === null) return false;
    return exact.has(operation) || groups.some((group) => operation.startsWith(group));
  };
}

/** Whether one entry covers the call. */
export function matchesEndpoint(pattern: string, call: EndpointCall): boolean {
  return compileEndpoints([pattern])(call);
}

/**
 * What a list of prices by entry says of the call; null: nothing. Of several entries the dearest
 * counts, so that no order of them makes a call cheaper.
 */
export function keyPrice(
  prices: Readonly<Record<string, Micros>>,
  call: EndpointCall,
): Micros | null {
  let dearest: Micros | null = null;
  for (const pattern in prices) {
    const price = prices[pattern]!;
    if ((dearest === null || price > dearest) && matchesEndpoint(pattern, call)) dearest = price;
  }
  return dearest;
}

/** Matches `POST /v1/x`; its groups are what wildcards stand for. Null for an operation. */
export function endpointExpression(pattern: string): RegExp | null {
  const { method, path } = partsOf(pattern);
  return path === null ? null : expression(method, path);
}

/** Whether the first of two patterns with a path takes every call that the second does. */
export function endpointCovers(pattern: string, other: string): boolean {
  const [a, b] = [partsOf(pattern), partsOf(other)];
  if (a.path === null || b.path === null) return pattern === other;
  if (a.method !== null && a.method !== b.method) return false;
  const [wide, narrow] = [a.path.split('/'), b.path.split('/')];
  for (const [index, segment] of wide.entries()) {
    const theirs = narrow[index];
    if (segment === '**') return theirs !== undefined;
    if (theirs === undefined || theirs === '**') return false;
    if (segment !== theirs && !WILDCARD.test(segment)) return false;
  }
  return narrow.length === wide.length;
}

function expression(method: string | null, path: string): RegExp {
  const segments = path.slice(1).split('/');
  const text = segments.map((segment) => {
    if (segment === '**') return '((?:/[^/]+)+)';
    return WILDCARD.test(segment) ? '/([^/]+)' : `/${segment.replaceAll('.', '\\.')}`;
  });
  return new RegExp(`^${method ?? '[A-Z]+'} ${text.join('')}$`);
}
