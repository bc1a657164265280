/**
 * Step 1, arrive: the listener's raw head becomes headers with one value each and a canonical
 * target. A header that came twice and that somebody may read either way is refused; so is a second
 * credential, or one in a place for none, and none gets into what is recorded.
 */
import { type Credential, findCredential, headerOfPlace } from '../credential.ts';
import { type Refusal, refusal } from '../errors.ts';
import type { CallContext } from '../ledger/ledger.ts';
import { surelyHoldsCredential, withoutCredentials } from '../secrecy.ts';
import { methodOverride } from '../vendors/headers.ts';
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
  /** `then` is called when the client goes away before its answer was written whole. */
  onHangUp(then: () => void): void;
}

/** The head of a request, each header once. */
export interface Head {
  readonly method: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly path: string;
  readonly query: string;
  readonly context: CallContext;
  /** The vault key that the call is under; null: there is none. */
  readonly credential: Credential | null;
  /** The head has two readings; the call is recorded and refused. */
  readonly fault: Refusal | null;
}

/** Lists by their definition (RFC 9110, 5.3): several lines mean the same as one with commas. */
const LISTS = new Set(['accept', 'accept-language', 'accept-encoding', 'cache-control', 'via']);

const MAX_LABEL = 256;

/** `keyHeaders`: the vendors' own headers for keys, in lower case. */
export function arrive(incoming: Incoming, keyHeaders: readonly string[]): Head {
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
  const { path, query } = 'code' in target ? { path: rowPath(incoming.target), query: '' } : target;
  if ('code' in target) fault ??= target;
  const credential = findCredential(headers, keyHeaders);
  return {
    method: incoming.method,
    headers,
    path: withoutCredentials(path),
    query,
    context: contextOf(headers),
    credential,
    fault:
      fault ??
      secondReading(headers) ??
      secondCredential(headers, credential) ??
      misplaced(headers, credential, path, query),
  };
}

function secondReading(headers: ReadonlyMap<string, string>): Refusal | null {
  const name = methodOverride(headers);
  if (name) return ambiguous(`The header ${name} names a second method; leave it out.`);
  const coding = headers.get('transfer-encoding') ?? 'chunked';
  if (coding.trim().toLowerCase() === 'chunked') return null;
  return ambiguous('The body is compressed for the way; send it plain or `chunked`.');
}

/** Authorization beside a vendor's own header: two answers to whose request it is. */
function secondCredential(
  headers: ReadonlyMap<string, string>,
  credential: Credential | null,
): Refusal | null {
  const header = credential === null ? 'authorization' : headerOfPlace(credential.place);
  if (header === 'authorization' || !headers.has('authorization')) return null;
  return ambiguous(`The request has credentials in ${header} and in Authorization; send one.`);
}

/** Recorded here and not sent on: a credential in one of these is taken out of the record. */
const OF_THE_RUN = /^x-(?:keybrake-|agent-run-id$)/;

/** A credential that would be sent on: to the vendor's log, and to whoever reads that. */
function misplaced(
  headers: ReadonlyMap<string, string>,
  credential: Credential | null,
  path: string,
  query: string,
): Refusal | null {
  const own = credential === null ? 'authorization' : headerOfPlace(credential.place);
  const where = surelyHoldsCredential(path)
    ? 'path'
    : surelyHoldsCredential(decoded(query))
      ? 'query'
      : headerWithCredential(headers, own);
  if (!where) return null;
  const right = own === 'authorization' ? 'Authorization' : own;
  return ambiguous(`A credential stands in the ${where}; it goes into ${right} alone.`);
}

/** `own`: the header that a credential is expected in. */
function headerWithCredential(headers: ReadonlyMap<string, string>, own: string): string | null {
  for (const [name, value] of headers) {
    if (name === own || OF_THE_RUN.test(name)) continue;
    if (surelyHoldsCredential(value)) return `header ${name}`;
  }
  return null;
}

function ambiguous(message: string): Refusal {
  return refusal('request_ambiguous', message);
}

function contextOf(headers: ReadonlyMap<string, string>): CallContext {
  const text = (name: string) => recorded(headers.get(name));
  const attempt = headers.get('x-keybrake-attempt');
  return {
    runId: text('x-keybrake-run-id') ?? text('x-agent-run-id'),
    taskId: text('x-keybrake-task-id'),
    taskName: text('x-keybrake-task-name'),
    attempt: attempt && /^\d{1,9}$/.test(attempt) ? Number(attempt) : null,
    traceId: /^00-([0-9a-f]{32})-/.exec(headers.get('traceparent') ?? '')?.[1] ?? null,
  };
}

/** What a client says of its run, as it may be kept: bounded, printable, without a credential. */
export function recorded(text: string | null | undefined): string | null {
  if (!text) return null;
  return withoutCredentials(text.replace(/[\x00-\x1f\x7f-\x9f]/g, '?')).slice(0, MAX_LABEL);
}

/** What a refused target leaves in its row: as it came, unless a credential hides in its escapes. */
function rowPath(target: string): string {
  const path = target.split('?', 1)[0]!;
  const plain = decoded(path);
  return (surelyHoldsCredential(plain) ? withoutCredentials(plain) : path).slice(0, MAX_LABEL);
}

/** Escapes of letters, digits and `_` resolved, also those that were escaped more than once. */
function decoded(text: string): string {
  let plain = text;
  for (let i = 0; i < 4 && plain.includes('%'); i++) {
    plain = plain.replace(/%(25|[3-7][0-9A-F])/gi, (_, code: string) =>
      String.fromCharCode(Number.parseInt(code, 16)),
    );
  }
  return plain;
}
