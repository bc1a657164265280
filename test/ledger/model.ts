/**
 * What a ledger should say, in the plainest way: a few maps and bigints, no store, no batches. It
 * knows keys with parents, caps, windows, identities, resends and crashes; not vendor objects.
 */
import { DAY, HOUR } from './desk.ts';

/** How long the model's vendor executes one idempotency key once. */
export const WINDOW_MS = 23 * HOUR;

export interface Caps {
  total: bigint | null;
  daily: bigint | null;
}

interface Counted {
  spent: bigint;
  held: bigint;
}

interface Key {
  parent: number | null;
  issuedAt: number;
  caps: Caps;
  revoked: boolean;
  calls: number;
  total: Counted;
  days: Map<number, Counted>;
}

interface Call {
  key: number;
  at: number;
  hold: bigint;
  state: 'held' | 'settled' | 'released' | 'unknown';
  running: boolean;
  /** The call under whose hold this one was sent again. */
  first: bigint | null;
  name: string | null;
}

interface Name {
  id: bigint;
  at: number;
  body: string;
  running: bigint | null;
  /** Since when there is a reply for who repeats the call. */
  repliedAt: number | null;
}

export interface End {
  at: number;
  outcome: Call['state'];
  cost: bigint;
  /** The reply is kept for who repeats the call; with `unknown`, the name alone. */
  keep: boolean;
}

export interface Request {
  id: bigint;
  at: number;
  key: number;
  needed: bigint;
  name: string | null;
  body: string;
  waited: boolean;
}

export class Model {
  readonly keys: Key[] = [];
  readonly #calls = new Map<bigint, Call>();
  readonly #names = new Map<string, Name>();

  issue(parent: number | null, issuedAt: number, caps: Caps): void {
    const total = { spent: 0n, held: 0n };
    this.keys.push({
      ...{ parent, issuedAt, caps, revoked: false, calls: 0, total, days: new Map() },
    });
  }

  /** What the ledger should answer: a refusal's code or a verdict's kind. */
  admit({ id, at, key, needed, name, body, waited }: Request): string {
    const chain = this.#chain(key);
    if (chain.some(({ revoked }) => revoked)) return 'key_revoked';
    const known = name === null ? undefined : this.#known(key, name, at);
    if (known) {
      if (known.body !== body) return 'idempotency_mismatch';
      if (known.running !== null) return waited ? 'idempotency_in_flight' : 'in_flight';
      if (known.repliedAt !== null) return 'replay';
      if (at - known.at >= WINDOW_MS) return 'outcome_unknown';
      known.running = id;
      this.#calls.set(id, { ...running(key, at, 0n, name), first: known.id });
      return 'resend';
    }
    for (const each of needed > 0n ? chain : []) {
      if (this.budgets(each, at).some(([cap, { spent, held }]) => spent + held + needed > cap)) {
        return 'cap_exceeded';
      }
    }
    for (const each of chain) {
      each.calls += 1;
      for (const counted of [each.total, this.day(each, at)]) counted.held += needed;
    }
    this.#calls.set(id, running(key, at, needed, name));
    if (name !== null) {
      this.#names.set(`${key}/${name}`, { id, at, body, running: id, repliedAt: null });
    }
    return 'admitted';
  }

  settle(id: bigint, end: End): void {
    const call = this.#calls.get(id);
    if (!call?.running) return;
    call.running = false;
    if (call.first === null) {
      this.#end(id, call, end);
      return;
    }
    const name = this.#names.get(`${call.key}/${call.name}`)!;
    name.running = null;
    const proof = end.outcome !== 'unknown' && (end.outcome !== 'released' || end.keep);
    const first = this.#calls.get(call.first)!;
    if (proof && first.state === 'unknown') this.#end(call.first, first, end);
  }

  #end(id: bigint, call: Call, { at, outcome, cost, keep }: End): void {
    call.state = outcome;
    if (outcome === 'settled' || outcome === 'released') {
      for (const key of this.#chain(call.key)) {
        for (const counted of [key.total, this.day(key, call.at)]) {
          counted.held -= call.hold;
          if (outcome === 'settled') counted.spent += cost;
        }
      }
    }
    const name = this.#names.get(`${call.key}/${call.name}`);
    if (name?.id !== id) return;
    name.running = null;
    name.repliedAt = keep && outcome !== 'unknown' ? at : null;
    if (!keep) this.#names.delete(`${call.key}/${call.name}`);
  }

  /** The process ends: nobody is left to say what became of the calls under way. */
  crash(): void {
    for (const call of this.#calls.values()) {
      if (!call.running) continue;
      call.running = false;
      call.state = 'unknown';
    }
    for (const name of this.#names.values()) name.running = null;
  }

  revoke(key: number): void {
    this.keys[key]!.revoked = true;
    for (const [child, { parent }] of this.keys.entries()) if (parent === key) this.revoke(child);
  }

  /** Whether the change is allowed; if so, it is made. */
  change(key: number, patch: Partial<Caps>): boolean {
    const { revoked, caps, parent } = this.keys[key]!;
    const after = { ...caps, ...patch };
    if (revoked || (after.total === null && after.daily === null)) return false;
    const above = parent === null ? null : this.keys[parent]!.caps;
    const wider = (mine: bigint | null, theirs: bigint | null) =>
      mine !== null && theirs !== null && mine > theirs;
    if (above && (wider(after.total, above.total) || wider(after.daily, above.daily))) return false;
    this.keys[key]!.caps = after;
    return true;
  }

  /** The budgets that have a cap, with what counts against each at this time. */
  budgets(key: Key, at: number): [cap: bigint, counted: Counted][] {
    const found: [bigint, Counted][] = [];
    if (key.caps.total !== null) found.push([key.caps.total, key.total]);
    if (key.caps.daily !== null) found.push([key.caps.daily, this.day(key, at)]);
    return found;
  }

  /** The least that is left on the key's and its ancestors' budgets; null without a cap. */
  remaining(key: number, at: number): bigint | null {
    let least: bigint | null = null;
    for (const [cap, { spent, held }] of this.#chain(key).flatMap((k) => this.budgets(k, at))) {
      const left = cap > spent + held ? cap - spent - held : 0n;
      if (least === null || left < least) least = left;
    }
    return least;
  }

  day(key: Key, at: number): Counted {
    const day = Math.floor((at - key.issuedAt) / DAY);
    const counted = key.days.get(day) ?? { spent: 0n, held: 0n };
    key.days.set(day, counted);
    return counted;
  }

  #chain(key: number): Key[] {
    const found: Key[] = [];
    for (let next: number | null = key; next !== null; next = this.keys[next]!.parent) {
      found.push(this.keys[next]!);
    }
    return found;
  }

  #known(key: number, name: string, at: number): Name | undefined {
    const known = this.#names.get(`${key}/${name}`);
    const repliedAt = known?.repliedAt ?? null;
    if (repliedAt === null || at - repliedAt < DAY) return known;
    this.#names.delete(`${key}/${name}`);
    return undefined;
  }
}

function running(key: number, at: number, hold: bigint, name: string | null): Call {
  return { key, at, hold, state: 'held', running: true, first: null, name };
}
