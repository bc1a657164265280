/**
 * A map that forgets its oldest entries, so that a vendor that runs for days stays the same size.
 * Two generations instead of deleting the first key each time: a Map skips over all that was ever
 * deleted at its head, which halved the sandbox's speed after 60,000 calls.
 */
export class Recent<Value> {
  readonly #limit: number;
  #young = new Map<string, Value>();
  #old = new Map<string, Value>();

  /** At least the newest `limit` entries are kept, at most twice as many. */
  constructor(limit: number) {
    this.#limit = Math.max(1, limit);
  }

  get(key: string): Value | undefined {
    return this.#young.get(key) ?? this.#old.get(key);
  }

  /** A key that is there keeps its age. */
  set(key: string, value: Value): void {
    if (!this.#young.has(key) && this.#old.has(key)) {
      this.#old.set(key, value);
      return;
    }
    this.#young.set(key, value);
    if (this.#young.size < this.#limit) return;
    this.#old = this.#young;
    this.#young = new Map();
  }

  delete(key: string): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }

  clear(): void {
    this.#young = new Map();
    this.#old = new Map();
  }

  /** Oldest first. */
  *values(): Generator<Value> {
    yield* this.#old.values();
    yield* this.#young.values();
  }
}
