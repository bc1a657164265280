/**
 * The simulated clients: runs that pay, confirm, capture, cancel and refund under vault keys, in
 * bursts; that try again with the same idempotency key when they got no answer, and some that should
 * not; that hang up. They know what they were answered and nothing else.
 */
import type { Outgoing } from '../src/proxy/answer.ts';
import type { Incoming } from '../src/proxy/arrive.ts';
import type { Dice } from './dice.ts';
import { NAMELESS } from './model.ts';
import { METHODS } from './payments.ts';
import type { Timeline } from './timeline.ts';
import type { Weather } from './weather.ts';

/** A vault key as its run holds it. */
export interface Credential {
  readonly id: bigint;
  readonly text: string;
  /** The vendor account that its calls spend from. */
  readonly account: string;
}

/** What somebody wants done; tried again under one idempotency key, or none. */
export interface Order {
  readonly credential: Credential;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body: string;
  name: string | null;
  /** The task that it belongs to, and which attempt of it this is; null: no task is named. */
  readonly task: { readonly id: string; attempt: number } | null;
  tries: number;
  /** Tries that are not answered yet, and whether one was. */
  underWay: number;
  heard: boolean;
}

export interface ClientDeps {
  dice: Dice;
  timeline: Timeline;
  weather: Weather;
  credentials: readonly Credential[];
  /** Calls Keybrake; `answer` is told what came back, or null when the connection broke. */
  call(incoming: Incoming, answer: (outgoing: Outgoing | null) => void): void;
  onAnswer(order: Order, outgoing: Outgoing): void;
}

/** A payment or a message that somebody was told of. */
interface Known {
  readonly id: string;
  readonly credential: Credential;
}

const STRIPE = '/stripe/v1/payment_intents';
/** The SID stands for the account's own. */
const TWILIO = `/twilio/2010-04-01/Accounts/AC${'0'.repeat(32)}/Messages`;

const TRIES = 3;
const FRESH = { tries: 0, underWay: 0, heard: false };

export class Clients {
  readonly #deps: ClientDeps;
  readonly #orders: Order[] = [];
  readonly #known: Known[] = [];
  /** By account: keys of two accounts use the same names, which mean nothing to each other. */
  readonly #names = new Map<string, number>();
  #tasks = 0;
  #lastAt = 0;
  #nameless = 0;

  constructor(deps: ClientDeps) {
    this.#deps = deps;
  }

  /** One thing that a client does. */
  step(): void {
    const { dice } = this.#deps;
    if (this.#rested()) for (const order of this.#orders.slice(-5)) this.send(order);
    const order = this.#next();
    this.#orders.push(order);
    // At once from several workers, or several orders in a row.
    const burst = dice.chance(0.2) ? dice.between(2, 6) : 1;
    const same = dice.chance(0.5);
    this.send(order);
    for (let i = 1; i < burst; i++) this.send(same ? order : this.#new(order.credential));
  }

  #next(): Order {
    const { dice, credentials } = this.#deps;
    const before = this.#orders.at(-dice.between(1, 8));
    if (before && dice.chance(0.2)) {
      if (!dice.chance(0.15)) return before;
      return { ...before, body: `${before.body}&description=other`, task: null, ...FRESH };
    }
    if (this.#known.length > 0 && dice.chance(0.45)) return this.#followUp();
    return this.#new(dice.pick(credentials));
  }

  /** Whoever comes back after hours takes up what was begun. */
  #rested(): boolean {
    const { now } = this.#deps.timeline;
    const rested = now - this.#lastAt > 3_600_000;
    this.#lastAt = now;
    return rested;
  }

  #new(credential: Credential): Order {
    return this.#deps.dice.chance(0.25) ? this.#message(credential) : this.#payment(credential);
  }

  /** Says what it is, so that the vendor can tell when it is asked for it again. */
  #message(credential: Credential): Order {
    const { dice } = this.#deps;
    const form = new URLSearchParams({ To: `+1415555267${dice.between(0, 4)}` });
    const order = this.#order(credential, 'POST', `${TWILIO}.json`, form);
    const said = order.task?.id ?? order.name ?? `${NAMELESS} ${this.#nameless++}`;
    form.set('From', '+15005550006');
    form.set('Body', `${order.name === null ? '' : credential.id} ${said}`.trim());
    return { ...order, body: form.toString() };
  }

  #payment(credential: Credential): Order {
    const { dice } = this.#deps;
    const form = new URLSearchParams({ amount: String(dice.between(1, 6) * 50), currency: 'usd' });
    if (dice.chance(0.85)) form.set('payment_method', this.#method());
    if (form.has('payment_method') && dice.chance(0.8)) form.set('confirm', 'true');
    if (dice.chance(0.3)) form.set('capture_method', 'manual');
    return this.#order(credential, 'POST', STRIPE, form);
  }

  #followUp(): Order {
    const { dice, credentials } = this.#deps;
    const { id, credential: own } = this.#known.at(-dice.between(1, 4)) ?? this.#known[0]!;
    const credential = dice.chance(0.85) ? own : dice.pick(credentials);
    const amount = () => String(dice.between(1, 8) * 50);
    const form = new URLSearchParams();
    if (id.startsWith('SM')) return this.#order(credential, 'GET', `${TWILIO}/${id}.json`, form);
    const path = `${STRIPE}/${id}`;
    switch (dice.between(0, 9)) {
      case 0:
      case 1:
        if (dice.chance(0.7)) form.set('payment_method', this.#method());
        return this.#order(credential, 'POST', `${path}/confirm`, form);
      case 2:
      case 3:
        if (dice.chance(0.5)) form.set('amount_to_capture', amount());
        return this.#order(credential, 'POST', `${path}/capture`, form);
      case 4:
        return this.#order(credential, 'POST', `${path}/cancel`, form);
      case 5:
        form.set('amount', amount());
        return this.#order(credential, 'POST', path, form);
      case 6:
        form.set('amount', amount());
        return this.#order(credential, 'POST', `${path}/increment_authorization`, form);
      case 7:
        return this.#order(credential, 'GET', path, form);
      default:
        form.set('payment_intent', id);
        if (dice.chance(0.5)) form.set('amount', amount());
        return this.#order(credential, 'POST', '/stripe/v1/refunds', form);
    }
  }

  /** Most payments succeed. */
  #method(): string {
    const { dice } = this.#deps;
    return dice.chance(0.6) ? METHODS[0] : dice.pick(METHODS);
  }

  #order(
    credential: Credential,
    method: Order['method'],
    path: string,
    form: URLSearchParams,
  ): Order {
    const { dice } = this.#deps;
    const named = method === 'POST' && dice.chance(0.8);
    const name = named ? this.#newName(credential) : null;
    const task = named && dice.chance(0.4) ? { id: `task-${this.#tasks++}`, attempt: 0 } : null;
    return { credential, method, path, body: form.toString(), name, task, ...FRESH };
  }

  #newName({ account }: Credential): string {
    const count = this.#names.get(account) ?? 0;
    this.#names.set(account, count + 1);
    return `order-${count}`;
  }

  /** Tries the order once; when that fails, most clients try again later. */
  send(order: Order): void {
    const { dice, timeline, weather, call } = this.#deps;
    order.tries += 1;
    order.underWay += 1;
    const hangsUp = dice.chance(weather.hangsUp);
    const patience = hangsUp ? dice.between(1, 500) : null;
    let waits = true;
    const hearers: (() => void)[] = [];
    if (patience !== null) {
      timeline.after(patience, () => {
        if (!waits) return;
        waits = false;
        for (const hungUp of hearers) hungUp();
        this.#again(order, true);
      });
    }
    const vanishes = hangsUp && dice.chance(0.2);
    const onHangUp = (then: () => void) => {
      if (waits) hearers.push(then);
      else then();
    };
    call({ ...this.#incoming(order, vanishes), onHangUp }, (outgoing) => {
      order.underWay -= 1;
      if (outgoing) this.#answered(order, outgoing);
      if (!waits) return;
      waits = false;
      order.heard ||= outgoing !== null;
      if (!outgoing || outgoing.status >= 500 || outgoing.status === 409) this.#again(order, false);
    });
  }

  /** `died`: the worker, in the midst of its call. */
  #again(order: Order, died: boolean): void {
    const { dice, timeline } = this.#deps;
    if (order.tries >= TRIES || !dice.chance(0.7)) return;
    // Its scheduler tries the task anew, and its SDK makes a new key; or the SDK itself tries again.
    if (order.task && dice.chance(0.6)) {
      // A broker that delivers the task of a dead worker again calls it the same attempt.
      const same = died && order.underWay === 1 && !order.heard && dice.chance(0.7);
      if (!same) order.task.attempt += 1;
      order.name = this.#newName(order.credential);
    }
    timeline.after(dice.between(0, 3_000), () => this.send(order));
  }

  #answered(order: Order, outgoing: Outgoing): void {
    this.#deps.onAnswer(order, outgoing);
    const found = /"s?id":"((?:pi_|SM)\w+)"/.exec(textOf(outgoing))?.[1];
    if (!found || this.#known.some(({ id }) => id === found)) return;
    this.#known.push({ id: found, credential: order.credential });
  }

  /** `vanishes`: the client goes before its request is whole. */
  #incoming({ credential, method, path, body, name, task }: Order, vanishes: boolean) {
    const rawHeaders = ['Authorization', `Bearer ${credential.text}`];
    if (name !== null) rawHeaders.push('Idempotency-Key', name);
    if (task) rawHeaders.push('X-Keybrake-Task-Id', task.id);
    if (task) rawHeaders.push('X-Keybrake-Attempt', String(task.attempt));
    if (method === 'POST') rawHeaders.push('Content-Type', 'application/x-www-form-urlencoded');
    const bytes = method === 'POST' ? Buffer.from(body) : new Uint8Array();
    const readBody = async () => (vanishes ? null : bytes);
    return { method, target: path, rawHeaders, readBody };
  }
}

export function textOf({ body }: Outgoing): string {
  return typeof body === 'string' ? body : Buffer.from(body).toString();
}
