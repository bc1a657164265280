/**
 * One life of a server: configuration, start, banner, stop. Turns every way a start fails into one
 * line; the server itself is keybrake.ts.
 */
import { type Config, ConfigError, readConfig } from '../config.ts';
import { type Keybrake, startKeybrake } from '../keybrake.ts';
import { banner } from './banner.ts';
import { CliError, EXIT } from './exit.ts';
import type { Terminal } from './terminal.ts';

/** Resolves when the server was told to stop and has finished. Throws CliError. */
export async function serve(
  flags: Record<string, string>,
  env: NodeJS.ProcessEnv,
  terminal: Terminal,
): Promise<void> {
  const config = configOf(flags, env);
  const keybrake = await start(config, terminal);
  // Before the banner: whoever reads it may send a signal at once.
  const stop = stopSignal();
  for (const line of banner(keybrake, config, terminal)) terminal.print(line);
  await stop;
  terminal.print('Stopping: no new calls; those in flight are being finished.');
  await keybrake.close();
  terminal.print('Stopped.');
}

function configOf(flags: Record<string, string>, env: NodeJS.ProcessEnv): Config {
  try {
    return readConfig(env, flags);
  } catch (error) {
    throw error instanceof ConfigError ? wrongConfig(error) : error;
  }
}

function wrongConfig({ message }: ConfigError): CliError {
  const faults = message.split('\n');
  if (faults.length === 1)
    return new CliError(EXIT.usage, message.endsWith('?') ? message : `${message}.`);
  const list = faults.map((fault) => `  ${fault}`).join('\n');
  return new CliError(EXIT.usage, `The configuration has ${faults.length} faults:\n${list}`);
}

async function start(config: Config, terminal: Terminal): Promise<Keybrake> {
  try {
    return await startKeybrake(config, {
      // Without a ledger every call would be refused for ever; whoever supervises starts it anew.
      onDeath(error) {
        terminal.note(`keybrake: The ledger has ended: ${error.message}`);
        process.exit(EXIT.failed);
      },
    });
  } catch (error) {
    if (error instanceof ConfigError) throw wrongConfig(error);
    const { code, message } = error as NodeJS.ErrnoException;
    const { host, port } = config.listen;
    switch (code) {
      case 'EADDRINUSE':
        throw new CliError(
          EXIT.failed,
          `Something listens on ${host}:${port} already; choose another place with --listen.`,
        );
      case 'EADDRNOTAVAIL':
      case 'ENOTFOUND':
        throw new CliError(EXIT.failed, `${host} is no address of this machine.`);
      default:
        throw new CliError(EXIT.failed, `The server did not start: ${message}`);
    }
  }
}

/** Resolves at the first SIGTERM or SIGINT; from then on, the second ends the process at once. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    const stop = () => {
      if (asked) process.exit(EXIT.failed);
      asked = true;
      resolve();
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
}
