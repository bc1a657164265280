/**
 * Admission inside the writer's transaction: looks up what the decision needs, asks decide.ts, and
 * writes the row and the hold. Must never answer before the batch is committed; the worker sees to
 * that.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { CATALOGUE, type Refusal } from '../../errors.ts';
import type { Micros } from '../../money.ts';
import {
  type BudgetState,
  dailyWindow,
  decide,
  type FirstCall,
  IDENTITY_MS,
  type Link,
  left,
  type Question,
  refill,
  tightest,
} from '../decide.ts';
import {
  type Admission,
  type Freeze,
  LedgerConflict,
  namesAttempt,
  type Verdict,
} from '../ledger.ts';
import type { HotKeys } from './keys.ts';
import type { Objects } from './objects.ts';
import type { OpenCalls } from './open-calls.ts';
import { num } from './rows.ts';

/** How one decision is written down; what is not named is null or zero in the row. */
interface Entry {
  state: 'held' | 'refused' | 'replayed';
  verdict: 'allow' | 'refuse' | 'would_refuse';
  reason: Refusal | null;
  quote: Micros;
  identity: boolean;
  replayOf: bigint | null;
  /** What the client is answered; null while that is open. */
  httpStatus: number | null;
}

interface FirstRow {
  id: bigint;
  at: bigint;
  idempotency_key: string | null;
  fingerprint: string;
  state: string;
  running_id: bigint | null;
  vendor_object_id: string | null;
  cost_usd: Micros | null;
  settled_at: bigint | null;
  stored_at: bigint | null;
  by_word: bigint;
}

export class Admissions {
  readonly #keys: HotKeys;
  readonly #objects: Objects;
  readonly #open: OpenCalls;
  readonly #node: number;
  readonly #insert: StatementSync;
  readonly #first: StatementSync;
  readonly #again: StatementSync;
  readonly #executed: StatementSync;
  readonly #reply: StatementSync;
  readonly #forgetIdentity: StatementSync;
  readonly #setRunning: StatementSync;
  readonly #freeze: StatementSync;

  constructor(db: DatabaseSync, keys: HotKeys, objects: Objects, open: OpenCalls, node: number) {
    this.#keys = keys;
    this.#objects = objects;
    this.#open = open;
    this.#node = node;
    this.#insert = db.prepare(
      `INSERT INTO calls (id, at, node, vault_key_id, agent_run_label, agent_run_id, task_id,
         task_name, attempt, trace_id, vendor, account, method, path, operation, customer_scope_id,
         policy_verdict, verdict_reason, state, quote_kind, quote_usd, cost_usd, currency, amount,
         cap_usage_after_usd, idempotency_key, fingerprint, replay_of, subject_id, subject_as,
         identity, running_id, settled_at, http_status, rate_date, on_behalf_of, clue, unheard)
       VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
    );
    const first = `SELECT id, at, idempotency_key, fingerprint, state, running_id,
         vendor_object_id, cost_usd, settled_at,
         coalesce(resolved_by, 'vendor') <> 'vendor' AS by_word,
         (SELECT stored_at FROM replies WHERE call_id = calls.id) AS stored_at
       FROM calls`;
    this.#first = db.prepare(
      `${first} WHERE vault_key_id = ? AND idempotency_key = ? AND vendor = ? AND identity = 1`,
    );
    const ofTask = 'task_id = ? AND vault_key_id = ? AND vendor = ? AND fingerprint = ?';
    this.#again = db.prepare(
      `${first} WHERE identity = 1 AND id = (SELECT replay_of FROM calls
         WHERE ${ofTask} AND attempt = ? AND idempotency_key = ? AND replay_of IS NOT NULL
         ORDER BY id LIMIT 1)`,
    );
    const repeatedBy = `SELECT replay_of FROM calls
           WHERE ${ofTask} AND attempt = ? AND replay_of IS NOT NULL`;
    // Only what was sent to the vendor has `upstream_ms`: a first that was sent again had no answer
    // to be heard, and one whose stored reply is asked for again may have been heard before.
    this.#executed = db.prepare(
      `${first} WHERE ${ofTask} AND identity = 1 AND replay_of IS NULL
         AND (attempt <> ? OR unheard = 1 OR id IN (${repeatedBy}
           AND unheard = 1 AND (state <> 'replayed' OR upstream_ms IS NOT NULL)))
         AND state IN ('held', 'settled', 'unknown')
         AND id NOT IN (${repeatedBy} AND state = 'replayed' AND unheard = 0)
       ORDER BY id LIMIT 1`,
    );
    this.#reply = db.prepare(
      'SELECT sealed, http_status FROM replies JOIN calls ON id = call_id WHERE call_id = ?',
    );
    this.#forgetIdentity = db.prepare('UPDATE calls SET identity = 0 WHERE id = ?');
    this.#setRunning = db.prepare('UPDATE calls SET running_id = ?, sent_at = ? WHERE id = ?');
    this.#freeze = db.prepare(
      "SELECT vendor, at, frozen_by, reason FROM freezes WHERE vendor IN (?, '*') ORDER BY vendor",
    );
  }

  admit(call: Admission): Verdict {
    const chain = this.#keys.chain(call.keyId, call.at);
    if (chain.length === 0) throw new LedgerConflict(`no vault key ${call.keyId}`);
    for (const fact of call.facts) this.#open.join(this.#objects, call, fact);
    for (const fact of call.facts) {
      if (fact.partOf !== undefined) continue;
      const isOurs = this.#open.ofObject(call, fact.id).length > 0;
      this.#objects[isOurs ? 'learn' : 'meet'](call, fact);
    }
    const question: Question = {
      call,
      chain,
      freeze: this.#frozen(call.vendor),
      first: this.#firstCall(call),
      price: this.#objects.price(call),
      underWay: (budget) => this.#underWay(budget),
    };
    const decision = decide(question);
    switch (decision.kind) {
      case 'in_flight':
        return { kind: 'in_flight', firstId: decision.first.runningId! };
      case 'look_up':
      case 'wait':
        return decision;
      case 'refuse':
        return this.#refuse(call, chain, decision.refusal, question.price);
      case 'replay':
        return this.#replay(call, chain, decision.first);
      case 'resend':
        return this.#resend(call, chain, decision.first);
      case 'admit':
        return this.#hold(call, chain, decision.micros, decision.wouldRefuse);
    }
  }

  /** Counted only for a call that does not fit: a few hundred are under way at the most. */
  #underWay({ keyId, kind, windowStart }: BudgetState): Micros {
    let micros = 0n;
    for (const { keyId: under, at, hold } of this.#open.running()) {
      if (hold === 0n || !this.#keys.ancestry(under).includes(keyId)) continue;
      const { issuedAt } = this.#keys.get(keyId)!.state;
      if (kind === 'total' || dailyWindow(issuedAt, at) === windowStart) micros += hold;
    }
    return micros;
  }

  #hold(call: Admission, chain: Link[], micros: Micros, wouldRefuse: Refusal | null): Verdict {
    for (const { key, budgets } of chain) {
      if (key.policy.rateLimit) {
        const bucket = refill(key, call.at);
        key.rate = {
          ...bucket,
          tokens: Math.max(0, bucket.tokens - key.policy.rateLimit.windowMs),
        };
        this.#keys.touchKey(key.id);
      }
      for (const budget of budgets) {
        budget.calls += 1;
        budget.held += micros;
        // Only a shadow key passes its cap here: decide() refuses everybody else.
        const counted = budget.spent + budget.held;
        if (wouldRefuse && counted > budget.ceiling) budget.ceiling = counted;
        this.#keys.touchBudget(budget);
      }
    }
    this.#objects.count(call, micros);
    const remaining = this.#write(call, chain, {
      state: 'held',
      verdict: wouldRefuse ? 'would_refuse' : 'allow',
      reason: wouldRefuse,
      quote: micros,
      identity: call.fingerprint !== null,
      replayOf: null,
      httpStatus: null,
    });
    return { kind: 'admitted', quote: micros, remaining };
  }

  #resend(call: Admission, chain: Link[], first: FirstCall): Verdict {
    this.#setRunning.run(call.id, call.at, first.id);
    const remaining = this.#write(call, chain, {
      state: 'held',
      verdict: 'allow',
      reason: null,
      quote: 0n,
      identity: false,
      replayOf: first.id,
      httpStatus: null,
    });
    const { id: firstId, idempotencyKey: firstKey } = first;
    return { kind: 'resend', firstId, firstKey, quote: 0n, remaining };
  }

  #replay(call: Admission, chain: Link[], first: FirstCall): Verdict {
    const row = this.#reply.get(first.id) as unknown as {
      sealed: Uint8Array;
      http_status: bigint | null;
    };
    const remaining = this.#write(call, chain, {
      state: 'replayed',
      verdict: 'allow',
      reason: null,
      quote: 0n,
      identity: false,
      replayOf: first.id,
      httpStatus: num(row.http_status),
    });
    return { kind: 'replay', firstId: first.id, sealedReply: row.sealed, remaining };
  }

  #refuse(call: Admission, chain: Link[], reason: Refusal, price: Question['price']): Verdict {
    const remaining = this.#write(call, chain, {
      state: 'refused',
      verdict: 'refuse',
      reason,
      quote: 'micros' in price ? price.micros : 0n,
      identity: false,
      replayOf: null,
      httpStatus: CATALOGUE[reason.code].status,
    });
    return { kind: 'refused', refusal: reason, remaining };
  }

  /** Writes the row; returns what is left on the tightest budget. */
  #write(call: Admission, chain: Link[], record: Entry): Micros | null {
    const held = record.state === 'held';
    const budget = tightest(chain);
    const subject = call.quote.kind === 'object' ? call.quote : null;
    const object = subject ? this.#objects.find(call, subject.objectId) : undefined;
    const subjectId = subject && (object?.id ?? subject.objectId);
    if (held) this.#open.remember(call, record.quote, record.replayOf);
    this.#insert.run(
      call.id,
      call.at,
      this.#node,
      call.keyId,
      this.#keys.get(call.keyId)!.label,
      call.runId,
      call.taskId,
      call.taskName,
      call.attempt,
      call.traceId,
      call.vendor,
      call.account,
      call.method,
      call.path,
      call.operation,
      call.customer,
      record.verdict,
      record.reason?.code ?? null,
      record.state,
      subject ? 'exact' : call.quote.kind,
      record.quote,
      record.state === 'replayed' ? 0n : null,
      call.currency ?? object?.currency ?? null,
      call.amount,
      budget === null ? null : budget.spent + budget.held,
      call.idempotencyKey,
      call.fingerprint,
      record.replayOf,
      subjectId,
      subject?.of ?? null,
      record.identity ? 1 : 0,
      held ? call.id : null,
      held ? null : call.at,
      record.httpStatus,
      call.rateDate ?? object?.rate_date ?? null,
      call.onBehalfOf,
      held ? call.clue : null,
      call.unheard ? 1 : 0,
    );
    return budget === null ? null : left(budget);
  }

  /** By the client's key; else as what another attempt of the task did in this place. */
  #firstCall(call: Admission): FirstCall | null {
    const { keyId, idempotencyKey, vendor } = call;
    const byKey =
      idempotencyKey === null ? undefined : this.#first.get(keyId, idempotencyKey, vendor);
    const row = (byKey ?? this.#otherAttempt(call)) as unknown as FirstRow | undefined;
    if (!row) return null;
    const first: FirstCall = {
      id: row.id,
      idempotencyKey: row.idempotency_key,
      at: num(row.at),
      fingerprint: row.fingerprint,
      state: row.state,
      runningId: row.running_id,
      hasReply: row.stored_at !== null,
      objectId: row.vendor_object_id,
      cost: row.cost_usd,
      byWord: row.by_word === 1n,
    };
    // Without a reply, from when it was known what became of it.
    const since = row.stored_at ?? (row.running_id === null ? row.settled_at : null);
    if (since === null || call.at - num(since) < IDENTITY_MS) return first;
    this.#forgetIdentity.run(first.id);
    return null;
  }

  /**
   * A task that is tried again makes its calls again, in their order: of those that are alike, each
   * repeats the oldest that another attempt executed and of which this one has no answer yet. One
   * more than those is new. Any other attempt, because one that was given up (its worker hung, its
   * lease ran out) may still live and come after the next. Also its own, of which the caller did not
   * hear, then or when it was sent again: a broker delivers the task of a worker that died again, as
   * the same attempt. What an SDK repeats by itself, with a key of its own making, is the same call
   * of the attempt.
   */
  #otherAttempt(call: Admission): unknown {
    const { taskId, attempt, keyId, vendor, fingerprint, idempotencyKey } = call;
    if (fingerprint === null || !namesAttempt(call)) return undefined;
    const ofTask = [taskId, keyId, vendor, fingerprint] as const;
    const again = idempotencyKey && this.#again.get(...ofTask, attempt, idempotencyKey);
    if (again) return again;
    const ofAttempt = [...ofTask, attempt] as const;
    return this.#executed.get(...ofAttempt, ...ofAttempt, ...ofAttempt);
  }

  #frozen(vendor: string): Freeze | null {
    const row = this.#freeze.get(vendor) as unknown as
      | { vendor: string; at: bigint; frozen_by: string; reason: string | null }
      | undefined;
    return row
      ? { vendor: row.vendor, at: num(row.at), by: row.frozen_by, reason: row.reason }
      : null;
  }
}
