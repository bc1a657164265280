/**
 * Step 1, arrive: the listener's raw head becomes headers with one value each and a canonical
 * target. A header that came twice and that somebody may read either way is refused.
 */
import { type Refusal, refusal } from '../errors.ts';
import type { CallContext } from '../ledger/ledger.ts';
import { canonicalTarget } from './canonical.ts';

/** A request as the listener took it from the socket. */
export interface Incoming {
  readonly method: string;
  /** The request target as it was written. */
  readonly target: string;
  /** Name, value, name, value, as on the wire. */
  readonly rawHeaders: readonly string[];
  /** Reads the body: at most `limit` bytes; null when the client went away or sent too slowly. */
  readBody(limit: number): Promise<Uint8Array | 'too_large' | null>;
}

/** The head of a request, each header once. */
export interface Head {
  readonly method: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly path: string;
  readonly query: string;
  readonly context: CallContext;
  /** The head has two readings; the call is recorded and refused. */
  readonly fault: Refusal | null;
}

/** Lists by their definition (RFC 9110, 5.3): several lines mean the same as one with commas. */
const LISTS = new Set(['accept', 'accept-language', 'accept-encoding', 'cache-control', 'via']);

const MAX_LABEL = 256;

export function arrive(incoming: Incoming): Head {
  const headers = new Map<string, string>();
  let fault: Refusal | null = null;
  for (let i = 0; i < incoming.rawHeaders.length; i += 2) {
    const name = incoming.rawHeaders[i]!.toLowerCase();
    const value = incoming.rawHeaders[i + 1]!;
    const before = headers.get(name);
    if (before === undefined) headers.set(name, value);
    else if (LISTS.has(name)) headers.set(name, `${before}, ${value}`);
    else fault ??= refusal('request_ambiguous', `The header ${name} came more than once.`);
  }
  const target = canonicalTarget(incoming.target);
  const canonical = 'code' in target ? null : target;
  if ('code' in target) fault ??= target;
  return {
    method: incoming.method,
    headers,
    path: canonical?.path ?? rowPath(incoming.target),
    query: canonical?.query ?? '',
    context: contextOf(headers),
    fault: fault ?? methodOverride(headers),
  };
}

function methodOverride(headers: ReadonlyMap<string, string>): Refusal | null {
  for (const name of ['x-http-method-override', 'x-http-method', 'x-method-override']) {
    if (headers.has(name)) {
      return refusal(
        'request_ambiguous',
        `The header ${name} names a second method; leave it out.`,
      );
    }
  }
  return null;
}

function contextOf(headers: ReadonlyMap<string, string>): CallContext {
  const text = (name: string) => headers.get(name)?.slice(0, MAX_LABEL) || null;
  const attempt = headers.get('x-keybrake-attempt');
  return {
    runId: text('x-keybrake-run-id') ?? text('x-agent-run-id'),
    taskId: text('x-keybrake-task-id'),
    taskName: text('x-keybrake-task-name'),
    attempt: attempt && /^\d{1,9}$/.test(attempt) ? Number(attempt) : null,
    traceId: /^00-([0-9a-f]{32})-/.exec(headers.get('traceparent') ?? '')?.[1] ?? null,
  };
}

/** What a refused target leaves in its row: bounded, and without a key that stood in the path. */
function rowPath(target: string): string {
  return target
    .split('?', 1)[0]!
    .replace(/vault_key_[0-9A-Za-z_~]+/g, 'vault_key_…')
    .slice(0, MAX_LABEL);
}
