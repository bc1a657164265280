/**
 * `keybrake freeze` and `unfreeze`: refuse every call to a vendor, or every call, without ending a
 * key. Never takes a forgotten argument for "all".
 */
import type { Command } from 'commander';
import { prettyJson } from './exact-json.ts';
import { CliError, EXIT } from './exit.ts';
import { printInFlight } from './keys-revoke.ts';
import { type ClientOptions, openApi, withClientOptions } from './options.ts';
import { visible } from './table.ts';
import type { Terminal } from './terminal.ts';
import { shortTime } from './times.ts';

/** A freeze as the server shows it; the vendor `*` stands for everything. */
export interface FreezeObject {
  vendor: string;
  at: string;
  reason: string | null;
}

export interface Freezes {
  freezes: FreezeObject[];
}

const EVERYTHING = '*';

interface FreezeOptions extends ClientOptions {
  all?: boolean;
  reason?: string;
}

export function addFreezeCommands(program: Command, terminal: Terminal): void {
  const freeze = program
    .command('freeze [vendor]')
    .description('refuse every call to a vendor, or with --all every call, until it is unfrozen')
    .option('--all', 'every vendor')
    .option('--reason <text>', 'why; runs are told, and it stays with the freeze');
  withClientOptions(freeze).addHelpText(
    'after',
    `
No key ends: what is refused meanwhile can be sent again afterwards. To end keys for good there is
\`keybrake keys revoke\`. \`keybrake doctor\` says what is frozen.

Examples:
  $ keybrake freeze --all --reason 'incident 12'
  $ keybrake freeze stripe`,
  );
  freeze.action(async (vendor: string | undefined, options: FreezeOptions) => {
    const target = targetOf(vendor, options);
    const body = { freeze: target, reason: options.reason };
    const api = openApi(options);
    const { value, text } = await api.post<{ in_flight: string[] }>('/vault/revocations', body);
    if (options.json) {
      terminal.print(prettyJson(text));
      return;
    }
    terminal.print(`froze ${nameOf(target)}: no call starts until it is unfrozen`);
    printInFlight(value.in_flight, terminal);
  });

  const unfreeze = program
    .command('unfreeze [vendor]')
    .description('let calls to a vendor through again, or with --all lift the freeze of everything')
    .option('--all', 'what `freeze --all` froze');
  withClientOptions(unfreeze).addHelpText(
    'after',
    `
Examples:
  $ keybrake unfreeze --all
  $ keybrake unfreeze stripe`,
  );
  unfreeze.action(async (vendor: string | undefined, options: FreezeOptions) => {
    const target = targetOf(vendor, options);
    const api = openApi(options);
    const { value, text } = await api.post<Freezes>('/vault/revocations', { unfreeze: target });
    if (options.json) {
      terminal.print(prettyJson(text));
      return;
    }
    terminal.print(`unfroze ${nameOf(target)}`);
    for (const each of value.freezes) terminal.print(`still frozen: ${freezeText(each)}`);
  });
}

/** `stripe, since 2026-01-31 09:00:00Z (incident 12)` */
export function freezeText({ vendor, at, reason }: FreezeObject): string {
  const why = reason === null ? '' : ` (${visible(reason)})`;
  return `${nameOf(vendor)}, since ${shortTime(at)}${why}`;
}

function nameOf(vendor: string): string {
  return vendor === EVERYTHING ? 'everything' : visible(vendor);
}

function targetOf(vendor: string | undefined, { all }: FreezeOptions): string {
  if ((vendor === undefined) === (all === undefined)) {
    throw new CliError(EXIT.usage, 'Name one vendor, or --all.');
  }
  return vendor ?? EVERYTHING;
}
