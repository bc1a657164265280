/**
 * What the books of every vendor have: the log of the requests that arrived, and how many there
 * were. What a request did, and the money, each vendor's own books say. Nothing here asks Keybrake
 * anything, because its ledger is held against these.
 */

/** One request as it arrived. Filled in as it goes on: `body`, then how it ended. */
export interface ReceivedRequest {
  seq: number;
  /** Milliseconds since 1970, monotonic, with fractions, taken when the headers were there. */
  at: number;
  method: string;
  /** As on the wire: not decoded, not normalised. */
  path: string;
  /** Without the `?`. */
  query: string;
  /** Lower-case names; repeated ones joined by Node's rules. `rawHeaders` shows each. */
  headers: Record<string, string>;
  rawHeaders: string[];
  authorization: string | null;
  idempotencyKey: string | null;
  /** Null when the request ended before its body was complete. */
  body: string | null;
  /** What was answered; null when no complete reply was sent. */
  status: number | null;
  answeredAt: number | null;
  /** Began to execute here, for the first time: what is not a GET, or a GET that is billed. */
  executed: boolean;
  /** Answered from the store of replies. */
  replayed: boolean;
  /** The kind of fault that was injected. */
  fault: string | null;
}

export interface BooksOptions {
  /** How many requests `received` keeps, the newest; 0 keeps none. */
  keepLog: number;
  /**
   * How many of the newest objects, and of the stored replies, are kept at least; at most twice as
   * many. What is forgotten stays in the totals.
   */
  keepObjects: number;
}

export abstract class Books {
  /** Requests whose headers arrived. */
  requests = 0;
  /** Requests that were executed, failed ones among them: see `ReceivedRequest.executed`. */
  executions = 0;
  /** Requests answered from the store of replies. */
  replays = 0;

  readonly options: BooksOptions;
  #log: ReceivedRequest[] = [];
  readonly #onReset: (() => void)[] = [];

  constructor(options: BooksOptions) {
    this.options = options;
  }

  /** The newest requests, oldest first. */
  get received(): readonly ReceivedRequest[] {
    const { keepLog } = this.options;
    return this.#log.length > keepLog ? this.#log.slice(-keepLog) : this.#log;
  }

  /** Plain values for JSON; money as text. */
  abstract summary(): Record<string, unknown>;

  /** Forgets everything, stored replies included; faults stay. */
  reset(): void {
    this.requests = this.executions = this.replays = 0;
    this.#log = [];
    for (const clear of this.#onReset) clear();
  }

  onReset(clear: () => void): void {
    this.#onReset.push(clear);
  }

  /** Writes a request down. Dropping in halves keeps this constant in time and memory. */
  enter(request: ReceivedRequest): void {
    this.requests++;
    const { keepLog } = this.options;
    if (keepLog === 0) return;
    this.#log.push(request);
    if (this.#log.length >= 2 * keepLog) this.#log = this.#log.slice(-keepLog);
  }

  countExecution(request: ReceivedRequest): void {
    request.executed = true;
    this.executions++;
  }
}
