/**
 * What is dear to make is made once and kept in `.cache`, not under version control. One test file
 * at a time: the runner runs files as processes of their own, and two of them must not install the
 * same thing at once. The lock is SQLite's, held by the kernel for the process, so a run that was
 * killed leaves none behind.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
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

/**
 * Has `fill` make the folder unless it is there whole; call it under a lock. A folder counts only
 * when its marker, written last, is there: what was broken off is made anew. `fill` returns null or
 * why it could not; then nothing is kept, and so it is when it throws.
 */
export async function fillOnce(
  folder: string,
  fill: () => Promise<string | null>,
): Promise<string | null> {
  const marker = join(folder, 'complete');
  if (existsSync(marker)) return null;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const reason = await fill();
  if (reason === null) await writeFile(marker, '');
  else await rm(folder, { recursive: true, force: true });
  return reason;
}
