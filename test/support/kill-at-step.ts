/**
 * Loaded into a server with `--import`, in its main thread and in those of the ledger: ends the
 * process with SIGKILL at the moment that KILL_AT names, and says so on stderr just before. The
 * moments: a step of src/proxy/steps.ts; in the ledger's writing thread `writing` (inside the
 * transaction), `committing` (all written, COMMIT not begun) and `committed` (durable, nobody told);
 * each with `:n` for the n-th time. `elapsed:n` is n milliseconds after the start.
 *
 * Before COMMIT has returned the thread stands still for a while first, as on a slow disk: a server
 * that goes on without waiting for it has the time to do so, and is found out.
 */
import { subscribe } from 'node:diagnostics_channel';
import { writeSync } from 'node:fs';
import { DatabaseSync, StatementSync } from 'node:sqlite';
import { isMainThread } from 'node:worker_threads';

const [moment, count] = (process.env.KILL_AT ?? 'never:0').split(':') as [string, string];
let left = Number(count);

const SLOW_DISK_MS = 20;

function reached(name: string, pauseMs = 0): void {
  if (name !== moment || --left > 0) return;
  if (pauseMs > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs);
  writeSync(2, `killed at ${moment}:${count}\n`);
  process.kill(process.pid, 'SIGKILL');
}

if (isMainThread) {
  subscribe('keybrake:step', (message) => reached((message as { step: string }).step));
  if (moment === 'elapsed') setTimeout(() => reached('elapsed'), left).unref();
  if (moment === 'elapsed') left = 0;
} else {
  const { exec } = DatabaseSync.prototype;
  DatabaseSync.prototype.exec = function (sql) {
    if (sql === 'COMMIT') reached('committing', SLOW_DISK_MS);
    exec.call(this, sql);
    if (sql === 'COMMIT') reached('committed');
  };
  const { run } = StatementSync.prototype;
  StatementSync.prototype.run = function (this: StatementSync, ...values: unknown[]) {
    const result = Reflect.apply(run, this, values);
    reached('writing', SLOW_DISK_MS);
    return result;
  } as typeof run;
}
