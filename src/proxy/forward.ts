/**
 * Step 6, forward: the only file that knows undici. Sends one request once, never again by itself,
 * never follows a redirect, and tells apart what is provably not sent from what may have been
 * received. Everything that it returns is a plain value.
 */
import { Agent, type Dispatcher } from 'undici';
import type { Outbound, VendorReply } from '../vendors/vendor.ts';

export interface UpstreamRequest extends Outbound {
  readonly method: string;
}

/** Sends one request once. Never rejects. */
export interface Sender {
  /**
   * `mayStart` is asked in the turn in which the first byte would be written, after any wait for a
   * connection: a revoke that was answered before is seen.
   */
  send(request: UpstreamRequest, mayStart: () => boolean): Promise<UpstreamResult>;
}

export type UpstreamResult =
  | { kind: 'reply'; reply: VendorReply; upstreamMs: number }
  /** No byte was written: the connection could not be made. */
  | { kind: 'not_sent'; why: string }
  /** No byte was written: `mayStart` said no. */
  | { kind: 'stopped' }
  /** Bytes were written and no whole reply came back. */
  | { kind: 'no_reply'; why: string; upstreamMs: number };

export interface UpstreamLimits {
  connectMs: number;
  /** For a free connection, when all are busy. */
  waitMs: number;
  /** From the first byte sent to the last byte received. Inside the SDKs' 80 s read time-out. */
  replyMs: number;
  replyBytes: number;
}

export const UPSTREAM_LIMITS: UpstreamLimits = {
  connectMs: 5_000,
  waitMs: 15_000,
  replyMs: 60_000,
  replyBytes: 16 * 1024 * 1024,
};

/** Connections to one vendor; calls beyond them wait, and a revoke still stops those. */
const CONNECTIONS = 256;

export class Upstream implements Sender {
  readonly #agent: Agent;
  readonly #limits: UpstreamLimits;

  constructor(limits: UpstreamLimits = UPSTREAM_LIMITS) {
    this.#limits = limits;
    this.#agent = new Agent({
      connections: CONNECTIONS,
      pipelining: 1,
      // Over HTTP/2 undici sends a refused request again by itself, when a revoke may have come.
      allowH2: false,
      connect: { timeout: limits.connectMs },
      // Exchange keeps the time of the whole reply; undici's own limits only back it up.
      headersTimeout: limits.replyMs + 5_000,
      bodyTimeout: limits.replyMs + 5_000,
      maxHeaderSize: 64 * 1024,
    });
  }

  send(request: UpstreamRequest, mayStart: () => boolean): Promise<UpstreamResult> {
    return new Promise((resolve) => {
      const exchange = new Exchange(mayStart, this.#limits, resolve);
      const [origin, prefix] = splitBaseUrl(request.baseUrl);
      try {
        this.#agent.dispatch(
          {
            origin,
            path: prefix + request.path,
            method: request.method as Dispatcher.HttpMethod,
            headers: request.headers,
            body: request.body.length > 0 ? request.body : null,
          },
          exchange,
        );
      } catch (error) {
        exchange.onResponseError(undefined, error as Error);
      }
    });
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }
}

class Exchange implements Dispatcher.DispatchHandler {
  readonly #mayStart: () => boolean;
  readonly #limits: UpstreamLimits;
  #done: ((result: UpstreamResult) => void) | null;
  #sentAt: number | null = null;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;
  #status = 0;
  #headers = new Map<string, string>();
  #chunks: Uint8Array[] = [];
  #bytes = 0;

  constructor(
    mayStart: () => boolean,
    limits: UpstreamLimits,
    done: (result: UpstreamResult) => void,
  ) {
    this.#mayStart = mayStart;
    this.#limits = limits;
    this.#done = done;
    // A call that nobody waits for any more must not be sent minutes later.
    const { waitMs } = limits;
    this.#timer = setTimeout(() => this.#giveUp(waitMs), waitMs);
  }

  #giveUp(waitMs: number): void {
    this.#finish({ kind: 'not_sent', why: `no free connection within ${waitMs} ms` });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#done === null || !this.#mayStart()) {
      this.#stopped = true;
      controller.abort(new Error('stopped before it was sent'));
      return;
    }
    clearTimeout(this.#timer);
    this.#sentAt = performance.now();
    const { replyMs } = this.#limits;
    this.#timer = setTimeout(
      () => controller.abort(new Error(`no whole reply within ${replyMs} ms`)),
      replyMs,
    );
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return;
    this.#status = status;
    for (const name in headers) {
      const value = headers[name];
      if (value !== undefined) {
        this.#headers.set(name, Array.isArray(value) ? value.join(', ') : value);
      }
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#limits.replyBytes) {
      controller.abort(new Error(`the reply is over ${this.#limits.replyBytes} bytes`));
      return;
    }
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    const [only] = this.#chunks;
    const body = this.#chunks.length === 1 ? only! : Buffer.concat(this.#chunks);
    this.#finish({
      kind: 'reply',
      reply: { status: this.#status, headers: this.#headers, body },
      upstreamMs: this.#elapsed(),
    });
  }

  onResponseError(_controller: unknown, error: Error): void {
    if (this.#stopped) this.#finish({ kind: 'stopped' });
    else if (this.#sentAt === null) this.#finish({ kind: 'not_sent', why: reason(error) });
    else this.#finish({ kind: 'no_reply', why: reason(error), upstreamMs: this.#elapsed() });
  }

  #elapsed(): number {
    return this.#sentAt === null ? 0 : performance.now() - this.#sentAt;
  }

  #finish(result: UpstreamResult): void {
    clearTimeout(this.#timer);
    this.#done?.(result);
    this.#done = null;
  }
}

/** An address may have a path (base-url.ts lets one stand); undici takes an origin alone. */
function splitBaseUrl(baseUrl: string): [origin: string, prefix: string] {
  const slash = baseUrl.indexOf('/', 'https://'.length);
  return slash < 0 ? [baseUrl, ''] : [baseUrl.slice(0, slash), baseUrl.slice(slash)];
}

/** For the log: what went wrong, without the request. */
function reason(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? `${error.code}: ` : '';
  return `${code}${error.message}`.slice(0, 200);
}
