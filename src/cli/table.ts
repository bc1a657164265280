/**
 * Aligned text tables. Cells come from outside (labels, vendor ids), so what could move a cursor or
 * recolour a terminal is written out as `\x1b` before it is measured.
 */
export interface Column {
  title: string;
  align?: 'left' | 'right';
  /** May be cut with `…` when the table is wider than the terminal; the longest goes first. */
  shrinks?: boolean;
  /** Left out, the highest first, before others are cut to less than can be read. */
  optional?: number;
  /** At least so wide, so that tables that follow each other line up. */
  width?: number;
}

export interface Cell {
  text: string;
  /** Applied after the cell is padded, so that escape codes do not count as width. */
  paint?: (text: string) => string;
}

/** A cell for each column, in their order. */
export type Row = readonly (Cell | string)[];
export type Field = readonly [name: string, value: string | Cell | null | undefined];

export interface TableOptions {
  columns?: number;
  paintTitle?: (text: string) => string;
  indent?: string;
}

const GAP = '  ';
/** What is cut shorter says little: columns that may go are left out first. */
const READABLE = 16;
const MIN_SHRUNK = 8;
const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const WIDE =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u;

/** The text with every control and direction-changing character written as its escape. */
export function visible(text: string): string {
  return text.replace(CONTROL, (char) => {
    const code = char.charCodeAt(0);
    return code < 256
      ? `\\x${code.toString(16).padStart(2, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** Columns the text takes on a terminal. */
export function displayWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmenter.segment(text)) width += WIDE.test(segment) ? 2 : 1;
  return width;
}

function cut(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = '';
  let used = 1;
  for (const { segment } of segmenter.segment(text)) {
    used += displayWidth(segment);
    if (used > width) break;
    kept += segment;
  }
  return `${kept}…`;
}

function pad(text: string, width: number, align: 'left' | 'right'): string {
  const space = ' '.repeat(Math.max(0, width - displayWidth(text)));
  return align === 'right' ? space + text : text + space;
}

const totalWidth = (widths: readonly number[]) =>
  widths.reduce((sum, width) => sum + width + GAP.length, -GAP.length);

/** Takes what is too wide from the columns that may shrink, always from the widest. */
function shrink(
  widths: readonly number[],
  columns: readonly Column[],
  room: number,
  least: number,
): number[] {
  const fitted = [...widths];
  while (totalWidth(fitted) > room) {
    let widest = -1;
    for (const [i, column] of columns.entries()) {
      if (!column.shrinks || fitted[i]! <= least) continue;
      if (widest < 0 || fitted[i]! > fitted[widest]!) widest = i;
    }
    if (widest < 0) break;
    fitted[widest] = fitted[widest]! - 1;
  }
  return fitted;
}

/** The columns that are shown in so much room, by index, with their widths. */
function layOut(
  widths: readonly number[],
  columns: readonly Column[],
  room: number,
): { index: number; column: Column; width: number }[] {
  let shown = columns.map((column, index) => ({ index, column, width: widths[index]! }));
  for (;;) {
    const last = shown.reduce((most, { column }) => Math.max(most, column.optional ?? 0), 0);
    const fitted = shrink(
      shown.map(({ width }) => width),
      shown.map(({ column }) => column),
      room,
      last > 0 ? READABLE : MIN_SHRUNK,
    );
    if (totalWidth(fitted) <= room || last === 0) {
      return shown.map((each, i) => ({ ...each, width: fitted[i]! }));
    }
    shown = shown.filter(({ column }) => column.optional !== last);
  }
}

/** The lines of a table, title row first; no line ends in spaces. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly Row[],
  options: TableOptions = {},
): string[] {
  const indent = options.indent ?? '';
  const cells = rows.map((row) =>
    row.map((cell) => {
      const { text, paint } = typeof cell === 'string' ? { text: cell, paint: undefined } : cell;
      return { text: visible(text), paint };
    }),
  );
  const widths = columns.map((column, i) =>
    Math.max(
      column.width ?? 0,
      displayWidth(column.title),
      ...cells.map((row) => displayWidth(row[i]?.text ?? '')),
    ),
  );
  const room = (options.columns ?? Number.POSITIVE_INFINITY) - indent.length;
  const shown = layOut(widths, columns, room);

  const line = (
    texts: readonly { text: string; paint?: ((text: string) => string) | undefined }[],
  ) => {
    const parts = shown.map(({ index, column, width }, i) => {
      const { text = '', paint } = texts[index] ?? {};
      const last = i === shown.length - 1 && column.align !== 'right';
      const kept = cut(text, width);
      const padded = last ? kept : pad(kept, width, column.align ?? 'left');
      return paint && text ? paint(padded) : padded;
    });
    return (indent + parts.join(GAP)).trimEnd();
  };
  const titles = columns.map(({ title }) => ({ text: title, paint: options.paintTitle }));
  const head = columns.some(({ title }) => title) ? [line(titles)] : [];
  return [...head, ...cells.map(line)];
}

/** `name  value` pairs, the names aligned; a pair without a value is left out. */
export function fieldLines(fields: readonly Field[], options: TableOptions = {}): string[] {
  const rows = fields.flatMap(([name, value]) =>
    value === null || value === undefined
      ? []
      : [[{ text: name, ...(options.paintTitle && { paint: options.paintTitle }) }, value]],
  );
  return tableLines([{ title: '' }, { title: '' }], rows, options);
}
