/**
 * A run as the vendor calls see it: one vault key and plain node:http, which retries nothing and
 * changes no byte. Knows nothing of the server but its address; every answer is given back whole.
 */
import assert from 'node:assert/strict';
import { Agent, type ClientRequest, type IncomingHttpHeaders, request } from 'node:http';
import type { TestContext } from 'node:test';
import { type IssuedKey, issueKey, type Server } from './management.ts';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
  /** The body as JSON; throws when it is none. */
  json: Record<string, unknown>;
  /** `error.code` of the body, `name` in Resend's form, or `details.code` in Twilio's; null when the call was carried out. */
  code: string | null;
}

export interface CallOptions {
  method?: string;
  path?: string;
  /** Sent as a form. */
  fields?: Record<string, string | number | boolean>;
  /** Sent as JSON, in place of a form. */
  json?: unknown;
  idempotencyKey?: string;
  headers?: Record<string, string>;
}

export interface Run extends IssuedKey {
  call(options: CallOptions): Promise<Answer>;
  /** A PaymentIntent of `cents` that pays at once. */
  charge(cents: number, options?: CallOptions): Promise<Answer>;
  /** The request before it is ended, for those who send it in pieces or hang up. */
  open(options: CallOptions): { sent: ClientRequest; body: string };
}

/** Issues a key to a run; its connections end with the test. Fields: as issueKey's. */
export async function startRun(t: TestContext, server: Server, fields: object = {}): Promise<Run> {
  return runWith(t, server, await issueKey(server, fields));
}

/** A run that holds this key; `server` may be another one than the key was issued by. */
export function runWith(t: TestContext, server: Server, key: IssuedKey): Run {
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  t.after(() => agent.destroy());
  const open = (options: CallOptions) => prepare(server.url, key.vault_key, agent, options);
  const call = (options: CallOptions) => finish(open(options));
  return {
    ...key,
    open,
    call,
    charge: (cents, options = {}) => call({ ...options, fields: charging(cents, options.fields) }),
  };
}

export function charging(cents: number, more: CallOptions['fields'] = {}): CallOptions['fields'] {
  return { amount: cents, currency: 'usd', confirm: true, payment_method: 'pm_card_visa', ...more };
}

function prepare(url: string, vaultKey: string, agent: Agent, options: CallOptions) {
  const { method = 'POST', path = '/v1/payment_intents', fields = {}, idempotencyKey } = options;
  const pairs = Object.entries(fields).map(([name, value]): [string, string] => [name, `${value}`]);
  const isForm = options.json === undefined;
  const body = isForm ? new URLSearchParams(pairs).toString() : JSON.stringify(options.json);
  const { hostname, port } = new URL(url);
  const sent = request({
    agent,
    hostname,
    port,
    method,
    path,
    headers: {
      authorization: `Bearer ${vaultKey}`,
      ...(method === 'GET'
        ? {}
        : {
            'content-type': isForm ? 'application/x-www-form-urlencoded' : 'application/json',
            'content-length': Buffer.byteLength(body),
          }),
      ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      ...options.headers,
    },
  });
  return { sent, body };
}

function finish({ sent, body }: { sent: ClientRequest; body: string }): Promise<Answer> {
  return new Promise((resolve, reject) => {
    sent.on('error', reject);
    sent.on('response', (reply) => {
      const chunks: Buffer[] = [];
      reply.on('data', (chunk: Buffer) => chunks.push(chunk));
      reply.on('error', reject);
      reply.on('end', () => {
        resolve(answerOf(reply.statusCode ?? 0, reply.headers, Buffer.concat(chunks)));
      });
    });
    sent.end(body);
  });
}

function answerOf(status: number, headers: IncomingHttpHeaders, body: Buffer): Answer {
  const parse = () => JSON.parse(body.toString()) as Record<string, unknown>;
  return {
    status,
    headers,
    body,
    get json() {
      return parse();
    },
    get code() {
      if (status < 400) return null;
      const { error, name, details } = parse() as Partial<
        Record<'error' | 'details', { code?: string }>
      > & {
        name?: string;
      };
      return error?.code ?? name ?? details?.code ?? null;
    },
  };
}

/** The id of the object in a reply that succeeded. */
export function idOf(answer: Answer): string {
  assert.equal(answer.status, 200, answer.body.toString());
  const { id } = answer.json;
  assert.equal(typeof id, 'string');
  return id as string;
}

/** Works through the items with `atOnce` workers; results in the items' order. */
export async function eachOf<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results = new Array<Result>(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index]!, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  return results;
}
