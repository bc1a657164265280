/**
 * A vendor's store of replies: one key, one execution, for 24 hours by the clock unless
 * the vendor keeps them longer. Answers are kept
 * by the caller's word alone; this file knows no status and no vendor.
 */
import { Recent } from './recent.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

export interface Fingerprinted {
  /** As routed. */
  path: string;
  query: string;
  body: string;
  contentType: string;
}

export interface Entry<Stored> extends Fingerprinted {
  name: string;
  at: number;
  /** Null while the first request with this key is being executed. */
  reply: Stored | null;
}

export type Claim<Stored> =
  | { kind: 'first'; entry: Entry<Stored> }
  | { kind: 'replay'; reply: Stored }
  | { kind: 'in_flight' }
  | { kind: 'other_endpoint'; firstPath: string }
  | { kind: 'other_params' };

export class ReplyStore<Stored> {
  readonly #entries: Recent<Entry<Stored>>;
  readonly #same: (a: Fingerprinted, b: Fingerprinted) => boolean;

  /**
   * `limit`: how many of the newest replies are kept at least. `same`: whether two requests to one
   * path mean the same; asked only when they are not spelled the same.
   */
  constructor(limit: number, same: (a: Fingerprinted, b: Fingerprinted) => boolean) {
    this.#entries = new Recent(limit);
    this.#same = same;
  }

  /** Takes the key for this request, or says who has it. `name`: the account and the key. */
  claim(
    name: string,
    request: Fingerprinted,
    now: number,
    keepsMs: number = DAY_MS,
  ): Claim<Stored> {
    const found = this.#entries.get(name);
    if (found && (found.reply === null || now - found.at < keepsMs)) {
      return this.#compare(found, request);
    }
    if (found) this.#entries.delete(name);
    const { path, query, body, contentType } = request;
    const entry: Entry<Stored> = { name, path, query, body, contentType, at: now, reply: null };
    this.#entries.set(name, entry);
    return { kind: 'first', entry };
  }

  /** Stores the reply; null: the key is free again, because what its request met is not stored. */
  keep(entry: Entry<Stored>, reply: Stored | null): void {
    if (reply) entry.reply = reply;
    else this.#release(entry);
  }

  #release(entry: Entry<Stored>): void {
    if (this.#entries.get(entry.name) === entry) this.#entries.delete(entry.name);
  }

  clear(): void {
    this.#entries.clear();
  }

  #compare(first: Entry<Stored>, request: Fingerprinted): Claim<Stored> {
    if (first.path !== request.path) return { kind: 'other_endpoint', firstPath: first.path };
    const spelledTheSame = first.body === request.body && first.query === request.query;
    if (!spelledTheSame && !this.#same(first, request)) return { kind: 'other_params' };
    return first.reply ? { kind: 'replay', reply: first.reply } : { kind: 'in_flight' };
  }
}
