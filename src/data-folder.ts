/**
 * The data folder: mode 0700, with the ledger, the master key and the first management key, each
 * readable by the owner alone. The keys stand beside the ledger's file and not in it, so that the
 * file alone opens nothing.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newApiKey } from './ids.ts';
import { DataFolderError } from './ledger/sqlite.ts';

const OWNER_ONLY = 0o700;

/** Makes the folder, or checks that nobody else can read it. Throws DataFolderError. */
export function prepareDataFolder(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: OWNER_ONLY });
    if ((statSync(dataDir).mode & 0o077) !== 0) chmodSync(dataDir, OWNER_ONLY);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new DataFolderError(`KEYBRAKE_DATA ${dataDir} is not a folder`, { cause });
    }
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new DataFolderError(`the data folder ${dataDir} cannot be made: ${why}`, { cause });
  }
}

/** The master key of this folder; made when there is none and no ledger that needs an older one. */
export function masterKeyOf(dataDir: string, ledgerExists: boolean): Buffer {
  const file = join(dataDir, 'master-key');
  if (existsSync(file)) {
    const key = Buffer.from(readFileSync(file, 'utf8').trim(), 'base64');
    if (key.length === 32) return key;
    throw new DataFolderError(`${file} does not hold 32 bytes in base64; restore it from a backup`);
  }
  if (ledgerExists) {
    throw new DataFolderError(
      `the ledger in ${dataDir} exists and its master key does not: set KEYBRAKE_MASTER_KEY, or ` +
        `restore ${file}`,
    );
  }
  const key = randomBytes(32);
  writeFileSync(file, `${key.toString('base64')}\n`, { mode: 0o600, flag: 'wx', flush: true });
  return key;
}

export function hasLedger(dataDir: string): boolean {
  return existsSync(join(dataDir, 'keybrake.db'));
}

/** Makes the first management key and keeps it for the command line on this machine. */
export function makeFirstApiKey(dataDir: string): string {
  const text = newApiKey('admin');
  writeFileSync(join(dataDir, 'api-key'), `${text}\n`, { mode: 0o600, flush: true });
  return text;
}
