/**
 * Open calls: which are due to be looked for, and how one ends when somebody has found out or
 * decided what became of it. Runs in the writer's transaction; a hold that has ended is left alone.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { handle } from '../../ids.ts';
import { type CallRow, type DueCall, LedgerConflict, type Resolution } from '../ledger.ts';
import type { OpenCalls } from './open-calls.ts';
import { type CallTableRow, num, readCall } from './rows.ts';
import type { Settlements } from './settle.ts';

type DueRow = CallTableRow & { clue: string | null; looks: bigint; sent_at: bigint | null };

export class Resolutions {
  readonly #open: OpenCalls;
  readonly #settlements: Settlements;
  readonly #due: StatementSync;
  readonly #row: StatementSync;
  readonly #note: StatementSync;
  readonly #later: StatementSync;

  constructor(db: DatabaseSync, open: OpenCalls, settlements: Settlements) {
    this.#open = open;
    this.#settlements = settlements;
    // One that is being sent again is nobody's to resolve: it would be looked for in vain, each round.
    this.#due = db.prepare(
      `SELECT * FROM calls WHERE look_at <= ? AND running_id IS NULL
       ORDER BY look_at, id LIMIT ?`,
    );
    this.#row = db.prepare('SELECT * FROM calls WHERE id = ?');
    this.#note = db.prepare(
      'UPDATE calls SET resolved_by = ?, resolution = ?, looks = looks + 1 WHERE id = ?',
    );
    this.#later = db.prepare(
      'UPDATE calls SET look_at = ?, resolution = ?, looks = looks + 1 WHERE id = ?',
    );
  }

  due(now: number, limit: number): DueCall[] {
    const rows = this.#due.all(now, limit) as unknown as DueRow[];
    return rows.map((row) => ({
      ...{ row: readCall(row), clue: row.clue, looks: num(row.looks) },
      sentAt: num(row.sent_at ?? row.at),
    }));
  }

  resolve(resolution: Resolution): CallRow | undefined {
    const call = this.#open.get(resolution.id);
    if (!call) return undefined;
    if (call.replayOf !== null) {
      const first = handle('call', call.replayOf);
      throw new LedgerConflict(`the call was sent under the hold of ${first}: resolve that one`);
    }
    if (call.runningId !== null) throw new LedgerConflict('the call is being sent at this moment');
    if (call.state !== 'held' && call.state !== 'unknown') {
      throw new LedgerConflict(`the call is ${call.state}; only one that is open can be resolved`);
    }
    const { outcome, sealedReply, id, by, why, lookAt, sentAt } = resolution;
    if (sentAt !== undefined && call.sentAt > sentAt) {
      throw new LedgerConflict('the call was sent again since it was looked for');
    }
    const same = (resolution.vendorObjectId ?? call.vendorObjectId) === call.vendorObjectId;
    const nothingNew = outcome === call.state && resolution.objects.length === 0 && same;
    if (outcome === 'unknown' || nothingNew) {
      this.#later.run(lookAt, why, id);
    } else {
      const settlement = {
        ...resolution,
        // Proof that nothing moved lets the same key start over; else its answer is what there is.
        keepIdentity: outcome !== 'released' || sealedReply !== null,
        ...{ replayedByVendor: false, refused: null, httpStatus: null, vendorRequestId: null },
        ...{ latencyMs: null, upstreamMs: null },
      };
      this.#settlements.endOpen(call, settlement, resolution.lookedAt ?? resolution.at);
      this.#note.run(by, why, id);
    }
    return readCall(this.#row.get(id) as unknown as CallTableRow);
  }
}
