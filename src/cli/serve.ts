/**
 * `keybrake serve`: the command and its options. The server itself is loaded when it is started, so
 * that every other command starts without it.
 */
import { type Command, Option } from 'commander';
import type { Terminal } from './terminal.ts';

/**
 * Settings that are no secret, so they may be arguments. A test holds them to SETTINGS of
 * config.ts, which is not loaded here: its schema library would slow every other command down.
 */
export const FLAGS: readonly (readonly [name: string, value: string, help: string])[] = [
  ['listen', 'address:port', 'where to listen (default: 127.0.0.1:8787)'],
  ['data', 'folder', 'where the ledger and the keys are (default: ./data)'],
  ['stripe-base-url', 'url', 'where Stripe is'],
  ['twilio-base-url', 'url', 'where Twilio is'],
  ['twilio-prices', 'file', 'what Twilio takes, instead of its list prices'],
  ['resend-base-url', 'url', 'where Resend is'],
  ['rates', 'file|url', 'exchange rates; without them other currencies are refused'],
  ['rates-max-age', 'time', 'how old the day of a rate may be (default: 4d)'],
  ['resend-email-usd', 'dollars', 'what Resend takes for one recipient (default: 0.0009)'],
  ['vendors', 'folder', 'where descriptions of further vendors are, *.yaml'],
  ['sandbox', '0|1', 'serve the built-in fake vendors as the account `sandbox`'],
];

export function addServeCommand(program: Command, terminal: Terminal): void {
  const command = program.command('serve').description('run the server until it is told to stop');
  for (const [name, value, help] of FLAGS) command.option(`--${name} <${value}>`, help);
  // Known, so that it is answered by the configuration: this version has SQLite only.
  command.addOption(new Option('--database-url <url>').hideHelp());
  command.addHelpText(
    'after',
    `
Every option has an environment variable of the same name: --listen is KEYBRAKE_LISTEN. Secrets
have only that: KEYBRAKE_API_KEY, KEYBRAKE_MASTER_KEY, and the credentials of each vendor.
Words for people go to stdout, the server's log (JSON lines) to stderr.
SIGTERM and SIGINT finish the calls in flight and exit with 0; a second one exits at once.

Examples:
  $ keybrake serve
  $ keybrake serve --listen 0.0.0.0:8787 --data /var/lib/keybrake
  $ keybrake serve 2> keybrake.log`,
  );
  command.action(async () => {
    const { serve } = await import('./server-run.ts');
    await serve(flagsOf(command), process.env, terminal);
  });
}

/** The options that were given, by the names of their settings: `KEYBRAKE_DATABASE_URL`. */
function flagsOf(command: Command): Record<string, string> {
  const flags: Record<string, string> = {};
  for (const option of command.options) {
    const value: unknown = command.getOptionValue(option.attributeName());
    if (typeof value === 'string') {
      flags[`KEYBRAKE_${option.name().toUpperCase().replaceAll('-', '_')}`] = value;
    }
  }
  return flags;
}
