/**
 * The decision: keys, budgets and a call in, a verdict out. Pure, the same for every store; the
 * store runs it inside the transaction that writes its result. Never reads a clock or a table.
 */

import { type CapReport, type Refusal, refusal } from '../errors.ts';
import { handle } from '../ids.ts';
import { formatUsd, type Micros } from '../money.ts';
import { type Admission, type Freeze, namesAttempt, type Policy, UNCAPPED } from './ledger.ts';

export const DAY_MS = 86_400_000;

/** Replies are kept this long after they were stored, with their identities, as Stripe keeps its own. */
export const IDENTITY_MS = DAY_MS;

/** Of a vendor's window of idempotency, less than what is left out of it for clocks that differ. */
const MARGIN = 1 / 24;

/** Seconds after which holds in front of a call may have come back. */
const HOLDS_MAY_RETURN_S = 5;

export interface BudgetState {
  readonly kind: 'daily' | 'total';
  readonly keyId: bigint;
  readonly windowStart: number;
  cap: Micros;
  /** The cap, or what was counted before it was lowered. Never below spent + held. */
  ceiling: Micros;
  spent: Micros;
  held: Micros;
  /** Calls that were admitted in the window. */
  calls: number;
}

export interface KeyState {
  readonly id: bigint;
  readonly issuedAt: number;
  policy: Policy;
  revokedAt: number | null;
  revokedReason: string | null;
  rate: RateState | null;
  /** The compiled allowed_endpoints; null: everything that is not withheld. */
  allows: ((call: Pick<Admission, 'method' | 'path' | 'operation'>) => boolean) | null;
}

/** Token bucket: `tokens` counts calls times the window's milliseconds, so it stays whole. */
export interface RateState {
  tokens: number;
  at: number;
}

/** A key of the chain with the budgets that count at the call's time. */
export interface Link {
  key: KeyState;
  budgets: BudgetState[];
}

/** The row that answers for the call's idempotency key, or for another attempt of its task. */
export interface FirstCall {
  id: bigint;
  idempotencyKey: string | null;
  at: number;
  fingerprint: string;
  state: string;
  runningId: bigint | null;
  hasReply: boolean;
  /** What it made or acted on, and what it cost; null: not known. */
  objectId: string | null;
  cost: Micros | null;
  /** An operator said what became of it: nothing that was seen at the vendor proves it. */
  byWord: boolean;
}

export interface Question {
  call: Admission;
  /** The call's key first, then its parent, and so on. */
  chain: Link[];
  freeze: Freeze | null;
  /** Null when no live row has the identity. */
  first: FirstCall | null;
  price: Price;
  /** What calls under way hold of a budget: it may come back within seconds. */
  underWay: (budget: BudgetState) => Micros;
}

/** What a call costs, in micro-dollars; why that cannot be known; or that the vendor knows it. */
export type Price = { micros: Micros } | { unpriced: string } | { ask: true };

export type Decision =
  | { kind: 'admit'; micros: Micros; wouldRefuse: Refusal | null }
  | { kind: 'resend'; first: FirstCall }
  | { kind: 'replay'; first: FirstCall }
  | { kind: 'in_flight'; first: FirstCall }
  | { kind: 'look_up' }
  | { kind: 'wait'; keyId: bigint | null }
  | { kind: 'refuse'; refusal: Refusal };

/** The window of a daily budget that `at` falls in: 24 hours each, counted from the key's issue. */
export function dailyWindow(issuedAt: number, at: number): number {
  return issuedAt + Math.max(0, Math.floor((at - issuedAt) / DAY_MS)) * DAY_MS;
}

/** What is left on a budget; never below zero, also when its cap was lowered. */
export function left(budget: BudgetState): Micros {
  const rest = budget.cap - budget.spent - budget.held;
  return rest > 0n ? rest : 0n;
}

/** The budget of all windows; every key has one, with or without a cap. */
export function totalOf(budgets: BudgetState[]): BudgetState {
  return budgets.find((budget) => budget.kind === 'total')!;
}

/** The budget of the chain that has least left; null when no key of the chain has a cap. */
export function tightest(chain: Link[]): BudgetState | null {
  let least: BudgetState | null = null;
  for (const link of chain) {
    for (const budget of link.budgets) {
      if (budget.cap === UNCAPPED) continue;
      if (least === null || left(budget) < left(least)) least = budget;
    }
  }
  return least;
}

export function decide(question: Question): Decision {
  const { call, chain, freeze, first, price } = question;
  const dead = whyDead(chain, call.at) ?? whyFrozen(freeze);
  if (dead) return { kind: 'refuse', refusal: dead };
  // One that enforces anywhere above is enough: a budget of its own is at stake.
  const shadow = chain.every(({ key }) => key.policy.mode === 'shadow');

  let objection = call.refusal;
  if (objection && !(shadow && objection.code === 'scope_not_allowed')) {
    return { kind: 'refuse', refusal: objection };
  }
  objection ??= whyNotAllowed(chain, call);
  if (objection && !shadow) return { kind: 'refuse', refusal: objection };

  if (first) {
    const repeated = repeat(first, call, price);
    if (repeated) return repeated;
  }

  if ('unpriced' in price) objection ??= refusal('unpriced', price.unpriced);
  const micros = 'micros' in price ? price.micros : 0n;
  objection ??= overCallCap(chain, micros) ?? overCalls(chain) ?? overRate(chain, call.at);
  if (objection && !shadow) return { kind: 'refuse', refusal: objection };
  if ('ask' in price) return { kind: 'look_up' };
  const breached = objection ? [] : breachedBudgets(chain, micros);
  if (breached.length > 0) objection = overBudget(chain, breached, micros);
  if (objection && !shadow) {
    return waitFor(question, breached, micros) ?? { kind: 'refuse', refusal: objection };
  }
  // Whoever came first is served first; a call that costs nothing stands in nobody's way.
  if (call.holds === 'queue' && micros > 0n && !shadow) return { kind: 'wait', keyId: null };
  return { kind: 'admit', micros, wouldRefuse: objection };
}

/**
 * A call that fits once the calls under way have given their holds back is not refused yet. What
 * is held by calls that have been answered, or that nobody knows the end of, is not waited for: it
 * may stay for days.
 */
function waitFor(
  { call, underWay }: Question,
  breached: readonly BudgetState[],
  needed: Micros,
): Decision | null {
  if (call.holds === 'refuse' || breached.length === 0) return null;
  const mayFit = breached.every(
    (budget) => budget.spent + budget.held - underWay(budget) + needed <= budget.cap,
  );
  return mayFit ? { kind: 'wait', keyId: tightestOf(breached).keyId } : null;
}

function whyDead(chain: Link[], at: number): Refusal | null {
  for (const [depth, { key }] of chain.entries()) {
    const whose = depth === 0 ? 'This vault key' : `Its parent ${handle('key', key.id)}`;
    if (key.revokedAt !== null) {
      const why = key.revokedReason ? ` (${key.revokedReason})` : '';
      return refusal('key_revoked', `${whose} was revoked${why}. Stop the run.`);
    }
    if (key.policy.expiresAt !== null && key.policy.expiresAt <= at) {
      const when = new Date(key.policy.expiresAt).toISOString();
      return refusal('key_expired', `${whose} expired at ${when}.`);
    }
  }
  return null;
}

function whyFrozen(freeze: Freeze | null): Refusal | null {
  if (!freeze) return null;
  const what = freeze.vendor === '*' ? 'Every vendor' : `The vendor ${freeze.vendor}`;
  const why = freeze.reason ? `: ${freeze.reason}` : '';
  return refusal('frozen', `${what} is frozen by the operator${why}.`);
}

function whyNotAllowed(chain: Link[], call: Admission): Refusal | null {
  const attempted = `${call.method} ${call.path}${call.operation ? ` (${call.operation})` : ''}`;
  for (const { key } of chain) {
    if (key.allows === null) {
      if (call.class !== 'withheld') continue;
      return refusal(
        'endpoint_not_allowed',
        `${attempted} is withheld: it leaks secrets, moves control, commits to later bills, or is ` +
          'not known to Keybrake. A key reaches it only when its allowed_endpoints name it.',
      );
    }
    if (key.allows(call)) continue;
    const allowed = key.policy.allowedEndpoints!.join(', ');
    return refusal('endpoint_not_allowed', `${attempted} is not allowed; allowed: ${allowed}.`);
  }
  return null;
}

/** What a repeated idempotency key gets; null when the identity may start over. */
function repeat(first: FirstCall, call: Admission, price: Price): Decision | null {
  if (first.fingerprint !== call.fingerprint) {
    return {
      kind: 'refuse',
      refusal: refusal(
        'idempotency_mismatch',
        `The idempotency key of ${handle('call', first.id)} was used for another method, path, ` +
          'body or vendor header. Use a new key for a new request.',
      ),
    };
  }
  if (first.runningId !== null) {
    if (!call.waited) return { kind: 'in_flight', first };
    return {
      kind: 'refuse',
      refusal: refusal(
        'idempotency_in_flight',
        `The first call with this identity, ${handle('call', first.id)}, is still running.`,
      ),
    };
  }
  if (first.hasReply) return { kind: 'replay', first };
  if (first.state !== 'unknown' && !isCounted(first, call, price)) {
    return { kind: 'refuse', refusal: notCounted(first, call) };
  }
  // A clock that was set back makes the first the later one, and does not say how long ago that was.
  const { idempotencyWindowMs: window } = call;
  const age = call.at - first.at;
  if (age < window && age > -window * MARGIN) return { kind: 'resend', first };
  const told = first.state === 'released' ? notCounted : notAgain;
  return { kind: 'refuse', refusal: told(first, call) };
}

/**
 * Whether what counts for the first call covers it, should the vendor carry it out only now. The first
 * may have been lost on its way: its object was found as it was before, and its payment counts nothing
 * any more; or an operator said that it was done, for less.
 */
function isCounted({ byWord, cost }: FirstCall, { quote }: Admission, price: Price): boolean {
  const paysFor = quote.kind === 'object' && quote.of === 'amount';
  if (!paysFor && !byWord) return true;
  const counted = paysFor ? 0n : (cost ?? 0n); // what a payment counts for is off its price
  return 'micros' in price && price.micros <= counted;
}

/** The first call was sent, its answer did not come back, and the vendor does not know it again. */
function notAgain({ id, state, objectId, cost }: FirstCall, again: Admission): Refusal {
  const call = handle('call', id);
  const known = state !== 'unknown';
  const what = objectId === null ? '' : ` (${objectId})`;
  const counted = cost === null ? 'counts as held' : `cost ${formatUsd(cost)} USD`;
  const became = known
    ? `was carried out${what}, ${counted}, and its answer did not come back`
    : 'was sent and its outcome is not known';
  const remedy = known
    ? `Take it as done, and look at ${objectId ?? call} for what it made. For another call like it ` +
      `use ${newIdentity(again)}; this one is free again 24 hours after the cost was known.`
    : `Wait: Keybrake looks at the vendor for what became of ${call}, and an operator can say it ` +
      '(keybrake calls unresolved). Until then it stays counted.';
  const message =
    `The first call with this identity, ${call}, ${became}. The vendor would execute it anew, so ` +
    'it is not sent again.';
  return { ...refusal('outcome_unknown', message), remedy };
}

/** It may never have been carried out, so it is not to be taken as done. */
function notCounted({ id, objectId }: FirstCall, again: Admission): Refusal {
  const call = handle('call', id);
  const what = objectId === null ? '' : ` (${objectId})`;
  const message =
    `The first call with this identity, ${call}${what}, does not count any more for what it would ` +
    'cost, and its answer did not come back. The vendor may execute it only now, so it is not sent ' +
    'again.';
  const remedy =
    `Look at ${objectId ?? call} for what became of it. If it is still to be done, use ` +
    `${newIdentity(again)}: that is another call, and is counted.`;
  return { ...refusal('outcome_unknown', message), remedy };
}

/** By what a call like another one is told from its repetition. */
function newIdentity(call: Admission): string {
  return `a new idempotency key${namesAttempt(call) ? ', and another X-Keybrake-Task-Id' : ''}`;
}

function overCallCap(chain: Link[], needed: Micros): Refusal | null {
  for (const { key } of chain) {
    const cap = key.policy.perCallCap;
    if (cap === null || needed <= cap) continue;
    return {
      code: 'call_cap_exceeded',
      message: `This call needs ${formatUsd(needed)} USD; one call may cost ${formatUsd(cap)} USD.`,
      cap: { kind: 'per_call', keyId: key.id, cap, spent: 0n, held: 0n, needed },
    };
  }
  return null;
}

function overCalls(chain: Link[]): Refusal | null {
  for (const { key, budgets } of chain) {
    const { maxCalls } = key.policy;
    if (maxCalls === null || totalOf(budgets).calls < maxCalls) continue;
    return refusal('call_limit_reached', `All ${maxCalls} calls of this key have been made.`);
  }
  return null;
}

function overRate(chain: Link[], at: number): Refusal | null {
  for (const { key } of chain) {
    const limit = key.policy.rateLimit;
    if (limit === null) continue;
    const { tokens } = refill(key, at);
    if (tokens >= limit.windowMs) continue;
    const waitMs = Math.ceil((limit.windowMs - tokens) / limit.calls);
    return {
      code: 'rate_limited',
      message: `This key may make ${limit.calls} calls in ${limit.windowMs / 1000} s.`,
      retryAfterS: Math.max(1, Math.ceil(waitMs / 1000)),
    };
  }
  return null;
}

/**
 * The bucket as of `at`: it gains `calls` tokens each millisecond and holds one window's worth. A
 * clock that was set back empties none, and must not stop the filling until it has caught up: by
 * more than a window no calls of one time differ.
 */
export function refill(key: KeyState, at: number): RateState {
  const limit = key.policy.rateLimit!;
  const full = limit.calls * limit.windowMs;
  if (!key.rate) return { tokens: full, at };
  const since = at - key.rate.at;
  const gained = Math.max(0, since) * limit.calls;
  const setBack = since < -limit.windowMs;
  return {
    tokens: Math.min(full, key.rate.tokens + gained),
    at: setBack ? at : Math.max(at, key.rate.at),
  };
}

function breachedBudgets(chain: Link[], needed: Micros): BudgetState[] {
  if (needed === 0n) return [];
  return chain.flatMap(({ budgets }) =>
    budgets.filter(({ cap, spent, held }) => spent + held + needed > cap),
  );
}

/** The budget that has least left. */
function tightestOf(budgets: readonly BudgetState[]): BudgetState {
  return budgets.reduce((least, budget) => (left(budget) < left(least) ? budget : least));
}

function overBudget(chain: Link[], breached: readonly BudgetState[], needed: Micros): Refusal {
  const budget = tightestOf(breached);
  const { cap, spent, held, kind, keyId } = budget;
  const report: CapReport = { kind, keyId, cap, spent, held, needed };
  const whose = keyId === chain[0]!.key.id ? '' : ` of its parent ${handle('key', keyId)}`;
  const result: Refusal = {
    code: 'cap_exceeded',
    message:
      `This call needs ${formatUsd(needed)} USD; of the ${kind} cap${whose} of ` +
      `${formatUsd(cap)} USD, ${formatUsd(spent)} is spent and ${formatUsd(held)} held, ` +
      `so ${formatUsd(left(budget))} is left.`,
    cap: report,
  };
  if (held > 0n && spent + needed <= cap) result.retryAfterS = HOLDS_MAY_RETURN_S;
  return result;
}
