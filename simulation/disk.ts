/**
 * The simulated disk: the ledger's own writer on a real SQLite database, whose commits take time,
 * fail, and are cut off by crashes. Keeps what is durable in plain values beside it, read after each
 * commit, so that the checks see what a process would find that starts in this instant.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { BatchResult, Operation } from '../src/ledger/commit.ts';
import type { CallState } from '../src/ledger/ledger.ts';
import type { Store } from '../src/ledger/queued.ts';
import { runBatch, runOne } from '../src/ledger/sqlite/batch.ts';
import { migrate } from '../src/ledger/sqlite/database.ts';
import { Reports } from '../src/ledger/sqlite/reports.ts';
import { Writer } from '../src/ledger/sqlite/writer.ts';
import type { Dice } from './dice.ts';
import type { Timeline } from './timeline.ts';
import type { Weather } from './weather.ts';

/** A call's row, as far as the model looks at it. */
export interface Row {
  readonly id: bigint;
  readonly at: bigint;
  readonly keyId: bigint;
  readonly vendor: string;
  readonly state: CallState;
  readonly quote: bigint;
  readonly cost: bigint | null;
  readonly replayOf: bigint | null;
  readonly runningId: bigint | null;
  readonly lookAt: bigint | null;
  readonly taskId: string | null;
  /** The vendor object that it says it is about. */
  readonly objectId: string | null;
}

export interface Budget {
  readonly keyId: bigint;
  readonly kind: 'daily' | 'total';
  readonly windowStart: bigint;
  readonly cap: bigint;
  readonly spent: bigint;
  readonly held: bigint;
  readonly calls: bigint;
}

export interface Commit {
  /** Rows that are new or changed, and what each was before. */
  readonly rows: readonly { now: Row; before: Row | undefined }[];
  readonly budgets: readonly Budget[];
}

export interface DiskDeps {
  dice: Dice;
  timeline: Timeline;
  weather: Weather;
  /** Something has become durable. */
  onCommit(commit: Commit): void;
  /** A row is gone: none may ever be. */
  onLoss(id: bigint): void;
}

/** What is on the disk is of one process at a time; a dead one's writes do not arrive. */
export interface Mount {
  readonly alive: boolean;
  crash(): void;
}

/** By name, so that a row that refers to another goes first. */
const TABLES = [
  ...['replies', 'calls', 'objects', 'budgets', 'freezes', 'vault_key_changes', 'vault_keys'],
  ...['api_keys', 'vendor_accounts', 'master_key_check'],
];

/** Notes which rows a transaction touches; what is rolled back is not noted. */
const NOTING = `
  CREATE TEMP TABLE touched (id INTEGER PRIMARY KEY);
  CREATE TEMP TRIGGER made AFTER INSERT ON main.calls
    BEGIN INSERT OR IGNORE INTO touched VALUES (new.id); END;
  CREATE TEMP TRIGGER changed AFTER UPDATE ON main.calls
    BEGIN INSERT OR IGNORE INTO touched VALUES (new.id); END;
  CREATE TEMP TRIGGER gone AFTER DELETE ON main.calls
    BEGIN INSERT OR IGNORE INTO touched VALUES (old.id); END;`;

/** One database for all runs of a process: made once, emptied for each. */
export function openDatabase(): DatabaseSync {
  const db = new DatabaseSync(':memory:', { readBigInts: true });
  db.exec('PRAGMA foreign_keys = ON');
  migrate(db);
  db.exec(NOTING);
  // Each process of each run prepares the same hundred statements.
  const prepared = new Map<string, StatementSync>();
  const prepare = db.prepare.bind(db);
  db.prepare = (sql) => {
    const statement = prepared.get(sql) ?? prepare(sql);
    prepared.set(sql, statement);
    return statement;
  };
  return db;
}

export class Disk {
  readonly db: DatabaseSync;
  /** What is durable of each call. */
  readonly rows = new Map<bigint, Row>();
  budgets: readonly Budget[] = [];
  /** Until when nothing can be written. */
  #failingUntil = 0;
  readonly #deps: DiskDeps;
  readonly #changes;
  readonly #touched;
  readonly #forget;
  readonly #budgets;
  #seen = -1n;

  constructor(db: DatabaseSync, deps: DiskDeps) {
    this.db = db;
    this.#deps = deps;
    if (db.isTransaction) db.exec('ROLLBACK');
    db.exec(TABLES.map((table) => `DELETE FROM ${table};`).join(''));
    db.exec('DELETE FROM touched');
    this.#changes = db.prepare('SELECT total_changes() AS count');
    this.#touched = db.prepare(
      `SELECT t.id AS id, at, vault_key_id AS keyId, vendor, state, quote_usd AS quote, cost_usd AS cost,
         replay_of AS replayOf, running_id AS runningId, look_at AS lookAt,
         task_id AS taskId, CASE subject_as WHEN 'amount' THEN subject_id ELSE vendor_object_id
         END AS objectId
       FROM touched t LEFT JOIN calls c ON c.id = t.id`,
    );
    this.#forget = db.prepare('DELETE FROM touched');
    this.#budgets = db.prepare(
      `SELECT key_id AS keyId, kind, window_start AS windowStart, cap, spent, held, calls
       FROM budgets`,
    );
  }

  get failing(): boolean {
    return this.#deps.timeline.now < this.#failingUntil;
  }

  /** From now on everything can be written. */
  repair(): void {
    this.#failingUntil = 0;
  }

  /** The writer of a process that starts. A crash has rolled back what was not committed. */
  writer(): Writer {
    if (this.db.isTransaction) this.db.exec('ROLLBACK');
    return new SimulatedWriter(this.db, () => this.failing);
  }

  store(writer: Writer, mount: Mount): Store {
    const { dice, timeline, weather } = this.#deps;
    const reports = new Reports(this.db);
    const later = <T>(ms: number, give: () => T) =>
      new Promise<T>((resolve) => {
        timeline.after(ms, () => {
          if (mount.alive) resolve(give());
        });
      });
    return {
      write: (batch) =>
        new Promise((resolve) => {
          timeline.after(this.#latency(), () => {
            if (!mount.alive) return;
            if (!this.failing && dice.chance(weather.diskFails)) {
              this.#failingUntil = timeline.now + dice.between(20, 4_000);
            }
            const result = this.commit(writer, batch);
            // Committed, and nobody hears of it.
            if (dice.chance(weather.crashAfterCommit)) mount.crash();
            timeline.after(dice.between(0, 1), () => {
              if (mount.alive) resolve(result);
            });
          });
        }),
      report: <T>(name: string, args: readonly unknown[]) =>
        later(dice.between(0, 3), () => reports.run([name, args]) as T),
      close: async () => undefined,
    };
  }

  /**
   * A store that answers before it has written: a commit lies open until the next one begins, or for
   * a while, and a crash takes it back. For a planted fault.
   */
  lyingStore(writer: Writer, mount: Mount): Store {
    const { timeline } = this.#deps;
    const flush = () => {
      if (!mount.alive || !this.db.isTransaction) return;
      writer.commit();
      this.sync();
    };
    return {
      ...this.store(writer, mount),
      write: (batch) =>
        new Promise((resolve) => {
          timeline.after(1, () => {
            if (!mount.alive) return;
            flush();
            writer.begin();
            const results = batch.map((operation) => runOne(writer, operation));
            timeline.after(200, flush);
            resolve({ results });
          });
        }),
    };
  }

  #latency(): number {
    const { dice, weather } = this.#deps;
    return dice.chance(weather.slowDisk) ? dice.between(10, 800) : dice.between(1, 4);
  }

  commit(writer: Writer, batch: Operation[]): BatchResult {
    const result = runBatch(writer, batch);
    this.sync();
    return result;
  }

  /** Reads what is durable now. Only between transactions. */
  sync(): void {
    const { count } = this.#changes.get() as { count: bigint };
    if (count === this.#seen) return;
    const found = this.#touched.all() as unknown as Row[];
    this.#forget.run();
    const rows = found.flatMap((now) => {
      if (now.state === null) {
        this.#deps.onLoss(now.id);
        return [];
      }
      const before = this.rows.get(now.id);
      this.rows.set(now.id, now);
      return [{ now, before }];
    });
    this.budgets = this.#budgets.all() as unknown as Budget[];
    this.#seen = (this.#changes.get() as { count: bigint }).count;
    this.#deps.onCommit({ rows, budgets: this.budgets });
  }
}

/** The ledger's writer; its commits fail as SQLite's do when the disk is full. */
class SimulatedWriter extends Writer {
  readonly #failing: () => boolean;

  constructor(db: DatabaseSync, failing: () => boolean) {
    super(db, 0);
    this.#failing = failing;
  }

  override commit(): void {
    if (this.#failing()) {
      throw Object.assign(new Error('database or disk is full'), { errcode: 13 });
    }
    super.commit();
  }
}
