/**
 * The line one watches: how full the cap is, and what became of the money that was asked for. It is
 * redrawn in place on a terminal; elsewhere a plain line comes now and then.
 */
import { displayWidth } from '../table.ts';
import type { Style, Terminal } from '../terminal.ts';
import { centsText, grouped } from './compare.ts';

const PLAIN_EVERY_MS = 2_000;
const BAR_WIDTH = 30;

/** A line in parts, so that its width is known before it is painted. */
export type Part = readonly [style: Style | null, text: string];

export class Progress {
  readonly #terminal: Terminal;
  #printedAt = 0;
  #last = '';

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(parts: readonly Part[], now: number): void {
    if (this.#terminal.isTTY) this.#terminal.redraw(this.#painted(parts));
    else if (now - this.#printedAt >= PLAIN_EVERY_MS) {
      this.#printedAt = now;
      this.#plain(parts);
    }
  }

  /** Leaves the last standing as a line of its own. */
  end(parts: readonly Part[]): void {
    if (this.#terminal.isTTY) {
      this.#terminal.redraw('');
      this.#terminal.print(this.#painted(parts));
    } else this.#plain(parts);
  }

  #painted(parts: readonly Part[]): string {
    const paint = ([style, text]: Part) => (style ? this.#terminal.style(style, text) : text);
    return `   ${parts.map(paint).join('')}`;
  }

  #plain(parts: readonly Part[]): void {
    const line = `   ${parts.map(([, text]) => text).join('')}`;
    if (line !== this.#last) this.#terminal.print(line);
    this.#last = line;
  }
}

/** How one charge run stands. Money in cents. */
export interface Standing {
  done: number;
  total: number;
  cap: bigint;
  spent: bigint;
  held: bigint;
  refused: bigint;
}

/** The cap as a bar, as wide as `columns` leave room for, and the sums beside it. */
export function standingParts(standing: Standing, columns: number): Part[] {
  const { done, total, cap, spent, held, refused } = standing;
  const sums: Part[] = [
    ['green', `${centsText(spent).padStart(7)} spent`],
    ['yellow', `${centsText(held).padStart(8)} held`],
    ['red', `${centsText(refused).padStart(11)} refused`],
    [null, `  ${grouped(done).padStart(grouped(total).length)}/${grouped(total)}`],
  ];
  const taken = sums.reduce((width, [, text]) => width + displayWidth(text), 0) + 5;
  const width = Number.isFinite(columns) ? Math.min(BAR_WIDTH, columns - taken) : 0;
  if (width < 8) return sums;
  const cells = (amount: bigint) =>
    Math.min(width, Math.round(Number((amount * BigInt(width) * 100n) / cap) / 100));
  const spentCells = cells(spent);
  const heldCells = cells(spent + held) - spentCells;
  return [
    ['green', '█'.repeat(spentCells)],
    ['yellow', '▒'.repeat(heldCells)],
    ['dim', '·'.repeat(width - spentCells - heldCells)],
    [null, ' '],
    ...sums,
  ];
}
