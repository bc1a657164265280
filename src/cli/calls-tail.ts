/**
 * `keybrake calls tail`: the audit as lines that follow each other, by asking again every second.
 * Reads only.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Api, List, Query } from './api.ts';
import { dollars, isUsdName } from './exact-json.ts';
import {
  type CallFilterOptions,
  type ClientOptions,
  callQuery,
  countOption,
  openApi,
  withCallFilters,
  withClientOptions,
} from './options.ts';
import { type Cell, type Column, displayWidth, tableLines, visible } from './table.ts';
import type { Terminal } from './terminal.ts';
import { clockTime } from './times.ts';

interface CallObject {
  id: string;
  at: string;
  agent_run_label: string;
  vendor: string;
  operation: string | null;
  method: string;
  path: string;
  task_id: string | null;
  state: string;
  verdict_reason: string | null;
  quote_usd: string | null;
  cost_usd: string | null;
  http_status: number | null;
  latency_ms: number | null;
}

const POLL_MS = 1_000;

interface TailOptions extends ClientOptions, CallFilterOptions {
  lines: string;
  follow?: boolean;
}

export function addTail(calls: Command, terminal: Terminal): void {
  const command = calls
    .command('tail')
    .description('print the latest calls, the newest last')
    .option('-n, --lines <n>', 'how many to begin with', '20')
    .option('-f, --follow', 'go on printing new calls until interrupted');
  withClientOptions(withCallFilters(command)).addHelpText(
    'after',
    `
Times are UTC. AMOUNT is what the call cost, or what it holds or would have needed. A refused call
shows why, any other its task. \`keybrake calls show\` has the rest of a call.
With --json every call is one line of JSON.

Examples:
  $ keybrake calls tail --follow
  $ keybrake calls tail -n 100 --state refused --since 1h
  $ keybrake calls tail --label celery-billing/2f6c --json | jq .cost_usd`,
  );
  command.action(async (options: TailOptions) => {
    const count = countOption('--lines', options.lines)!;
    const api = openApi(options);
    const query = callQuery(options, Date.now());
    const printer = new TailPrinter(options.json === true, terminal);
    const { rows } = await api.list<CallObject>('/vault/calls', query, count);
    printer.print(rows.reverse());
    if (options.follow) await follow(api, query, rows.at(-1)?.id ?? '', printer);
    else if (rows.length === 0) terminal.note('No such call.');
  });
}

/**
 * Prints what is new, every second, until the process is interrupted. A call that is still on its
 * way is printed one poll later, so that its line says how it ended.
 */
async function follow(
  api: Api,
  query: Query,
  lastId: string,
  printer: TailPrinter,
): Promise<never> {
  const printed = new Set<string>();
  // Ids grow with time, so their texts sort: everything up to `horizon` has been printed.
  let horizon = lastId;
  for (;;) {
    await sleep(POLL_MS);
    const fresh = await newerThan(api, query, horizon);
    const settledBy = new Date(Date.now() - POLL_MS).toISOString();
    const ready = fresh.filter((row) => row.state !== 'held' || row.at < settledBy);
    printer.print(ready.filter(({ id }) => !printed.has(id)));
    for (const { id } of ready) printed.add(id);
    for (const { id } of fresh) {
      if (!printed.has(id)) break;
      horizon = id;
      printed.delete(id);
    }
  }
}

/** The calls after the one with this id, the oldest first. */
async function newerThan(api: Api, query: Query, id: string): Promise<CallObject[]> {
  const rows: CallObject[] = [];
  let cursor: string | undefined;
  do {
    const { value } = await api.get<List<CallObject>>('/vault/calls', {
      ...query,
      limit: 100,
      cursor,
    });
    const fresh = value.data.filter((row) => row.id > id);
    rows.push(...fresh);
    cursor = fresh.length === value.data.length ? (value.next_cursor ?? undefined) : undefined;
  } while (cursor);
  return rows.reverse();
}

const COLUMNS: readonly Column[] = [
  { title: 'TIME' },
  { title: 'STATE' },
  { title: 'AMOUNT', align: 'right' },
  { title: 'STATUS', align: 'right', optional: 1 },
  { title: 'CALL TO', shrinks: true },
  { title: 'MS', align: 'right', optional: 3 },
  { title: 'WHY OR TASK', shrinks: true },
  { title: 'LABEL', shrinks: true },
  { title: 'CALL', optional: 2 },
];

const STATE_STYLES: Record<string, 'red' | 'green' | 'yellow' | 'dim' | 'cyan'> = {
  refused: 'red',
  settled: 'green',
  unknown: 'yellow',
  held: 'cyan',
  released: 'dim',
  replayed: 'dim',
};

/** Writes rows with the same column widths from batch to batch, wider when a row needs it. */
class TailPrinter {
  readonly #json: boolean;
  readonly #terminal: Terminal;
  #titled = false;
  #widths = [12, 8, 9, 6, 22, 5, 16, 8, 18];

  constructor(json: boolean, terminal: Terminal) {
    this.#json = json;
    this.#terminal = terminal;
  }

  print(rows: readonly CallObject[]): void {
    if (this.#json) {
      for (const row of rows) this.#terminal.print(jsonLine(row));
      return;
    }
    if (rows.length === 0) return;
    const cells = rows.map((row) => this.#cells(row));
    this.#widths = this.#widths.map((width, i) =>
      Math.max(width, ...cells.map((row) => displayWidth(visible(row[i]?.text ?? '')))),
    );
    const columns = COLUMNS.map((column, i) => ({ ...column, width: this.#widths[i]! }));
    const paintTitle = (text: string) => this.#terminal.style('dim', text);
    const lines = tableLines(columns, cells, { columns: this.#terminal.columns, paintTitle });
    for (const line of this.#titled ? lines.slice(1) : lines) this.#terminal.print(line);
    this.#titled = true;
  }

  #cells(row: CallObject): Cell[] {
    const style = STATE_STYLES[row.state] ?? 'dim';
    const amount = row.cost_usd ?? row.quote_usd;
    return [
      { text: clockTime(row.at) },
      { text: row.state, paint: (text) => this.#terminal.style(style, text) },
      { text: dollars(amount) },
      { text: row.http_status === null ? '-' : String(row.http_status) },
      { text: row.operation ?? `${row.method} ${row.path}` },
      { text: row.latency_ms === null ? '-' : String(Math.round(row.latency_ms)) },
      { text: row.verdict_reason ?? row.task_id ?? '-' },
      { text: row.agent_run_label },
      { text: row.id },
    ];
  }
}

/** Amounts were kept as text; in JSON they are numbers again, digit for digit. */
function jsonLine(row: CallObject): string {
  return JSON.stringify(row, (key, value) =>
    typeof value === 'string' && isUsdName(key) ? JSON.rawJSON(value) : value,
  );
}
