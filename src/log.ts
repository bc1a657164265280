/**
 * The log: JSON lines on standard error, so that standard output stays for people. A line never
 * holds a credential: what is logged is named field by field where it is logged, and secrets are a
 * type that prints as `[secret]`.
 */
import { type DestinationStream, destination, type Logger, pino } from 'pino';

export type Log = Logger;

/** `to`: where the lines go; standard error when not given. */
export function openLog(level = 'info', to?: DestinationStream): Log {
  // Not one system call a line: lines that arrive while others are being written go out together.
  // What a crash loses of them stands in the ledger.
  const stream = to ?? destination({ fd: 2, sync: false });
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, stream);
}
