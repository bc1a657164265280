/**
 * Where the exchange rates come from, a file or an address, and when they are read again. A failure
 * never takes the rates away that are there: they go on until they are too old, which the book sees.
 * Knows no socket: fetching is done by whoever makes it.
 */
import { statSync } from 'node:fs';
import type { Clock } from '../clock.ts';
import { ConfigError } from '../config.ts';
import { textOf } from '../vendors/one-reading.ts';
import type { VendorReply } from '../vendors/vendor.ts';
import type { RateTable, TariffBook } from './book.ts';
import { readTextFile } from './json-table.ts';
import { readRates } from './rates.ts';

export type RatesFrom = { file: string } | { address: string };

export interface RateSourceDeps {
  book: TariffBook;
  /** One GET; a text says why there is no reply. */
  fetch: (address: string) => Promise<VendorReply | string>;
  clock: Pick<Clock, 'now' | 'after'>;
  log: {
    info(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
  /** How often a file is looked at for a change. */
  filePauseMs?: number;
}

const SETTING = 'KEYBRAKE_RATES';
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const FILE_MS = MINUTE_MS / 2;
/** After a failure: then each twice as long, up to the longest. */
const RETRY_MS = MINUTE_MS;
const LONGEST_RETRY_MS = 60 * MINUTE_MS;
/** A table of every currency there is has 5 kB. */
const MAX_BYTES = 1 << 20;

/** The rates of a file. Throws ConfigError that names the field and what is wrong with it. */
export function readRatesFile(path: string, now: number): RateTable {
  return readRates(readTextFile(path, SETTING), `${SETTING} ${path}`, now);
}

export class RateSource {
  readonly #from: RatesFrom;
  readonly #deps: RateSourceDeps;
  #stopped = false;
  #cancel: () => void = () => undefined;
  #seen: string | null = null;
  #failures = 0;

  /** Of a file, the book must have its rates already: a wrong one is found before the start. */
  constructor(from: RatesFrom, deps: RateSourceDeps) {
    this.#from = from;
    this.#deps = deps;
    if ('file' in from) this.#seen = stateOf(from.file);
  }

  /** Reads from now on, again and again, until `stop`. Waits for nothing. */
  start(): void {
    if ('file' in this.#from) this.#later(this.#deps.filePauseMs ?? FILE_MS);
    else this.#read();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  #later(ms: number): void {
    if (!this.#stopped) this.#cancel = this.#deps.clock.after(ms, () => this.#read());
  }

  #read(): void {
    this.#round().catch((error: unknown) => {
      this.#deps.log.error({ err: error }, 'reading the exchange rates failed');
      this.#later(LONGEST_RETRY_MS);
    });
  }

  async #round(): Promise<void> {
    if ('file' in this.#from) {
      this.#readAgain(this.#from.file);
      this.#later(this.#deps.filePauseMs ?? FILE_MS);
      return;
    }
    const read = await this.#fetched(this.#from.address);
    if (this.#stopped) return;
    if (typeof read === 'string') this.#failed(read);
    else this.#take(read);
    this.#failures = typeof read === 'string' ? this.#failures + 1 : 0;
    const retry = Math.min(RETRY_MS * 2 ** Math.min(this.#failures - 1, 10), LONGEST_RETRY_MS);
    this.#later(this.#failures > 0 ? retry : DAY_MS);
  }

  /** When it is another file than it was, or says something else. */
  #readAgain(path: string): void {
    const state = stateOf(path);
    if (state === this.#seen) return;
    this.#seen = state;
    const read = whyNot(() => readRatesFile(path, this.#deps.clock.now()));
    if (typeof read === 'string') this.#failed(read);
    else this.#take(read);
  }

  /** The table at the address; a text says why there is none. */
  async #fetched(address: string): Promise<RateTable | string> {
    const reply = await this.#deps.fetch(address);
    if (typeof reply === 'string') return `${SETTING} ${address}: ${reply}`;
    const { status, headers, body } = reply;
    if (status !== 200) return `${SETTING} ${address}: answered ${status}`;
    if (body.length > MAX_BYTES) return `${SETTING} ${address}: is over ${MAX_BYTES} bytes`;
    const encoding = headers.get('content-encoding') ?? 'identity';
    const text = encoding === 'identity' ? textOf(body) : null;
    if (text === null) return `${SETTING} ${address}: is not UTF-8 text`;
    return whyNot(() => readRates(text, `${SETTING} ${address}`, this.#deps.clock.now()));
  }

  #take(table: RateTable): void {
    const { book, log } = this.#deps;
    const known = book.rates?.date;
    // What a cache of yesterday answers must not take the place of today's.
    if ('address' in this.#from && known !== undefined && table.date < known) return;
    book.setRates(table);
    log.info({ date: table.date, currencies: table.units.size }, 'read the exchange rates');
  }

  #failed(why: string): void {
    const { book, log } = this.#deps;
    const kept = book.rates?.date ?? null;
    log.error({ why, kept }, 'the exchange rates cannot be read; those that are there go on');
  }
}

/** What tells one content of a file from the next; a file that is not there has a state too. */
function stateOf(path: string): string {
  try {
    const { ino, size, mtimeMs } = statSync(path);
    return `${ino} ${size} ${mtimeMs}`;
  } catch {
    return 'absent';
  }
}

/** The table, or the fault that reading it threw. */
function whyNot(read: () => RateTable): RateTable | string {
  try {
    return read();
  } catch (fault) {
    if (fault instanceof ConfigError) return fault.message;
    throw fault;
  }
}
