/**
 * The sandbox's sockets: the one file here that knows node:http. Gives a request twice, when its
 * headers are there and when its body is, and offers every good and bad way to answer it. Listens
 * on 127.0.0.1 alone.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../clock.ts';

export interface Arrival {
  /** Milliseconds since 1970, monotonic. */
  at: number;
  method: string;
  /** With the query. */
  url: string;
  headers: Record<string, string>;
  rawHeaders: string[];
}

/** Called with the headers; what it returns is called with the body, if that arrives whole. */
export type Receive = (arrival: Arrival, wire: Wire) => (body: string) => void;

export interface Listener {
  url: string;
  close(): Promise<void>;
}

const BODY_LIMIT = 1024 * 1024;
/** Longer than any client keeps a connection, so that only a fault closes one under a request. */
const KEEP_ALIVE_MS = 120_000;

/** `clock`: the vendor's, by which every reply is dated; default: the system's. */
export async function listen(
  port: number,
  receive: Receive,
  clock?: Pick<Clock, 'now'>,
): Promise<Listener> {
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    const arrival: Arrival = {
      at: performance.timeOrigin + performance.now(),
      method: request.method ?? '',
      url: request.url ?? '',
      headers: request.headers as Record<string, string>,
      rawHeaders: request.rawHeaders,
    };
    const wire = new Wire(request, response, clock);
    readBody(request, receive(arrival, wire), () => wire.reply(413, [], ''));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${bound}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function readBody(
  request: IncomingMessage,
  complete: (body: string) => void,
  tooLarge: () => void,
): void {
  let first: Buffer | undefined;
  let rest: Buffer[] | undefined;
  let size = 0;
  request.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > BODY_LIMIT) return;
    if (!first) first = chunk;
    else if (rest) rest.push(chunk);
    else rest = [chunk];
  });
  request.on('end', () => {
    if (size > BODY_LIMIT) tooLarge();
    else complete((rest ? Buffer.concat([first!, ...rest]) : first)?.toString() ?? '');
  });
  request.on('error', () => {});
}

/** One connection's end for one request. */
export class Wire {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #clock: Pick<Clock, 'now'> | undefined;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    clock: Pick<Clock, 'now'> | undefined,
  ) {
    this.#request = request;
    this.#response = response;
    this.#clock = clock;
  }

  /** `headers`: names and values in turn; the length is added. */
  reply(status: number, headers: string[], body: string | Uint8Array): void {
    const length = Buffer.byteLength(body);
    this.#head(status, headers, length);
    // Text without a character beyond ASCII, the usual case, is written without encoding it.
    this.#response.end(body, length === body.length ? 'latin1' : 'utf8');
  }

  /** Promises the whole body, sends half of it and ends the connection. */
  replyHalf(status: number, headers: string[], body: string): void {
    const bytes = Buffer.from(body);
    this.#head(status, headers, bytes.length);
    this.#response.write(bytes.subarray(0, bytes.length >> 1), () => this.hangup());
  }

  async replySlowly(
    status: number,
    headers: string[],
    body: string,
    pace: { bytes: number; everyMs: number; signal: AbortSignal },
  ): Promise<void> {
    const bytes = Buffer.from(body);
    this.#head(status, headers, bytes.length);
    for (let sent = 0; sent < bytes.length; sent += pace.bytes) {
      this.#response.write(bytes.subarray(sent, sent + pace.bytes));
      await sleep(pace.everyMs, undefined, { signal: pace.signal });
      if (this.#response.destroyed) return;
    }
    this.#response.end();
  }

  /** Bytes as they are, past all of HTTP's rules; `end` closes the connection after them. */
  raw(bytes: string, end: boolean): void {
    if (end) this.#request.socket.end(bytes);
    else this.#request.socket.write(bytes);
  }

  /** `reset`: with a TCP reset instead of an orderly end. */
  hangup(reset = false): void {
    if (reset) this.#request.socket.resetAndDestroy();
    else this.#request.socket.destroy();
  }

  #head(status: number, headers: string[], length: number): void {
    const date = this.#clock ? ['Date', new Date(this.#clock.now()).toUTCString()] : [];
    this.#response.writeHead(status, [...headers, ...date, 'Content-Length', String(length)]);
  }
}
