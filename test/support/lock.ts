/**
 * One test file at a time: the runner runs files as processes of their own, and two of them must
 * not install the same thing at once. The lock is SQLite's, held by the kernel for the process, so
 * a run that was killed leaves none behind.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

/** Where tests keep what is dear to make; not under version control. */
export const CACHE = join(import.meta.dirname, '..', '..', '.cache');

/** Runs `work` while no other process runs anything under the same name. */
export async function underLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(CACHE, { recursive: true });
  const database = new DatabaseSync(join(CACHE, `${name}.lock`));
  try {
    for (;;) {
      try {
        database.exec('BEGIN EXCLUSIVE');
        break;
      } catch (error) {
        if (!String(error).includes('locked')) throw error;
        await sleep(200);
      }
    }
    return await work();
  } finally {
    database.close();
  }
}
