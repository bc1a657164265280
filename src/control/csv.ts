/**
 * CSV of the audit (RFC 4180). Labels, task names and paths are other people's text: a cell that a
 * spreadsheet would run as a formula is made plain text.
 */
import { CALL_COLUMNS } from './views.ts';

const NAMES = Object.keys(CALL_COLUMNS);

export const CSV_HEADER = `${NAMES.join(',')}\r\n`;

/** A call, as callView gives it, as one line. */
export function csvLine(row: Record<string, unknown>): string {
  return `${NAMES.map((name) => cell(row[name])).join(',')}\r\n`;
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  // Numbers of ours, exact amounts among them, are written as in JSON.
  if (typeof value !== 'string') return JSON.stringify(value);
  // What spreadsheets take for the beginning of a formula, also behind a tab or line break.
  const formula = /^[=+\-@\t\r\n]/.test(value) && !/^[+-]?\d+(\.\d+)?$/.test(value);
  const text = formula ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
