/** What the control plane is given; it makes nothing of its own that outlives a request. */
import type { AccountBook } from '../accounts.ts';
import type { Clock } from '../clock.ts';
import type { IdSource } from '../ids.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { RunningCalls } from '../proxy/running.ts';
import type { Vendor } from '../vendors/vendor.ts';

/** The part of a pino logger that is used. */
export interface Log {
  info(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface ControlDeps {
  ledger: Ledger;
  accounts: AccountBook;
  running: RunningCalls;
  vendors: ReadonlyMap<string, Vendor>;
  ids: IdSource;
  clock: Pick<Clock, 'now'>;
  metrics: { contentType: string; render(): Promise<string> };
  /** Null when the server is ready, else why it is not; public text. */
  ready(): string | null;
  log: Log;
  /** How long a request body may take to arrive; 10,000 ms when not given. */
  bodyTimeoutMs?: number;
}
