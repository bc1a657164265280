/**
 * How holds end, inside the writer's transaction. Each hold is resolved once: a row that is no
 * longer open is left alone, whatever arrives late. Money comes back only where the settlement says
 * that none moved.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Micros } from '../../money.ts';
import type { ObjectFact } from '../../vendors/vendor.ts';
import type { CallState, Settlement } from '../ledger.ts';
import type { HotKeys } from './keys.ts';
import type { Objects } from './objects.ts';
import type { OpenCall, OpenCalls } from './open-calls.ts';

/** How a hold ends, or stays. */
interface End {
  state: 'settled' | 'released' | 'held' | 'unknown';
  /** With `settled`. */
  cost: Micros;
}

/**
 * The firsts of resends come first, while those are still known as running: a first whose hold has
 * ended meanwhile is in no state that the second statement looks at, and would be in flight for ever.
 * `unheard`: whether nobody heard the answers, in SQL.
 */
function abandoning(
  db: DatabaseSync,
  which: string,
  unheard: string,
): [StatementSync, StatementSync] {
  const running = `state IN ('held', 'unknown') AND running_id IS NOT NULL ${which}`;
  return [
    db.prepare(
      `UPDATE calls SET running_id = NULL, looks = 0,
         look_at = CASE WHEN state = 'unknown' THEN 0 ELSE look_at END
       WHERE id IN (SELECT replay_of FROM calls WHERE ${running})`,
    ),
    // Looked for at once: nobody else will say what became of it.
    db.prepare(
      `UPDATE calls SET state = 'unknown', running_id = NULL, unheard = ${unheard},
         look_at = CASE WHEN replay_of IS NULL THEN 0 END WHERE ${running}`,
    ),
  ];
}

export class Settlements {
  readonly #keys: HotKeys;
  readonly #objects: Objects;
  readonly #open: OpenCalls;
  readonly #finish: StatementSync;
  readonly #resolve: StatementSync;
  readonly #idle: StatementSync;
  readonly #about: StatementSync;
  readonly #putReply: StatementSync;
  readonly #unheard: StatementSync;
  readonly #givenBack: StatementSync;
  readonly #abandonAll: [idle: StatementSync, unknown: StatementSync];
  readonly #abandonOne: [idle: StatementSync, unknown: StatementSync];

  constructor(db: DatabaseSync, keys: HotKeys, objects: Objects, open: OpenCalls) {
    this.#keys = keys;
    this.#objects = objects;
    this.#open = open;
    this.#finish = db.prepare(
      `UPDATE calls SET state = ?, cost_usd = ?, verdict_reason = coalesce(?, verdict_reason),
         policy_verdict = CASE WHEN ? THEN 'refuse' ELSE policy_verdict END,
         http_status = coalesce(?, http_status),
         vendor_request_id = coalesce(?, vendor_request_id), vendor_object_id = ?,
         latency_ms = coalesce(?, latency_ms), upstream_ms = coalesce(?, upstream_ms),
         settled_at = ?, running_id = NULL, look_at = ?, clue = CASE WHEN ? THEN clue END,
         identity = CASE WHEN ? THEN identity ELSE 0 END
       WHERE id = ?`,
    );
    this.#resolve = db.prepare(
      `UPDATE calls SET state = ?, cost_usd = ?, settled_at = ?, look_at = NULL, clue = NULL
       WHERE id = ?`,
    );
    this.#idle = db.prepare('UPDATE calls SET running_id = NULL WHERE id = ?');
    this.#about = db.prepare(
      `UPDATE calls SET vendor_object_id = coalesce(vendor_object_id, ?), look_at = ?, looks = 0
       WHERE id = ?`,
    );
    this.#unheard = db.prepare('UPDATE calls SET unheard = 1 WHERE id = ?');
    this.#givenBack = db.prepare(
      `SELECT 1 FROM calls AS own
       JOIN calls AS freed USING (vault_key_id, idempotency_key, vendor)
       WHERE own.id = ? AND freed.id < own.id AND freed.state = 'released'
         AND freed.resolved_by IS NOT NULL
         AND NOT EXISTS (SELECT 1 FROM calls AS since
           WHERE since.vault_key_id = own.vault_key_id AND since.vendor = own.vendor
             AND since.idempotency_key = own.idempotency_key
             AND since.id > freed.id AND since.id < own.id
             AND since.state IN ('held', 'settled', 'unknown'))
       LIMIT 1`,
    );
    this.#abandonAll = abandoning(db, '', '1');
    this.#abandonOne = abandoning(db, 'AND id = ?', 'unheard');
    this.#putReply = db.prepare(
      'INSERT OR REPLACE INTO replies (call_id, sealed, stored_at) VALUES (?, ?, ?)',
    );
  }

  settle(settlement: Settlement): void {
    const call = this.#open.take(settlement.id);
    if (!call) return; // it has ended before
    if (call.replayOf === null) this.#settleFirst(call, settlement);
    else this.#settleResend(call, call.replayOf, settlement);
  }

  /**
   * Calls of which nobody will tell the end: the process that sent them is gone, or the end could not
   * be recorded. They are `unknown`, and what they hold stays. All that are running, or one. Returns
   * how many.
   */
  abandon(id: bigint | null): number {
    if (id !== null) this.#open.take(id);
    const [idle, unknown] = id === null ? this.#abandonAll : this.#abandonOne;
    const which = id === null ? [] : [id];
    idle.run(...which);
    return Number(unknown.run(...which).changes);
  }

  /** Of a call that is not there yet, its admission says it. */
  unheard(id: bigint): void {
    this.#unheard.run(id);
  }

  #settleFirst(call: OpenCall, settlement: Settlement): void {
    // The vendor answered from its store: whatever moved was counted when it was executed, and what
    // the old reply says of its objects may be out of date. Unless that call was given up for one
    // that was not executed: then nobody counts what the reply shows.
    const { replayedByVendor, outcome } = settlement;
    const stored = replayedByVendor && outcome !== 'unknown';
    if (stored && this.#givenBack.get(call.id) === undefined) {
      this.#end(call, { state: 'settled', cost: 0n }, settlement, settlement.keepIdentity);
      return;
    }
    this.#settleOwn(call, settlement);
    this.#learn(call, settlement);
  }

  /** A call that went out again under the first one's hold: what it learned ends the first. */
  #settleResend(call: OpenCall, firstId: bigint, settlement: Settlement): void {
    const { outcome, keepIdentity } = settlement;
    const proof = outcome !== 'unknown' && (outcome !== 'released' || keepIdentity);
    const unproven: CallState = outcome === 'unknown' ? 'unknown' : 'released';
    this.#write(call, proof ? 'replayed' : unproven, proof ? 0n : null, settlement, false);
    this.#idle.run(firstId);
    const first = this.#open.get(firstId);
    if (first?.state !== 'unknown') {
      // Found out meanwhile, by somebody who had no answer for who repeats the call.
      this.#store(firstId, settlement);
      return;
    }
    if (!proof) {
      // The hold is the first one's, so it is the one that a reply about the object will end, and
      // the one that is looked for from now on.
      if (outcome === 'unknown') {
        this.#about.run(settlement.vendorObjectId, settlement.lookAt, firstId);
      }
      return;
    }
    this.#settleOwn(first, settlement);
    this.#learn(first, settlement);
  }

  /**
   * Ends a call that was answered or given up before, by what became known of it since. `lookedAt`:
   * when it was begun to look.
   */
  endOpen(call: OpenCall, settlement: Settlement, lookedAt: number): void {
    const { outcome, cost, at } = settlement;
    const answered = call.state === 'held' && call.vendorObjectId !== null;
    // Its object is counted since it was answered, and must not be once more.
    if (!answered) this.#settleOwn(call, settlement);
    else if (outcome === 'settled') this.#resolveHold(call, 'settled', cost ?? call.hold, at);
    else if (outcome === 'released') this.#resolveHold(call, 'released', 0n, at);
    else this.#stillHeld(call, settlement);
    this.#learn(call, settlement, lookedAt);
  }

  /** Held on, perhaps for another object: an item that was put on an invoice since it was answered. */
  #stillHeld(call: OpenCall, settlement: Settlement): void {
    const from = call.vendorObjectId!;
    this.#write(call, 'held', null, settlement, true);
    const to = call.vendorObjectId!;
    if (to !== from && call.subjectAs === null) this.#objects.join(call, from, to, call.hold);
  }

  #settleOwn(call: OpenCall, settlement: Settlement): void {
    const { objects, vendorObjectId, keepIdentity } = settlement;
    const made = objects.find((fact) => fact.id === vendorObjectId);
    const moved = made ? this.#objects.unsettled({ ...call, vendorObjectId }, made) : null;
    const end = endOf(call, settlement, made, moved);
    this.#end(call, end, settlement, keepIdentity);
    if (!made || call.subjectAs !== null || call.hold === 0n || end.state === 'released') return;
    // The call made the object: what it holds or cost counts for the object from now on.
    const settled = end.state === 'settled';
    this.#objects.make(call, made, settled ? end.cost : call.hold, settled ? end.cost : 0n);
  }

  /** Other calls' holds end by what the reply says of their objects. */
  #learn(call: OpenCall, settlement: Settlement, lookedAt: number | null = null): void {
    const { objects } = settlement;
    // First, so that what is told of the whole ends what its parts hold.
    for (const fact of objects) this.#open.join(this.#objects, call, fact);
    for (const fact of objects) {
      if (fact.partOf !== undefined) continue;
      const own = fact.id === call.vendorObjectId && call.subjectAs === null && call.hold > 0n;
      // A vendor's stored reply says `open` of what another reply has shown to be final.
      const told =
        call.state === 'settled' || (fact.state === 'open' && !this.#isFinal(call, fact));
      if (own && told) continue; // #settleOwn has said it all
      this.#apply(call, fact, settlement.at, lookedAt);
    }
  }

  #isFinal(place: OpenCall, { id }: ObjectFact): boolean {
    return (this.#objects.find(place, id)?.moved ?? null) !== null;
  }

  /** A reply told what became of an object: its open holds end, oldest first. */
  #apply(place: OpenCall, fact: ObjectFact, at: number, lookedAt: number | null): void {
    const about = this.#open.ofObject(place, fact.id);
    let object = this.#objects[about.length > 0 ? 'learn' : 'meet'](place, fact);
    const final = object.moved !== null; // also when this reply is older than the one that said so
    if (!final && fact.state === 'open') return;
    const open = object.id === fact.id ? about : this.#open.ofObject(place, object.id);
    if (!final && fact.state === 'final') {
      // In a currency without a rate: that it is over is known, and what it came to is not.
      for (const call of open) this.#resolveHold(call, 'settled', call.hold, at);
      return;
    }
    const pending = this.#objects.pending(place, object.id, 'amount');
    if (!final) {
      // Another attempt is on its way, admitted on the strength of these very holds.
      // Nor does a decline say anything of an attempt that came after it: its reply may be late, or
      // the vendor's stored one, and the money of the later attempt may still move. One that was
      // looked up is as new as the look.
      const overtaken =
        lookedAt === null
          ? this.#objects.overtaken(place, object.id)
          : this.#objects.answeredSince(place, object.id, lookedAt);
      if (pending.calls > 0n || overtaken) return;
      for (const call of open) this.#resolveHold(call, 'released', 0n, at);
      return;
    }
    if (open.some(({ subjectId }) => subjectId !== object.id)) {
      object = this.#objects.claim(place, object.id);
    }
    // What a pending call holds is for that call to take, unless it is one of these.
    const both = open.filter(
      ({ state, subjectAs }) => state === 'unknown' && subjectAs === 'amount',
    );
    const spoken = both.reduce((micros, { hold }) => micros - hold, pending.micros);
    let rest = object.moved! - object.settled - object.elsewhere;
    for (const [index, call] of open.entries()) {
      // The last one takes what nobody holds, so that a vendor that moved more than was held shows.
      const most = index < open.length - 1 || rest - spoken < call.hold ? call.hold : rest - spoken;
      const share = rest < most ? rest : most;
      const cost = share > 0n ? share : 0n;
      rest -= cost;
      this.#resolveHold(call, 'settled', cost, at);
    }
  }

  /** Ends the hold of a call that was answered before, by what its object became. */
  #resolveHold(call: OpenCall, state: 'settled' | 'released', cost: Micros, at: number): void {
    this.#resolve.run(state, state === 'settled' ? cost : null, at, call.id);
    this.#move(call, cost);
    // #move has adjusted what is counted where the price came from the object itself.
    const counted = call.subjectAs === null ? cost - call.hold : 0n;
    this.#objects.book(call, call.vendorObjectId!, counted, cost);
  }

  #end(call: OpenCall, end: End, settlement: Settlement, keepIdentity: boolean): void {
    const settled = end.state === 'settled';
    this.#write(call, end.state, settled ? end.cost : null, settlement, keepIdentity);
    if (settled || end.state === 'released') this.#move(call, settled ? end.cost : 0n);
    this.#store(call.id, settlement);
  }

  /** The reply that repetitions get, for as long as they do from now on. */
  #store(id: bigint, { sealedReply, at }: Settlement): void {
    if (sealedReply) this.#putReply.run(id, sealedReply, at);
  }

  #write(
    call: OpenCall,
    state: CallState,
    cost: Micros | null,
    settlement: Settlement,
    keepIdentity: boolean,
  ): void {
    const { refused } = settlement;
    const open = (state === 'held' || state === 'unknown') && !refused;
    call.state = refused ? 'refused' : state;
    call.vendorObjectId = settlement.vendorObjectId ?? call.vendorObjectId;
    this.#finish.run(
      call.state,
      cost,
      refused,
      refused ? 1 : 0,
      settlement.httpStatus,
      settlement.vendorRequestId,
      call.vendorObjectId,
      settlement.latencyMs,
      settlement.upstreamMs,
      open ? null : settlement.at,
      open && call.replayOf === null ? settlement.lookAt : null,
      open ? 1 : 0,
      keepIdentity ? 1 : 0,
      call.id,
    );
  }

  /** The hold ends at `cost`: it leaves `held` and the cost enters `spent`, on the whole chain. */
  #move(call: OpenCall, cost: Micros): void {
    if (call.hold === 0n && cost === 0n) return;
    for (const { budgets } of this.#keys.chain(call.keyId, call.at)) {
      for (const budget of budgets) {
        budget.held -= call.hold;
        budget.spent += cost;
        // An overrun: the vendor billed more than was quoted. It is recorded, never hidden.
        const counted = budget.spent + budget.held;
        if (counted > budget.ceiling) budget.ceiling = counted;
        this.#keys.touchBudget(budget);
      }
    }
    if (call.subjectAs === null || cost === call.hold) return;
    this.#objects.add(call, call.subjectId!, call.subjectAs, cost - call.hold);
  }
}

/** How the call's own hold ends by its reply alone. */
function endOf(
  call: OpenCall,
  settlement: Settlement,
  made: ObjectFact | undefined,
  moved: Micros | null,
): End {
  const { outcome, cost } = settlement;
  // What is made of another object costs by that one's rate, and the vendor's rules know today's.
  const byRate = outcome === 'settled' && call.subjectAs !== null;
  if (byRate && moved !== null) return { state: 'settled', cost: moved };
  if (outcome !== 'held') return { state: outcome, cost: cost ?? call.hold };
  if (call.hold === 0n) return { state: 'settled', cost: 0n }; // nothing that could come back
  if (call.subjectAs !== null || !made) return { state: 'held', cost: 0n };
  // Without a rate nobody knows what moved: what was held for it.
  if (made.state === 'final') return { state: 'settled', cost: moved ?? call.hold };
  return { state: made.state === 'declined' ? 'released' : 'held', cost: 0n };
}
