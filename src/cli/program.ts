/**
 * The command line as a whole: every command group, the one place where an error becomes a line on
 * stderr and an exit status. A command returns nothing on success and throws CliError otherwise.
 */
import { Command, CommanderError } from 'commander';
import { addAccountCommands } from './accounts.ts';
import { addCallCommands } from './calls.ts';
import { addDoctorCommand } from './doctor.ts';
import { CliError, EXIT, EXIT_CODES_HELP } from './exit.ts';
import { addFreezeCommands } from './freeze.ts';
import { addKeyCommands } from './keys.ts';
import { refuseSecretArguments } from './secret-arguments.ts';
import { addServeCommand } from './serve.ts';
import { Terminal } from './terminal.ts';
import { addVendorCommands } from './vendors.ts';
import { VERSION } from './version.ts';

const EXAMPLES = `
Examples:
  $ keybrake serve
  $ VK=$(keybrake keys issue --vendor stripe --label run-1 --total-usd-cap 500 --expires-in 2h -q)
  $ keybrake keys list
  $ keybrake calls tail --follow
  $ keybrake keys revoke --label run-1 --yes
  $ keybrake freeze --all --reason 'incident 12'
  $ keybrake doctor`;

/** Runs one command line; resolves with the exit status. */
export async function run(argv: readonly string[]): Promise<number> {
  const terminal = new Terminal();
  // `keybrake calls export | head` is a reader that has seen enough, not a fault.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? EXIT.done : EXIT.failed);
  });
  try {
    refuseSecretArguments(argv);
    await buildProgram(terminal).parseAsync(argv, { from: 'user' });
    return EXIT.done;
  } catch (error) {
    return report(error, terminal);
  }
}

export function buildProgram(terminal: Terminal): Command {
  const program = new Command('keybrake')
    .description(
      'A brake between automated work and the vendors that charge for calls: a key for each ' +
        'run, capped in dollars, limited to endpoints, revoked at once, and a row for every call.',
    )
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
    .addHelpText('after', EXAMPLES)
    .addHelpText('afterAll', EXIT_CODES_HELP)
    .configureHelp({
      minWidthToWrap: 60,
      styleTitle: (title) => terminal.style('bold', title),
    })
    .configureOutput({
      outputError: (text, write) => write(`keybrake: ${text.replace(/^error: /, '')}`),
    })
    .exitOverride();
  addServeCommand(program, terminal);
  addKeyCommands(program, terminal);
  addAccountCommands(program, terminal);
  addCallCommands(program, terminal);
  addFreezeCommands(program, terminal);
  addVendorCommands(program, terminal);
  addDoctorCommand(program, terminal);
  pointToHelp(program, 'keybrake');
  return program;
}

/** After a wrong use, name the help of the very command. */
function pointToHelp(command: Command, path: string): void {
  command.showHelpAfterError(`See \`${path} --help\`.`);
  for (const sub of command.commands) pointToHelp(sub, `${path} ${sub.name()}`);
}

function report(error: unknown, terminal: Terminal): number {
  if (error instanceof CommanderError) {
    // Help and version come this way too, with exit code 0; commander has printed already.
    return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  }
  if (error instanceof CliError) {
    terminal.note(`${terminal.noteStyle('red', 'keybrake:')} ${error.message}`);
    return error.exitCode;
  }
  const message = error instanceof Error ? error.message : String(error);
  terminal.note(`${terminal.noteStyle('red', 'keybrake:')} ${message}`);
  if (process.env.DEBUG && error instanceof Error) terminal.note(error.stack);
  return EXIT.failed;
}
