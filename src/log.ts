/**
 * The log: JSON lines on standard error, so that standard output stays for people. A line never
 * holds a credential: what is logged is named field by field where it is logged, and secrets are a
 * type that prints as `[secret]`.
 */
import { type DestinationStream, destination, type Logger, pino } from 'pino';

export type Log = Logger;

/** A line is seen at most this long after it was written. */
const FLUSH_MS = 100;

/** `to`: where the lines go; standard error when not given. */
export function openLog(level = 'info', to?: DestinationStream): Log {
  // One system call for some twenty-five lines: each wakes a thread, which costs more than the lines.
  // What a crash loses of the last tenth of a second stands in the ledger.
  const stream =
    to ?? destination({ fd: 2, sync: false, minLength: 8_192, periodicFlush: FLUSH_MS });
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, stream);
}
