/**
 * `keybrake calls export`: the audit as a file, passed on as the server writes it. Never leaves a
 * part of an export where a whole one is expected.
 */
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Command, Option } from 'commander';
import { CliError, EXIT } from './exit.ts';
import {
  type CallFilterOptions,
  type ClientOptions,
  callQuery,
  openApi,
  withCallFilters,
  withClientOptions,
} from './options.ts';
import type { Terminal } from './terminal.ts';

/** What is asked of the server. As application/json it sends pages, so one array is made of NDJSON. */
const FORMATS = {
  csv: 'text/csv',
  ndjson: 'application/x-ndjson',
  json: 'application/x-ndjson',
} as const;

interface ExportOptions extends ClientOptions, CallFilterOptions {
  format: keyof typeof FORMATS;
  output?: string;
}

export function addExport(calls: Command, terminal: Terminal): void {
  const command = calls
    .command('export')
    .description('write every call that fits the filters, streamed')
    .addOption(
      new Option('--format <format>', 'of the output').choices(Object.keys(FORMATS)).default('csv'),
    )
    .option('-o, --output <file>', 'write to this file, replaced when all is there');
  withClientOptions(withCallFilters(command)).addHelpText(
    'after',
    `
Examples:
  $ keybrake calls export --label celery-billing/2f6c --output calls.csv
  $ keybrake calls export --format ndjson --since 24h | jq -r .vendor_object_id`,
  );
  command.action(async (options: ExportOptions) => {
    const format = options.json ? 'json' : options.format;
    const query = callQuery(options, Date.now());
    const body = await openApi(options).stream('/vault/calls', query, FORMATS[format]);
    const progress = new ExportProgress(terminal);
    try {
      const watched = progress.watch(body);
      const chunks = format === 'json' ? oneArray(watched) : watched;
      if (options.output) await toFile(chunks, options.output);
      else for await (const chunk of chunks) await terminal.write(chunk);
    } catch (error) {
      throw new CliError(EXIT.failed, `The export is not complete: ${(error as Error).message}`);
    } finally {
      progress.end();
    }
    if (options.output)
      terminal.note(`wrote ${size(progress.bytes)} to ${resolve(options.output)}`);
  });
}

/** NDJSON as one JSON array, line for line, so that every number stays as it was written. */
async function* oneArray(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let before = '[\n';
  for await (const line of createInterface({ input: Readable.from(chunks) })) {
    if (!line) continue;
    yield `${before}${line}`;
    before = ',\n';
  }
  yield before === ',\n' ? '\n]\n' : '[]\n';
}

/** Beside the file first: a broken export never looks like a whole one. */
async function toFile(chunks: AsyncIterable<Uint8Array | string>, file: string): Promise<void> {
  const partial = `${file}.partial`;
  try {
    await pipeline(Readable.from(chunks), createWriteStream(partial));
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** Says on a terminal's stderr how far it is, once it has taken more than a second. */
class ExportProgress {
  readonly #terminal: Terminal;
  readonly #startedAt = performance.now();
  #drawnAt = 0;
  bytes = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  async *watch(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      this.bytes += chunk.length;
      const now = performance.now();
      if (now - this.#startedAt > 1_000 && now - this.#drawnAt > 200) {
        this.#terminal.redraw(`  ${size(this.bytes)}…`);
        this.#drawnAt = now;
      }
      yield chunk;
    }
  }

  end(): void {
    if (this.#drawnAt > 0) this.#terminal.redraw('');
  }
}

function size(bytes: number): string {
  if (bytes < 10_000) return `${bytes} bytes`;
  return bytes < 10_000_000 ? `${Math.round(bytes / 1_000)} kB` : `${Math.round(bytes / 1e6)} MB`;
}
