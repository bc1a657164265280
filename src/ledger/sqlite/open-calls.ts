/**
 * The calls whose holds are open, as far as their end needs to know them. Those that this process
 * admitted are remembered until they end, which saves a read for each; all others are read.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Micros } from '../../money.ts';
import type { ObjectFact } from '../../vendors/vendor.ts';
import type { Admission, CallState } from '../ledger.ts';
import type { Objects, Place } from './objects.ts';
import { num } from './rows.ts';

export interface OpenCall extends Place {
  id: bigint;
  at: number;
  keyId: bigint;
  state: CallState;
  hold: Micros;
  subjectId: string | null;
  subjectAs: 'amount' | 'refundable' | null;
  vendorObjectId: string | null;
  replayOf: bigint | null;
  /** When it was last sent, under its own id or again under its hold. */
  sentAt: number;
  /** The call that executes it now: itself, or the one that was sent again under its hold. */
  runningId: bigint | null;
}

interface Row {
  id: bigint;
  at: bigint;
  vault_key_id: bigint;
  vendor: string;
  account: string;
  state: CallState;
  quote_usd: Micros;
  subject_id: string | null;
  subject_as: 'amount' | 'refundable' | null;
  vendor_object_id: string | null;
  replay_of: bigint | null;
  sent_at: bigint | null;
  running_id: bigint | null;
}

const COLUMNS = `SELECT id, at, vault_key_id, vendor, account, state, quote_usd, subject_id,
  subject_as, vendor_object_id, replay_of, sent_at, running_id FROM calls`;

export class OpenCalls {
  readonly #running = new Map<bigint, OpenCall>();
  /** A batch failed, so not all that are running may be in the map. */
  #incomplete = false;
  readonly #byId: StatementSync;
  readonly #allRunning: StatementSync;
  readonly #byObject: StatementSync;
  readonly #setObject: StatementSync;

  constructor(db: DatabaseSync) {
    this.#byId = db.prepare(`${COLUMNS} WHERE id = ?`);
    this.#allRunning = db.prepare(
      `${COLUMNS} WHERE state IN ('held', 'unknown') AND running_id = id`,
    );
    this.#byObject = db.prepare(
      `${COLUMNS} WHERE vendor_object_id = ? AND state IN ('held', 'unknown')
         AND vendor = ? AND account = ? AND replay_of IS NULL ORDER BY id`,
    );
    this.#setObject = db.prepare('UPDATE calls SET vendor_object_id = ? WHERE id = ?');
  }

  remember(call: Admission, hold: Micros, replayOf: bigint | null): void {
    const subject = call.quote.kind === 'object' ? call.quote : null;
    this.#running.set(call.id, {
      id: call.id,
      at: call.at,
      keyId: call.keyId,
      vendor: call.vendor,
      account: call.account,
      state: 'held',
      hold,
      subjectId: subject?.objectId ?? null,
      subjectAs: subject?.of ?? null,
      vendorObjectId: null,
      replayOf,
      sentAt: call.at,
      runningId: call.id,
    });
  }

  /** Those that this process admitted and that have not ended. */
  running(): Iterable<OpenCall> {
    if (this.#incomplete) {
      const rows = this.#allRunning.all() as unknown as Row[];
      for (const row of rows) this.#running.set(row.id, read(row));
      this.#incomplete = false;
    }
    return this.#running.values();
  }

  /** The call, if it is running: its end was not recorded yet. Asked for once. */
  take(id: bigint): OpenCall | undefined {
    const known = this.#running.get(id);
    if (known) this.#running.delete(id);
    const call = known ?? this.get(id);
    return call?.runningId === id ? call : undefined;
  }

  get(id: bigint): OpenCall | undefined {
    const row = this.#byId.get(id) as unknown as Row | undefined;
    return row && read(row);
  }

  /** Calls that were answered and hold money for this object, oldest first; no resend does. */
  ofObject(place: Place, objectId: string): OpenCall[] {
    const rows = this.#byObject.all(objectId, place.vendor, place.account) as unknown as Row[];
    return rows.map(read).filter((call) => call.runningId === null);
  }

  /** What is held for an object that is part of another is held for that one from now on. */
  join(objects: Objects, place: Place, { id, partOf }: ObjectFact): void {
    if (partOf === undefined) return;
    for (const call of this.ofObject(place, id)) {
      this.#setObject.run(partOf, call.id);
      if (call.subjectAs === null) objects.join(place, id, partOf, call.hold);
    }
  }

  /** The batch failed: what was remembered in it may not be in the table. */
  forget(): void {
    this.#running.clear();
    this.#incomplete = true;
  }
}

function read(row: Row): OpenCall {
  return {
    id: row.id,
    at: num(row.at),
    keyId: row.vault_key_id,
    vendor: row.vendor,
    account: row.account,
    state: row.state,
    hold: row.quote_usd,
    subjectId: row.subject_id,
    subjectAs: row.subject_as,
    vendorObjectId: row.vendor_object_id,
    replayOf: row.replay_of,
    sentAt: num(row.sent_at ?? row.at),
    runningId: row.running_id,
  };
}
