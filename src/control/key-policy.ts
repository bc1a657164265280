/**
 * From the fields of a request to the policy of a key: the rules between fields and with what is
 * stored (accounts, the parent). Faults are gathered, never thrown; writes nothing.
 */
import type { KeyPatch, KeyView, Policy } from '../ledger/ledger.ts';
import { shown } from '../secrecy.ts';
import type { ControlDeps } from './deps.ts';
import { MAX_LIFE_MS } from './fields.ts';
import type { changeFields, issueFields } from './key-fields.ts';
import { addWider } from './narrower.ts';
import type { Faults, Read } from './read-fields.ts';
import { keyState } from './views.ts';

/** A key lives a day unless it is said otherwise: a run that needs longer knows that it does. */
const DEFAULT_LIFE_MS = 86_400_000;

type IssueBody = Partial<Read<ReturnType<typeof issueFields>>>;
type ParentPolicy = Policy | undefined;
type ChangeBody = Partial<Read<typeof changeFields>>;

/** The policy of a key to be issued; what it returns counts only when there is no fault. */
export async function policyOf(
  deps: ControlDeps,
  body: IssueBody,
  faults: Faults,
): Promise<Policy> {
  const now = deps.clock.now();
  const parent = body.parent === undefined ? undefined : await deps.ledger.key(body.parent, now);
  if (body.parent !== undefined) checkParent(parent, now, faults);
  const inherited: ParentPolicy = parent?.policy;
  const vendors = vendorsOf(body, inherited, faults);
  if (
    body.daily_usd_cap === undefined &&
    body.total_usd_cap === undefined &&
    !faults.has('daily_usd_cap') &&
    !faults.has('total_usd_cap')
  ) {
    faults.add('daily_usd_cap', 'or total_usd_cap is required');
  }
  if (vendors.every((vendor) => vendor === 'stripe')) {
    for (const [index, account] of (body.on_behalf_of ?? []).entries()) {
      if (account.startsWith('acct_')) continue;
      faults.add(`on_behalf_of[${index}]`, 'must be a connected account, acct_...');
    }
  }
  const latest = inherited?.expiresAt ?? Number.POSITIVE_INFINITY;
  const policy: Policy = {
    vendors,
    account: accountOf(deps, body, vendors, parent, faults),
    dailyCap: body.daily_usd_cap ?? null,
    totalCap: body.total_usd_cap ?? null,
    perCallCap: body.per_call_usd_cap ?? null,
    maxCalls: body.max_calls ?? null,
    rateLimit: body.rate_limit ?? null,
    // A key that says nothing of these is as its parent is.
    allowedEndpoints: body.allowed_endpoints ?? inherited?.allowedEndpoints ?? null,
    params: body.params ?? inherited?.params ?? {},
    onBehalfOf: body.on_behalf_of ?? inherited?.onBehalfOf ?? [],
    prices: body.prices ?? inherited?.prices ?? {},
    mode: body.mode ?? inherited?.mode ?? 'enforce',
    mayDelegate: body.may_delegate ?? false,
    expiresAt: expiryOf(body, now, faults) ?? Math.min(now + DEFAULT_LIFE_MS, latest),
  };
  if (parent) addWider(parent, onlyRight(policy, faults), faults);
  return policy;
}

/** What a change asks for. `key`: as it is; `parent`: its parent, if it has one. */
export function patchOf(
  deps: ControlDeps,
  body: ChangeBody,
  key: KeyView,
  parent: KeyView | undefined,
  faults: Faults,
): KeyPatch {
  const patch: KeyPatch = {};
  if (body.daily_usd_cap !== undefined) patch.dailyCap = body.daily_usd_cap;
  if (body.total_usd_cap !== undefined) patch.totalCap = body.total_usd_cap;
  if (body.per_call_usd_cap !== undefined) patch.perCallCap = body.per_call_usd_cap;
  if (body.max_calls !== undefined) patch.maxCalls = body.max_calls;
  if (body.allowed_endpoints !== undefined) patch.allowedEndpoints = body.allowed_endpoints;
  const expiresAt = expiryOf(body, deps.clock.now(), faults);
  if (expiresAt !== undefined) patch.expiresAt = expiresAt;
  const { dailyCap, totalCap } = { ...key.policy, ...patch };
  if (dailyCap === null && totalCap === null) {
    const field = patch.totalCap === null ? 'total_usd_cap' : 'daily_usd_cap';
    faults.add(field, "must not be taken away: it is the key's last cap");
  }
  if (parent) addWider(parent, patch, faults);
  return patch;
}

function checkParent(parent: KeyView | undefined, now: number, faults: Faults): void {
  const state = parent === undefined ? 'no key' : keyState(parent, now);
  if (state !== 'live') faults.add('parent', `is ${state}`);
}

function vendorsOf(body: IssueBody, parent: ParentPolicy, faults: Faults): string[] {
  const one = body.vendor !== undefined || faults.has('vendor');
  const many = body.vendors !== undefined || faults.has('vendors');
  if (one && many) faults.add('vendors', 'must not be given beside vendor');
  if (!one && !many) {
    if (parent) return parent.vendors;
    faults.add('vendor', 'is required (or vendors)');
  }
  const vendors = body.vendors ?? (body.vendor === undefined ? [] : [body.vendor]);
  if (new Set(vendors).size < vendors.length) faults.add('vendors', 'must not name one twice');
  return [...vendors];
}

/**
 * The account that the key's vendors have in common. Without one named: the parent's; else
 * `default`; else `sandbox`, so that the first call on a fresh server needs no account.
 */
function accountOf(
  deps: ControlDeps,
  body: IssueBody,
  vendors: readonly string[],
  parent: KeyView | undefined,
  faults: Faults,
): string {
  const stored = (account: string) =>
    vendors.every((vendor) => deps.accounts.get(vendor, account) !== undefined);
  if (faults.has('account') || vendors.length === 0) return 'default';
  const named = body.account ?? parent?.policy.account;
  if (named === undefined && !stored('default') && stored('sandbox')) return 'sandbox';
  const account = named ?? 'default';
  for (const vendor of vendors) {
    if (deps.accounts.get(vendor, account)) continue;
    const there = deps.accounts.list().filter((known) => known.vendor === vendor);
    const names = there.map((known) => known.account).join(', ');
    const remedy = names
      ? `stored are: ${names}`
      : `none is; store one with \`keybrake accounts add ${vendor}\``;
    faults.add('account', `${shown(account)} is not stored for ${vendor}; ${remedy}`);
  }
  return account;
}

/** Milliseconds since 1970; undefined when no expiry is given or it is faulty. */
function expiryOf(
  body: { expires_in?: number | undefined; expires_at?: number | undefined },
  now: number,
  faults: Faults,
): number | undefined {
  if (body.expires_in !== undefined && body.expires_at !== undefined) {
    faults.add('expires_at', 'must not be given beside expires_in');
  }
  if (body.expires_at !== undefined) {
    if (body.expires_at <= now) faults.add('expires_at', 'must be in the future');
    if (body.expires_at > now + MAX_LIFE_MS) faults.add('expires_at', 'must be within 366 days');
    return body.expires_at;
  }
  return body.expires_in === undefined ? undefined : now + body.expires_in;
}

/** The parts of a policy whose fields were right, so that no field is called wrong twice. */
function onlyRight(policy: Policy, faults: Faults): Partial<Policy> {
  const right: Partial<Policy> = { ...policy };
  if (faults.has('account')) delete right.account;
  if (faults.has('allowed_endpoints')) delete right.allowedEndpoints;
  if (faults.has('params')) delete right.params;
  if (faults.has('on_behalf_of')) delete right.onBehalfOf;
  if (faults.has('prices')) delete right.prices;
  return right;
}
