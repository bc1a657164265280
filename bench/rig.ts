/**
 * The processes of a measurement, each of its own so that their CPU time can be told apart, and
 * what is read off them. Everything binds loopback and ends with the measurement.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { LoadResult, LoadTask } from './load.ts';

const ROOT = new URL('..', import.meta.url).pathname;
const TICKS_PER_SECOND = 100;

export interface Target {
  name: string;
  pid: number;
  url: string;
  path: string;
  authorization: string;
}

export interface Vendor {
  stripe_url: string;
  books_url: string;
  secret: string;
}

export class Rig {
  readonly dataDir = makeFolder();
  readonly #children: ChildProcess[] = [];
  readonly #loads: Interface[] = [];

  async start(
    script: string,
    args: string[] = [],
    env: Record<string, string> = {},
    find: (line: string) => string | undefined = (line) => line,
    nodeFlags: string[] = [],
  ): Promise<{ child: ChildProcess; found: string }> {
    const child = spawn(process.execPath, [...nodeFlags, join(ROOT, script), ...args], {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.#children.push(child);
    const lines = createInterface({ input: child.stdout! });
    for await (const line of lines) {
      const found = find(line);
      if (found === undefined) continue;
      lines.close();
      child.stdout!.resume();
      return { child, found };
    }
    throw new Error(`${script} ended before it was ready`);
  }

  /** Another load process; measurements that must not disturb each other take one each. */
  loader(): (task: LoadTask) => Promise<LoadResult> {
    const child = spawn(process.execPath, [join(ROOT, 'bench/load.ts')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#children.push(child);
    const lines = createInterface({ input: child.stdout });
    this.#loads.push(lines);
    return async (task) => {
      const answer = once(lines, 'line');
      child.stdin.write(`${JSON.stringify(task)}\n`);
      return JSON.parse((await answer)[0] as string);
    };
  }

  async stop(): Promise<void> {
    for (const child of this.#children.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    }
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}

/** On the disk of the repository: a folder in memory would make every fsync free. */
function makeFolder(): string {
  const cache = join(ROOT, '.cache');
  mkdirSync(cache, { recursive: true });
  return mkdtempSync(join(cache, 'bench-'));
}

/** User and system time of a process with all its threads, in seconds. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Resident memory, MiB. */
export function residentMib(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)![1]) / 1024;
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The value below which this share of a sorted list lies. */
export function percentile(sorted: number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}
