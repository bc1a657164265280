/**
 * One batch in one transaction that is fsynced before it answers: all of it, or nothing of it. Tells
 * a store that cannot be written from an operation that is a fault of ours, which must not take its
 * neighbours with it.
 */
import type { BatchResult, Operation, Result } from '../commit.ts';
import { LedgerConflict, type Settlement } from '../ledger.ts';
import type { Writer } from './writer.ts';

export function runBatch(writer: Writer, batch: Operation[]): BatchResult {
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
export function runOne(writer: Writer, operation: Operation): Result {
  try {
    return { value: writer.run(operation) };
  } catch (error) {
    if (error instanceof LedgerConflict) return { conflict: error.message };
    throw error;
  }
}

/** SQLite's own failures, other than a broken constraint (19), mean that the store is not usable. */
function isStoreFailure(error: unknown): boolean {
  if (!(error instanceof Error) || !('errcode' in error)) return false;
  const primary = Number(error.errcode) & 0xff;
  return primary !== 19 && primary !== 1 && primary !== 20;
}

export function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
