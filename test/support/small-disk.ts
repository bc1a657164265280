/**
 * Stores that fail for real: a small tmpfs that a test fills or makes read-only, and a limit on what
 * a running process may write. Every one is undone when its test ends.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** Bytes: a young ledger and its log take a quarter of it. */
const SIZE = 4 << 20;

function mounted(folder: string, options: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false; // not root, or a container that may not mount
  }
}

export interface SmallDisk {
  folder: string;
  /** No byte more can be written. */
  fill(): void;
  free(): void;
  /** Only while no process writes there. */
  makeReadOnly(): void;
  makeWritable(): void;
}

/** A file system of its own; null where this machine does not let a test have one. */
export function smallDisk(t: TestContext): SmallDisk | null {
  const folder = mkdtempSync(join(tmpdir(), 'keybrake-disk-'));
  if (!mounted(folder, `size=${SIZE},mode=700`)) {
    rmSync(folder, { recursive: true });
    return null;
  }
  t.after(() => {
    execFileSync('umount', ['--lazy', folder]);
    rmSync(folder, { recursive: true });
  });
  const filler = join(folder, 'filler');
  return {
    folder,
    fill: () => fill(filler),
    free: () => rmSync(filler),
    makeReadOnly: () => void execFileSync('mount', ['-o', 'remount,ro', folder]),
    makeWritable: () => void execFileSync('mount', ['-o', 'remount,rw', folder]),
  };
}

function fill(file: string): void {
  const page = new Uint8Array(4_096);
  const descriptor = openSync(file, 'a');
  try {
    for (;;) writeSync(descriptor, page);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    closeSync(descriptor);
  }
}

/** From now on a process can write no file at or after this byte; null lifts it. Pipes go on. */
export function limitFileSize(pid: number, bytes: number | null): void {
  execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes ?? 'unlimited'}:unlimited`]);
}
