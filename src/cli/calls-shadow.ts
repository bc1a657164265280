/** `keybrake calls shadow-report`: what runs in shadow mode would have been refused, and for how much. */
import type { Command } from 'commander';
import { dollars, prettyJson } from './exact-json.ts';
import {
  type ClientOptions,
  callQuery,
  openApi,
  type RunFilterOptions,
  withClientOptions,
  withRunFilters,
} from './options.ts';
import type { Column } from './table.ts';
import type { Terminal } from './terminal.ts';

interface Sum {
  calls: number;
  amount_usd: string;
}

interface Report {
  data: ({ code: string; endpoint: string; example: string; first_at: string } & Sum)[];
  would_refuse: Sum;
  allowed: Sum;
}

const COLUMNS: readonly Column[] = [
  { title: 'WOULD BE REFUSED AS' },
  { title: 'CALL TO', shrinks: true },
  { title: 'CALLS', align: 'right' },
  { title: 'AMOUNT', align: 'right' },
  { title: 'FOR EXAMPLE', optional: 1 },
];

export function addShadowReport(calls: Command, terminal: Terminal): void {
  const command = calls
    .command('shadow-report')
    .description('sum up what keys in shadow mode would have been refused');
  withClientOptions(withRunFilters(command)).addHelpText(
    'after',
    `
Keys issued with --mode shadow let every call through and record what enforcing would have refused.
Once a budget is over its cap, all that follows would be refused: which reason came first is
first_at of --json. FOR EXAMPLE is the latest call of a row, for \`keybrake calls show\`.

Examples:
  $ keybrake keys issue --vendor stripe --label trial-1 --total-usd-cap 500 --mode shadow
  $ keybrake calls shadow-report --label trial-1`,
  );
  command.action(async (options: ClientOptions & RunFilterOptions) => {
    const query = callQuery(options, Date.now());
    const { value, text } = await openApi(options).get<Report>('/vault/shadow-report', query);
    if (options.json) {
      terminal.print(prettyJson(text));
      return;
    }
    const { data, would_refuse, allowed } = value;
    const rows = data.map(({ code, endpoint, calls: count, amount_usd, example }) => [
      ...[code, endpoint, String(count), dollars(amount_usd), example],
    ]);
    terminal.printTable(COLUMNS, rows);
    terminal.note(
      `${sumText(would_refuse)} would have been refused, ${sumText(allowed)} let through.`,
    );
  });
}

function sumText({ calls, amount_usd }: Sum): string {
  return `${calls} ${calls === 1 ? 'call' : 'calls'} for ${dollars(amount_usd)}`;
}
