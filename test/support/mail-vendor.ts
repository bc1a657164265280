/**
 * A fake vendor of mail with books of its own, on a socket of its own: it counts what it mailed and
 * to how many, and misbehaves on request. How a vendor's requests and replies look is a dialect:
 * fake-sendgrid.ts, fake-postmark.ts. Shares no code with what it tests.
 */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface MailRequest {
  method: string;
  /** Path and query. */
  target: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface MailReply {
  status: number;
  headers?: Record<string, string>;
  /** Sent as JSON; undefined: an empty body. */
  body?: unknown;
}

/** A mail that was taken: one address or more. */
export interface Letter {
  id: string;
  to: string[];
  subject: string;
  batch?: string;
}

export interface Dialect {
  /** Whether the request carries this credential. */
  knows(request: MailRequest, secret: string): boolean;
  stranger: MailReply;
  /** What is wrong with the vendor when it breaks. */
  broken(status: number): MailReply;
  answer(request: MailRequest, books: Books): MailReply;
}

/**
 * What the next request meets: a status in place of the answer, or the connection's end; `executes`:
 * the mail goes out all the same.
 */
export type Fault = { executes: boolean } & ({ status: number } | { hangUp: true });

export class Books {
  readonly letters: Letter[] = [];
  /** Batches whose letters are thrown away when they are due. */
  readonly cancelled = new Set<string>();
  #ids = 0;

  id(): string {
    return `m-${++this.#ids}`;
  }

  /** Addresses mailed to, which is what a plan counts. */
  get mails(): number {
    return this.letters.reduce((sum, { to }) => sum + to.length, 0);
  }
}

export interface MailVendor {
  url: string;
  secret: string;
  readonly books: Books;
  /** Every request that came, oldest first. */
  readonly requests: MailRequest[];
  /** Strikes the requests to come, one each. */
  readonly faults: Fault[];
  close(): Promise<void>;
}

export async function startMailVendor(dialect: Dialect, secret: string): Promise<MailVendor> {
  const books = new Books();
  const requests: MailRequest[] = [];
  const faults: Fault[] = [];
  const serve = (request: MailRequest, response: ServerResponse): void => {
    requests.push(request);
    const fault = faults.shift();
    const known = dialect.knows(request, secret);
    const executes = known && (fault === undefined || fault.executes);
    const reply = executes ? dialect.answer(request, books) : dialect.stranger;
    if (fault === undefined) send(response, reply);
    else if ('status' in fault) send(response, dialect.broken(fault.status));
    else response.destroy();
  };
  const server = createServer(async (incoming, response) => {
    const { method = '', url: target = '', headers } = incoming;
    serve({ method, target, headers, body: await text(incoming) }, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    ...{ secret, books, requests, faults },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function send(response: ServerResponse, { status, headers = {}, body }: MailReply): void {
  const content = body === undefined ? '' : JSON.stringify(body);
  response.writeHead(status, {
    'content-length': Buffer.byteLength(content),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...headers,
  });
  response.end(content);
}
