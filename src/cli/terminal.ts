/**
 * The person's side of a command: what is written where, and whether colour and questions make
 * sense. Results go to stdout, everything about them to stderr, so a pipe carries only results.
 * The only file of the command line that touches process.stdin, stdout and stderr.
 */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { styleText } from 'node:util';
import { CliError, EXIT } from './exit.ts';
import { type Column, type Field, fieldLines, type Row, tableLines } from './table.ts';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

export class Terminal {
  /** Whether a person looks at stdout. */
  readonly isTTY = process.stdout.isTTY === true;
  /** Whether a person can be asked: both ends are a terminal. */
  readonly canAsk = process.stdin.isTTY === true && process.stderr.isTTY === true;

  /** Columns to fit into; Infinity when stdout is not a terminal, so nothing is cut. */
  get columns(): number {
    return this.isTTY ? process.stdout.columns || 80 : Number.POSITIVE_INFINITY;
  }

  /** A line of the result. */
  print(line = ''): void {
    process.stdout.write(`${line}\n`);
  }

  /** A table that fits the terminal; nothing where there is no row. */
  printTable(columns: readonly Column[], rows: readonly Row[], indent = ''): void {
    if (rows.length === 0) return;
    const options = { columns: this.columns, paintTitle: this.#paintTitle, indent };
    for (const line of tableLines(columns, rows, options)) this.print(line);
  }

  /** Names and values below each other; a value that is absent takes no line. */
  printFields(fields: readonly Field[]): void {
    for (const line of fieldLines(fields, { indent: '  ', paintTitle: this.#paintTitle })) {
      this.print(line);
    }
  }

  /** A line about the result: progress, advice, errors. */
  note(line = ''): void {
    process.stderr.write(`${line}\n`);
  }

  /** Raw bytes of a result, waiting while the reader of a pipe is slow. */
  async write(chunk: Uint8Array | string): Promise<void> {
    if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
  }

  /** Redraws one line on a terminal's stderr; nothing where there is no terminal. */
  redraw(line: string): void {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
  }

  readonly #paintTitle = (title: string): string => this.style('dim', title);

  /** Colour for stdout; the text itself when it is no terminal or NO_COLOR is set. */
  style(style: Style, text: string): string {
    return styleText(style, text, { stream: process.stdout });
  }

  /** Colour for stderr. */
  noteStyle(style: Style, text: string): string {
    return styleText(style, text, { stream: process.stderr });
  }

  /** Asks for yes or no; without a terminal to ask on, the caller needs --yes. */
  async confirm(question: string): Promise<boolean> {
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    try {
      const answer = await new Promise<string>((resolve) => {
        lines.question(`${question} [y/N] `, resolve);
        lines.once('close', () => resolve(''));
      });
      return /^y(es)?$/i.test(answer.trim());
    } finally {
      lines.close();
    }
  }

  /**
   * Reads secrets: from prompts that show nothing, or from the lines of standard input when it is
   * piped. Each is told by its field and whose it is. Returns them in this order. Throws a CliError
   * when one is empty, or there are more lines than secrets.
   */
  async readSecrets(asked: readonly (readonly [field: string, of: string])[]): Promise<string[]> {
    const names = asked.map(([field, of]) => `${field} of ${of}`);
    const lines = process.stdin.isTTY ? null : (await this.#piped()).trim().split(/\r?\n/);
    if (lines && lines.length > names.length) {
      const all = names.join(' and ');
      throw new CliError(EXIT.usage, `There are more lines than ${all}; nothing was stored.`);
    }
    const secrets: string[] = [];
    for (const [n, name] of names.entries()) {
      const secret = (lines ? (lines[n] ?? '') : await this.#hidden(`${name}: `)).trim();
      if (!secret) throw new CliError(EXIT.usage, `${name} is empty; nothing was stored.`);
      if (/\s/.test(secret)) {
        throw new CliError(EXIT.usage, `${name} must be one word on one line; nothing was stored.`);
      }
      secrets.push(secret);
    }
    return secrets;
  }

  async #piped(): Promise<string> {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of process.stdin) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > 65_536) throw new CliError(EXIT.usage, 'Standard input is too long for a secret.');
    }
    return Buffer.concat(chunks).toString('utf8');
  }

  async #hidden(prompt: string): Promise<string> {
    process.stderr.write(prompt);
    // readline does the editing keys and the raw mode; its echo goes nowhere.
    const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
    const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
    try {
      return await new Promise<string>((resolve, reject) => {
        lines.question('', resolve);
        lines.once('SIGINT', () => reject(new CliError(130, 'Interrupted; nothing was stored.')));
        lines.once('close', () => resolve(''));
      });
    } finally {
      lines.close();
      process.stderr.write('\n');
    }
  }
}
