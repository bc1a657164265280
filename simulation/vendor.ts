/**
 * What every simulated vendor is: it takes requests, answers them some time later, and has books
 * that say what moved and for which calls. Knows nothing of Keybrake but the calls' numbers, which
 * no real vendor sees and which are there for the books alone.
 */
import type { VendorReply } from '../src/vendors/vendor.ts';
import type { Dice } from './dice.ts';
import type { Timeline } from './timeline.ts';
import type { Weather } from './weather.ts';

/** A request as it reached the vendor. */
export interface Arrival {
  /** Which call it was sent for; null: a question of Keybrake's own. */
  readonly callId: bigint | null;
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly idempotencyKey: string | null;
  readonly body: string;
}

/** What the books say of one object, or of several that nobody outside can tell apart. */
export interface Moved {
  readonly ids: readonly string[];
  /** Micro-dollars that must be counted for them by now. */
  readonly micros: bigint;
  /** What they come to in the end; null: that is still open. */
  readonly final: bigint | null;
  /** The calls that were executed on them. */
  readonly calls: readonly bigint[];
}

export interface VendorDeps {
  readonly dice: Dice;
  readonly timeline: Timeline;
  readonly weather: Weather;
  /** Milliseconds since 1970 at the beginning of the timeline. */
  readonly epoch: number;
  /** Of the account: makes object ids of two accounts differ. */
  readonly name: string;
  /** Money has moved. */
  onMove(): void;
  /** A request was carried out; `text` names what was wanted, whoever asks for it. */
  onExecution(callId: bigint | null, text: string): void;
}

export interface SimulatedVendor {
  /** Takes a request; `answer` is called once, when the vendor has one. */
  receive(arrival: Arrival, answer: (reply: VendorReply) => void): void;
  moved(): Iterable<Moved>;
}

/** What a vendor does, it takes up to so long for; and shows in its lists up to so much later. */
export const EXECUTES_WITHIN_MS = 80;
export const LISTS_WITHIN_MS = 8_000;

export function replyWith(
  { epoch, timeline }: VendorDeps,
  status: number,
  json: object,
): VendorReply {
  const headers = new Map([
    ['content-type', 'application/json'],
    ['date', new Date(epoch + timeline.now).toUTCString()],
  ]);
  return { status, headers, body: Buffer.from(JSON.stringify(json)) };
}
