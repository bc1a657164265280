/**
 * Loaded into a server with `--import`: SIGUSR2 ends the first thread that it starts, which is the
 * one that writes the ledger, as a fault inside SQLite would.
 */
import type { Worker } from 'node:worker_threads';

process.once('worker', (writer: Worker) => {
  process.on('SIGUSR2', () => void writer.terminate());
});
