/**
 * What always holds (design.md, section 3), held against what is durable, what was sent and what the
 * vendor's books say. Knows the promises and none of the code that keeps them; each check names the
 * number of its promise.
 */
import type { RateLimit } from '../src/ledger/ledger.ts';
import type { Outgoing } from '../src/proxy/answer.ts';
import type { UpstreamRequest, UpstreamResult } from '../src/proxy/forward.ts';
import type { Budget, Commit, Row } from './disk.ts';
import { MESSAGE_PRICES } from './twilio.ts';
import type { Moved } from './vendor.ts';

/** 1 to 8 as in the design; 0: nothing fails inside Keybrake itself. */
export type Invariant = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

export interface ModelDeps {
  now(): number;
  rows: ReadonlyMap<bigint, Row>;
  failing(): boolean;
  moved(): Iterable<Moved>;
  violate(invariant: Invariant, what: string): void;
}

export interface KeyTerms {
  readonly id: bigint;
  readonly parent: bigint | null;
  readonly issuedAt: number;
  readonly maxCalls: number | null;
  readonly perCallCap: bigint | null;
  readonly rateLimit: RateLimit | null;
}

interface Sent {
  /** By what the vendor knows it for a repetition. */
  readonly name: string;
  /** It can be carried out any number of times: a cancellation. */
  readonly harmless: boolean;
  /** `conclusive`: an answer that every repetition must be given; else it may be sent again. */
  standing: 'in flight' | 'conclusive' | 'open';
  /** It was answered that it is not carried out, and that may be tried anew as anything. */
  rejected: boolean;
  /** The request's body. */
  readonly asked: string;
  /** The answer's body. */
  body: string | null;
}

/** What the rows under a budget come to. `over`: beyond what was quoted for them. */
interface Sum {
  readonly spent: bigint;
  readonly held: bigint;
  readonly over: bigint;
}

export interface Counted {
  readonly counted: bigint;
  readonly claimed: bigint;
  readonly keys: number;
}

const NOTHING: Sum = { spent: 0n, held: 0n, over: 0n };
const DAY_MS = 86_400_000;
/** By which the clocks of two processes, and a commit and what it says of its time, may differ. */
const MINUTE_MS = 60_000;
const ENDED = new Set(['settled', 'released', 'refused', 'replayed']);

export class Model {
  readonly #deps: ModelDeps;
  readonly #keys = new Map<bigint, KeyTerms>();
  readonly #sent = new Map<bigint, Sent>();
  /** Calls by vault key and idempotency key, or task, in the order in which they were sent. */
  readonly #alike = new Map<string, bigint[]>();
  /** By which call what was carried out. */
  readonly #executed = new Map<string, bigint>();
  /** Since when it has been known what became of a call. */
  readonly #knownAt = new Map<bigint, number>();
  /** When calls were admitted under a key that has a rate limit: by the latest clock until then. */
  readonly #admittedAt = new Map<bigint, number[]>();
  /** What the vendors answered to questions. */
  readonly #told: string[] = [];
  readonly #revoked = new Set<bigint>();
  readonly #frozen = new Set<string>();
  #budgets = new Map<string, Budget>();

  constructor(deps: ModelDeps) {
    this.#deps = deps;
  }

  // ---------------------------------------------------------------- what it is told

  issued(key: KeyTerms): void {
    this.#keys.set(key.id, key);
  }

  /** The revoke has been answered. */
  revoked(ids: readonly bigint[]): void {
    for (const id of ids) this.#revoked.add(id);
  }

  /** The freeze of a vendor, or of everything, has been answered. */
  frozen(vendor: string): void {
    this.#frozen.add(vendor);
  }

  /** It is being lifted: from now on nothing is promised. */
  thawed(vendor: string): void {
    this.#frozen.delete(vendor);
  }

  /** The process is gone: what it had not written down is not known to the next one. */
  crashed(): void {
    for (const [id, sent] of this.#sent) {
      const row = this.#deps.rows.get(id);
      if (row === undefined || row.runningId !== null) sent.standing = 'open';
    }
  }

  committed({ rows, budgets }: Commit): void {
    for (const { now, before } of rows) {
      this.#endsOnce(now, before);
      const isKnown = now.runningId === null && now.state !== 'unknown';
      if (isKnown && !this.#knownAt.has(now.id)) this.#knownAt.set(now.id, this.#deps.now());
    }
    this.#withinRates(rows);
    const sums = this.#sumsOfRows();
    this.#withinCaps(budgets, sums);
    this.#budgetsAreTheirRows(budgets, sums);
    if (rows.some(({ now }) => ENDED.has(now.state))) this.#countsWhatMoved();
  }

  sending(callId: bigint, request: UpstreamRequest): void {
    const row = this.#deps.rows.get(callId);
    const name = request.headers['idempotency-key'] ?? '';
    const asked = textOf(request.body);
    if (row) {
      this.#holdIsDurable(row, request);
      this.#executesOnce(row, name, asked);
      this.#notRevoked(row);
    } else {
      const what = 'was sent before its row was on disk';
      this.#violate(this.#deps.failing() ? 8 : 2, callId, what);
    }
    if (this.#sent.has(callId)) this.#violate(3, callId, 'was sent a second time');
    const harmless = request.path.endsWith('/cancel') || request.method === 'GET';
    this.#sent.set(callId, {
      ...{ name, harmless, standing: 'in flight', rejected: false, asked, body: null },
    });
  }

  /** What the proxy is told of a call, or of a question (null). */
  result(callId: bigint | null, result: UpstreamResult): void {
    if (callId === null && result.kind === 'reply') this.#told.push(textOf(result.reply.body));
    const sent = callId === null ? undefined : this.#sent.get(callId);
    if (!sent || result.kind !== 'reply') {
      if (sent) sent.standing = 'open';
      return;
    }
    const { status } = result.reply;
    sent.standing = concludes(result) ? 'conclusive' : 'open';
    sent.rejected = status >= 400 && status < 500 && status !== 402;
    sent.body = textOf(result.reply.body);
  }

  moved(): void {
    this.#countsWhatMoved();
  }

  /** 5: what `text` names was carried out: once, for as long as its answer is kept. */
  executed(callId: bigint | null, text: string): void {
    // Who names nothing may well want it twice.
    if (callId === null || text.startsWith(NAMELESS)) return;
    const first = this.#deps.rows.get(this.#executed.get(text) ?? -1n);
    this.#executed.set(text, callId);
    if (!first || this.#isForgotten(first) || this.#holder(first).state === 'released') return;
    this.#violate(5, callId, `carried out ${text} again`);
  }

  // ---------------------------------------------------------------- the promises

  /**
   * 1: spent + held <= cap. A cap that is lowered below what counts already lets nothing be added;
   * a vendor that bills more than was estimated is the one way over it.
   */
  #withinCaps(budgets: readonly Budget[], sums: ReadonlyMap<string, Sum>): void {
    const before = this.#budgets;
    this.#budgets = new Map(budgets.map((budget) => [nameOf(budget), budget]));
    for (const [name, { cap, spent, held, calls, keyId }] of this.#budgets) {
      const was = before.get(name);
      const most = largest(cap, was?.cap ?? 0n, was ? was.spent + was.held : 0n);
      if (spent + held > most + (sums.get(name)?.over ?? 0n)) {
        this.#deps.violate(1, `${name} counts ${spent} + ${held} of a cap of ${cap}`);
      }
      const { maxCalls } = this.#keys.get(keyId)!;
      if (maxCalls !== null && calls > maxCalls) {
        this.#deps.violate(1, `${name} counts ${calls} calls of ${maxCalls}`);
      }
    }
  }

  /**
   * 1: a bucket of `calls` that fills within the window is never overdrawn; one call more for those
   * that were admitted at once by clocks read one after the other.
   */
  #withinRates(rows: Commit['rows']): void {
    for (const { now, before } of rows) {
      if (before || now.state !== 'held' || now.replayOf !== null) continue;
      for (const { id, rateLimit } of this.#chain(now.keyId)) {
        if (rateLimit === null) continue;
        const times = this.#admittedAt.get(id) ?? [];
        this.#admittedAt.set(id, times);
        const at = Math.max(times.at(-1) ?? 0, Number(now.at));
        times.push(at);
        const { calls, windowMs } = rateLimit;
        for (const [index, since] of times.entries()) {
          if (times.length - index <= 1 + calls * (1 + (at - since) / windowMs)) continue;
          this.#violate(1, now.id, `is one of ${times.length - index} within ${at - since} ms`);
        }
      }
    }
  }

  /** 2: before a byte goes out, row and hold are on disk; the hold covers what the call asks for. */
  #holdIsDurable(row: Row, { method, path, body }: UpstreamRequest): void {
    const holder = this.#holder(row);
    const open = row.state === 'held' && row.runningId === row.id;
    if (!open) this.#violate(2, row.id, `was sent, and its row is ${row.state}`);
    const needed = method === 'POST' ? neededFor(path, textOf(body)) : 0n;
    if (holder.quote < needed) this.#violate(2, row.id, `holds ${holder.quote} of ${needed}`);
    for (const { perCallCap } of this.#chain(row.keyId)) {
      if (perCallCap === null || needed <= perCallCap) continue;
      this.#violate(1, row.id, `asks for ${needed}, over its ${perCallCap} a call`);
    }
  }

  /** 4: a row that has ended stays as it ended, and no hold changes its size. */
  #endsOnce(now: Row, before: Row | undefined): void {
    if (!before) return;
    if (now.quote !== before.quote) this.#violate(4, now.id, 'has another hold than before');
    if (!ENDED.has(before.state)) return;
    if (now.state === before.state && now.cost === before.cost) return;
    this.#violate(4, now.id, `was ${before.state} and is ${now.state} at ${now.cost}`);
  }

  /** 4: what a budget counts is what the rows under it hold and cost, each of them once. */
  #budgetsAreTheirRows(budgets: readonly Budget[], sums: ReadonlyMap<string, Sum>): void {
    for (const budget of budgets) {
      const name = nameOf(budget);
      const { spent, held } = sums.get(name) ?? NOTHING;
      if (budget.spent === spent && budget.held === held) continue;
      const says = `${name} counts ${budget.spent} + ${budget.held}`;
      this.#deps.violate(4, `${says}, its rows ${spent} + ${held}`);
    }
  }

  /** 4: money that moved is counted: no hold comes back while the vendor's books show that it did. */
  #countsWhatMoved(): void {
    for (const { ids, micros, calls } of this.#deps.moved()) {
      if (micros === 0n) continue;
      const { counted } = this.countedFor(ids, calls);
      if (counted < micros) {
        this.#deps.violate(4, `${ids} moved ${micros}, and ${counted} is counted for it`);
      }
    }
  }

  /**
   * 5: sent again only while nobody can know what the first sending came to, and then by the same
   * name; a task's next attempt is the first one again unless that is known to have moved nothing.
   */
  #executesOnce(row: Row, name: string, asked: string): void {
    const { id, keyId, taskId } = row;
    for (const { sent, first } of name === '' ? [] : this.#earlier(`${keyId} key ${name}`, id)) {
      const isFree = sent.rejected || this.#holder(first).state === 'released';
      if (sent.asked !== asked && !isFree) this.#violate(5, id, `was another call as ${name}`);
      if (sent.standing === 'open') continue;
      this.#violate(5, id, `was sent as ${name} though the first was ${sent.standing}`);
    }
    for (const { sent, first } of taskId ? this.#earlier(`${keyId} task ${taskId}`, id) : []) {
      const nothing = sent.standing !== 'in flight' && this.#holder(first).state === 'released';
      if (nothing || sent.harmless || (name !== '' && sent.name === name)) continue;
      this.#violate(5, id, `was sent for ${taskId} beside ${sent.name}`);
    }
  }

  /** Those that were sent before in the same sense and are not forgotten. */
  #earlier(sense: string, id: bigint): { sent: Sent; first: Row }[] {
    const before = this.#alike.get(sense) ?? [];
    this.#alike.set(sense, [...before, id]);
    return before
      .map((each) => ({ sent: this.#sent.get(each)!, first: this.#deps.rows.get(each)! }))
      .filter(({ first }) => !this.#isForgotten(first));
  }

  /** An answer is kept for a day from when it was known: a call that is open is not forgotten. */
  #isForgotten(row: Row): boolean {
    const since = this.#knownAt.get(this.#holder(row).id) ?? Infinity;
    return this.#deps.now() - since >= DAY_MS - MINUTE_MS;
  }

  /** 5: who repeats a call is given what the first was answered, byte for byte. */
  answered(keyId: bigint, name: string | null, asked: string, { headers, body }: Outgoing): void {
    if (headers['x-keybrake-replayed'] !== 'true' || name === null) return;
    const told = typeof body === 'string' ? body : textOf(body);
    for (const [id, sent] of this.#sent) {
      const isOwn = this.#deps.rows.get(id)?.keyId === keyId;
      if (isOwn && sent.asked === asked && sent.body === told) return;
    }
    if (this.#told.some((text) => text.includes(told))) return;
    this.#deps.violate(5, `key ${keyId} was told ${told}, which nobody was before`);
  }

  /** 6: when a revoke has been answered, no call under that key starts. */
  #notRevoked(row: Row): void {
    if (this.#frozen.has(row.vendor) || this.#frozen.has('*')) {
      this.#violate(6, row.id, 'was sent after the freeze was answered');
    }
    if (this.#chain(row.keyId).some(({ id }) => this.#revoked.has(id))) {
      this.#violate(6, row.id, 'was sent after its revoke was answered');
    }
  }

  // ---------------------------------------------------------------- counting

  /** By budget: each row counts in total and in its day, for its key and all above it. */
  #sumsOfRows(): Map<string, Sum> {
    const sums = new Map<string, Sum>();
    for (const row of this.#deps.rows.values()) {
      const held = holdOf(row);
      const spent = row.state === 'settled' ? row.cost! : 0n;
      if (held === 0n && spent === 0n) continue;
      const over = spent > row.quote ? spent - row.quote : 0n;
      for (const { id, issuedAt } of this.#chain(row.keyId)) {
        const day = issuedAt + Math.floor((Number(row.at) - issuedAt) / DAY_MS) * DAY_MS;
        for (const name of [`${id} total 0`, `${id} daily ${Math.max(day, issuedAt)}`]) {
          const sum = sums.get(name) ?? NOTHING;
          sums.set(name, {
            ...{ spent: sum.spent + spent, held: sum.held + held, over: sum.over + over },
          });
        }
      }
    }
    return sums;
  }

  /**
   * What the ledger counts for an object, or for some that are alike. `counted`: rows of calls that
   * were executed on it, and others of their keys that say they are about it. `claimed`: of the former
   * only those that do not say they are about another. `keys`: how many have a hand in it.
   */
  countedFor(objectIds: readonly string[], calls: readonly bigint[]): Counted {
    const executed = calls.flatMap((id) => this.#deps.rows.get(id) ?? []);
    const holders = new Set(executed.map((row) => this.#holder(row)));
    const keys = new Set([...holders].map(({ keyId }) => keyId));
    let [counted, claimed] = [0n, 0n];
    for (const row of this.#deps.rows.values()) {
      const about = objectIds.includes(row.objectId ?? '') && keys.has(row.keyId);
      if (!about && !holders.has(row)) continue;
      const micros = row.state === 'settled' ? row.cost! : holdOf(row);
      counted += micros;
      if (about || row.objectId === null) claimed += micros;
    }
    return { counted, claimed, keys: keys.size };
  }

  /** The row under whose hold the call was sent. */
  #holder(row: Row): Row {
    return row.replayOf === null ? row : (this.#deps.rows.get(row.replayOf) ?? row);
  }

  #chain(keyId: bigint): KeyTerms[] {
    const chain: KeyTerms[] = [];
    for (let id: bigint | null = keyId; id !== null; id = chain.at(-1)!.parent) {
      chain.push(this.#keys.get(id)!);
    }
    return chain;
  }

  #violate(invariant: Invariant, callId: bigint, what: string): void {
    this.#deps.violate(invariant, `call ${callId} ${what}`);
  }
}

/** So begins what an order says that has no name to be known by again. */
export const NAMELESS = 'nameless';

export function holdOf({ state, quote, replayOf }: Row): bigint {
  return (state === 'held' || state === 'unknown') && replayOf === null ? quote : 0n;
}

/** An answer that Stripe would give again, and that says what happened. */
function concludes({ reply }: Extract<UpstreamResult, { kind: 'reply' }>): boolean {
  if (reply.status === 402) return true;
  if (reply.status !== 200) return false;
  try {
    return JSON.parse(textOf(reply.body)).object !== undefined;
  } catch {
    return false;
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

/** What a request to make something asks for, as far as it says so itself. */
function neededFor(path: string, body: string): bigint {
  if (path.endsWith('/Messages.json')) return MESSAGE_PRICES.get('sms')!;
  if (!/\/(payment_intents|refunds)$/.test(path)) return 0n;
  return BigInt(new URLSearchParams(body).get('amount') ?? '0') * 10_000n;
}

function nameOf({ keyId, kind, windowStart }: Budget): string {
  return `${keyId} ${kind} ${windowStart}`;
}

function largest(...amounts: bigint[]): bigint {
  return amounts.reduce((most, each) => (each > most ? each : most));
}
