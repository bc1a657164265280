/**
 * Stripe's store of replies (vendors.md 1.7): one key, one execution, for a day or as long as the
 * version of the API keeps it.
 * Compares what two requests mean, not how they are spelled. Answers are kept by the caller's
 * word alone; this file knows no status.
 */
import type { Dialect } from './dialect.ts';
import { Recent } from './recent.ts';

export interface StoredReply {
  status: number;
  body: string;
  requestId: string;
}

export interface Fingerprinted {
  /** As routed. */
  path: string;
  query: string;
  body: string;
  contentType: string;
}

export interface Entry extends Fingerprinted {
  name: string;
  at: number;
  /** Null while the first request with this key is being executed. */
  reply: StoredReply | null;
}

export type Claim =
  | { kind: 'first'; entry: Entry }
  | { kind: 'replay'; reply: StoredReply }
  | { kind: 'in_flight' }
  | { kind: 'other_endpoint'; firstPath: string }
  | { kind: 'other_params' };

export class Idempotency {
  readonly #entries: Recent<Entry>;

  /** `limit`: how many of the newest replies are kept at least. */
  constructor(limit: number) {
    this.#entries = new Recent(limit);
  }

  /** Takes the key for this request, or says who has it. `name`: the account and the key. */
  claim(name: string, request: Fingerprinted, dialect: Dialect, now: number): Claim {
    const found = this.#entries.get(name);
    if (found && (found.reply === null || now - found.at < dialect.keepsMs)) {
      return compare(found, request, dialect);
    }
    if (found) this.#entries.delete(name);
    const { path, query, body, contentType } = request;
    const entry: Entry = { name, path, query, body, contentType, at: now, reply: null };
    this.#entries.set(name, entry);
    return { kind: 'first', entry };
  }

  /** The key is free again: what its request met is not stored. */
  release(entry: Entry): void {
    if (this.#entries.get(entry.name) === entry) this.#entries.delete(entry.name);
  }

  clear(): void {
    this.#entries.clear();
  }
}

function compare(first: Entry, request: Fingerprinted, dialect: Dialect): Claim {
  if (first.path !== request.path) return { kind: 'other_endpoint', firstPath: first.path };
  if (!sameParams(first, request, dialect)) return { kind: 'other_params' };
  return first.reply ? { kind: 'replay', reply: first.reply } : { kind: 'in_flight' };
}

function sameParams(a: Fingerprinted, b: Fingerprinted, dialect: Dialect): boolean {
  if (a.body === b.body && a.query === b.query) return true;
  const canonical = ({ query, body, contentType }: Fingerprinted) =>
    dialect.read(query, body, contentType).canonical();
  return canonical(a) === canonical(b);
}
