/**
 * The ledger: what may be spent, what is held, what was. The only code that writes it stands in
 * this folder. Both stores implement this interface and pass the same contract suite.
 *
 * What always holds:
 * 1. For every budget: spent + held <= cap, at every instant.
 * 2. When `admit` resolves, the row and its hold are durable.
 * 3. A hold is resolved once; money comes back only on proof that none moved.
 * 4. When `revoke` resolves, no admission under those keys succeeds any more.
 * 5. What cannot be written is refused: every method rejects with LedgerUnavailable.
 */
import type { ErrorCode, Refusal } from '../errors.ts';
import type { Micros } from '../money.ts';
import type { ObjectFact, OperationClass, Quote } from '../vendors/vendor.ts';
import type {
  Freeze,
  KeyFilter,
  KeyIdentity,
  KeyPatch,
  KeyView,
  NewKey,
  RevocationTarget,
} from './vault-key.ts';

export type * from './vault-key.ts';

/** The store cannot be reached or written. Nothing of the operation happened. */
export class LedgerUnavailable extends Error {}

/** The operation contradicts what is stored; `message` says what, for the person who asked. */
export class LedgerConflict extends Error {}

/** The cap of a budget that only counts: larger than any sum of amounts, and 64 bits hold it. */
export const UNCAPPED: Micros = 1n << 62n;

// ---------------------------------------------------------------- calls

export type CallState = 'refused' | 'held' | 'settled' | 'released' | 'unknown' | 'replayed';

/** Who calls and for what, as the client says; recorded, never trusted. */
export interface CallContext {
  runId: string | null;
  taskId: string | null;
  taskName: string | null;
  attempt: number | null;
  traceId: string | null;
}

/** Whether the call says which attempt of which task makes it: then other attempts' calls are its own. */
export function namesAttempt({ taskId, attempt }: CallContext): boolean {
  return taskId !== null && attempt !== null;
}

/** A call that asks to be let through. Plain values: it crosses to the store's thread. */
export interface Admission extends CallContext {
  id: bigint;
  at: number;
  keyId: bigint;
  vendor: string;
  account: string;
  method: string;
  path: string;
  operation: string | null;
  class: OperationClass;
  quote: Quote;
  amount: bigint | null;
  currency: string | null;
  objectId: string | null;
  customer: string | null;
  /** The client's key, when it makes the call one execution; null: it sent none. */
  idempotencyKey: string | null;
  /**
   * What the call is, so that a repetition is known; null: no identity. Without an idempotency key
   * (SDKs make a new one for each try of a task, or none) an attempt of a task repeats what its other
   * attempts did, and what it did itself and was not told of, call by call.
   */
  fingerprint: string | null;
  /** How long the vendor deduplicates a key; 0: never, so an unknown outcome is not sent again. */
  idempotencyWindowMs: number;
  onBehalfOf: string | null;
  /** The day of the rate by which `amount` was counted. */
  rateDate: string | null;
  /** By what the call can be found at the vendor, kept while it is open. */
  clue: string | null;
  /** What the vendor said of objects when it was asked for this call's price. */
  facts: readonly ObjectFact[];
  /** The vendor can be asked for a price that is not known: `look_up` instead of `unpriced`. */
  canAsk: boolean;
  /** The call is refused whatever the budgets say (two readings, a params rule): only recorded. */
  refusal: Refusal | null;
  /** The caller is gone already, and will not hear the answer. */
  unheard: boolean;
  /** The wait for the first call with this identity is over: refuse instead of `in_flight`. */
  waited: boolean;
  /**
   * What to say when the call would fit if the holds of calls under way came back: `wait`, or, when
   * the wait is over, `refuse`. `queue`: others wait in front of it, so it waits though it fits.
   */
  holds: 'wait' | 'queue' | 'refuse';
}

interface Standing {
  /** The least that is left on any budget of the key after this decision; null without a cap. */
  remaining: Micros | null;
}

export type Verdict =
  /** Row and hold are durable: send it. `quote` is what is held. */
  | ({ kind: 'admitted'; quote: Micros } & Standing)
  /**
   * The first call's outcome is unknown: send again under the first's hold and with its key: the
   * client's, or null for the one that was made of its id.
   */
  | ({ kind: 'resend'; firstId: bigint; firstKey: string | null; quote: Micros } & Standing)
  /** Answer with the first call's sealed reply. */
  | ({ kind: 'replay'; firstId: bigint; sealedReply: Uint8Array } & Standing)
  /** The first call is still running; nothing was written. Ask again when it has ended. */
  | { kind: 'in_flight'; firstId: bigint }
  /** Only the vendor knows the price; nothing was written. Ask it, and then again here. */
  | { kind: 'look_up' }
  /**
   * Holds in front of the call may come back; nothing was written. Ask again when a call under
   * this key has ended; null: when it is the call's turn.
   */
  | { kind: 'wait'; keyId: bigint | null }
  /** Recorded and not sent. */
  | ({ kind: 'refused'; refusal: Refusal } & Standing);

/** The end of a call's journey. */
export interface Settlement {
  id: bigint;
  at: number;
  /** `released` with `notSent` when no byte left. */
  outcome: 'settled' | 'released' | 'held' | 'unknown';
  /** With `settled`: what it cost; null: what was held for it. */
  cost: Micros | null;
  objects: readonly ObjectFact[];
  /** Set when the reply may be given again to the same identity. */
  sealedReply: Uint8Array | null;
  /** Whether the identity stays taken: false lets the same key start a new execution. */
  keepIdentity: boolean;
  replayedByVendor: boolean;
  /** Set when the call was stopped after admission and before any byte was sent. */
  refused: ErrorCode | null;
  /** Null, like those that follow: as it was, of a call that was answered before. */
  httpStatus: number | null;
  vendorRequestId: string | null;
  vendorObjectId: string | null;
  latencyMs: number | null;
  upstreamMs: number | null;
  /** With `held` and `unknown`: when to look at the vendor for what became of it; null: never. */
  lookAt: number | null;
}

/** What became of a call that was left open, as somebody found out or decided later. */
export interface Resolution {
  id: bigint;
  at: number;
  /** `held` and `unknown`: it is open still, and is looked for again at `lookAt`. */
  outcome: 'settled' | 'released' | 'held' | 'unknown';
  /** With `settled`: what it cost; null: what was held for it. */
  cost: Micros | null;
  objects: readonly ObjectFact[];
  vendorObjectId: string | null;
  /** The answer that the caller never got, for a repetition of the call. */
  sealedReply: Uint8Array | null;
  /** `vendor`, or the management key that decided. */
  by: string;
  why: string | null;
  lookAt: number | null;
  /**
   * The newest attempt that is known to whoever looked. A newer one may have been carried out since,
   * so the resolution is refused then. Absent: an operator decides, whatever was sent.
   */
  sentAt?: number;
  /**
   * When it was begun to look. A decline that was seen says nothing of attempts on the object that
   * were under way then or since, and gives no hold back that one of them stands on.
   */
  lookedAt?: number;
}

/** An open call that is due to be looked for. */
export interface DueCall {
  row: CallRow;
  clue: string | null;
  looks: number;
  /** When it was last sent: its own time, or that of the call that went out again under its hold. */
  sentAt: number;
}

/** One row of the audit, all its columns. */
export interface CallRow extends CallContext {
  id: bigint;
  at: number;
  node: number;
  keyId: bigint;
  label: string;
  vendor: string;
  account: string;
  method: string;
  path: string;
  operation: string | null;
  customer: string | null;
  policyVerdict: 'allow' | 'refuse' | 'would_refuse';
  verdictReason: string | null;
  state: CallState;
  quoteKind: string;
  quote: Micros;
  cost: Micros | null;
  currency: string | null;
  amount: bigint | null;
  /** Spent + held after the decision, of the budget that has least left. */
  capUsageAfter: Micros | null;
  idempotencyKey: string | null;
  fingerprint: string | null;
  httpStatus: number | null;
  vendorRequestId: string | null;
  vendorObjectId: string | null;
  replayOf: bigint | null;
  latencyMs: number | null;
  upstreamMs: number | null;
  settledAt: number | null;
  rateDate: string | null;
  onBehalfOf: string | null;
  resolvedBy: string | null;
  resolution: string | null;
}

export interface CallFilter {
  keyId?: bigint;
  label?: string;
  labelPrefix?: string;
  taskId?: string;
  vendor?: string;
  state?: CallState;
  /** The refusal's code (`verdict_reason`). */
  code?: string;
  verdict?: 'allow' | 'refuse' | 'would_refuse';
  /** Open calls that no look at the vendor will end any more: an operator has to. */
  unresolved?: true;
  since?: number;
  until?: number;
}

export type SpendGroup = 'label' | 'key' | 'vendor' | 'task' | 'endpoint' | 'hour' | 'day';

export interface SpendRow {
  group: string;
  calls: number;
  refused: number;
  spent: Micros;
  held: Micros;
}

/** What keys in shadow mode would have been refused, and what they were allowed. */
export interface ShadowReport {
  /** The dearest first. */
  rows: {
    code: string;
    /** The operation, or method and path where it has no name. */
    endpoint: string;
    calls: number;
    /** What they cost, or hold. */
    micros: Micros;
    firstAt: number;
    lastAt: number;
    example: bigint;
  }[];
  allowed: { calls: number; micros: Micros };
}

/** A page of a list, newest first; `next` goes back in as `before`. */
export interface Page<T> {
  rows: T[];
  next: bigint | null;
}

export interface PageQuery {
  before?: bigint;
  limit: number;
}

// ---------------------------------------------------------------- accounts and management keys

export interface StoredAccount {
  vendor: string;
  account: string;
  baseUrl: string;
  /** Sealed JSON of the credential fields. */
  sealed: Uint8Array;
  createdAt: number;
  rotatedAt: number | null;
}

export type Role = 'admin' | 'issuer' | 'auditor';

export interface ApiKey {
  id: bigint;
  name: string;
  role: Role;
  createdAt: number;
}

// ---------------------------------------------------------------- the interface

export interface Ledger {
  /** The largest id in the store, so that new ones continue after it; and the node's number. */
  readonly lastId: bigint;
  /** Why nothing can be written now; null when the last write went well. */
  readonly trouble: string | null;

  findKey(hash: Uint8Array): Promise<KeyIdentity | undefined>;
  /** Decides one call and records it. Safe to call any number of times at once. */
  admit(call: Admission): Promise<Verdict>;
  /**
   * Records how a call ended. The ledger keeps it until it is written; it becomes durable with the
   * next commit, is seen by every operation that is asked for afterwards, and after a crash before
   * that commit the call is found again as `unknown`.
   */
  settle(settlement: Settlement): void;
  /**
   * The caller is gone before the answer was whole: a call like it repeats it, also of the same
   * attempt of its task. Seen by every operation that is asked for afterwards; after a crash before
   * the commit, by whether the call had ended.
   */
  unheard(id: bigint): void;

  /** Open calls to be looked for at the vendor by now, the longest due first. */
  dueCalls(now: number, limit: number): Promise<DueCall[]>;
  /** The vendor objects that rows with a price say are theirs, of these milliseconds, both included. */
  objectsBetween(vendor: string, account: string, from: number, to: number): Promise<string[]>;
  /**
   * Ends an open call, or says when to look for it again. Rejects with LedgerConflict when the call
   * is not open, is being sent at this moment, or was sent again since. Undefined: no such call.
   */
  resolve(resolution: Resolution): Promise<CallRow | undefined>;

  issueKey(key: NewKey): Promise<KeyView>;
  /** `at`: the time whose daily window is shown. */
  key(id: bigint, at: number): Promise<KeyView | undefined>;
  keys(filter: KeyFilter, page: PageQuery, at: number): Promise<Page<KeyView>>;
  /** Rejects with LedgerConflict when the key is revoked or the change is wider than the parent. */
  changeKey(id: bigint, patch: KeyPatch, by: string, at: number): Promise<KeyView | undefined>;
  /**
   * Ends the keys and their subtrees. Returns the ids that it ended; of one named key also when it
   * had ended before.
   */
  revoke(
    target: RevocationTarget,
    reason: string | null,
    by: string,
    at: number,
  ): Promise<bigint[]>;
  setFreeze(freeze: Freeze): Promise<void>;
  removeFreeze(vendor: string): Promise<boolean>;
  freezes(): Promise<Freeze[]>;

  calls(filter: CallFilter, page: PageQuery): Promise<Page<CallRow>>;
  call(id: bigint): Promise<CallRow | undefined>;
  spend(group: SpendGroup, filter: CallFilter): Promise<SpendRow[]>;
  /** Of keys in shadow mode alone. */
  shadowReport(filter: CallFilter): Promise<ShadowReport>;

  /** The value by which the master key is known again; stores `sealed` when there is none yet. */
  masterKeyCheck(sealed: Uint8Array): Promise<Uint8Array>;
  accounts(): Promise<StoredAccount[]>;
  /** Stores or rotates. */
  putAccount(account: StoredAccount): Promise<void>;
  removeAccount(vendor: string, account: string): Promise<boolean>;

  apiKeys(): Promise<ApiKey[]>;
  addApiKey(key: ApiKey, hash: Uint8Array): Promise<void>;
  removeApiKey(id: bigint): Promise<boolean>;
  findApiKey(hash: Uint8Array): Promise<ApiKey | undefined>;

  /** Writes everything that is waiting. */
  flush(): Promise<void>;
  /** Removes replies stored 24 hours ago or longer, with their identities, a bounded number at a time. */
  prune(now: number): Promise<number>;
  close(): Promise<void>;
}
