/**
 * Many runs, one seed after the other, on several threads. Which thread carries out a run changes
 * nothing about it. Ends with the lowest seed that broke a promise, or when all are done.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Chunk, Done, Failure, Series } from './thread.ts';

export type { Failure } from './thread.ts';

export interface ManyOptions extends Partial<Series> {
  /** The first seed. */
  readonly from: number;
  readonly runs: number;
  readonly threads?: number;
  /** Told of every few runs, and in all; false: that is enough. */
  onProgress?(runs: number, calls: number): boolean;
}

export interface ManyResult {
  readonly runs: number;
  readonly calls: number;
  readonly failure: Failure | null;
}

/** Seeds that a thread takes at once. */
const CHUNK = 25;

export async function simulateMany(options: ManyOptions): Promise<ManyResult> {
  const { from, runs, steps, fault, threads = availableParallelism() } = options;
  const workerData: Series = { steps, fault };
  let next = from;
  const total = { runs: 0, calls: 0 };
  let failure: Failure | null = null;
  let enough = false;

  async function work(): Promise<void> {
    const worker = new Worker(new URL('./thread.ts', import.meta.url), { workerData });
    try {
      while (!enough && next < from + runs) {
        const chunk: Chunk = { from: next, runs: Math.min(CHUNK, from + runs - next) };
        next += chunk.runs;
        const done = await ask(worker, chunk);
        total.runs += done.runs;
        total.calls += done.calls;
        const found = done.failure;
        // Chunks of lower seeds may be under way on other threads.
        if (found && (failure === null || found.seed < failure.seed)) failure = found;
        enough ||= failure !== null || options.onProgress?.(total.runs, total.calls) === false;
      }
    } finally {
      await worker.terminate();
    }
  }

  const most = Math.min(threads, Math.ceil(runs / CHUNK));
  await Promise.all(Array.from({ length: most }, work));
  return { ...total, failure };
}

function ask(worker: Worker, chunk: Chunk): Promise<Done> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('message', (done: Done) => {
      worker.off('error', reject);
      resolve(done);
    });
    worker.postMessage(chunk);
  });
}
