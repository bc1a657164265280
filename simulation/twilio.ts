/**
 * The simulated Twilio: one account that sends messages. Sends the same request as often as it comes,
 * states the price of a message later, and not always the one that was expected.
 */
import type { VendorReply } from '../src/vendors/vendor.ts';
import {
  type Arrival,
  EXECUTES_WITHIN_MS,
  LISTS_WITHIN_MS,
  type Moved,
  replyWith,
  type SimulatedVendor,
  type VendorDeps,
} from './vendor.ts';

/** What a message is expected to cost, in micro-dollars, and one that fails. */
export const MESSAGE_PRICES: ReadonlyMap<string, bigint> = new Map([
  ['sms', 300_000n],
  ['message-failed', 10_000n],
]);
const EXPECTED = MESSAGE_PRICES.get('sms')!;
const FAILED = MESSAGE_PRICES.get('message-failed')!;
/** What Twilio states: mostly what was expected. */
const STATED = [EXPECTED, EXPECTED, EXPECTED, EXPECTED, 200_000n, 350_000n];

interface Message {
  readonly sid: string;
  readonly to: string;
  readonly body: string;
  readonly createdAt: number;
  readonly listedAt: number;
  /** Null: it fails, and no price is ever stated. */
  readonly price: bigint | null;
  readonly statedAt: number;
  readonly calls: readonly bigint[];
}

export class SimulatedTwilio implements SimulatedVendor {
  readonly #deps: VendorDeps;
  readonly #messages: Message[] = [];

  constructor(deps: VendorDeps) {
    this.#deps = deps;
  }

  *moved(): Iterable<Moved> {
    // Of two that say the same, either may be taken for the one that a lost call has sent.
    const alike = Map.groupBy(this.#messages, ({ to, body }) => `${to} ${body}`);
    for (const messages of alike.values()) {
      let [micros, final] = [0n, 0n];
      for (const { price } of messages) {
        const cost = price ?? FAILED;
        micros += cost < EXPECTED ? cost : EXPECTED;
        final += cost;
      }
      const stated = messages.every(({ statedAt }) => statedAt <= this.#deps.timeline.now);
      const calls = messages.flatMap((message) => message.calls);
      const ids = messages.map(({ sid }) => sid);
      yield { ids, micros, final: stated ? final : null, calls };
    }
  }

  receive(arrival: Arrival, answer: (reply: VendorReply) => void): void {
    const { dice, timeline, weather } = this.#deps;
    timeline.after(dice.between(0, EXECUTES_WITHIN_MS), () => {
      const reply = this.#execute(arrival);
      const breaks = arrival.method === 'POST' && dice.chance(weather.breaks);
      answer(breaks ? this.#reply(500, { code: 20500, message: 'Internal error' }) : reply);
    });
  }

  #execute({ method, path, body, callId }: Arrival): VendorReply {
    const { pathname, searchParams: query } = new URL(path, 'https://twilio');
    const sid = /\/Messages\/(\w+)\.json$/.exec(pathname)?.[1];
    if (method === 'POST') return this.#send(new URLSearchParams(body), callId);
    if (sid === undefined) return this.#list(query.get('To'));
    const message = this.#messages.find((each) => each.sid === sid);
    if (!message) return this.#reply(404, { code: 20404, message: 'not found' });
    return this.#reply(200, this.#shown(message));
  }

  #send(form: URLSearchParams, callId: bigint | null): VendorReply {
    const { dice, timeline } = this.#deps;
    const [to, body] = [form.get('To') ?? '', form.get('Body') ?? ''];
    if (to.endsWith('0')) return this.#reply(400, { code: 21610, message: 'has unsubscribed' });
    const now = timeline.now;
    const message: Message = {
      sid: `SM${this.#deps.name === 'second' ? 'b' : 'a'}${String(this.#messages.length).padStart(31, '0')}`,
      ...{ to, body, createdAt: now, listedAt: now + dice.between(0, LISTS_WITHIN_MS) },
      price: dice.chance(0.05) ? null : dice.pick(STATED),
      statedAt: now + dice.between(1_000, dice.pick([60_000, 7_200_000])),
      calls: callId === null ? [] : [callId],
    };
    this.#messages.push(message);
    this.#deps.onExecution(callId, body);
    this.#deps.onMove();
    return this.#reply(201, this.#shown(message));
  }

  #list(to: string | null): VendorReply {
    const { now } = this.#deps.timeline;
    const found = this.#messages.filter((each) => each.to === to && each.listedAt <= now);
    const messages = found.reverse().map((each) => this.#shown(each));
    return this.#reply(200, { messages, next_page_uri: null });
  }

  #shown({ sid, to, body, createdAt, price, statedAt }: Message): object {
    const { epoch, timeline } = this.#deps;
    const stated = statedAt <= timeline.now;
    const status = !stated ? 'sent' : price === null ? 'failed' : 'delivered';
    return {
      ...{ sid, to, body, from: '+15005550006', status, direction: 'outbound-api' },
      date_created: new Date(epoch + createdAt).toUTCString(),
      price: stated && price !== null ? `-${Number(price) / 1e6}` : null,
      price_unit: 'USD',
    };
  }

  #reply(status: number, json: object): VendorReply {
    return replyWith(this.#deps, status, json);
  }
}
