/**
 * Prints the comparison, line by line, and names what differs. Shows what compare.ts found and
 * decides nothing.
 */
import type { Terminal } from '../terminal.ts';
import type { Line } from './compare.ts';

/** Returns whether every line is equal. */
export function printBooks(lines: readonly Line[], terminal: Terminal): boolean {
  const rows = lines.map(({ what, told, ledger, vendor, equal }) => [
    what,
    told,
    ledger,
    vendor,
    equal
      ? { text: 'equal', paint: (text: string) => terminal.style('green', text) }
      : { text: 'DIFFERS', paint: (text: string) => terminal.style('red', text) },
  ]);
  const columns = [
    { title: '' },
    { title: 'callers told', align: 'right' as const },
    { title: "Keybrake's ledger", align: 'right' as const },
    { title: "Stripe's books", align: 'right' as const },
    { title: '' },
  ];
  terminal.printTable(columns, rows, '   ');
  for (const { what, differing } of lines) {
    for (const text of differing) terminal.print(terminal.style('red', `   ${what}: ${text}`));
  }
  return lines.every(({ equal }) => equal);
}
