/**
 * A key under a parent is narrower, never wider. The ledger judges every call by the whole chain of
 * keys; these rules exist so that a key that promises more than its parent is refused when it is
 * issued or changed, with the fields named.
 *
 * The rules are simple on purpose: what cannot be seen to be narrower at a glance is refused.
 */
import type { KeyView, ParamRule, Policy, RateLimit } from '../ledger/ledger.ts';
import { inMailDomain } from '../mail-address.ts';
import { formatUsd } from '../money.ts';
import { compileEndpoints, type EndpointCall } from '../vendors/endpoints.ts';
import type { Faults } from './read-fields.ts';

/** Adds a fault for every part of `child` that is wider than the parent; absent parts are not. */
export function addWider(parent: KeyView, child: Partial<Policy>, faults: Faults): void {
  const limits = parent.policy;
  for (const vendor of child.vendors ?? []) {
    if (limits.vendors.includes(vendor)) continue;
    faults.add('vendors', `must be among the parent's: ${limits.vendors.join(', ')}`);
  }
  if (child.account !== undefined && child.account !== limits.account) {
    faults.add('account', `must be the parent's: ${limits.account}`);
  }
  for (const [field, ours, theirs] of [
    ['daily_usd_cap', child.dailyCap, limits.dailyCap],
    ['total_usd_cap', child.totalCap, limits.totalCap],
    ['per_call_usd_cap', child.perCallCap, limits.perCallCap],
  ] as const) {
    if (ours == null || theirs === null || ours <= theirs) continue;
    faults.add(field, `must not exceed the parent's: ${formatUsd(theirs)}`);
  }
  if (child.maxCalls != null && limits.maxCalls !== null && child.maxCalls > limits.maxCalls) {
    faults.add('max_calls', `must not exceed the parent's: ${limits.maxCalls}`);
  }
  if (child.rateLimit && limits.rateLimit && faster(child.rateLimit, limits.rateLimit)) {
    faults.add('rate_limit', "must not be faster than the parent's");
  }
  if (child.expiresAt != null && limits.expiresAt !== null && child.expiresAt > limits.expiresAt) {
    faults.add('expires_at', "must not be later than the parent's");
  }
  if (child.mode === 'shadow' && limits.mode === 'enforce') {
    faults.add('mode', "must be enforce, as the parent's is");
  }
  if (child.allowedEndpoints !== undefined) {
    addWiderEndpoints(limits.allowedEndpoints, child.allowedEndpoints, faults);
  }
  if (child.params !== undefined) addWiderParams(limits.params, child.params, faults);
  for (const [index, account] of (child.onBehalfOf ?? []).entries()) {
    if (limits.onBehalfOf.includes(account)) continue;
    faults.add(`on_behalf_of[${index}]`, "must be among the parent's");
  }
  if (child.mayDelegate && !limits.mayDelegate) {
    faults.add('may_delegate', "must be false, as the parent's is");
  }
  if (child.prices !== undefined) addLowerPrices(limits.prices, child.prices, faults);
}

function faster(ours: RateLimit, theirs: RateLimit): boolean {
  return ours.calls * theirs.windowMs > theirs.calls * ours.windowMs;
}

/**
 * A parent without a list reaches everything that is not withheld, and the ledger holds the child
 * to that at every call. Under a list, an entry must stand in it, or name one plain endpoint that
 * it matches; whether one pattern covers another is not worked out.
 */
function addWiderEndpoints(
  theirs: readonly string[] | null,
  ours: readonly string[] | null,
  faults: Faults,
): void {
  if (theirs === null) return;
  if (ours === null) {
    faults.add('allowed_endpoints', 'is required, because the parent has a list');
    return;
  }
  const matches = compileEndpoints([...theirs]);
  for (const [index, entry] of ours.entries()) {
    if (theirs.includes(entry)) continue;
    const plain = !/[*{]/.test(entry);
    if (plain && matches(callOf(entry))) continue;
    faults.add(
      `allowed_endpoints[${index}]`,
      "is not among the parent's, nor covered by one of them",
    );
  }
}

/** The call that an entry without wildcards names. `ANY` is a method of no entry but the open ones. */
function callOf(entry: string): EndpointCall {
  const [method, path] = entry.split(' ', 2);
  if (path !== undefined) return { method: method!, path, operation: null };
  return entry.startsWith('/')
    ? { method: 'ANY', path: entry, operation: null }
    : { method: 'ANY', path: '', operation: entry };
}

/**
 * None, or all of the parent's and none lower. Of several that cover a call the dearest counts, so
 * to leave that one out would make the call cheaper, also for the parent's own budgets.
 */
function addLowerPrices(theirs: Policy['prices'], ours: Policy['prices'], faults: Faults): void {
  const entries = Object.entries(ours);
  for (const [index, [entry, price]] of entries.entries()) {
    if (Object.hasOwn(theirs, entry) && price >= theirs[entry]!) continue;
    faults.add(`prices[${index}]`, "must be one of the parent's, and not lower");
  }
  const missing = Object.keys(theirs).filter((entry) => !Object.hasOwn(ours, entry));
  if (entries.length === 0 || missing.length === 0) return;
  faults.add('prices', `must keep the parent's for ${missing.join(', ')}, or name none at all`);
}

/** Every rule of the parent is kept: the same field, with the same bounds or tighter ones. */
function addWiderParams(
  theirs: Readonly<Record<string, ParamRule>>,
  ours: Readonly<Record<string, ParamRule>>,
  faults: Faults,
): void {
  for (const [field, limit] of Object.entries(theirs)) {
    const rule = Object.hasOwn(ours, field) ? ours[field] : undefined;
    if (rule && tighter(rule, limit)) continue;
    faults.add(`params.${field}`, "must keep the parent's rule, or be tighter");
  }
}

function tighter(ours: ParamRule, theirs: ParamRule): boolean {
  const { in: values, prefix, domain, max, min } = theirs;
  if (values && !ours.in?.every((value) => values.includes(value))) return false;
  const begins = (text: string) => prefix!.some((each) => text.startsWith(each));
  if (prefix && !ours.prefix?.every(begins)) return false;
  if (domain && !ours.domain?.every((each) => domain.some((wide) => narrowerDomain(each, wide)))) {
    return false;
  }
  if (max !== undefined && !(ours.max !== undefined && ours.max <= max)) return false;
  return min === undefined || (ours.min !== undefined && ours.min >= min);
}

/** `*.eu.example.com` lies in `*.example.com` as `eu.example.com` does. */
function narrowerDomain(ours: string, theirs: string): boolean {
  return ours === theirs || (theirs.startsWith('*.') && inMailDomain(ours, theirs));
}
