/**
 * `keybrake keys revoke`: one key by its id, or many by what they have in common. Asks before it
 * ends many, and never takes a forgotten argument for "all".
 */
import type { Command } from 'commander';
import type { Api, Query } from './api.ts';
import { prettyJson } from './exact-json.ts';
import { CliError, EXIT } from './exit.ts';
import { type ClientOptions, openApi, withClientOptions } from './options.ts';
import { visible } from './table.ts';
import type { Terminal } from './terminal.ts';

interface RevokeOptions extends ClientOptions {
  label?: string;
  labelPrefix?: string;
  vendor?: string;
  all?: boolean;
  reason?: string;
  yes?: boolean;
}

interface Revoked {
  /** Ids of the calls that had been sent and were not answered yet. */
  in_flight: string[];
  /** Of one key. */
  already_revoked?: boolean;
  /** Ids that were ended by this or before; of one key, its own and those below it. */
  revoked: string[];
}

export function addRevoke(keys: Command, terminal: Terminal): void {
  const command = keys
    .command('revoke [id...]')
    .description('end keys at once: when this returns, no call under them starts')
    .option('--label <label>', 'every key of this run')
    .option('--label-prefix <prefix>', 'every key of runs whose label begins so')
    .option('--vendor <name>', 'every key for this vendor')
    .option('--all', 'every key there is')
    .option('--reason <text>', 'why, for the audit')
    .option('--yes', 'do not ask before revoking many');
  withClientOptions(command).addHelpText(
    'after',
    `
Examples:
  $ keybrake keys revoke key_04h8p2vq7c3sd
  $ keybrake keys revoke --label celery-billing/2f6c --reason 'duplicate customers'
  $ keybrake keys revoke --label-prefix celery-billing/ --yes`,
  );
  command.action(async (ids: string[], options: RevokeOptions) => {
    const target = revokeTarget(ids, options);
    if (target === 'ids') await revokeEach(ids, options, terminal);
    else await revokeMany(target, options, terminal);
  });
}

type ManyTarget = { label: string } | { label_prefix: string } | { vendor: string } | { all: true };

/** Exactly one way of naming them, so that a forgotten argument can never mean more keys. */
function revokeTarget(ids: readonly string[], options: RevokeOptions): ManyTarget | 'ids' {
  const targets: (ManyTarget | 'ids')[] = [];
  if (ids.length > 0) targets.push('ids');
  if (options.label !== undefined) targets.push({ label: options.label });
  if (options.labelPrefix !== undefined) targets.push({ label_prefix: options.labelPrefix });
  if (options.vendor !== undefined) targets.push({ vendor: options.vendor });
  if (options.all) targets.push({ all: true });
  if (targets.length === 1) return targets[0]!;
  throw new CliError(
    EXIT.usage,
    'Name the keys in one way: ids, --label, --label-prefix, --vendor or --all.',
  );
}

async function revokeEach(ids: string[], options: RevokeOptions, terminal: Terminal) {
  const api = openApi(options);
  const refused: string[] = [];
  for (const id of ids) {
    try {
      await revokeOne(api, id, options, terminal);
    } catch (error) {
      // A mistyped id must not keep those after it alive.
      if (!(error instanceof CliError) || error.exitCode !== EXIT.failed) throw error;
      refused.push(`${visible(id)}: ${error.message}`);
    }
  }
  if (refused.length > 0) throw new CliError(EXIT.failed, `Not revoked: ${refused.join('\n')}`);
}

async function revokeOne(api: Api, id: string, options: RevokeOptions, terminal: Terminal) {
  const { reason } = options;
  const reply = await api.delete<Revoked>(`/vault/keys/${encodeURIComponent(id)}`, { reason });
  if (options.json) {
    terminal.print(prettyJson(reply.text));
    return;
  }
  const below = reply.value.revoked.length - 1;
  const what = below > 0 ? `${id} and ${keyCount(below)} below it` : id;
  printRevoked(what, reply.value, terminal);
}

async function revokeMany(target: ManyTarget, options: RevokeOptions, terminal: Terminal) {
  const api = openApi(options);
  if (!options.yes) {
    const which = describe(target);
    if (!terminal.canAsk) {
      throw new CliError(
        EXIT.usage,
        `This would revoke every key${which}; say --yes when nobody can answer.`,
      );
    }
    const count = await countLive(api, target);
    if (!(await terminal.confirm(`Revoke ${count}${which}?`))) {
      throw new CliError(EXIT.failed, 'Nothing was revoked.');
    }
  }
  const body = { ...target, reason: options.reason };
  const reply = await api.post<Revoked>('/vault/revocations', body);
  const count = reply.value.revoked.length;
  if (options.json) terminal.print(prettyJson(reply.text));
  else if (count > 0) printRevoked(keyCount(count), reply.value, terminal);
  // A mistyped label must not look like a run that was stopped.
  if (count === 0) {
    throw new CliError(EXIT.failed, `Nothing was revoked: there is no key${describe(target)}.`);
  }
}

function describe(target: ManyTarget): string {
  if ('label' in target) return ` labelled ${visible(target.label)}`;
  if ('label_prefix' in target) return ` whose label begins with ${visible(target.label_prefix)}`;
  return 'vendor' in target ? ` for ${visible(target.vendor)}` : '';
}

async function countLive(api: Api, target: ManyTarget): Promise<string> {
  const filter: Query = 'all' in target ? {} : { ...target };
  const { rows, more } = await api.list('/vault/keys', { ...filter, state: 'live' }, 200);
  const count = more ? `more than ${rows.length}` : String(rows.length);
  return count === '1' ? '1 live key' : `${count} live keys`;
}

function keyCount(count: number): string {
  return count === 1 ? '1 key' : `${count} keys`;
}

function printRevoked(what: string, reply: Revoked, terminal: Terminal): void {
  const before = reply.already_revoked ? ' (it was before)' : '';
  terminal.print(`revoked ${what}${before}: no call starts any more`);
  printInFlight(reply.in_flight, terminal);
}

/** The calls that a revoke or a freeze came too late for, by their ids. */
export function printInFlight(calls: readonly string[], terminal: Terminal): void {
  if (calls.length === 0) return;
  terminal.print(`${calls.length} had been sent before and will be settled:`);
  for (const call of calls.slice(0, 20)) terminal.print(`  ${call}`);
  if (calls.length > 20) terminal.print(`  and ${calls.length - 20} more (--json has all)`);
}
