/**
 * How a command ends when it does not succeed: one sentence for the person and a number for the
 * script. The message is printed as it stands, so it must never carry a secret.
 */
export const EXIT = {
  done: 0,
  /** The server refused, or a check failed. */
  failed: 1,
  /** Wrong usage or configuration: the same command can never succeed. */
  usage: 2,
  /** No server answered. */
  unreachable: 3,
} as const;

export const EXIT_CODES_HELP = `
Exit status:
  0  done
  1  refused by the server, or something failed
  2  wrong usage or configuration
  3  no Keybrake answers at the address`;

export class CliError extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}
