/** Files of rates and prices, as an operator keeps them. Each is gone when the test ends. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

function written(t: TestContext, name: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'keybrake-tariff-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

/** A file of exchange rates; gives its path. */
export const ratesFile = (t: TestContext, text: string): string => written(t, 'rates.json', text);

/** A file of the operator's prices; gives its path. */
export const priceFile = (t: TestContext, text: string): string => written(t, 'prices.json', text);
