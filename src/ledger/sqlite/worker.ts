/**
 * The two threads of the SQLite store. The writer runs batches, so that their fsyncs never stop the
 * event loop; the reader runs reports on a connection of its own, so that a long report never stops
 * an admission.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { Operation } from '../commit.ts';
import { message, runBatch } from './batch.ts';
import { DataFolderError, type OpenFolder, openDataFolder, openForReading } from './database.ts';
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
  let folder: OpenFolder | undefined;
  let writer: Writer;
  try {
    folder = openDataFolder(dataDir);
    writer = new Writer(folder.db, node);
    main.postMessage({ started: writer.recover() });
  } catch (error) {
    folder?.close();
    const known = error instanceof DataFolderError;
    main.postMessage({ refused: known ? error.message : String(error) });
    return;
  }
  main.on('message', (batch: Operation[] | 'close') => {
    if (batch === 'close') {
      folder.close();
      main.close();
      return;
    }
    main.postMessage(runBatch(writer, batch));
  });
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
