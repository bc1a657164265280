/**
 * The scene of a test of what goes over the wire: a server with three keys, requests written byte
 * for byte, and what of them reached the vendor.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { ReceivedRequest } from '../../src/sandbox/stripe/books.ts';
import { type Keybrake, startKeybrake } from './keybrake.ts';
import { issueKey } from './management.ts';
import { exchange, type Piece, type RawAnswer } from './raw-http.ts';

export const FORM = 'Content-Type: application/x-www-form-urlencoded';
export const BODY = 'amount=100&currency=usd';

export const AMBIGUOUS = ['request_ambiguous'];
/** What a call may be refused with whose bytes are right. */
export const REFUSALS = [...AMBIGUOUS, 'unpriced', 'endpoint_not_allowed', 'scope_not_allowed'];

export interface Sent {
  method?: string;
  target?: string;
  headers?: string[];
  /** In Latin-1: one character is one byte. */
  body?: string;
  /** Absent: the key `open`. */
  key?: string;
}

export interface Outcome {
  answer: RawAnswer;
  reached: ReceivedRequest[];
}

interface Row {
  method: string;
  path: string;
  operation: string | null;
  amount: number | null;
  state: string;
}

export interface Wire {
  readonly server: Keybrake;
  /** A key for everything but what is withheld, one for all of v1, and one for a single endpoint. */
  readonly open: string;
  readonly wide: string;
  readonly narrow: string;
  bytesOf(sent: Sent): string;
  send(sent: Sent): Promise<Outcome>;
  sendBytes(bytes: Piece): Promise<Outcome>;
  /** It went through as one call; gives the vendor's request and Keybrake's row. */
  assertPassed(outcome: Outcome, what: string): Promise<{ received: ReceivedRequest; row: Row }>;
  rowOf(answer: RawAnswer): Promise<Row>;
}

/** Set up before the tests of the file that calls it, and taken down after them. */
export function wireStage(): Wire {
  let server: Keybrake;
  let open: string;
  let wide: string;
  let narrow: string;

  before(async () => {
    server = await startKeybrake();
    open = (await issueKey(server, { total_usd_cap: 1_000_000 })).vault_key;
    const all = { allowed_endpoints: ['/v1/**'], total_usd_cap: 1_000_000 };
    wide = (await issueKey(server, all)).vault_key;
    const only = { allowed_endpoints: ['POST /v1/payment_intents'], total_usd_cap: 1_000_000 };
    narrow = (await issueKey(server, only)).vault_key;
  });
  after(() => server.close());

  function bytesOf({ method = 'POST', target = '/v1/payment_intents', ...rest }: Sent): string {
    const { headers = [FORM], body = BODY, key = open } = rest;
    const head = [
      `${method} ${target} HTTP/1.1`,
      'Host: keybrake',
      'Connection: close',
      `Authorization: Bearer ${key}`,
      ...headers,
      ...(body === '' ? [] : [`Content-Length: ${body.length}`]),
    ];
    return `${head.join('\r\n')}\r\n\r\n${body}`;
  }

  async function sendBytes(bytes: Piece): Promise<Outcome> {
    const { stripe } = server.sandbox;
    const before = stripe.received.length;
    const [answer, ...more] = await exchange(server.url, bytes);
    assert.ok(answer, 'there is no answer');
    assert.deepEqual(more, [], 'there is more than one answer');
    return { answer, reached: stripe.received.slice(before) };
  }

  async function assertPassed({ answer, reached }: Outcome, what: string) {
    assert.equal(reached.length, 1, `${what} was answered ${answer.status}: ${answer.body}`);
    const row = await rowOf(answer);
    const { path, method } = reached[0]!;
    assert.deepEqual([path, method], [row.path, row.method], `${what}: the row is another request`);
    return { received: reached[0]!, row };
  }

  async function rowOf(answer: RawAnswer): Promise<Row> {
    const id = answer.headers.get('x-keybrake-call-id');
    const headers = { authorization: `Bearer ${server.apiKey}` };
    const reply = await fetch(`${server.url}/vault/calls/${id}`, { headers });
    return (await reply.json()) as Row;
  }

  return {
    get server() {
      return server;
    },
    get open() {
      return open;
    },
    get wide() {
      return wide;
    },
    get narrow() {
      return narrow;
    },
    bytesOf,
    send: (sent) => sendBytes(bytesOf(sent)),
    sendBytes,
    assertPassed,
    rowOf,
  };
}

/** Nothing reached the vendor, and stripe-node would raise an exception. */
export function assertRefused({ answer, reached }: Outcome, what: string, codes: string[]): void {
  assert.deepEqual(reached, [], `${what} reached the vendor`);
  assert.ok(answer.status >= 400, `${what} was answered ${answer.status}`);
  const error = answer.json?.error as { code: string; message: string } | undefined;
  assert.ok(error, `${what}: ${answer.body}`);
  assert.ok(codes.includes(error.code), `${what} was refused as ${error.code}: ${error.message}`);
  assert.equal(answer.headers.get('stripe-should-retry'), 'false', what);
}
