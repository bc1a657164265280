/**
 * The thread that reads reports, as the event loop sees it. Started by the first report, for a
 * server that nobody asks for one needs none; one that ended is started anew by the next. Nothing
 * that happens to it touches an admission.
 */
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import type { Result } from '../commit.ts';
import { LedgerUnavailable } from '../ledger.ts';

export class ReportThread {
  readonly #start: () => Promise<Worker>;
  readonly #waiting = new Map<number, (result: Result) => void>();
  #thread: Promise<Worker> | null = null;
  #next = 0;

  constructor(start: () => Promise<Worker>) {
    this.#start = start;
  }

  /** Rejects with LedgerUnavailable when the report cannot be read. */
  async run<T>(name: string, args: readonly unknown[]): Promise<T> {
    const thread = await this.#running();
    const result = await new Promise<Result>((resolve) => {
      const seq = this.#next++;
      this.#waiting.set(seq, resolve);
      thread.postMessage({ seq, operation: [name, args] });
    });
    if ('value' in result) return result.value as T;
    throw new LedgerUnavailable(JSON.stringify(result));
  }

  async close(): Promise<void> {
    const thread = await this.#thread?.catch(() => null);
    if (!thread) return;
    const ended = once(thread, 'exit');
    thread.postMessage('close');
    await ended;
  }

  /** At once, whatever it is doing. */
  terminate(): void {
    void this.#thread?.then((thread) => thread.terminate()).catch(() => undefined);
  }

  #running(): Promise<Worker> {
    this.#thread ??= this.#start().then(
      (thread) => this.#attend(thread),
      (error: unknown) => {
        this.#thread = null;
        throw new LedgerUnavailable(String(error), { cause: error });
      },
    );
    return this.#thread;
  }

  #attend(thread: Worker): Worker {
    thread.on('message', ({ seq, result }: { seq: number; result: Result }) => {
      this.#waiting.get(seq)?.(result);
      this.#waiting.delete(seq);
    });
    thread.on('error', (error) => this.#ended(String(error)));
    thread.on('exit', () => this.#ended('the thread that reads reports ended'));
    return thread;
  }

  #ended(why: string): void {
    this.#thread = null;
    for (const done of this.#waiting.values()) done({ unavailable: why });
    this.#waiting.clear();
  }
}
