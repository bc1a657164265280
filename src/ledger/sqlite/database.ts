/**
 * Opening the data folder: one writer at a time, migrations, pragmas. Nothing here knows what the
 * tables mean.
 */
import { readdirSync, readFileSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const MIGRATIONS = join(import.meta.dirname, '../../../migrations');
/** Pages of 4 KiB in the write-ahead log before it is carried into the database: 16 MiB. */
const CHECKPOINT_PAGES = 4_096;

/** The folder cannot be used; `message` is for the operator. */
export class DataFolderError extends Error {}

/** The ledger's file, open for the one writer there may be. */
export interface OpenFolder {
  readonly db: DatabaseSync;
  close(): void;
}

/** Takes the data folder for this process and opens the ledger in it. Throws DataFolderError. */
export function openDataFolder(dataDir: string): OpenFolder {
  const lock = lockDataFolder(dataDir);
  try {
    const db = openForWriting(dataDir);
    return {
      db,
      close() {
        db.close();
        lock.close();
      },
    };
  } catch (error) {
    lock.close();
    throw error;
  }
}

/**
 * The lock is an exclusive transaction on a file of its own: the system ends it with the process,
 * also after kill -9, and it leaves the ledger's file open to this process's reading thread.
 */
function lockDataFolder(dataDir: string): DatabaseSync {
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(join(dataDir, 'keybrake.lock'), { timeout: 0 });
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return lock;
  } catch (cause) {
    lock?.close();
    if (cause instanceof Error && /locked|busy/i.test(cause.message)) {
      throw new DataFolderError(
        `another Keybrake is using the data folder ${dataDir}; stop it first, or give this one ` +
          'another KEYBRAKE_DATA',
        { cause },
      );
    }
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new DataFolderError(`the data folder ${dataDir} cannot be used: ${why}`, { cause });
  }
}

/** Opens the ledger's file and brings its tables up to date. */
function openForWriting(dataDir: string): DatabaseSync {
  try {
    const db = new DatabaseSync(join(dataDir, 'keybrake.db'), { readBigInts: true });
    // FULL: a commit returns after its fsync. Without it a power cut loses holds that were answered.
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
    db.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}; PRAGMA cache_size = -8192`);
    migrate(db);
    return db;
  } catch (cause) {
    if (cause instanceof DataFolderError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    // SQLite says `disk I/O error` of a disk that has no room for the log's index.
    const full = statfsSync(dataDir).bavail === 0 ? '; its disk is full' : '';
    throw new DataFolderError(`the ledger in ${dataDir} cannot be opened: ${why}${full}`, {
      cause,
    });
  }
}

/** A second connection that sees every commit and blocks none. */
export function openForReading(dataDir: string): DatabaseSync {
  return new DatabaseSync(join(dataDir, 'keybrake.db'), { readBigInts: true, readOnly: true });
}

/** Brings the tables up to date. Throws DataFolderError when they are newer than this code. */
export function migrate(db: DatabaseSync): void {
  db.exec(
    'CREATE TABLE IF NOT EXISTS migrations (id INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT',
  );
  const files = readdirSync(MIGRATIONS)
    .filter((name) => /^\d{4}_.*\.sql$/.test(name))
    .sort();
  const latest = db.prepare('SELECT coalesce(max(id), 0) AS id FROM migrations').get();
  const applied = Number((latest as { id: bigint }).id);
  if (applied > files.length) {
    throw new DataFolderError(
      `the ledger was written by a newer Keybrake (migration ${applied}; this one knows ` +
        `${files.length}); start that version`,
    );
  }
  for (const name of files) {
    const id = Number(name.slice(0, 4));
    if (id <= applied) continue;
    db.exec('BEGIN IMMEDIATE');
    db.prepare("INSERT INTO migrations (id, applied_at) VALUES (?, unixepoch('now') * 1000)").run(
      id,
    );
    db.exec(readFileSync(join(MIGRATIONS, name), 'utf8'));
    db.exec('COMMIT');
  }
}
