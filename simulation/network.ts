/**
 * The simulated way to the vendor: refuses connections, loses and delays requests and replies, so
 * that they overtake each other, delivers a request twice, garbles replies, and answers in the
 * vendor's place. Keeps the promises of proxy/forward.ts towards the proxy, and no others.
 */
import type { Sender, UpstreamRequest, UpstreamResult } from '../src/proxy/forward.ts';
import type { VendorReply } from '../src/vendors/vendor.ts';
import type { Dice } from './dice.ts';
import type { Mount } from './disk.ts';
import type { Timeline } from './timeline.ts';
import type { Arrival } from './vendor.ts';
import type { Weather } from './weather.ts';

/** As in proxy/forward.ts: for a connection that is free, and for the whole reply. */
const WAIT_MS = 15_000;
const REPLY_MS = 60_000;

export interface NetworkDeps {
  dice: Dice;
  timeline: Timeline;
  weather: Weather;
  /** Asks, and says for which call it was said that the request may start. */
  ask(mayStart: () => boolean): { may: boolean; callId: bigint | null };
  /** The first byte goes out. */
  onSend(callId: bigint | null, request: UpstreamRequest): void;
  /** What the proxy is told of a call that was sent. */
  onResult(callId: bigint | null, result: UpstreamResult): void;
  /** The vendor at this address. */
  deliver(request: UpstreamRequest, arrival: Arrival, answer: (reply: VendorReply) => void): void;
}

export class Network {
  readonly #deps: NetworkDeps;
  /** Copies of a call's requests that have not reached the vendor. */
  readonly #onTheirWay = new Map<bigint, number>();

  constructor(deps: NetworkDeps) {
    this.#deps = deps;
  }

  /** Whether a request of this call may still reach the vendor. */
  underWay(callId: bigint): boolean {
    return (this.#onTheirWay.get(callId) ?? 0) > 0;
  }

  /** The way as one process sees it; when it is dead, nothing of its own starts or ends. */
  sender(mount: Mount): Sender {
    return {
      send: (request, mayStart) =>
        new Promise((resolve) => {
          if (mount.alive) new Exchange(this, this.#deps, mount, request, resolve).begin(mayStart);
        }),
    };
  }

  /** So many copies more are on their way, or less. */
  enter(callId: bigint | null, copies: number): void {
    if (callId === null) return;
    this.#onTheirWay.set(callId, (this.#onTheirWay.get(callId) ?? 0) + copies);
  }
}

class Exchange {
  readonly #network: Network;
  readonly #deps: NetworkDeps;
  readonly #mount: Mount;
  readonly #request: UpstreamRequest;
  readonly #resolve: (result: UpstreamResult) => void;
  #callId: bigint | null = null;
  #startedAt = 0;
  #ended = false;

  constructor(
    network: Network,
    deps: NetworkDeps,
    mount: Mount,
    request: UpstreamRequest,
    resolve: (result: UpstreamResult) => void,
  ) {
    this.#network = network;
    this.#deps = deps;
    this.#mount = mount;
    this.#request = request;
    this.#resolve = resolve;
  }

  begin(mayStart: () => boolean): void {
    const { dice, weather } = this.#deps;
    if (!dice.chance(weather.refused)) {
      this.#later(dice.between(0, 20), () => this.#start(mayStart));
    } else if (dice.chance(0.7)) {
      this.#later(dice.between(0, 5_000), () => this.#end({ kind: 'not_sent', why: 'refused' }));
    } else {
      this.#later(WAIT_MS, () => this.#end({ kind: 'not_sent', why: 'no free connection' }));
    }
  }

  #start(mayStart: () => boolean): void {
    const { dice, timeline, weather, ask, onSend } = this.#deps;
    const { may, callId } = ask(mayStart);
    // The process died while it was about to write: the bytes may have got out or not.
    if (!this.#mount.alive && dice.chance(0.5)) return;
    if (!may) {
      this.#end({ kind: 'stopped' });
      return;
    }
    this.#callId = callId;
    this.#startedAt = timeline.now;
    onSend(callId, this.#request);
    this.#later(REPLY_MS, () => this.#noReply('no whole reply within 60 s'));
    if (dice.chance(weather.requestLost)) this.#breakOff();
    else this.#travel((reply) => this.#return(reply));
  }

  #travel(answer: (reply: VendorReply) => void): void {
    const { dice, weather } = this.#deps;
    this.#arrive(() => {
      if (dice.chance(weather.gateway)) answer(this.#page(dice.pick([502, 503, 504])));
      else if (dice.chance(weather.throttled)) answer(error(429, 'rate_limit'));
      else {
        this.#deliver(answer);
        // A copy that follows is answered to nobody. The vendor knows it by its key.
        const twice = this.#key !== null && dice.chance(weather.requestTwice);
        if (twice) this.#arrive(() => this.#deliver(() => undefined));
      }
    });
  }

  /** One copy of the request on its way. */
  #arrive(happen: () => void): void {
    const { dice, timeline, weather } = this.#deps;
    const late = dice.chance(weather.requestLate);
    this.#network.enter(this.#callId, 1);
    timeline.after(late ? dice.between(500, 90_000) : dice.between(1, 60), () => {
      this.#network.enter(this.#callId, -1);
      happen();
    });
  }

  #deliver(answer: (reply: VendorReply) => void): void {
    const { method, path, body } = this.#request;
    const text = Buffer.from(body).toString();
    const arrival = { callId: this.#callId, method, path, idempotencyKey: this.#key, body: text };
    this.#deps.deliver(this.#request, arrival, answer);
  }

  #return(reply: VendorReply): void {
    const { dice, weather } = this.#deps;
    if (dice.chance(weather.replyLost)) {
      this.#breakOff();
      return;
    }
    const late = dice.chance(weather.replyLate);
    const told = dice.chance(weather.replyGarbled) ? this.#garbled(reply) : reply;
    this.#later(late ? dice.between(500, 70_000) : dice.between(1, 60), () => {
      this.#end({ kind: 'reply', reply: told, upstreamMs: this.#elapsed });
    });
  }

  #garbled(reply: VendorReply): VendorReply {
    switch (this.#deps.dice.between(0, 3)) {
      case 0:
        return { ...reply, body: reply.body.subarray(0, reply.body.length / 2) };
      case 1:
        return { ...reply, body: Buffer.from('<html>') };
      case 2:
        return { ...reply, body: Buffer.from('{}') };
      default:
        return this.#page(502);
    }
  }

  /** A gateway's, which shows what it was sent: nobody may be shown the secret. */
  #page(status: number): VendorReply {
    const body = Buffer.from(`<html>no vendor for ${this.#request.headers.authorization}</html>`);
    return { status, headers: new Map([['content-type', 'text/html']]), body };
  }

  /** The connection breaks, soon or when the time is up. */
  #breakOff(): void {
    const { dice } = this.#deps;
    if (dice.chance(0.7)) this.#later(dice.between(1, 2_000), () => this.#noReply('ECONNRESET'));
  }

  #noReply(why: string): void {
    this.#end({ kind: 'no_reply', why, upstreamMs: this.#elapsed });
  }

  #end(result: UpstreamResult): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#deps.onResult(this.#callId, result);
    this.#resolve(result);
  }

  #later(ms: number, happen: () => void): void {
    this.#deps.timeline.after(ms, () => {
      if (this.#mount.alive && !this.#ended) happen();
    });
  }

  get #elapsed(): number {
    return this.#deps.timeline.now - this.#startedAt;
  }

  get #key(): string | null {
    return this.#request.headers['idempotency-key'] ?? null;
  }
}

function error(status: number, code: string): VendorReply {
  const body = Buffer.from(JSON.stringify({ error: { type: 'error', code, message: code } }));
  return { status, headers: new Map([['content-type', 'application/json']]), body };
}
