/**
 * Issue, show, change and revoke vault keys; freezes. Runs in the writer's transaction, in order
 * with the admissions, which is why a revoke that is committed is seen by every later decision.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { handle } from '../../ids.ts';
import { type BudgetState, DAY_MS, left, tightest, totalOf } from '../decide.ts';
import {
  type BudgetView,
  type Freeze,
  type KeyChange,
  type KeyIdentity,
  type KeyPatch,
  type KeyView,
  LedgerConflict,
  type NewKey,
  type Policy,
  type RevocationTarget,
  UNCAPPED,
} from '../ledger.ts';
import { type HotKeys, MAX_DEPTH } from './keys.ts';
import { type ChangeRow, type KeyRow, num, readChange, readIdentity, writePolicy } from './rows.ts';

/**
 * Keys that runs may issue under one key, at any depth. A key is a row for ever, and a revoke walks
 * them all while nothing is admitted: of so many it takes about 40 ms.
 */
export const MAX_DELEGATED = 10_000n;

export class VaultKeys {
  readonly #db: DatabaseSync;
  readonly #keys: HotKeys;
  readonly #find: StatementSync;
  readonly #insert: StatementSync;
  readonly #row: StatementSync;
  readonly #history: StatementSync;
  readonly #addChange: StatementSync;
  readonly #revoke: StatementSync;
  readonly #delegate: StatementSync;

  constructor(db: DatabaseSync, keys: HotKeys) {
    this.#db = db;
    this.#keys = keys;
    this.#find = db.prepare('SELECT id, agent_run_label, policy FROM vault_keys WHERE hash = ?');
    this.#insert = db.prepare(
      `INSERT INTO vault_keys (id, hash, agent_run_label, parent_id, policy, metadata, issued_at,
         issued_by, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#row = db.prepare('SELECT * FROM vault_keys WHERE id = ?');
    this.#history = db.prepare(
      'SELECT at, changed_by, changes FROM vault_key_changes WHERE key_id = ? ORDER BY seq',
    );
    this.#addChange = db.prepare(
      `INSERT INTO vault_key_changes (key_id, seq, at, changed_by, changes)
       VALUES (?, (SELECT count(*) FROM vault_key_changes WHERE key_id = ?), ?, ?, ?)`,
    );
    this.#delegate = db.prepare('UPDATE vault_keys SET delegated = delegated + 1 WHERE id = ?');
    this.#revoke = db.prepare(
      'UPDATE vault_keys SET revoked_at = ?, revoked_reason = ? WHERE id = ? AND revoked_at IS NULL',
    );
  }

  find(hash: Uint8Array): KeyIdentity | undefined {
    const row = this.#find.get(hash) as unknown as KeyRow | undefined;
    return row && readIdentity(row, this.#keys.ancestry(row.id));
  }

  issue(key: NewKey): KeyView {
    if (key.parentId !== null) {
      const chain = this.#keys.chain(key.parentId, key.issuedAt);
      if (chain.length === 0) throw new LedgerConflict('the parent key does not exist');
      if (chain.length >= MAX_DEPTH) {
        throw new LedgerConflict(`keys may be nested at most ${MAX_DEPTH} deep`);
      }
      if (chain.some(({ key: { revokedAt } }) => revokedAt !== null)) {
        throw new LedgerConflict('the parent key was revoked');
      }
      if (key.byRun) this.#countDelegated(chain.map((link) => link.key.id));
    }
    this.#insert.run(
      key.id,
      key.hash,
      key.label,
      key.parentId,
      writePolicy(key.policy),
      JSON.stringify(key.metadata),
      key.issuedAt,
      key.issuedBy,
      key.policy.expiresAt,
    );
    return this.view(key.id, key.issuedAt)!;
  }

  /** A run issues as many keys as it likes, so each key above says how many are enough. */
  #countDelegated(chain: readonly bigint[]): void {
    for (const id of chain) {
      if ((this.#row.get(id) as unknown as KeyRow).delegated < MAX_DELEGATED) continue;
      throw new LedgerConflict(
        `runs have issued ${MAX_DELEGATED} keys under ${handle('key', id)}, and may not issue ` +
          'more; use those, or have the operator issue another key to delegate from',
      );
    }
    for (const id of chain) this.#delegate.run(id);
  }

  view(id: bigint, at: number): KeyView | undefined {
    const hot = this.#keys.get(id);
    if (!hot) return undefined;
    const row = this.#row.get(id) as unknown as KeyRow;
    const chain = this.#keys.chain(id, at);
    const budgets = chain[0]!.budgets;
    const total = totalOf(budgets);
    const least = tightest(chain);
    return {
      id,
      label: hot.label,
      parentId: hot.parentId,
      policy: hot.state.policy,
      metadata: JSON.parse(row.metadata),
      issuedAt: hot.state.issuedAt,
      issuedBy: row.issued_by,
      revokedAt: hot.state.revokedAt,
      revokedReason: hot.state.revokedReason,
      calls: total.calls,
      spent: total.spent,
      held: total.held,
      budgets: budgets
        .filter((budget) => budget.cap !== UNCAPPED)
        .map((budget) => budgetView(budget, hot.state.issuedAt)),
      remaining: least === null ? null : left(least),
      history: (this.#history.all(id) as unknown as ChangeRow[]).map(readChange),
    };
  }

  change(id: bigint, patch: KeyPatch, by: string, at: number): KeyView | undefined {
    const hot = this.#keys.get(id);
    if (!hot) return undefined;
    if (hot.state.revokedAt !== null) throw new LedgerConflict('the key was revoked');
    const before = hot.state.policy;
    const after: Policy = { ...before, ...patch };
    if (after.dailyCap === null && after.totalCap === null) {
      throw new LedgerConflict('a key must keep at least one of daily_usd_cap and total_usd_cap');
    }
    const parent = hot.parentId === null ? undefined : this.#keys.get(hot.parentId);
    if (parent) refuseWider(after, parent.state.policy);
    this.#keys.setPolicy(hot, after);
    for (const budget of this.#keys.budgetsAt(hot, at)) this.#keys.touchBudget(budget);
    const changes = JSON.stringify(differences(before, after), (_, value) =>
      typeof value === 'bigint' ? value.toString() : value,
    );
    this.#addChange.run(id, id, at, by, changes);
    return this.view(id, at);
  }

  /** Ends the keys and everything issued under them; ids of all that the target names. */
  revoke(target: RevocationTarget, reason: string | null, _by: string, at: number): bigint[] {
    const ids = this.#subtree(target);
    for (const id of ids) {
      if (this.#revoke.run(at, reason, id).changes === 0n) continue;
      this.#keys.markRevoked(id, at, reason);
    }
    return ids;
  }

  #subtree(target: RevocationTarget): bigint[] {
    const [where, value] = selection(target);
    const rows = this.#db
      .prepare(
        `WITH RECURSIVE ended (id) AS (
           SELECT id FROM vault_keys WHERE ${where}
           UNION SELECT k.id FROM vault_keys k JOIN ended ON k.parent_id = ended.id
         ) SELECT id FROM ended ORDER BY id`,
      )
      .all(...value);
    return (rows as { id: bigint }[]).map((row) => row.id);
  }

  setFreeze(freeze: Freeze): void {
    this.#db
      .prepare(
        `INSERT INTO freezes (vendor, at, frozen_by, reason) VALUES (?, ?, ?, ?)
         ON CONFLICT (vendor) DO NOTHING`,
      )
      .run(freeze.vendor, freeze.at, freeze.by, freeze.reason);
  }

  removeFreeze(vendor: string): boolean {
    return this.#db.prepare('DELETE FROM freezes WHERE vendor = ?').run(vendor).changes > 0;
  }

  freezes(): Freeze[] {
    const rows = this.#db
      .prepare('SELECT vendor, at, frozen_by, reason FROM freezes ORDER BY vendor')
      .all() as { vendor: string; at: bigint; frozen_by: string; reason: string | null }[];
    return rows.map((row) => ({
      vendor: row.vendor,
      at: num(row.at),
      by: row.frozen_by,
      reason: row.reason,
    }));
  }
}

/** The WHERE of a revocation. Many-forms take live keys only; one key answers for itself always. */
function selection(target: RevocationTarget): [where: string, values: (string | bigint)[]] {
  if ('key' in target) return ['id = ?', [target.key]];
  if ('label' in target) return ['agent_run_label = ? AND revoked_at IS NULL', [target.label]];
  if ('labelPrefix' in target) {
    return [
      'substr(agent_run_label, 1, length(?)) = ? AND revoked_at IS NULL',
      [target.labelPrefix, target.labelPrefix],
    ];
  }
  if ('vendor' in target) {
    return [
      `EXISTS (SELECT 1 FROM json_each(policy, '$.vendors') WHERE value = ?)
         AND revoked_at IS NULL`,
      [target.vendor],
    ];
  }
  return ['revoked_at IS NULL', []];
}

/** A total budget is stored under no window of its own; it counts from the key's issue. */
function budgetView({ kind, cap, spent, held, windowStart }: BudgetState, issuedAt: number) {
  const window =
    kind === 'daily'
      ? { windowStart, windowEnd: windowStart + DAY_MS }
      : { windowStart: issuedAt, windowEnd: null };
  return { kind, cap, spent, held, ...window } satisfies BudgetView;
}

function refuseWider(child: Policy, parent: Policy): void {
  const wider = (mine: bigint | null, theirs: bigint | null) =>
    theirs !== null && mine !== null && mine > theirs;
  if (wider(child.dailyCap, parent.dailyCap)) {
    throw new LedgerConflict("daily_usd_cap would be above the parent key's");
  }
  if (wider(child.totalCap, parent.totalCap)) {
    throw new LedgerConflict("total_usd_cap would be above the parent key's");
  }
  const [mine, theirs] = [child.expiresAt, parent.expiresAt];
  if (theirs !== null && (mine === null || mine > theirs)) {
    throw new LedgerConflict('the key would outlive its parent');
  }
}

function differences(before: Policy, after: Policy): KeyChange['changes'] {
  const changes: KeyChange['changes'] = {};
  for (const name of Object.keys(after) as (keyof Policy)[]) {
    if (before[name] !== after[name]) changes[name] = { from: before[name], to: after[name] };
  }
  return changes;
}
