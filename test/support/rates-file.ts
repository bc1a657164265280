/** A file of exchange rates, as an operator keeps one. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** Its path; it is gone when the test ends. */
export function ratesFile(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'keybrake-rates-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'rates.json');
  writeFileSync(file, text);
  return file;
}
