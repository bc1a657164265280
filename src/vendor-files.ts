/**
 * The vendors that there are: those written by hand, those described in files that come with
 * Keybrake, and those of the operator's folder. Reads the files once, at the start; a file that is
 * wrong is told with every line, and nothing starts, for half a description is a wrong price.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ConfigError } from './config.ts';
import { compile } from './vendors/declared/compile.ts';
import { readDescription } from './vendors/declared/definition.ts';
import { priceText } from './vendors/declared/describe.ts';
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
    for (const file of filesIn(from, faults)) {
      const read = readVendorFile(file, known);
      if ('faults' in read) faults.push(...read.faults);
      else known.set(read.vendor, { vendor: compile(read), file });
    }
  }
  if (faults.length > 0) throw new ConfigError(faults.join('\n'));
  return known;
}

/** What `keybrake vendors check` shows of a file. */
export interface CheckedFile {
  readonly file: string;
  /** Null when the file is wrong. */
  readonly vendor: string | null;
  /** `file:line: field reason` */
  readonly faults: readonly string[];
  readonly endpoints: readonly {
    match: string;
    operation: string | null;
    class: string;
    costs: string;
  }[];
}

/** Each file beside the vendors that come with Keybrake. Throws as `knownVendors`. */
export function checkVendorFiles(files: readonly string[]): CheckedFile[] {
  const known = new Map(knownVendors(null));
  return files.map((file) => {
    const read = readVendorFile(file, known);
    if ('faults' in read) return { file, vendor: null, faults: read.faults, endpoints: [] };
    known.set(read.vendor, { vendor: compile(read), file });
    const endpoints = read.endpoints.map((endpoint) => ({
      match: endpoint.match,
      operation: endpoint.name ?? null,
      class: endpoint.class,
      costs: priceText(endpoint, read.prices),
    }));
    return { file, vendor: read.vendor, faults: [], endpoints };
  });
}

/** What a file describes, or its faults; one is that its vendor is known from elsewhere. */
function readVendorFile(
  file: string,
  known: ReadonlyMap<string, KnownVendor>,
): Description | { faults: string[] } {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { faults: [`${file}: cannot be read (${whyUnreadable(code)})`] };
  }
  const read = readDescription(text);
  if ('faults' in read) {
    const told = ({ path, reason }: { path: string; reason: string }) =>
      path === '' ? reason : `${path} ${reason}`;
    return { faults: read.faults.map((fault) => `${file}:${fault.line}: ${told(fault)}`) };
  }
  const { description } = read;
  const before = known.get(description.vendor);
  if (before === undefined || isSame(before.file, file)) return description;
  const where = before.file ?? 'Keybrake itself';
  const line = text.slice(0, text.search(/^vendor:/m)).split('\n').length;
  const reason = `vendor ${description.vendor} is there already, in ${where}; name it otherwise`;
  return { faults: [`${file}:${line}: ${reason}`] };
}

function isSame(one: string | null, other: string): boolean {
  return one !== null && resolve(one) === resolve(other);
}

function filesIn(folder: string, faults: string[]): string[] {
  try {
    const names = readdirSync(folder).filter((name) => /\.ya?ml$/.test(name));
    return names.sort().map((name) => join(folder, name));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = whyUnreadable(code);
    faults.push(`KEYBRAKE_VENDORS must name a folder of vendor files; ${folder} is none (${why})`);
    return [];
  }
}

function whyUnreadable(code: string | undefined): string {
  switch (code) {
    case 'ENOENT':
      return 'it is not there';
    case 'EISDIR':
      return 'it is a folder';
    case 'ENOTDIR':
      return 'it is no folder';
    case 'EACCES':
      return 'it is not allowed';
    default:
      return code === undefined || code.startsWith('ERR_ENCODING') ? 'it is not UTF-8' : code;
  }
}
