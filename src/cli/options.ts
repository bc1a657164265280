/**
 * Options that several commands share, and how their texts become values. A wrong value is wrong
 * usage and names its option; the server still has the last word on what it accepts.
 */
import type { Command } from 'commander';
import { MoneyError, parseUsd, usdJson } from '../money.ts';
import { Api, DEFAULT_URL, type Query } from './api.ts';
import { CliError, EXIT } from './exit.ts';

export interface ClientOptions {
  url: string;
  data: string;
  json?: boolean;
}

/** Adds --url, --data and --json: what every command that talks to a server takes. */
export function withClientOptions(command: Command): Command {
  return command
    .option('--url <address>', 'address of the server', DEFAULT_URL)
    .option(
      '--data <folder>',
      "the server's data folder, for its api-key file; KEYBRAKE_API_KEY goes first",
      process.env.KEYBRAKE_DATA ?? './data',
    )
    .option('--json', 'print the JSON reply');
}

export function openApi(options: ClientOptions): Api {
  return new Api({ url: options.url, data: options.data }, process.env);
}

export interface RunFilterOptions {
  key?: string;
  label?: string;
  labelPrefix?: string;
  task?: string;
  vendor?: string;
  since?: string;
  until?: string;
}

export interface CallFilterOptions extends RunFilterOptions {
  state?: string;
  code?: string;
}

/** Adds the filters of the audit. */
export function withCallFilters(command: Command): Command {
  return withRunFilters(command)
    .option('--state <state>', 'refused, held, settled, released, unknown or replayed')
    .option('--code <code>', 'why a call was refused, for example cap_exceeded');
}

/** Adds those that say whose calls, and when. */
export function withRunFilters(command: Command): Command {
  return command
    .option('--key <id>', 'calls under this key (key_…)')
    .option('--label <label>', 'calls of this run')
    .option('--label-prefix <prefix>', 'calls of runs whose label begins so')
    .option('--task <id>', 'calls of this task')
    .option('--vendor <name>', 'calls to this vendor')
    .option('--since <time>', 'from this time on: 2026-01-31T09:00:00Z, or 15m, 2h, 7d ago')
    .option('--until <time>', 'before this time, in the same forms');
}

/** The query that the filters stand for. `now` in milliseconds. */
export function callQuery(options: CallFilterOptions, now: number): Query {
  return {
    key: options.key,
    label: options.label,
    label_prefix: options.labelPrefix,
    task_id: options.task,
    vendor: options.vendor,
    state: options.state,
    code: options.code,
    since: options.since && moment('--since', options.since, now),
    until: options.until && moment('--until', options.until, now),
  };
}

const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A time as RFC 3339: as given, or so long ago. */
function moment(option: string, text: string, now: number): string {
  const ago = /^(\d{1,6})([smhd])$/.exec(text);
  if (ago) return new Date(now - Number(ago[1]) * UNITS[ago[2]!]!).toISOString();
  if (/^\d{4}-\d{2}-\d{2}/.test(text) && !Number.isNaN(Date.parse(text))) {
    return new Date(text).toISOString();
  }
  throw new CliError(EXIT.usage, `${option} must be a time such as 2026-01-31T09:00:00Z, or 2h.`);
}

/** An amount of dollars, for a request body; written exactly. */
export function usdOption(option: string, text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return usdJson(parseUsd(text));
  } catch (error) {
    if (error instanceof MoneyError) throw new CliError(EXIT.usage, `${option} ${error.message}.`);
    throw error;
  }
}

export function countOption(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text) || Number(text) === 0) {
    throw new CliError(EXIT.usage, `${option} must be a whole number, 1 or more.`);
  }
  return Number(text);
}

/** For options that may be given several times. */
export function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}
