/**
 * A file's text to what it says, or to every fault that it has: where, and what would be right. Pure:
 * takes the text, not the file.
 */
import type { z } from 'zod';
import { check, type RuleFault } from './check.ts';
import { type Description, description, type PriceList, priceList } from './schema.ts';
import { faultsIn } from './schema-fields.ts';
import { type Fault, type Plain, pathText, readYaml, type Source } from './yaml.ts';

export type { Fault } from './yaml.ts';

/** A vendor's description, or, where it begins with `prices_of`, prices for one. */
export type Read =
  | { readonly description: Description; readonly lineOf: Source['lineOf'] }
  | { readonly priceList: PriceList; readonly lineOf: Source['lineOf'] }
  | { readonly faults: readonly Fault[] };

/** Beyond these, the first ones are what is worth correcting. */
const MOST = 50;

export function readDescription(text: string): Read {
  const source = readYaml(text);
  if (!('lineOf' in source)) return { faults: source.slice(0, MOST) };
  const { value, lineOf } = source;
  if (value === null) return { faults: [{ line: 1, path: '', reason: 'the file is empty' }] };
  if (typeof value === 'object' && 'prices_of' in value) {
    const read = shaped(priceList, value);
    return 'data' in read ? { priceList: read.data, lineOf } : told(read.faults, source);
  }
  const read = shaped(description, value);
  if (!('data' in read)) return told(read.faults, source);
  const faults = check(read.data);
  return faults.length === 0 ? { description: read.data, lineOf } : told(faults, source);
}

function shaped<T>(schema: z.ZodType<T>, value: Plain): { data: T } | { faults: RuleFault[] } {
  const read = schema.safeParse(value);
  if (read.success) return { data: read.data };
  const faults = faultsIn(read.error.issues, value);
  return { faults: faults.map(({ path, message }) => ({ path, reason: message })) };
}

function told(wrong: readonly RuleFault[], source: Source): { faults: readonly Fault[] } {
  const faults = wrong.map(({ path, reason }) => ({
    line: source.lineOf(path),
    path: pathText(path),
    reason,
  }));
  return { faults: faults.sort((a, b) => a.line - b.line).slice(0, MOST) };
}
