/**
 * The log: JSON lines on standard error, so that standard output stays for people. A line never
 * holds a credential: what is logged is named field by field where it is logged, and secrets are a
 * type that prints as `[secret]`.
 */
import { type DestinationStream, destination, type Logger, pino } from 'pino';

export type Log = Logger;

/** `to`: where the lines go; standard error when not given. */
export function openLog(level = 'info', to?: DestinationStream): Log {
  // Written at once, not from a buffer: the last lines before a crash are the ones that are needed.
  const stream = to ?? destination({ fd: 2, sync: true });
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, stream);
}
