/**
 * Misbehaviour on request: rules that are tried on each request in the order they were given, and
 * what the matching one does to it. Off unless asked for; with the same seeds and requests the same
 * faults come. Decides only; front.ts and deliver.ts carry it out.
 */
import type { ReceivedRequest } from './books.ts';

/**
 * What happens. `delayMs` comes before all else; while it lasts the idempotency key is taken,
 * unless the fault keeps the request from the vendor altogether.
 */
export type Fault = { delayMs?: number } & (
  | { kind: 'delay' }
  /**
   * Answers with this status in the vendor's error shape. Without more: a gateway's answer, nothing
   * was executed. `executes`: the money moved all the same. `stored`: the vendor itself broke, and
   * where it deduplicates, a retry with the same idempotency key is given the same answer again.
   */
  | { kind: 'status'; status: number; executes?: boolean; stored?: boolean; headers?: HeaderMap }
  /** Ends the connection: before executing, after it, or half-way through the reply's body. */
  | { kind: 'hangup'; at: 'before' | 'after' | 'midway'; reset?: boolean }
  /** Never answers. */
  | { kind: 'stall'; at: 'before' | 'after' }
  /** Sends the reply's body in pieces of `bytes` (default 16), one each `everyMs` (default 10). */
  | { kind: 'slowBody'; bytes?: number; everyMs?: number }
  /** Executes (unless `executes` is false) and answers nonsense. */
  | { kind: 'garbage'; as: Garbage; executes?: boolean }
  /** Sends the caller elsewhere; nothing was executed. */
  | { kind: 'redirect'; location: string; status?: number }
  /** The normal reply with more headers, such as `set-cookie` or `connection`. */
  | { kind: 'headers'; headers: HeaderMap }
  /** The normal reply, compressed though nobody asked. */
  | { kind: 'gzip' }
);

export type HeaderMap = Record<string, string | string[]>;

/**
 * `text`: 200 that is not JSON · `wrong_type`: 200 with JSON of another shape · `broken_http`:
 * bytes that are no HTTP · `absurd_length`: promises a terabyte and stays silent after the body ·
 * `huge_header`: 256 KiB of one header · `empty`: 200 and no body.
 */
export type Garbage =
  | 'text'
  | 'wrong_type'
  | 'empty'
  | 'broken_http'
  | 'absurd_length'
  | 'huge_header';

export interface FaultRule {
  /** All that are given must hold; none: every request. */
  match?: {
    method?: string;
    path?: string;
    pathPrefix?: string;
    bodyIncludes?: string;
    idempotencyKey?: string;
  };
  /** How often it strikes; default 1. */
  count?: number | 'always';
  /** Between 0 and 1; a request that is spared does not use up the count. */
  probability?: number;
  /** Of `probability`; default 1. */
  seed?: number;
  do: Fault;
}

export interface FaultHandle {
  /** How often it has struck. */
  readonly hits: number;
  cancel(): void;
}

interface Armed {
  rule: FaultRule;
  hits: number;
  random: () => number;
}

const KINDS: readonly string[] = [
  'delay',
  'status',
  'hangup',
  'stall',
  'slowBody',
  'garbage',
  'redirect',
  'headers',
  'gzip',
] satisfies Fault['kind'][];

export class Faults {
  #armed: Armed[] = [];

  /** Arms one more rule, after those that are armed. */
  next(rule: FaultRule): FaultHandle {
    if (!KINDS.includes(rule.do?.kind)) {
      throw new Error(`a fault's "do.kind" must be one of ${KINDS.join(', ')}`);
    }
    const armed: Armed = { rule, hits: 0, random: seededRandom(rule.seed ?? 1) };
    this.#armed.push(armed);
    return {
      get hits() {
        return armed.hits;
      },
      cancel: () => {
        this.#armed = this.#armed.filter((other) => other !== armed);
      },
    };
  }

  clear(): void {
    this.#armed = [];
  }

  /** The fault for this request, and one less of it. */
  strike(request: ReceivedRequest): Fault | undefined {
    if (this.#armed.length === 0) return undefined;
    for (const armed of this.#armed) {
      const { count = 1, probability = 1 } = armed.rule;
      if (count !== 'always' && armed.hits >= count) continue;
      if (!matches(armed.rule, request)) continue;
      if (probability < 1 && armed.random() >= probability) continue;
      armed.hits++;
      return armed.rule.do;
    }
    return undefined;
  }
}

function matches({ match }: FaultRule, request: ReceivedRequest): boolean {
  if (!match) return true;
  return (
    (match.method === undefined || match.method === request.method) &&
    (match.path === undefined || match.path === request.path) &&
    (match.pathPrefix === undefined || request.path.startsWith(match.pathPrefix)) &&
    (match.bodyIncludes === undefined || (request.body ?? '').includes(match.bodyIncludes)) &&
    (match.idempotencyKey === undefined || match.idempotencyKey === request.idempotencyKey)
  );
}

/** Numbers from 0 to 1, always the same ones for a seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
