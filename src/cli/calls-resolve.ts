/**
 * `keybrake calls unresolved`, `settle` and `release`: the open calls that no look at the vendor
 * ends, and how an operator ends one. The money moves by that word, so a reason is asked for.
 */
import type { Command } from 'commander';
import { parseUsd } from '../money.ts';
import { dollars, prettyJson } from './exact-json.ts';
import {
  type ClientOptions,
  callQuery,
  countOption,
  openApi,
  type RunFilterOptions,
  usdOption,
  withClientOptions,
  withRunFilters,
} from './options.ts';
import type { Column, Row } from './table.ts';
import type { Terminal } from './terminal.ts';
import { distance } from './times.ts';

interface OpenCall {
  id: string;
  at: string;
  agent_run_label: string;
  vendor: string;
  operation: string | null;
  method: string;
  path: string;
  state: string;
  quote_usd: string;
  cost_usd: string | null;
  vendor_object_id: string | null;
  resolution: string | null;
}

const COLUMNS: readonly Column[] = [
  { title: 'CALL' },
  { title: 'AGE', align: 'right' },
  { title: 'LABEL', shrinks: true, optional: 2 },
  { title: 'CALL TO', shrinks: true },
  { title: 'HELD', align: 'right' },
  { title: 'VENDOR ID', shrinks: true, optional: 1 },
  { title: 'WHY NOT RESOLVED', shrinks: true },
];

interface ListOptions extends ClientOptions, RunFilterOptions {
  limit: string;
}

export function addUnresolved(calls: Command, terminal: Terminal): void {
  const command = calls
    .command('unresolved')
    .description('list calls whose outcome nobody could find out; their money stays held')
    .option('--limit <n>', 'at most so many', '50');
  withClientOptions(withRunFilters(command)).addHelpText(
    'after',
    `
Look for each at the vendor, then say what became of it with \`keybrake calls settle\` or
\`keybrake calls release\`. Calls that are still being looked for are not listed.

Examples:
  $ keybrake calls unresolved
  $ keybrake calls unresolved --label celery-billing/2f6c --json`,
  );
  command.action(async (options: ListOptions) => {
    const limit = countOption('--limit', options.limit)!;
    const query = { ...callQuery(options, Date.now()), unresolved: 'true' };
    const api = openApi(options);
    if (options.json) {
      const page = await api.get('/vault/calls', { ...query, limit: Math.min(limit, 200) });
      terminal.print(prettyJson(page.text));
      return;
    }
    const { rows, more } = await api.list<OpenCall>('/vault/calls', query, limit);
    const now = Date.now();
    terminal.printTable(
      COLUMNS,
      rows.map((row) => cellsOf(row, now)),
    );
    if (rows.length === 0) terminal.note('No call is left that needs you.');
    if (more) terminal.note(`There are more; --limit shows more than ${limit}.`);
  });
}

function cellsOf(row: OpenCall, now: number): Row {
  return [
    row.id,
    distance(row.at, now),
    row.agent_run_label,
    `${row.vendor} ${row.operation ?? `${row.method} ${row.path}`}`,
    dollars(row.quote_usd),
    row.vendor_object_id ?? '-',
    row.resolution ?? 'nobody can look for it at the vendor',
  ];
}

interface ResolveOptions extends ClientOptions {
  costUsd?: string;
  reason: string;
}

export function addSettle(calls: Command, terminal: Terminal): void {
  const command = calls
    .command('settle <id>')
    .description('say that an open call cost money: what was held for it, or --cost-usd')
    .option('--cost-usd <dollars>', 'what it cost, when that is not what is held')
    .requiredOption('--reason <text>', 'how you know; it stays on the row');
  withClientOptions(command).addHelpText(
    'after',
    `
Examples:
  $ keybrake calls settle call_04h8p2vq7c3sd --reason 'pi_3Q… succeeded in the dashboard'
  $ keybrake calls settle call_04h8p2vq7c3sd --cost-usd 0.0166 --reason 'on the invoice of May'`,
  );
  command.action((id: string, options: ResolveOptions) =>
    resolve(id, 'settled', options, terminal),
  );
}

export function addRelease(calls: Command, terminal: Terminal): void {
  const command = calls
    .command('release <id>')
    .description('say that an open call moved no money: what is held for it comes back')
    .requiredOption('--reason <text>', 'how you know; it stays on the row');
  withClientOptions(command).addHelpText(
    'after',
    `
Only when it is certain: the budget can be spent again afterwards.

Examples:
  $ keybrake calls release call_04h8p2vq7c3sd --reason 'no such payment in the dashboard'`,
  );
  command.action((id: string, options: ResolveOptions) =>
    resolve(id, 'released', options, terminal),
  );
}

async function resolve(
  id: string,
  outcome: 'settled' | 'released',
  { reason, costUsd, ...options }: ResolveOptions,
  terminal: Terminal,
): Promise<void> {
  const path = `/vault/calls/${encodeURIComponent(id)}/resolution`;
  const body = { outcome, reason, cost_usd: usdOption('--cost-usd', costUsd) };
  const { value, text } = await openApi(options).post<OpenCall>(path, body);
  if (options.json) terminal.print(prettyJson(text));
  else if (outcome === 'settled') {
    terminal.print(`settled ${value.id}: it cost ${dollars(value.cost_usd)}`);
    if (parseUsd(value.cost_usd ?? '0') > parseUsd(value.quote_usd)) {
      const held = `${dollars(value.quote_usd)} that was held`;
      terminal.note(`That is more than the ${held}: look at the key with \`keybrake keys show\`.`);
    }
  } else terminal.print(`released ${value.id}: ${dollars(value.quote_usd)} came back`);
}
