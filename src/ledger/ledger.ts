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

/** The store cannot be reached or written. Nothing of the operation happened. */
export class LedgerUnavailable extends Error {}

/** The operation contradicts what is stored; `message` says what, for the person who asked. */
export class LedgerConflict extends Error {}

/** The cap of a budget that only counts: larger than any sum of amounts, and 64 bits hold it. */
export const UNCAPPED: Micros = 1n << 62n;

// ---------------------------------------------------------------- keys

export interface RateLimit {
  calls: number;
  windowMs: number;
}

/** A rule on one request field, for example `{ in: ['usd'] }` or `{ max: 5000n }`. */
export interface ParamRule {
  in?: string[];
  /** In the field's own unit, as on the wire. */
  max?: number;
  min?: number;
}

/** What a key may do. Part of it can be changed after issue: caps, expiry and endpoints. */
export interface Policy {
  vendors: string[];
  account: string;
  dailyCap: Micros | null;
  totalCap: Micros | null;
  perCallCap: Micros | null;
  maxCalls: number | null;
  rateLimit: RateLimit | null;
  /** Null: every priced or free endpoint, none that is withheld. */
  allowedEndpoints: string[] | null;
  params: Record<string, ParamRule>;
  mode: 'enforce' | 'shadow';
  expiresAt: number | null;
}

export interface NewKey {
  id: bigint;
  /** SHA-256 of the credential. */
  hash: Uint8Array;
  label: string;
  parentId: bigint | null;
  policy: Policy;
  metadata: Record<string, string>;
  issuedAt: number;
  /** The management key that issued it. */
  issuedBy: string;
}

export interface BudgetView {
  kind: 'daily' | 'total';
  cap: Micros;
  spent: Micros;
  held: Micros;
  /** When its window began and ends; a total budget's begins with the key's issue and has no end. */
  windowStart: number;
  windowEnd: number | null;
}

export interface KeyView {
  id: bigint;
  label: string;
  parentId: bigint | null;
  policy: Policy;
  metadata: Record<string, string>;
  issuedAt: number;
  issuedBy: string;
  revokedAt: number | null;
  revokedReason: string | null;
  /** Calls that were admitted. */
  calls: number;
  /** Settled and held since issue, its children's included. */
  spent: Micros;
  held: Micros;
  /** One for each cap; the daily one as of now. */
  budgets: BudgetView[];
  /** The least of what is left on the key's own and its ancestors' budgets; null without a cap. */
  remaining: Micros | null;
  /** Changes since issue, oldest first. */
  history: KeyChange[];
}

export interface KeyChange {
  at: number;
  by: string;
  /** By policy field, the value before and after; amounts as text of micro-dollars. */
  changes: Record<string, { from: unknown; to: unknown }>;
}

export type KeyPatch = Partial<
  Pick<
    Policy,
    'dailyCap' | 'totalCap' | 'perCallCap' | 'maxCalls' | 'expiresAt' | 'allowedEndpoints'
  >
>;

export interface KeyFilter {
  label?: string;
  labelPrefix?: string;
  vendor?: string;
  state?: 'live' | 'revoked' | 'expired';
}

/** What the proxy knows of a key before admission: only what never changes after issue. */
export interface KeyIdentity {
  id: bigint;
  label: string;
  vendors: readonly string[];
  account: string;
  params: Readonly<Record<string, ParamRule>>;
}

export type RevocationTarget =
  | { key: bigint }
  | { label: string }
  | { labelPrefix: string }
  | { vendor: string }
  | { all: true };

export interface Freeze {
  /** A vendor's name, or `*` for everything. */
  vendor: string;
  at: number;
  by: string;
  reason: string | null;
}

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
  /** The client's key, when it makes the call one execution; null: no identity. */
  idempotencyKey: string | null;
  fingerprint: string | null;
  /** How long the vendor deduplicates a key; 0: never, so an unknown outcome is not sent again. */
  idempotencyWindowMs: number;
  /** The call is refused whatever the budgets say (two readings, a params rule): only recorded. */
  refusal: Refusal | null;
  /** The wait for the first call with this identity is over: refuse instead of `in_flight`. */
  waited: boolean;
}

interface Standing {
  /** The least that is left on any budget of the key after this decision; null without a cap. */
  remaining: Micros | null;
}

export type Verdict =
  /** Row and hold are durable: send it. `quote` is what is held. */
  | ({ kind: 'admitted'; quote: Micros } & Standing)
  /** The first call's outcome is unknown: send again with the same key, under the first's hold. */
  | ({ kind: 'resend'; firstId: bigint; quote: Micros } & Standing)
  /** Answer with the first call's sealed reply. */
  | ({ kind: 'replay'; firstId: bigint; sealedReply: Uint8Array } & Standing)
  /** The first call is still running; nothing was written. Ask again when it has ended. */
  | { kind: 'in_flight'; firstId: bigint }
  /** Recorded and not sent. */
  | ({ kind: 'refused'; refusal: Refusal } & Standing);

/** The end of a call's journey. */
export interface Settlement {
  id: bigint;
  at: number;
  /** `released` with `notSent` when no byte left. */
  outcome: 'settled' | 'released' | 'held' | 'unknown';
  cost: Micros | null;
  objects: readonly ObjectFact[];
  /** Set when the reply may be given again to the same identity. */
  sealedReply: Uint8Array | null;
  /** Whether the identity stays taken: false lets the same key start a new execution. */
  keepIdentity: boolean;
  replayedByVendor: boolean;
  /** Set when the call was stopped after admission and before any byte was sent. */
  refused: ErrorCode | null;
  httpStatus: number;
  vendorRequestId: string | null;
  vendorObjectId: string | null;
  latencyMs: number;
  upstreamMs: number | null;
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
  /** Removes replies and identities older than 24 hours, a bounded number at a time. */
  prune(now: number): Promise<number>;
  close(): Promise<void>;
}
