/**
 * Step 3, route: which vendor and which of its accounts. By prefix (`/stripe/v1/…`), or at the root
 * by the key alone, for SDKs that take no path prefix.
 */
import type { Account, AccountBook } from '../accounts.ts';
import { type Refusal, refusal } from '../errors.ts';
import type { KeyIdentity } from '../ledger/ledger.ts';
import type { Vendor } from '../vendors/vendor.ts';

export interface Route {
  readonly vendor: Vendor;
  /** The vendor's own path. */
  readonly path: string;
  /** Null with a refusal. */
  readonly account: Account | null;
  readonly refusal: Refusal | null;
}

/** The vendor whose error shape answers a request of which nothing else is known. */
export function vendorOfPath(vendors: ReadonlyMap<string, Vendor>, path: string): Vendor {
  const named = vendors.get(path.split('/', 2)[1] ?? '');
  return named ?? vendors.values().next().value!;
}

export function route(
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
  const only = key.vendors.length === 1 ? vendors.get(key.vendors[0]!) : undefined;
  if (only) return toAccount(only, path, accounts, key);
  const prefixes = key.vendors.map((name) => `/${name}/`).join(', ');
  const message = `This key is for several vendors: begin the path with one of ${prefixes}.`;
  return refused(vendorOfPath(vendors, path), path, message);
}

function toAccount(vendor: Vendor, path: string, accounts: AccountBook, key: KeyIdentity): Route {
  const account = accounts.get(vendor.name, key.account);
  if (account) return { vendor, path, account, refusal: null };
  return refused(vendor, path, `No account ${vendor.name} / ${key.account} is stored here.`);
}

function refused(vendor: Vendor, path: string, message: string): Route {
  return { vendor, path, account: null, refusal: refusal('vendor_not_allowed', message) };
}
