/** A thread that carries out runs: takes a few seeds at a time, and says how they went. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { openDatabase } from './disk.ts';
import { simulate } from './run.ts';
import { SABOTAGES, type SabotageName } from './sabotage.ts';
import type { Violation } from './world.ts';

/** What all runs of a series have in common. */
export interface Series {
  readonly steps: number | undefined;
  readonly fault: SabotageName | undefined;
}

export interface Chunk {
  readonly from: number;
  readonly runs: number;
}

export interface Failure extends Violation {
  readonly seed: number;
  readonly trace: readonly string[];
}

export interface Done {
  readonly runs: number;
  readonly calls: number;
  /** The first run that broke a promise; those after it were not carried out. */
  readonly failure: Failure | null;
}

const { steps, fault } = workerData as Series;
const db = openDatabase();

async function carryOut({ from, runs }: Chunk): Promise<Done> {
  let calls = 0;
  for (let seed = from; seed < from + runs; seed++) {
    const result = await simulate({ seed, db, steps, sabotage: fault && SABOTAGES[fault] });
    calls += result.calls;
    const { violation, trace } = result;
    if (violation) return { runs: seed - from + 1, calls, failure: { ...violation, seed, trace } };
  }
  return { runs, calls, failure: null };
}

const port: MessagePort = parentPort!;
port.on('message', (chunk: Chunk | 'close') => {
  if (chunk === 'close') port.close();
  else void carryOut(chunk).then((done) => port.postMessage(done));
});
