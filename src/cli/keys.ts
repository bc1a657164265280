/** `keybrake keys`: the group, and its reading commands, list and show. */
import { type Command, Option } from 'commander';
import { dollars, prettyJson } from './exact-json.ts';
import { capText, type KeyObject, printKey, stateCell } from './key-view.ts';
import { addIssue } from './keys-issue.ts';
import { addRevoke } from './keys-revoke.ts';
import { type ClientOptions, countOption, openApi, withClientOptions } from './options.ts';
import type { Column, Row } from './table.ts';
import type { Terminal } from './terminal.ts';
import { distance } from './times.ts';

export function addKeyCommands(program: Command, terminal: Terminal): void {
  const keys = program.command('keys').description('issue, list, show and revoke vault keys');
  addIssue(keys, terminal);
  addList(keys, terminal);
  addShow(keys, terminal);
  addRevoke(keys, terminal);
}

interface ListOptions extends ClientOptions {
  label?: string;
  labelPrefix?: string;
  vendor?: string;
  state?: string;
  limit: string;
}

const LIST_COLUMNS: readonly Column[] = [
  { title: 'ID' },
  { title: 'LABEL', shrinks: true },
  { title: 'VENDOR', optional: 3 },
  { title: 'STATE' },
  { title: 'CAP', align: 'right' },
  { title: 'SPENT', align: 'right' },
  { title: 'HELD', align: 'right', optional: 1 },
  { title: 'LEFT', align: 'right' },
  { title: 'CALLS', align: 'right', optional: 2 },
  { title: 'EXPIRES' },
];

function addList(keys: Command, terminal: Terminal): void {
  const command = keys
    .command('list')
    .alias('ls')
    .description('list vault keys, the newest first')
    .option('--label <label>', 'keys of this run')
    .option('--label-prefix <prefix>', 'keys of runs whose label begins so')
    .option('--vendor <name>', 'keys for this vendor')
    .addOption(
      new Option('--state <state>', 'keys in this state').choices(['live', 'revoked', 'expired']),
    )
    .option('--limit <n>', 'at most so many', '50');
  withClientOptions(command).addHelpText(
    'after',
    `
Examples:
  $ keybrake keys list --state live
  $ keybrake keys list --label-prefix celery-billing/ --json | jq '.data[].remaining_usd'`,
  );
  command.action(async (options: ListOptions) => {
    const limit = countOption('--limit', options.limit)!;
    const { label, labelPrefix: label_prefix, vendor, state } = options;
    const query = { label, label_prefix, vendor, state };
    const api = openApi(options);
    if (options.json) {
      const page = await api.get('/vault/keys', { ...query, limit: Math.min(limit, 200) });
      terminal.print(prettyJson(page.text));
      return;
    }
    const { rows, more } = await api.list<KeyObject>('/vault/keys', query, limit);
    const now = Date.now();
    terminal.printTable(
      LIST_COLUMNS,
      rows.map((key) => listRow(key, now, terminal)),
    );
    if (rows.length === 0) terminal.note('No such key.');
    if (more) terminal.note(`There are more; --limit shows more than ${limit}.`);
  });
}

function listRow(key: KeyObject, now: number, terminal: Terminal): Row {
  return [
    key.id,
    key.agent_run_label,
    key.vendors.join(',') + (key.account === 'default' ? '' : `/${key.account}`),
    stateCell(key, now, terminal),
    capText(key),
    dollars(key.spent_usd),
    dollars(key.held_usd),
    dollars(key.remaining_usd),
    String(key.calls),
    key.expires_at ? distance(key.expires_at, now) : 'never',
  ];
}

function addShow(keys: Command, terminal: Terminal): void {
  const command = keys.command('show <id>').description('show one vault key with what it spent');
  withClientOptions(command).addHelpText(
    'after',
    `
Examples:
  $ keybrake keys show key_04h8p2vq7c3sd
  $ keybrake keys show key_04h8p2vq7c3sd --json | jq .spent_usd`,
  );
  command.action(async (id: string, options: ClientOptions) => {
    const reply = await openApi(options).get<KeyObject>(`/vault/keys/${encodeURIComponent(id)}`);
    if (options.json) terminal.print(prettyJson(reply.text));
    else printKey(reply.value, terminal);
  });
}
