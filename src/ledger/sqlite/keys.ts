/**
 * Keys and budgets as the writer's thread has them in memory: read once, written through at the end
 * of every batch, thrown away when a batch fails. There is one writer (database.ts holds the lock),
 * so what stands here is what the tables say.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Micros } from '../../money.ts';
import { compileEndpoints } from '../../vendors/endpoints.ts';
import { type BudgetState, dailyWindow, type KeyState, type Link } from '../decide.ts';
import { type Policy, UNCAPPED } from '../ledger.ts';
import { type KeyRow, num, readPolicy, writePolicy } from './rows.ts';

/** Keys kept in memory between batches; about 2 KB each. */
const KEPT = 2_000;
/** Keys in one chain: each call is decided on all of them. Issue refuses deeper trees. */
export const MAX_DEPTH = 8;

export interface HotKey {
  state: KeyState;
  parentId: bigint | null;
  label: string;
  policyText: string;
  /** By kind and window. */
  budgets: Map<string, BudgetState>;
  dirty: boolean;
  dirtyBudgets: Set<BudgetState>;
}

export class HotKeys {
  readonly #byId = new Map<bigint, HotKey>();
  readonly #dirty = new Set<HotKey>();
  readonly #selectKey: StatementSync;
  readonly #selectBudget: StatementSync;
  readonly #updateKey: StatementSync;
  readonly #putBudget: StatementSync;

  constructor(db: DatabaseSync) {
    this.#selectKey = db.prepare('SELECT * FROM vault_keys WHERE id = ?');
    this.#selectBudget = db.prepare(
      'SELECT cap, ceiling, spent, held, calls FROM budgets WHERE key_id = ? AND kind = ? AND window_start = ?',
    );
    this.#updateKey = db.prepare(
      `UPDATE vault_keys SET policy = ?, expires_at = ?, revoked_at = ?, revoked_reason = ?,
        rate_tokens = ?, rate_at = ? WHERE id = ?`,
    );
    this.#putBudget = db.prepare(
      `INSERT INTO budgets (key_id, kind, window_start, cap, ceiling, spent, held, calls)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (key_id, kind, window_start) DO UPDATE SET
         cap = excluded.cap, ceiling = excluded.ceiling,
         spent = excluded.spent, held = excluded.held, calls = excluded.calls`,
    );
  }

  get(id: bigint): HotKey | undefined {
    const known = this.#byId.get(id);
    if (known) return known;
    const row = this.#selectKey.get(id) as unknown as KeyRow | undefined;
    if (!row) return undefined;
    const policy = readPolicy(row.policy);
    const hot: HotKey = {
      parentId: row.parent_id,
      label: row.agent_run_label,
      policyText: row.policy,
      budgets: new Map(),
      dirty: false,
      dirtyBudgets: new Set(),
      state: {
        id: row.id,
        issuedAt: num(row.issued_at),
        policy,
        revokedAt: num(row.revoked_at),
        revokedReason: row.revoked_reason,
        rate:
          row.rate_tokens === null
            ? null
            : { tokens: num(row.rate_tokens), at: num(row.rate_at ?? 0n) },
        allows: policy.allowedEndpoints && compileEndpoints(policy.allowedEndpoints),
      },
    };
    this.#byId.set(id, hot);
    return hot;
  }

  /** The key and its ancestors, each with the budgets that count at `at`; empty: no such key. */
  chain(id: bigint, at: number): Link[] {
    const links: Link[] = [];
    for (let next: bigint | null = id; next !== null; ) {
      const hot: HotKey | undefined = this.get(next);
      if (!hot || links.length === MAX_DEPTH) return links.length === MAX_DEPTH ? links : [];
      links.push({ key: hot.state, budgets: this.budgetsAt(hot, at) });
      next = hot.parentId;
    }
    return links;
  }

  /** The key's id, its parent's, and so on. */
  ancestry(id: bigint): bigint[] {
    const ids: bigint[] = [];
    for (let next: bigint | null = id; next !== null && ids.length < MAX_DEPTH; ) {
      ids.push(next);
      next = this.get(next)?.parentId ?? null;
    }
    return ids;
  }

  /** Every key counts in total and by day, also without a cap: one can be given to it later. */
  budgetsAt(hot: HotKey, at: number): BudgetState[] {
    const { policy, issuedAt } = hot.state;
    return [
      this.#budget(hot, 'total', 0, policy.totalCap ?? UNCAPPED),
      this.#budget(hot, 'daily', dailyWindow(issuedAt, at), policy.dailyCap ?? UNCAPPED),
    ];
  }

  /** Also in a window that was left before the cap was changed: a clock set back returns to it. */
  #budget(hot: HotKey, kind: 'daily' | 'total', windowStart: number, cap: bigint): BudgetState {
    const name = `${kind}${windowStart}`;
    const known = hot.budgets.get(name);
    const budget = known ?? this.#readBudget(hot, kind, windowStart, cap);
    if (!known) hot.budgets.set(name, budget);
    if (budget.cap !== cap) recap(budget, cap);
    return budget;
  }

  #readBudget(
    hot: HotKey,
    kind: BudgetState['kind'],
    windowStart: number,
    cap: Micros,
  ): BudgetState {
    const keyId = hot.state.id;
    const row = this.#selectBudget.get(keyId, kind, windowStart) as unknown as
      | { cap: bigint; ceiling: bigint; spent: bigint; held: bigint; calls: bigint }
      | undefined;
    const counted = row
      ? { ...row, calls: num(row.calls) }
      : { cap, ceiling: cap, spent: 0n, held: 0n, calls: 0 };
    return { kind, keyId, windowStart, ...counted };
  }

  /** The budget was changed in memory. */
  touchBudget(budget: BudgetState): void {
    const hot = this.#byId.get(budget.keyId)!;
    hot.dirtyBudgets.add(budget);
    this.#dirty.add(hot);
  }

  /** The key's own columns were changed in memory. */
  touchKey(id: bigint): void {
    const hot = this.#byId.get(id)!;
    hot.dirty = true;
    this.#dirty.add(hot);
  }

  /** Writes what changed; part of the batch's transaction. */
  write(): void {
    for (const hot of this.#dirty) {
      const { state } = hot;
      if (hot.dirty) {
        this.#updateKey.run(
          hot.policyText,
          state.policy.expiresAt,
          state.revokedAt,
          state.revokedReason,
          state.rate?.tokens ?? null,
          state.rate?.at ?? null,
          state.id,
        );
        hot.dirty = false;
      }
      for (const b of hot.dirtyBudgets) {
        this.#putBudget.run(
          b.keyId,
          b.kind,
          b.windowStart,
          b.cap,
          b.ceiling,
          b.spent,
          b.held,
          b.calls,
        );
      }
      hot.dirtyBudgets.clear();
    }
    this.#dirty.clear();
  }

  /** Replaces a key's policy; its text goes to the table with the batch. */
  setPolicy(hot: HotKey, policy: Policy): void {
    hot.state.policy = policy;
    hot.state.allows = policy.allowedEndpoints && compileEndpoints(policy.allowedEndpoints);
    hot.policyText = writePolicy(policy);
    this.touchKey(hot.state.id);
  }

  /** The row says that the key is revoked; so must what stands here. */
  markRevoked(id: bigint, at: number, reason: string | null): void {
    const hot = this.#byId.get(id);
    if (!hot) return;
    hot.state.revokedAt = at;
    hot.state.revokedReason = reason;
  }

  /** The batch failed: what stands here is not what the tables say. */
  forget(): void {
    this.#byId.clear();
    this.#dirty.clear();
  }

  /** Keeps memory bounded between batches: the longest known go first. */
  trim(): void {
    for (const id of this.#byId.keys()) {
      if (this.#byId.size <= KEPT) return;
      this.#byId.delete(id);
    }
  }
}

/** A lowered cap never resets what was counted; the ceiling remembers that it was allowed. */
function recap(budget: BudgetState, cap: Micros): void {
  const counted = budget.spent + budget.held;
  budget.cap = cap;
  budget.ceiling = counted > cap ? counted : cap;
}
