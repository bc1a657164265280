/**
 * The books of the simulated Stripe: PaymentIntents and refunds, what each may become next, and which
 * calls were executed on it. They are the truth that the ledger is held against. Throws a Problem
 * where Stripe answers an error.
 */
import type { Dice } from './dice.ts';
import type { Timeline } from './timeline.ts';
import type { Moved } from './vendor.ts';

/** No Error: tens of thousands are thrown in a minute, and nobody wants their stacks. */
export class Problem {
  readonly status: number;
  readonly message: string;
  readonly fields: object;
  constructor(status: number, message: string, fields: object = {}) {
    this.status = status;
    this.message = message;
    this.fields = fields;
  }
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
  declined: boolean;
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
  readonly calls: readonly bigint[];
}

export interface PaymentsDeps {
  dice: Dice;
  timeline: Timeline;
  /** Makes object ids of two accounts differ. */
  name: string;
  /** Something has happened to an object. */
  onEvent(type: string, object: object): void;
  /** Money has moved. */
  onMove(): void;
}

/** How a payment method ends. The slow ones take the bank minutes. */
export const METHODS = ['pm_good', 'pm_bad', 'pm_asks', 'pm_slow_good', 'pm_slow_bad'] as const;

export class Payments {
  readonly payments = new Map<string, Payment>();
  readonly refunds = new Map<string, Refund>();
  readonly #deps: PaymentsDeps;

  constructor(deps: PaymentsDeps) {
    this.#deps = deps;
  }

  *moved(): Iterable<Moved> {
    for (const { id, status, received, calls } of this.payments.values()) {
      const over = status === 'succeeded' || status === 'canceled';
      yield { ids: [id], micros: micros(received), final: over ? micros(received) : null, calls };
    }
    for (const { id, amount, calls } of this.refunds.values()) {
      yield { ids: [id], micros: micros(amount), final: micros(amount), calls };
    }
  }

  find(id: string): Payment {
    const payment = this.payments.get(id);
    if (!payment) throw new Problem(404, `No such payment_intent: ${id}`);
    return payment;
  }

  create(form: URLSearchParams, calls: bigint[]): object {
    const method = form.get('payment_method');
    const payment: Payment = {
      id: `pi_${this.#deps.name}${this.payments.size}`,
      amount: Number(form.get('amount')),
      manual: form.get('capture_method') === 'manual',
      status: method === null ? 'requires_payment_method' : 'requires_confirmation',
      ...{ method, declined: false, received: 0, capturable: 0, refunded: 0, calls },
    };
    this.payments.set(payment.id, payment);
    this.#tell('created', payment);
    if (form.get('confirm') === 'true') this.#pay(payment);
    return shown(payment);
  }

  /** Makes no event. */
  update(payment: Payment, form: URLSearchParams): object {
    if (!['requires_payment_method', 'requires_confirmation'].includes(payment.status)) {
      throw unexpected(payment);
    }
    const amount = form.get('amount');
    if (amount !== null) payment.amount = Number(amount);
    return shown(payment);
  }

  confirm(payment: Payment, form: URLSearchParams): object {
    const method = form.get('payment_method') ?? payment.method;
    const confirmable = isOpen(payment) && payment.status !== 'requires_capture';
    if (!confirmable || method === null) throw unexpected(payment);
    payment.method = method;
    this.#pay(payment);
    return shown(payment);
  }

  capture(payment: Payment, form: URLSearchParams): object {
    const amount = Number(form.get('amount_to_capture') ?? payment.capturable);
    if (payment.status !== 'requires_capture' || amount > payment.capturable) {
      throw unexpected(payment);
    }
    payment.capturable = 0;
    this.#take(payment, amount);
    return shown(payment);
  }

  cancel(payment: Payment): object {
    if (!isOpen(payment)) throw unexpected(payment);
    payment.capturable = 0;
    payment.status = 'canceled';
    this.#tell('canceled', payment);
    return shown(payment);
  }

  /** To a new total. */
  increment(payment: Payment, form: URLSearchParams): object {
    const amount = Number(form.get('amount'));
    if (payment.status !== 'requires_capture' || amount <= payment.amount) {
      throw unexpected(payment);
    }
    payment.capturable += amount - payment.amount;
    payment.amount = amount;
    this.#tell('amount_capturable_updated', payment);
    return shown(payment);
  }

  refund(form: URLSearchParams, calls: readonly bigint[]): object {
    const payment = this.find(form.get('payment_intent') ?? '');
    const left = payment.received - payment.refunded;
    const amount = Number(form.get('amount') ?? left);
    if (amount <= 0 || amount > left) throw new Problem(400, 'more than is left of the charge');
    payment.refunded += amount;
    const id = `re_${this.#deps.name}${this.refunds.size}`;
    const refund: Refund = { id, payment: payment.id, amount, calls };
    this.refunds.set(id, refund);
    this.#deps.onEvent('refund.created', shownRefund(refund));
    this.#deps.onMove();
    return shownRefund(refund);
  }

  #pay(payment: Payment): void {
    const { dice, timeline } = this.#deps;
    payment.declined = false;
    switch (payment.method) {
      case 'pm_bad':
        this.#decline(payment);
        throw new Problem(402, 'Your card was declined.', { payment_intent: shown(payment) });
      case 'pm_asks':
        payment.status = 'requires_action';
        this.#tell('requires_action', payment);
        return;
      case 'pm_slow_good':
      case 'pm_slow_bad': {
        payment.status = 'processing';
        this.#tell('processing', payment);
        const good = payment.method === 'pm_slow_good';
        timeline.after(dice.between(1_000, 300_000), () => {
          if (good) this.#take(payment, payment.amount);
          else this.#decline(payment);
        });
        return;
      }
    }
    if (!payment.manual) {
      this.#take(payment, payment.amount);
      return;
    }
    payment.status = 'requires_capture';
    payment.capturable = payment.amount;
    this.#tell('amount_capturable_updated', payment);
  }

  #decline(payment: Payment): void {
    payment.status = 'requires_payment_method';
    payment.method = null;
    payment.declined = true;
    this.#tell('payment_failed', payment);
  }

  #take(payment: Payment, amount: number): void {
    payment.received = amount;
    payment.status = 'succeeded';
    this.#tell('succeeded', payment);
    this.#deps.onMove();
  }

  #tell(what: string, payment: Payment): void {
    this.#deps.onEvent(`payment_intent.${what}`, shown(payment));
  }
}

/** Whether it can still be paid, or be let go. */
export function isOpen({ status }: Payment): boolean {
  return status.startsWith('requires_');
}

const micros = (cents: number): bigint => BigInt(cents) * 10_000n;

function unexpected(payment: Payment): Problem {
  return new Problem(400, `has a status of ${payment.status}`, {
    ...{ code: 'payment_intent_unexpected_state', payment_intent: shown(payment) },
  });
}

/** `expanded`: with its charge, where refunds show. */
export function shown(payment: Payment, expanded = false): object {
  const { id, amount, received, capturable, status, declined } = payment;
  const charged = received > 0 || capturable > 0 || status === 'processing';
  return {
    ...{ id, object: 'payment_intent', amount, currency: 'usd', status },
    ...{ amount_received: received, amount_capturable: capturable },
    last_payment_error: declined ? { code: 'card_declined' } : null,
    latest_charge: charged ? (expanded ? charge(payment) : `ch_${id}`) : null,
  };
}

function charge({ id, amount, received, refunded, status }: Payment): object {
  const done = status === 'succeeded';
  return {
    ...{ id: `ch_${id}`, object: 'charge', payment_intent: id, amount, currency: 'usd' },
    ...{ status: status === 'processing' ? 'pending' : 'succeeded', captured: done },
    ...{ amount_captured: received, amount_refunded: refunded, refunded: false },
  };
}

export function shownRefund({ id, amount, payment }: Refund): object {
  return {
    ...{ id, object: 'refund', amount, currency: 'usd', status: 'succeeded' },
    payment_intent: payment,
  };
}
