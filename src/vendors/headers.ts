/**
 * Which of a client's headers may go on to a vendor, whichever it is. Credentials, what concerns
 * this connection alone, what is addressed to Keybrake and what tells of the client's network stay
 * here; each vendor then adds its own. What a vendor adds comes last, so nothing that a client
 * sends (a `Connection` that names `authorization`, say) can take it away again.
 */
import { IN_AUTHORIZATION, type KeyPlace } from '../credential.ts';
import type { Vendor } from './vendor.ts';

const STAYS = new Set([
  // of this connection (RFC 9110, 7.6.1)
  ...['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'expect'],
  ...['host', 'content-length'],
  // credentials of the client, and the key that the proxy decides on
  ...['authorization', 'cookie', 'idempotency-key'],
  // replies are read, so they must come in clear
  'accept-encoding',
  // of the run and its network: recorded where it is wanted, the vendor's business nowhere
  ...['x-agent-run-id', 'traceparent', 'tracestate', 'baggage'],
  ...['forwarded', 'via', 'x-real-ip'],
]);
const STAYS_WITH = /^(?:x-keybrake-|x-forwarded-|proxy-)/;

const METHOD_OVERRIDES = ['x-http-method-override', 'x-http-method', 'x-method-override'];

/** The header by which a request names a second method, if it has one. */
export function methodOverride(headers: ReadonlyMap<string, string>): string | undefined {
  return METHOD_OVERRIDES.find((name) => headers.has(name));
}

/** The headers beside Authorization in which a vault key may come, for any of these vendors. */
export function keyHeaders(vendors: Iterable<Pick<Vendor, 'keyPlaces'>>): string[] {
  const places = new Set<KeyPlace>();
  for (const vendor of vendors) for (const place of vendor.keyPlaces ?? []) places.add(place);
  return [...places].filter((place) => !IN_AUTHORIZATION.includes(place));
}

/** The client's headers that go on, in a new object; `accept-encoding` is set to `identity`. */
export function forwardable(headers: ReadonlyMap<string, string>): Record<string, string> {
  const named = headers.get('connection');
  const dropped = named === undefined ? null : namesIn(named);
  const out: Record<string, string> = { 'accept-encoding': 'identity' };
  for (const [name, value] of headers) {
    if (STAYS.has(name) || STAYS_WITH.test(name) || dropped?.has(name)) continue;
    out[name] = value;
  }
  return out;
}

/** The names in a `Connection` header. How the body is to be read is not for it to take away. */
function namesIn(connection: string): Set<string> {
  const names = new Set(connection.split(',').map((name) => name.trim().toLowerCase()));
  names.delete('content-type');
  return names;
}
