/**
 * The vendors that there are: those written by hand, those described in files that come with
 * Keybrake, and those of the operator's folder. Reads the files once, at the start; a file that is
 * wrong is told with every line, and nothing starts, for half a description is a wrong price.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from './config.ts';
import { compile } from './vendors/declared/compile.ts';
import { readDescription } from './vendors/declared/definition.ts';
import type { Description } from './vendors/declared/schema.ts';
import { VENDORS } from './vendors/index.ts';
import type { Vendor } from './vendors/vendor.ts';

/** The files that come with Keybrake, beside `src` and `dist`. */
const SHIPPED = join(import.meta.dirname, '../vendors');

/** Where a vendor comes from. */
export interface KnownVendor {
  readonly vendor: Vendor;
  /** The file that describes it; null: it is written by hand. */
  readonly file: string | null;
}

/** Every vendor by its name. As `knownVendors`. */
export function loadVendors(folder: string | null): ReadonlyMap<string, Vendor> {
  return new Map([...knownVendors(folder)].map(([name, { vendor }]) => [name, vendor]));
}

/**
 * Every vendor with where it comes from. `folder`: the operator's own, or null. Throws ConfigError
 * that names file, line and reason of every fault.
 */
export function knownVendors(folder: string | null): ReadonlyMap<string, KnownVendor> {
  const known = new Map<string, KnownVendor>();
  for (const [name, vendor] of VENDORS) known.set(name, { vendor, file: null });
  const faults: string[] = [];
  for (const from of folder === null ? [SHIPPED] : [SHIPPED, folder]) {
    for (const file of filesIn(from, faults)) add(file, known, faults);
  }
  if (faults.length > 0) throw new ConfigError(faults.join('\n'));
  return known;
}

/** One file: what it describes, or its faults as `file:line: field reason`. */
export function readVendorFile(file: string): { description: Description } | { faults: string[] } {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return {
      faults: [`${file}: cannot be read (${code === undefined ? 'it is not UTF-8' : code})`],
    };
  }
  const read = readDescription(text);
  if ('description' in read) return read;
  return {
    faults: read.faults.map(
      ({ line, path, reason }) => `${file}:${line}: ${path && `${path} `}${reason}`,
    ),
  };
}

function filesIn(folder: string, faults: string[]): string[] {
  try {
    const names = readdirSync(folder).filter((name) => /\.ya?ml$/.test(name));
    return names.sort().map((name) => join(folder, name));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    faults.push(
      `KEYBRAKE_VENDORS must name a folder of vendor files; ${folder} cannot be read (${code})`,
    );
    return [];
  }
}

function add(file: string, known: Map<string, KnownVendor>, faults: string[]): void {
  const read = readVendorFile(file);
  if ('faults' in read) {
    faults.push(...read.faults);
    return;
  }
  const vendor = compile(read.description);
  const before = known.get(vendor.name);
  if (before === undefined) known.set(vendor.name, { vendor, file });
  else {
    const where = before.file ?? 'Keybrake itself';
    faults.push(
      `${file}: the vendor ${vendor.name} is there already, in ${where}; name it otherwise`,
    );
  }
}
