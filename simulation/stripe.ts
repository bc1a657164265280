/**
 * The simulated Stripe: one account. Executes an idempotency key once for 24 hours, keeps the answer
 * for whoever repeats it, breaks now and then, and lists its events a little late. Knows nothing of
 * Keybrake.
 */
import type { VendorReply } from '../src/vendors/vendor.ts';
import { Payments, Problem, shown, shownRefund } from './payments.ts';
import {
  type Arrival,
  EXECUTES_WITHIN_MS,
  LISTS_WITHIN_MS,
  type Moved,
  replyWith,
  type SimulatedVendor,
  type VendorDeps,
} from './vendor.ts';

interface Kept {
  at: number;
  /** For which call it was asked for last. */
  askedFor: bigint | null;
  request: string;
  /** Null: it is being executed. */
  reply: VendorReply | null;
}

interface Event {
  readonly id: string;
  readonly object: 'event';
  /** Seconds since 1970. */
  readonly created: number;
  readonly type: string;
  readonly request: { idempotency_key: string | null } | null;
  readonly data: { object: object };
  /** From when on it is listed. */
  readonly listedAt: number;
}

const DAY_MS = 86_400_000;

export class SimulatedStripe implements SimulatedVendor {
  readonly books: Payments;
  readonly #deps: VendorDeps;
  readonly #kept = new Map<string, Kept>();
  /** Oldest first. */
  readonly #events: Event[] = [];
  /** Of the request that is executed now; null: nobody asked for what happens. */
  #cause: { idempotency_key: string | null } | null = null;

  constructor(deps: VendorDeps) {
    this.#deps = deps;
    const { dice, timeline, name, onMove } = deps;
    const onEvent = (type: string, object: object) => this.#happened(type, object);
    this.books = new Payments({ dice, timeline, name, onMove, onEvent });
  }

  moved(): Iterable<Moved> {
    return this.books.moved();
  }

  receive(arrival: Arrival, answer: (reply: VendorReply) => void): void {
    const { dice, timeline } = this.#deps;
    const { idempotencyKey: key, method, path, body } = arrival;
    if (method === 'GET' || key === null) {
      timeline.after(dice.between(0, EXECUTES_WITHIN_MS), () =>
        answer(this.#execute(arrival).reply),
      );
      return;
    }
    const request = `${path}?${body}`;
    const known = this.#kept.get(key);
    // Not between two copies of one request: a network makes them, and they are milliseconds apart.
    const isCopy = known?.askedFor === arrival.callId;
    if (known && (isCopy || timeline.now - known.at < DAY_MS)) {
      known.askedFor = arrival.callId;
      if (known.request !== request) answer(this.#failed(400, 'idempotency_error'));
      else if (known.reply === null) answer(this.#failed(409, 'idempotency_key_in_use'));
      else answer(replayed(known.reply));
      return;
    }
    const kept: Kept = { at: timeline.now, askedFor: arrival.callId, request, reply: null };
    this.#kept.set(key, kept);
    timeline.after(dice.between(0, EXECUTES_WITHIN_MS), () =>
      answer(this.#once(arrival, key, kept)),
    );
  }

  /** Carries it out; what it comes to is what every repetition is told. */
  #once(arrival: Arrival, key: string, kept: Kept): VendorReply {
    const { dice, weather } = this.#deps;
    const breaks = dice.chance(weather.breaks);
    // Before any money moved or after it, and it says so to every retry.
    const broken = breaks && this.#failed(500, 'An error occurred on our end.');
    if (broken && dice.chance(0.5)) {
      kept.reply = broken;
      return broken;
    }
    const { reply, executed } = this.#execute(arrival);
    if (executed) {
      kept.reply = broken || reply;
      this.#deps.onExecution(arrival.callId, `${this.#deps.name} ${key}`);
    } else this.#kept.delete(key);
    return kept.reply ?? reply;
  }

  #execute(arrival: Arrival): { reply: VendorReply; executed: boolean } {
    this.#cause = { idempotency_key: arrival.idempotencyKey };
    try {
      return { reply: this.#reply(200, this.#route(arrival)), executed: true };
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      const { status, message, fields } = problem;
      // A decline is an execution. Of other rejections some are kept and some are not.
      const executed = status === 402 || (status === 400 && this.#deps.dice.chance(0.3));
      return { reply: this.#failed(status, message, fields), executed };
    } finally {
      this.#cause = null;
    }
  }

  #route({ method, path, body, callId }: Arrival): object {
    const { pathname, searchParams: query } = new URL(path, 'https://stripe');
    const [, , resource, id = '', action = ''] = pathname.split('/');
    const form = new URLSearchParams(body);
    const call = callId === null ? [] : [callId];
    const { books } = this;
    if (method === 'GET' && resource === 'events') return this.#list(query);
    if (resource === 'refunds') {
      const refund = books.refunds.get(id);
      if (method === 'POST' && id === '') return books.refund(form, call);
      if (!refund) throw new Problem(404, `No such refund: ${id}`);
      return shownRefund(refund);
    }
    if (resource !== 'payment_intents') throw new Problem(404, 'Unrecognized request URL');
    if (id === '') return books.create(form, call);
    const payment = books.find(id);
    if (method === 'GET') return shown(payment, query.toString().includes('latest_charge'));
    payment.calls.push(...call);
    switch (action) {
      case '':
        return books.update(payment, form);
      case 'confirm':
        return books.confirm(payment, form);
      case 'capture':
        return books.capture(payment, form);
      case 'cancel':
        return books.cancel(payment);
      case 'increment_authorization':
        return books.increment(payment, form);
      default:
        throw new Problem(404, 'Unrecognized request URL');
    }
  }

  #happened(type: string, object: object): void {
    const { dice, timeline, epoch } = this.#deps;
    this.#events.push({
      ...{ id: `evt_${this.#events.length}`, object: 'event', type, data: { object } },
      created: Math.floor((epoch + timeline.now) / 1000),
      request: this.#cause,
      listedAt: timeline.now + dice.between(0, LISTS_WITHIN_MS),
    });
  }

  #list(query: URLSearchParams): object {
    const from = Number(query.get('created[gte]') ?? 0);
    const to = Number(query.get('created[lte]') ?? Infinity);
    const type = query.get('type');
    const types = [...query].flatMap(([name, value]) => (name.startsWith('types') ? value : []));
    const wanted = this.#events.filter(
      (event) =>
        event.listedAt <= this.#deps.timeline.now &&
        event.created >= from &&
        event.created <= to &&
        (type === null || type === event.type) &&
        (types.length === 0 || types.includes(event.type)),
    );
    wanted.reverse();
    const start = wanted.findIndex(({ id }) => id === query.get('starting_after')) + 1;
    const end = start + Number(query.get('limit') ?? 10);
    const data = wanted.slice(start, end);
    return { object: 'list', data, has_more: end < wanted.length, url: '/v1/events' };
  }

  #failed(status: number, message: string, fields: object = {}): VendorReply {
    return this.#reply(status, { error: { type: 'error', message, ...fields } });
  }

  #reply(status: number, object: object): VendorReply {
    return replyWith(this.#deps, status, object);
  }
}

function replayed(reply: VendorReply): VendorReply {
  return { ...reply, headers: new Map(reply.headers).set('idempotent-replayed', 'true') };
}
