/**
 * Starts the sandbox: fake vendors on loopback that keep their own books, with faults on request.
 * Carries a fault out between the steps of a call. Never talks to anything but its callers.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Clock, systemClock } from '../clock.ts';
import { answer, deliver } from './deliver.ts';
import { type Fault, Faults, faultOfCard, seededRandom } from './faults.ts';
import { type Arrival, listen, type Wire } from './listener.ts';
import { type ReceivedRequest, StripeBooks } from './stripe/books.ts';
import { finishPayment } from './stripe/outside.ts';
import { type Execution, FakeStripe, type Reply } from './stripe/stripe.ts';

export interface SandboxOptions {
  /** Decides when stored replies expire and what `created` says; default: the system's. */
  clock?: Pick<Clock, 'now'>;
  /** Default 0: any free one. */
  port?: number;
  /** The secret that the fake Stripe accepts; default: a new one. */
  secret?: string;
  /** How many requests the log keeps; default 10,000. 0 for benchmarks. */
  keepLog?: number;
  /** How many objects, and stored replies, are kept at least; default 50,000. */
  keepObjects?: number;
  /** How long the vendor takes to execute, in milliseconds; between two, by a seed; default 0. */
  latencyMs?: number | { min: number; max: number };
  latencySeed?: number;
}

export interface Sandbox {
  /** `http://127.0.0.1:{port}` */
  stripeUrl: string;
  secret: string;
  stripe: StripeBooks;
  faults: Faults;
  /** The customer authenticates, or the bank debit ends: what no API call does. */
  finishPayment(paymentIntentId: string, outcome: 'succeeded' | 'failed'): void;
  /** Ends every connection and forgets every delayed call. */
  close(): Promise<void>;
}

export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const clock = options.clock ?? systemClock;
  const secret = options.secret ?? `sk_test_sandbox_${randomBytes(18).toString('hex')}`;
  const books = new StripeBooks({
    keepLog: options.keepLog ?? 10_000,
    keepObjects: options.keepObjects ?? 50_000,
  });
  const vendor = new Vendor(new FakeStripe({ secret, clock, books }), options);
  const listener = await listen(options.port ?? 0, (arrival, wire) =>
    vendor.receive(arrival, wire),
  );
  return {
    stripeUrl: listener.url,
    secret,
    stripe: books,
    faults: vendor.faults,
    finishPayment: (id, outcome) =>
      void finishPayment(books, id, outcome, Math.floor(clock.now() / 1000)),
    close: () => {
      vendor.stop();
      return listener.close();
    },
  };
}

class Vendor {
  readonly faults = new Faults();
  readonly #stripe: FakeStripe;
  readonly #latencyMs: { min: number; max: number };
  readonly #random: () => number;
  readonly #stopping = new AbortController();
  #seq = 0;

  constructor(stripe: FakeStripe, { latencyMs = 0, latencySeed = 1 }: SandboxOptions) {
    this.#stripe = stripe;
    this.#latencyMs =
      typeof latencyMs === 'number' ? { min: latencyMs, max: latencyMs } : latencyMs;
    this.#random = seededRandom(latencySeed);
  }

  stop(): void {
    this.#stopping.abort();
  }

  receive(arrival: Arrival, wire: Wire): (body: string) => void {
    const { books } = this.#stripe;
    const request = entryOf(arrival, ++this.#seq);
    books.requests++;
    books.enter(request);
    return (body) => {
      request.body = body;
      const fault = this.faults.strike(request);
      const begin = fault ? undefined : this.#stripe.begin(request);
      const card = begin && 'run' in begin ? faultOfCard(body) : undefined;
      if (begin && !card && this.#latencyMs.max === 0) {
        answer(request, wire, 'run' in begin ? begin.run() : begin);
      } else {
        this.#slowly(request, wire, fault ?? card, begin).catch((error: Error) => {
          if (error.name !== 'AbortError') throw error;
        });
      }
    };
  }

  /** The way of a call that is delayed or disturbed. */
  async #slowly(
    request: ReceivedRequest,
    wire: Wire,
    fault: Fault | undefined,
    begun: Execution | Reply | undefined,
  ): Promise<void> {
    request.fault = fault?.kind ?? null;
    if (fault && !begun && keptFromVendor(fault)) {
      await this.#wait(fault.delayMs ?? 0);
      await deliver(request, wire, EMPTY, fault, this.#stopping.signal);
      return;
    }
    const begin = begun ?? this.#stripe.begin(request);
    const { min, max } = this.#latencyMs;
    const latency = min + (max - min) * this.#random();
    await this.#wait(latency + (fault?.delayMs ?? 0));
    const reply = 'run' in begin ? execute(begin, fault) : begin;
    if (fault) await deliver(request, wire, reply, fault, this.#stopping.signal);
    else answer(request, wire, reply);
  }

  async #wait(ms: number): Promise<void> {
    if (ms > 0) await sleep(ms, undefined, { signal: this.#stopping.signal });
  }
}

const EMPTY: Reply = { status: 200, headers: [], body: '' };

function entryOf(arrival: Arrival, seq: number): ReceivedRequest {
  const { at, method, url, headers, rawHeaders } = arrival;
  const mark = url.indexOf('?');
  return {
    seq,
    at,
    method,
    path: mark < 0 ? url : url.slice(0, mark),
    query: mark < 0 ? '' : url.slice(mark + 1),
    headers,
    rawHeaders,
    authorization: headers.authorization ?? null,
    idempotencyKey: headers['idempotency-key'] ?? null,
    body: null,
    status: null,
    answeredAt: null,
    executed: false,
    replayed: false,
    fault: null,
  };
}

/** Faults that strike in front of the vendor: it never learns of the request. */
function keptFromVendor(fault: Fault): boolean {
  switch (fault.kind) {
    case 'status':
      return !fault.executes && !fault.stored;
    case 'hangup':
    case 'stall':
      return fault.at === 'before';
    case 'garbage':
      return fault.executes === false;
    default:
      return fault.kind === 'redirect';
  }
}

function execute(begin: Execution, fault: Fault | undefined): Reply {
  if (fault?.kind === 'status' && fault.stored) {
    return begin.breakDown(fault.status, fault.executes ?? false);
  }
  return begin.run();
}
