/**
 * The simulated Stripe: one account with books of its own. Knows PaymentIntents and refunds, executes
 * one idempotency key once for 24 hours, and remembers of each object which requests moved it: its
 * books are the truth that the ledger is held against. Knows nothing of Keybrake.
 */
import type { VendorReply } from '../src/vendors/vendor.ts';
import type { Dice } from './dice.ts';
import type { Timeline } from './timeline.ts';
import type { Weather } from './weather.ts';

/** A request as it reached the vendor. */
export interface Arrival {
  /** Which call it was sent for, which no vendor could see; null: a question of Keybrake's own. */
  readonly callId: bigint | null;
  readonly method: string;
  readonly path: string;
  readonly idempotencyKey: string | null;
  readonly body: string;
}

export interface Payment {
  readonly id: string;
  amount: number;
  readonly manual: boolean;
  status:
    | 'requires_payment_method'
    | 'requires_confirmation'
    | 'requires_action'
    | 'requires_capture'
    | 'processing'
    | 'succeeded'
    | 'canceled';
  method: string | null;
  received: number;
  capturable: number;
  refunded: number;
  /** The calls that were executed on it. */
  readonly calls: bigint[];
}

export interface Refund {
  readonly id: string;
  readonly payment: string;
  readonly amount: number;
  readonly calls: bigint[];
}

interface Kept {
  at: number;
  request: string;
  /** Null: it is being executed. */
  reply: VendorReply | null;
}

export interface StripeDeps {
  dice: Dice;
  timeline: Timeline;
  weather: Weather;
  /** Makes object ids of two accounts differ. */
  name: string;
  /** Money may have moved. */
  onMove(): void;
}

const DAY_MS = 86_400_000;

/** How a payment method ends. The slow ones take the bank minutes. */
export const METHODS = ['pm_good', 'pm_bad', 'pm_asks', 'pm_slow_good', 'pm_slow_bad'] as const;

/** No Error: tens of thousands are thrown in a minute, and nobody wants their stacks. */
class Problem {
  readonly status: number;
  readonly message: string;
  readonly fields: object;
  constructor(status: number, message: string, fields: object = {}) {
    this.status = status;
    this.message = message;
    this.fields = fields;
  }
}

export class SimulatedStripe {
  readonly payments = new Map<string, Payment>();
  readonly refunds = new Map<string, Refund>();
  readonly #kept = new Map<string, Kept>();
  readonly #deps: StripeDeps;

  constructor(deps: StripeDeps) {
    this.#deps = deps;
  }

  /** Micro-dollars that moved, for good or not yet, and what may move still, of all objects. */
  *moved(): Iterable<{ id: string; micros: bigint; most: bigint; calls: readonly bigint[] }> {
    for (const { id, status, amount, received, calls } of this.payments.values()) {
      const over = status === 'succeeded' || status === 'canceled';
      yield { id, micros: micros(received), most: micros(over ? received : amount), calls };
    }
    for (const { id, amount, calls } of this.refunds.values()) {
      yield { id, micros: micros(amount), most: micros(amount), calls };
    }
  }

  /** Takes a request; `answer` is called once, when the vendor has one. */
  receive(arrival: Arrival, answer: (reply: VendorReply) => void): void {
    const { dice, timeline, weather } = this.#deps;
    const { idempotencyKey: key, method, path, body } = arrival;
    if (method === 'GET' || key === null) {
      timeline.after(dice.between(0, 80), () => answer(this.#execute(arrival).reply));
      return;
    }
    const request = `${path}?${body}`;
    const known = this.#kept.get(key);
    if (known && timeline.now - known.at < DAY_MS) {
      if (known.request !== request) answer(rendered(new Problem(400, 'idempotency_error')));
      else if (known.reply === null) answer(rendered(new Problem(409, 'idempotency_key_in_use')));
      else answer(replayed(known.reply));
      return;
    }
    const kept: Kept = { at: timeline.now, request, reply: null };
    this.#kept.set(key, kept);
    timeline.after(dice.between(0, 80), () => {
      const breaks = dice.chance(weather.breaks);
      const broken = rendered(new Problem(500, 'An error occurred on our end.'));
      if (breaks && dice.chance(0.5)) {
        // It broke before any money moved, and says so to every retry.
        kept.reply = broken;
        answer(broken);
        return;
      }
      const { reply, executed } = this.#execute(arrival);
      if (executed) {
        kept.reply = breaks ? broken : reply;
      } else this.#kept.delete(key);
      answer(kept.reply ?? reply);
    });
  }

  #execute(arrival: Arrival): { reply: VendorReply; executed: boolean } {
    try {
      const reply = rendered(200, this.#route(arrival, new URLSearchParams(arrival.body)));
      return { reply, executed: true };
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      // A decline is an execution. Of other rejections some are kept and some are not.
      const executed =
        error.status === 402 || (error.status === 400 && this.#deps.dice.chance(0.3));
      return { reply: rendered(error), executed };
    }
  }

  #route({ method, path, callId }: Arrival, form: URLSearchParams): object {
    const [, , resource, id = '', action = ''] = path.split('/');
    const call = callId === null ? [] : [callId];
    if (resource === 'refunds') return this.#refund(form, call);
    if (resource !== 'payment_intents') throw new Problem(404, 'Unrecognized request URL');
    if (id === '') return this.#create(form, call);
    const payment = this.payments.get(id);
    if (!payment) throw new Problem(404, `No such payment_intent: ${id}`);
    if (method === 'GET') return shown(payment);
    payment.calls.push(...call);
    switch (action) {
      case '':
        return this.#update(payment, form);
      case 'confirm':
        return this.#confirm(payment, form);
      case 'capture':
        return this.#capture(payment, form);
      case 'cancel':
        return this.#cancel(payment);
      case 'increment_authorization':
        return this.#increment(payment, form);
      default:
        throw new Problem(404, 'Unrecognized request URL');
    }
  }

  #create(form: URLSearchParams, calls: bigint[]): object {
    const method = form.get('payment_method');
    const payment: Payment = {
      id: `pi_${this.#deps.name}${this.payments.size}`,
      amount: Number(form.get('amount')),
      manual: form.get('capture_method') === 'manual',
      status: method === null ? 'requires_payment_method' : 'requires_confirmation',
      ...{ method, received: 0, capturable: 0, refunded: 0, calls },
    };
    this.payments.set(payment.id, payment);
    if (form.get('confirm') === 'true') this.#pay(payment);
    return shown(payment);
  }

  #update(payment: Payment, form: URLSearchParams): object {
    if (!['requires_payment_method', 'requires_confirmation'].includes(payment.status)) {
      throw unexpected(payment);
    }
    const amount = form.get('amount');
    if (amount !== null) payment.amount = Number(amount);
    return shown(payment);
  }

  #confirm(payment: Payment, form: URLSearchParams): object {
    payment.method = form.get('payment_method') ?? payment.method;
    if (!payment.status.startsWith('requires_') || payment.status === 'requires_capture') {
      throw unexpected(payment);
    }
    if (payment.method === null) throw unexpected(payment);
    this.#pay(payment);
    return shown(payment);
  }

  #capture(payment: Payment, form: URLSearchParams): object {
    const amount = Number(form.get('amount_to_capture') ?? payment.capturable);
    if (payment.status !== 'requires_capture' || amount > payment.capturable) {
      throw unexpected(payment);
    }
    payment.received = amount;
    payment.capturable = 0;
    payment.status = 'succeeded';
    this.#deps.onMove();
    return shown(payment);
  }

  #cancel(payment: Payment): object {
    if (!payment.status.startsWith('requires_')) throw unexpected(payment);
    payment.capturable = 0;
    payment.status = 'canceled';
    return shown(payment);
  }

  /** To a new total. */
  #increment(payment: Payment, form: URLSearchParams): object {
    const amount = Number(form.get('amount'));
    if (payment.status !== 'requires_capture' || amount <= payment.amount) {
      throw unexpected(payment);
    }
    payment.capturable += amount - payment.amount;
    payment.amount = amount;
    return shown(payment);
  }

  #refund(form: URLSearchParams, calls: bigint[]): object {
    const payment = this.payments.get(form.get('payment_intent') ?? '');
    if (!payment) throw new Problem(404, 'No such payment_intent');
    const left = payment.received - payment.refunded;
    const amount = Number(form.get('amount') ?? left);
    if (amount <= 0 || amount > left) throw new Problem(400, 'more than is left of the charge');
    payment.refunded += amount;
    const id = `re_${this.#deps.name}${this.refunds.size}`;
    this.refunds.set(id, { id, payment: payment.id, amount, calls });
    this.#deps.onMove();
    return {
      ...{ id, object: 'refund', amount, currency: 'usd', status: 'succeeded' },
      payment_intent: payment.id,
    };
  }

  #pay(payment: Payment): void {
    switch (payment.method) {
      case 'pm_bad':
        payment.status = 'requires_payment_method';
        throw new Problem(402, 'Your card was declined.', { payment_intent: shown(payment) });
      case 'pm_asks':
        payment.status = 'requires_action';
        return;
      case 'pm_slow_good':
      case 'pm_slow_bad': {
        payment.status = 'processing';
        const { dice, timeline } = this.#deps;
        const good = payment.method === 'pm_slow_good';
        timeline.after(dice.between(1_000, 300_000), () => {
          if (good) this.#take(payment);
          else payment.status = 'requires_payment_method';
        });
        return;
      }
      default:
        if (!payment.manual) this.#take(payment);
        else {
          payment.status = 'requires_capture';
          payment.capturable = payment.amount;
        }
    }
  }

  #take(payment: Payment): void {
    payment.received = payment.amount;
    payment.status = 'succeeded';
    this.#deps.onMove();
  }
}

const micros = (cents: number): bigint => BigInt(cents) * 10_000n;

function unexpected(payment: Payment): Problem {
  return new Problem(400, `has a status of ${payment.status}`, {
    ...{ code: 'payment_intent_unexpected_state', payment_intent: shown(payment) },
  });
}

function shown({ id, amount, received, capturable, status }: Payment): object {
  const charged = received > 0 || capturable > 0 || status === 'processing';
  return {
    ...{ id, object: 'payment_intent', amount, currency: 'usd', status },
    ...{ amount_received: received, amount_capturable: capturable },
    latest_charge: charged ? `ch_${id}` : null,
  };
}

function rendered(problem: Problem): VendorReply;
function rendered(status: number, object: object): VendorReply;
function rendered(what: Problem | number, object?: object): VendorReply {
  const failed = what instanceof Problem;
  const error = failed && { type: 'error', message: what.message, ...what.fields };
  return {
    status: failed ? what.status : what,
    headers: new Map([['content-type', 'application/json']]),
    body: Buffer.from(JSON.stringify(failed ? { error } : object)),
  };
}

function replayed(reply: VendorReply): VendorReply {
  return { ...reply, headers: new Map(reply.headers).set('idempotent-replayed', 'true') };
}
