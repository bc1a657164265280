/**
 * The vendors that there are: those written by hand, those described in files that come with
 * Keybrake, and those of the operator's folder, with the prices that the operator pays. Reads the
 * files once, at the start; a file that is wrong is told with every line, and nothing starts, for
 * half a description is a wrong price.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ConfigError } from './config.ts';
import { compile } from './vendors/declared/compile.ts';
import { type Fault, type Read, readDescription } from './vendors/declared/definition.ts';
import { priceText } from './vendors/declared/describe.ts';
import type { Description, PriceList } from './vendors/declared/schema.ts';
import { VENDORS } from './vendors/index.ts';
import type { Vendor } from './vendors/vendor.ts';

/** The files that come with Keybrake, beside `src` and `dist`. */
const SHIPPED = join(import.meta.dirname, '../vendors');

/** Where a vendor comes from. */
export interface KnownVendor {
  readonly vendor: Vendor;
  /** What describes it and where; null: it is written by hand. */
  readonly described: { readonly file: string; readonly description: Description } | null;
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
  const shelf = new Shelf();
  const faults: string[] = [];
  for (const from of folder === null ? [SHIPPED] : [SHIPPED, folder]) {
    const files = filesIn(from);
    if (typeof files === 'string') faults.push(files);
    else for (const added of shelf.add(files)) faults.push(...added.faults);
  }
  if (faults.length > 0) throw new ConfigError(faults.join('\n'));
  return shelf.known;
}

/** What `keybrake vendors check` shows of a file. */
export interface CheckedFile extends Added {
  readonly endpoints: readonly {
    match: string;
    operation: string | null;
    class: string;
    costs: string;
  }[];
}

/** Each file beside the others and the vendors that come with Keybrake. Throws as `knownVendors`. */
export function checkVendorFiles(files: readonly string[]): CheckedFile[] {
  const shelf = new Shelf(knownVendors(null));
  return shelf.add(files).map((added) => {
    const described = added.vendor === null ? null : shelf.known.get(added.vendor)!.described;
    return { ...added, endpoints: described === null ? [] : endpointsOf(described.description) };
  });
}

function endpointsOf({ endpoints, prices }: Description): CheckedFile['endpoints'] {
  return endpoints.map((endpoint) => ({
    match: endpoint.match,
    operation: endpoint.name ?? null,
    class: endpoint.class,
    costs: priceText(endpoint, prices),
  }));
}

/** What came of a file. */
interface Added {
  readonly file: string;
  /** That it describes or prices; null when the file is wrong. */
  readonly vendor: string | null;
  /** `file:line: field reason` */
  readonly faults: readonly string[];
}

/** Where in a file something does not fit the other vendors, and what; null: it fits. */
type Misfit = [path: string[], reason: string] | null;

type Unit = { file: string } & ({ read: Read } | { unreadable: string });

class Shelf {
  readonly known: Map<string, KnownVendor>;
  readonly #priced = new Set<string>();

  constructor(known: ReadonlyMap<string, KnownVendor> = byHand()) {
    this.known = new Map(known);
  }

  /** In the files' order; prices after the vendors that they are of, wherever these stand. */
  add(files: readonly string[]): Added[] {
    const units = files.map(readUnit);
    const isPrices = (unit: Unit) => 'read' in unit && 'priceList' in unit.read;
    const added = new Map<Unit, Added>();
    for (const unit of units) if (!isPrices(unit)) added.set(unit, this.#one(unit));
    for (const unit of units) if (isPrices(unit)) added.set(unit, this.#one(unit));
    return units.map((unit) => added.get(unit)!);
  }

  #one(unit: Unit): Added {
    const { file } = unit;
    const wrong = (faults: readonly string[]): Added => ({ file, vendor: null, faults });
    if ('unreadable' in unit) return wrong([`${file}: ${unit.unreadable}`]);
    const { read } = unit;
    if ('faults' in read) return wrong(read.faults.map((fault) => lineOf(file, fault)));
    const fault =
      'priceList' in read ? this.#price(read.priceList) : this.#vendor(file, read.description);
    if (fault !== null) {
      const [path, reason] = fault;
      return wrong([lineOf(file, { line: read.lineOf(path), path: path.join('.'), reason })]);
    }
    const vendor = 'priceList' in read ? read.priceList.prices_of : read.description.vendor;
    return { file, vendor, faults: [] };
  }

  #vendor(file: string, description: Description): Misfit {
    const { vendor } = description;
    const before = this.known.get(vendor);
    if (before !== undefined && !isSame(before.described?.file, file)) {
      const where = before.described?.file ?? 'Keybrake itself';
      return [['vendor'], `${vendor} is there already, in ${where}; name it otherwise`];
    }
    this.known.set(vendor, { vendor: compile(description), described: { file, description } });
    return null;
  }

  #price({ prices_of: name, prices }: PriceList): Misfit {
    const known = this.known.get(name);
    if (!known?.described) {
      const described = [...this.known].filter(([, each]) => each.described).map(([each]) => each);
      return [['prices_of'], `must be a vendor of a file; there are ${described.join(', ')}`];
    }
    if (this.#priced.has(name)) return [['prices_of'], `${name} has prices in another file too`];
    this.#priced.add(name);
    const { file, description } = known.described;
    const names = Object.keys(description.prices ?? {});
    const unknown = Object.keys(prices).find((each) => !names.includes(each));
    if (unknown !== undefined) {
      const reason = `is no price of ${name}; there are ${names.join(', ') || 'none'}`;
      return [['prices', unknown], reason];
    }
    const priced = { ...description, prices: { ...description.prices, ...prices } };
    this.known.set(name, { vendor: compile(priced), described: { file, description: priced } });
    return null;
  }
}

function byHand(): ReadonlyMap<string, KnownVendor> {
  return new Map([...VENDORS].map(([name, vendor]) => [name, { vendor, described: null }]));
}

function readUnit(file: string): Unit {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
    return { file, read: readDescription(text) };
  } catch (error) {
    return { file, unreadable: `cannot be read (${whyUnreadable(error)})` };
  }
}

function lineOf(file: string, { line, path, reason }: Fault): string {
  return `${file}:${line}: ${path === '' ? reason : `${path} ${reason}`}`;
}

function isSame(one: string | undefined, other: string): boolean {
  return one !== undefined && resolve(one) === resolve(other);
}

/** Or what is wrong with the folder. */
function filesIn(folder: string): string[] | string {
  try {
    const names = readdirSync(folder).filter((name) => /\.ya?ml$/.test(name));
    return names.sort().map((name) => join(folder, name));
  } catch (error) {
    const why = whyUnreadable(error);
    return `KEYBRAKE_VENDORS must name a folder of vendor files; ${folder} is none (${why})`;
  }
}

function whyUnreadable(error: unknown): string {
  const { code = '' } = error as NodeJS.ErrnoException;
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
      return code.startsWith('ERR_ENCODING') ? 'it is not UTF-8' : code || String(error);
  }
}
