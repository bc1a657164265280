/**
 * Vault keys as the ledger knows them: what one may do, what it has counted, how it is shown,
 * changed and ended. Types alone; what they decide is decide.ts.
 */
import type { Micros } from '../money.ts';

export interface RateLimit {
  calls: number;
  windowMs: number;
}

/** A rule on one request field, for example `{ in: ['usd'] }` or `{ max: 5000 }`. */
export interface ParamRule {
  in?: string[];
  /** In the field's own unit, as on the wire. */
  max?: number;
  min?: number;
  /** The value begins with one of these: `+1` for a telephone number. */
  prefix?: string[];
  /** The value is an e-mail address in one of these domains. */
  domain?: string[];
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
  /** Connected accounts that the key may act for (Stripe-Account). Empty: its own account alone. */
  onBehalfOf: string[];
  /** What a call costs that has no price of its own, by an entry as in allowedEndpoints. */
  prices: Record<string, Micros>;
  /** Whether the key may issue narrower keys under itself. */
  mayDelegate: boolean;
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
  /** The management key that issued it, or the key of the run that did. */
  issuedBy: string;
  /** A run issued it, with its own key. */
  byRun: boolean;
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
  onBehalfOf: readonly string[];
  prices: Readonly<Record<string, Micros>>;
  /** The key itself, its parent, and so on: the keys whose budgets its calls draw on. */
  chain: readonly bigint[];
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
