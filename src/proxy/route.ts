/**
 * Step 3, route: which vendor and which of its accounts. By prefix (`/stripe/v1/…`), or at the root
 * by the key alone, for SDKs that take no path prefix.
 */
import type { Account, AccountBook } from '../accounts.ts';
import { IN_AUTHORIZATION, type KeyPlace } from '../credential.ts';
import { type Refusal, refusal } from '../errors.ts';
import type { KeyIdentity } from '../ledger/ledger.ts';
import type { Vendor } from '../vendors/vendor.ts';
import type { Caller } from './authenticate.ts';

export interface Route {
  readonly vendor: Vendor;
  /** The vendor's own path. */
  readonly path: string;
  /** Null with a refusal. */
  readonly account: Account | null;
  readonly refusal: Refusal | null;
}

/**
 * The vendor whose error shape answers a request of which nothing else is known: the one that the
 * path names, else the first whose SDKs put their key where this one was.
 */
export function vendorOf(
  vendors: ReadonlyMap<string, Vendor>,
  path: string,
  place: KeyPlace = 'bearer',
): Vendor {
  const inPath = vendors.get(path.split('/', 2)[1] ?? '');
  if (inPath) return inPath;
  for (const vendor of vendors.values()) if (accepts(vendor, place)) return vendor;
  return vendors.values().next().value!;
}

function accepts({ keyPlaces = IN_AUTHORIZATION }: Vendor, place: KeyPlace): boolean {
  return keyPlaces.includes(place);
}

export function route(
  vendors: ReadonlyMap<string, Vendor>,
  accounts: AccountBook,
  { key, place }: Pick<Caller, 'key' | 'place'>,
  path: string,
): Route {
  const to = byPath(vendors, accounts, key, path);
  if (to.refusal !== null || accepts(to.vendor, place)) return to;
  const message = `${to.vendor.name} takes its key in ${placesOf(to.vendor)}, not in ${named(place)}.`;
  return { ...to, account: null, refusal: refusal('request_ambiguous', message) };
}

function placesOf({ keyPlaces = IN_AUTHORIZATION }: Vendor): string {
  return [...new Set(keyPlaces.map(named))].join(' or ');
}

const NAMES: Readonly<Record<string, string>> = {
  bearer: 'Authorization: Bearer',
  'basic.user': 'the user of Authorization: Basic',
  'basic.password': 'the password of Authorization: Basic',
};

/** A place for a message. A header is named only where a vendor has it, so no value is repeated. */
function named(place: KeyPlace): string {
  return NAMES[place] ?? `the header ${place}`;
}

function byPath(
  vendors: ReadonlyMap<string, Vendor>,
  accounts: AccountBook,
  key: KeyIdentity,
  path: string,
): Route {
  const prefix = path.split('/', 2)[1] ?? '';
  const named = vendors.get(prefix);
  if (named) {
    const own = path.slice(prefix.length + 1) || '/';
    if (key.vendors.includes(named.name)) return toAccount(named, own, accounts, key);
    const allowed = key.vendors.join(', ');
    return refused(named, own, `This key is for ${allowed}, not for ${named.name}.`);
  }
  const [first = '', ...others] = key.vendors;
  const only = others.length === 0 ? vendors.get(first) : undefined;
  if (only) return toAccount(only, path, accounts, key);
  if (others.length === 0) {
    // Its file was taken away while keys for it were alive.
    const message = `This key is for ${first}, a vendor that this server has no description of.`;
    return refused(vendorOf(vendors, path), path, message);
  }
  const prefixes = key.vendors.map((name) => `/${name}/`).join(', ');
  const message = `This key is for several vendors: begin the path with one of ${prefixes}.`;
  return refused(vendorOf(vendors, path), path, message);
}

function toAccount(vendor: Vendor, path: string, accounts: AccountBook, key: KeyIdentity): Route {
  const account = accounts.get(vendor.name, key.account);
  if (account) return { vendor, path, account, refusal: null };
  return refused(vendor, path, `No account ${vendor.name} / ${key.account} is stored here.`);
}

function refused(vendor: Vendor, path: string, message: string): Route {
  return { vendor, path, account: null, refusal: refusal('vendor_not_allowed', message) };
}
