/**
 * The one listener, and the only file of the server that knows node:http. Tells the planes apart: a
 * request that holds a vault key, in Authorization or in a vendor's own header for keys, is a vendor
 * call, except /vault/self; everything else is the control plane. Turns sockets into plain values and back; decides nothing.
 */
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { getRequestListener, RequestError } from '@hono/node-server';
import { findCredential } from './credential.ts';
import { CATALOGUE, type ErrorCode } from './errors.ts';
import type { Log } from './log.ts';
import type { Outgoing } from './proxy/answer.ts';
import type { Incoming } from './proxy/arrive.ts';

export interface ServerLimits {
  /** All headers together, bytes. */
  headerBytes: number;
  /** From the first byte of a request to the end of its headers. */
  headersMs: number;
  /** To the end of its body. */
  requestMs: number;
  /** An idle connection is kept this long; above the SDKs' own, so that they close first. */
  keepAliveMs: number;
}

export const SERVER_LIMITS: ServerLimits = {
  headerBytes: 16 * 1024,
  headersMs: 15_000,
  requestMs: 30_000,
  keepAliveMs: 75_000,
};

/** Bodies below this are copied into the head's write, bytes. */
const ONE_WRITE = 64 * 1024;

export interface Planes {
  /** The vendors' own headers for keys, beside Authorization; in lower case. */
  readonly keyHeaders: readonly string[];
  /** Null: the client went away, nothing is owed. */
  data(incoming: Incoming): Promise<Outgoing | null>;
  control(request: Request): Response | Promise<Response>;
}

export interface Listener {
  /** `http://127.0.0.1:8787` */
  readonly url: string;
  /** Takes no new connections or calls; resolves when those under way have been answered. */
  close(): Promise<void>;
}

/** Rejects with the system's error when the address cannot be had. */
export async function listen(
  address: { host: string; port: number },
  planes: Planes,
  log: Log,
  limits: ServerLimits = SERVER_LIMITS,
): Promise<Listener> {
  const gate = new Gate(planes, log);
  const server = createServer(
    {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: Math.min(1_000, limits.headersMs),
      // Host decides nothing here, and health checks of HTTP/1.0 send none.
      requireHostHeader: false,
    },
    gate.serve,
  );
  server.on('connection', gate.connected);
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    refuseBytes(socket, ...faultOf(error.code, limits));
  });
  // Without these two Node answers with an empty body, or not at all.
  server.on('checkExpectation', (_, response: ServerResponse) => {
    refuseBytes(response.socket!, 417, 'Of expectations only 100-continue has a meaning here.');
  });
  server.on('connect', (_, socket) => {
    refuseBytes(
      socket,
      405,
      'This is no tunnel: send the request itself, its path beginning with "/".',
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(address.port, address.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const bound = server.address() as AddressInfo;
  const host = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
  const graceMs = limits.requestMs;
  return { url: `http://${host}:${bound.port}`, close: () => gate.close(server, graceMs) };
}

class Gate {
  readonly #planes: Planes;
  readonly #log: Log;
  readonly #control: RequestListener;
  readonly #connections = new Set<Socket>();
  readonly #serving = new Set<ServerResponse>();
  #closing = false;

  constructor(planes: Planes, log: Log) {
    this.#planes = planes;
    this.#log = log;
    this.#control = getRequestListener((request) => planes.control(request), {
      overrideGlobalObjects: false,
      // For requests that name none; nothing reads it.
      hostname: 'keybrake',
      errorHandler: (error) => this.#unreadable(error),
    }) as RequestListener;
  }

  connected = (socket: Socket): void => {
    this.#connections.add(socket);
    socket.on('close', () => this.#connections.delete(socket));
  };

  serve = (request: IncomingMessage, response: ServerResponse): void => {
    if (this.#closing) response.setHeader('connection', 'close');
    this.#serving.add(response);
    response.on('close', () => this.#serving.delete(response));
    // A client that hangs up breaks its own connection and nothing else.
    response.on('error', () => undefined);
    if (isVendorCall(request, this.#planes.keyHeaders)) void this.#serveCall(request, response);
    else this.#control(request, response);
  };

  async #serveCall(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const outgoing = await this.#planes.data({
        method: request.method!,
        target: request.url!,
        rawHeaders: request.rawHeaders,
        readBody: (limit) => readBody(request, limit),
        onHangUp: (then) => onHangUp(response, then),
      });
      if (outgoing === null) request.destroy();
      else write(request, response, outgoing);
    } catch (error) {
      this.#log.error({ err: error }, 'a call failed inside Keybrake');
      write(request, response, plain('internal', 'Keybrake failed; the log says how.'));
    }
  }

  /** A Host or a target that cannot be made into a URL; without this its answer has no body. */
  #unreadable(error: unknown): Response {
    const ours = !(error instanceof RequestError);
    if (ours) this.#log.error({ err: error }, 'a management request failed inside Keybrake');
    const { status, headers, body } = ours
      ? plain('internal', 'Keybrake failed; the log says how.')
      : plain('invalid_request', 'The Host header or the request target is not valid.');
    return new Response(body as string, { status, headers });
  }

  /**
   * Node waits for every open connection, and stops its own time-outs: without this, one that is
   * kept alive, has sent nothing or only half a request holds a stop up for ever.
   */
  close(server: Server, graceMs: number): Promise<void> {
    this.#closing = true;
    // Of a connection with several requests, the answer to the last ends it.
    const busy = new Map<Socket, ServerResponse>();
    for (const response of this.#serving) busy.set(response.req.socket, response);
    for (const [socket, response] of busy) {
      if (response.headersSent) response.on('close', () => socket.destroySoon());
      else response.setHeader('connection', 'close');
    }
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of this.#connections) if (!busy.has(socket)) socket.destroy();
    const grace = setTimeout(() => {
      for (const { req, headersSent } of this.#serving) {
        if (headersSent || !req.complete) req.socket.destroy();
      }
    }, graceMs);
    return closed.finally(() => clearTimeout(grace));
  }
}

function isVendorCall(request: IncomingMessage, keyHeaders: readonly string[]): boolean {
  // Of a header that came twice node gives the first or both; `arrive` refuses it either way.
  const headers = { get: (name: string) => request.headers[name]?.toString() };
  if (findCredential(headers, keyHeaders) === null) return false;
  const path = request.url!.split('?', 1)[0];
  return path !== '/vault/self' && !path!.startsWith('/vault/self/keys');
}

/** The whole body; `too_large` as soon as that is sure; null when the client stops before its end. */
function readBody(
  request: IncomingMessage,
  limit: number,
): Promise<Uint8Array | 'too_large' | null> {
  if (Number(request.headers['content-length'] ?? 0) > limit) return Promise.resolve('too_large');
  return new Promise((resolve) => {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    request.on('data', (chunk: Uint8Array) => {
      bytes += chunk.length;
      if (bytes > limit) {
        request.pause();
        resolve('too_large');
      } else chunks.push(chunk);
    });
    request.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
    request.on('error', () => resolve(null));
    request.on('close', () => resolve(null));
  });
}

/** What was written and is on its way in the system's buffers counts for heard. */
function onHangUp(response: ServerResponse, then: () => void): void {
  if (response.destroyed) then();
  else response.once('close', () => response.writableFinished || then());
}

function write(request: IncomingMessage, response: ServerResponse, outgoing: Outgoing): void {
  if (response.destroyed || response.headersSent) return;
  const { status, headers, body } = outgoing;
  // What is left of an unread body would be taken for the next request.
  if (!request.complete) response.setHeader('connection', 'close');
  headers['content-length'] = String(Buffer.byteLength(body));
  response.writeHead(status, headers);
  if (typeof body === 'string' || body.length >= ONE_WRITE) response.end(body);
  else response.end(bytesAsText(body), 'latin1');
}

/** One character a byte: node writes a head and a text together, but a head and bytes apart. */
function bytesAsText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

/** An answer where no plane has one; with an `error` key, without which stripe-node sees success. */
function plain(code: ErrorCode, message: string): Outgoing {
  const body = JSON.stringify({ error: { type: 'api_error', code, message } });
  const headers = { 'content-type': 'application/json', 'x-keybrake-reason': code };
  return { status: CATALOGUE[code].status, headers, body };
}

/** Answers what no plane sees (bytes that are no request, too many headers) and hangs up. */
function refuseBytes(socket: Duplex, status: number, message: string): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const { body } = plain('request_ambiguous', message);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\n` +
      'content-type: application/json\r\nx-keybrake-reason: request_ambiguous\r\n' +
      `stripe-should-retry: false\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function faultOf(
  code: string | undefined,
  limits: ServerLimits,
): [status: number, message: string] {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return [431, `The headers are over ${limits.headerBytes} bytes.`];
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return [408, 'The request took too long to arrive.'];
    default:
      return [400, 'The bytes are not one plain HTTP/1.1 request.'];
  }
}
