/**
 * A description's text to what it says, or to every fault that it has: where, and what would be
 * right. Pure: takes the text, not the file.
 */
import { check } from './check.ts';
import { type Description, description } from './schema.ts';
import { faultsIn } from './schema-fields.ts';
import { type Fault, pathText, readYaml } from './yaml.ts';

export type { Fault } from './yaml.ts';

export type Read = { readonly description: Description } | { readonly faults: readonly Fault[] };

/** Beyond these, the first ones are what is worth correcting. */
const MOST = 50;

export function readDescription(text: string): Read {
  const source = readYaml(text);
  if (!('lineOf' in source)) return { faults: source.slice(0, MOST) };
  if (source.value === null)
    return { faults: [{ line: 1, path: '', reason: 'the file is empty' }] };
  const read = description.safeParse(source.value);
  const wrong = read.success
    ? check(read.data)
    : faultsIn(read.error.issues, source.value).map(({ path, message }) => ({
        path,
        reason: message,
      }));
  if (read.success && wrong.length === 0) return { description: read.data };
  const faults = wrong.map(({ path, reason }) => ({
    line: source.lineOf(path),
    path: pathText(path),
    reason,
  }));
  return { faults: faults.sort((a, b) => a.line - b.line).slice(0, MOST) };
}
