/**
 * A vendor's side of the wire: takes what arrives, writes it into the books, asks for the fault that
 * strikes it and carries that out between the steps of the call. The same for every vendor; knows
 * none, and never talks to anything but its callers.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import type { ReceivedRequest } from './books.ts';
import { answer, deliver } from './deliver.ts';
import { type Fault, Faults, seededRandom } from './faults.ts';
import { type Arrival, type Listener, listen, type Wire } from './listener.ts';
import type { Execution, FakeVendor, Gateway, Reply } from './vendor.ts';

export interface FrontOptions {
  /** How long the vendor takes to execute, in milliseconds; between two, by a seed; default 0. */
  latencyMs?: number | { min: number; max: number };
  latencySeed?: number;
  /** Dates the replies; default: the system's. */
  clock?: Pick<Clock, 'now'>;
}

export class Front {
  readonly faults = new Faults();
  readonly #vendor: FakeVendor;
  readonly #gateway: Gateway;
  readonly #latencyMs: { min: number; max: number };
  readonly #random: () => number;
  readonly #clock: Pick<Clock, 'now'> | undefined;
  readonly #stopping = new AbortController();
  #seq = 0;

  constructor(vendor: FakeVendor, gateway: Gateway, options: FrontOptions) {
    const { latencyMs = 0, latencySeed = 1 } = options;
    this.#vendor = vendor;
    this.#gateway = gateway;
    this.#latencyMs =
      typeof latencyMs === 'number' ? { min: latencyMs, max: latencyMs } : latencyMs;
    this.#random = seededRandom(latencySeed);
    this.#clock = options.clock;
  }

  /** `port` 0: any free one. Closing ends every connection and forgets every delayed call. */
  async open(port = 0): Promise<Listener> {
    const receive = (arrival: Arrival, wire: Wire) => this.#receive(arrival, wire);
    const listener = await listen(port, receive, this.#clock);
    return {
      url: listener.url,
      close: () => {
        this.#stopping.abort();
        return listener.close();
      },
    };
  }

  #receive(arrival: Arrival, wire: Wire): (body: string) => void {
    const request = entryOf(arrival, ++this.#seq);
    this.#vendor.books.enter(request);
    return (body) => {
      request.body = body;
      const fault = this.faults.strike(request);
      const begin = fault ? undefined : this.#vendor.begin(request);
      const asked = begin && 'run' in begin ? this.#gateway.faultIn?.(body) : undefined;
      if (begin && !asked && this.#latencyMs.max === 0) {
        answer(request, wire, 'run' in begin ? begin.run() : begin);
      } else {
        this.#slowly(request, wire, fault ?? asked, begin).catch((error: Error) => {
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
      await deliver(request, wire, EMPTY, fault, this.#gateway, this.#stopping.signal);
      return;
    }
    const begin = begun ?? this.#vendor.begin(request);
    const { min, max } = this.#latencyMs;
    const latency = min + (max - min) * this.#random();
    await this.#wait(latency + (fault?.delayMs ?? 0));
    const reply = 'run' in begin ? execute(begin, fault) : begin;
    if (fault) await deliver(request, wire, reply, fault, this.#gateway, this.#stopping.signal);
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
