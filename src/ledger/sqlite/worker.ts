/**
 * The two threads of the SQLite store. The writer runs batches, each in one transaction that is
 * fsynced before it answers, so an fsync never stops the event loop; the reader runs reports on a
 * connection of its own, so a long report never stops an admission.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { BatchResult, Operation, Result } from '../commit.ts';
import { LedgerConflict, type Settlement } from '../ledger.ts';
import { DataFolderError, openForReading } from './database.ts';
import { Reports } from './reports.ts';
import { Writer } from './writer.ts';

export interface WorkerData {
  role: 'writer' | 'reader';
  dataDir: string;
  node: number;
}

const { role, dataDir, node } = workerData as WorkerData;
const port = parentPort!;

if (role === 'writer') serveWriter(port);
else serveReader(port);

function serveWriter(main: MessagePort): void {
  let writer: Writer;
  try {
    writer = new Writer(dataDir, node);
    main.postMessage({ started: writer.recover() });
  } catch (error) {
    const known = error instanceof DataFolderError;
    main.postMessage({ refused: known ? error.message : String(error) });
    return;
  }
  main.on('message', (batch: Operation[] | 'close') => {
    if (batch === 'close') {
      writer.close();
      main.close();
      return;
    }
    main.postMessage(runBatch(writer, batch));
  });
}

function runBatch(writer: Writer, batch: Operation[]): BatchResult {
  try {
    writer.begin();
    const results = batch.map((operation) => runOne(writer, operation));
    writer.commit();
    return { results };
  } catch (error) {
    writer.rollback();
    if (isStoreFailure(error)) return { unavailable: message(error) };
    // A fault in one operation must not take its neighbours with it: each alone, once.
    if (batch.length === 1) return { results: [faulted(writer, batch[0]!, error)] };
    const results: Result[] = [];
    for (const operation of batch) {
      const alone = runBatch(writer, [operation]);
      results.push('results' in alone ? alone.results[0]! : alone);
    }
    return { results };
  }
}

/**
 * An operation that cannot be carried out, for a fault of ours. A call whose end it was becomes
 * `unknown`: it stays counted, and its idempotency key is not taken for running for ever.
 */
function faulted(writer: Writer, [name, args]: Operation, error: unknown): Result {
  if (name === 'settle') runBatch(writer, [['abandon', [(args[0] as Settlement).id]]]);
  return { fault: message(error) };
}

/** A conflict is an answer; it is found before anything is written, so the batch goes on. */
function runOne(writer: Writer, operation: Operation): Result {
  try {
    return { value: writer.run(operation) };
  } catch (error) {
    if (error instanceof LedgerConflict) return { conflict: error.message };
    throw error;
  }
}

function serveReader(main: MessagePort): void {
  const db = openForReading(dataDir);
  const reports = new Reports(db);
  main.postMessage({ started: null });
  main.on('message', (request: { seq: number; operation: Operation } | 'close') => {
    if (request === 'close') {
      db.close();
      main.close();
      return;
    }
    const { seq, operation } = request;
    try {
      main.postMessage({ seq, result: { value: reports.run(operation) } });
    } catch (error) {
      main.postMessage({ seq, result: { fault: message(error) } });
    }
  });
}

/** SQLite's own failures, other than a broken constraint (19), mean that the store is not usable. */
function isStoreFailure(error: unknown): boolean {
  if (!(error instanceof Error) || !('errcode' in error)) return false;
  const primary = Number(error.errcode) & 0xff;
  return primary !== 19 && primary !== 1 && primary !== 20;
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
