/**
 * What the API shows of keys and calls: the ledger's views as JSON, and the schemas of that JSON.
 * It shows no secret, because nothing it is given holds one. Amounts are written exactly.
 */
import { z } from 'zod';
import { rfc3339 } from '../clock.ts';
import { handle } from '../ids.ts';
import type { BudgetView, CallRow, KeyView } from '../ledger/ledger.ts';
import { type Micros, usdJson } from '../money.ts';
import { rateLimitText } from './fields.ts';

/** Schemas of single values in answers. */
export const USD = z.number().meta({ description: 'Dollars, exact, with at most six decimals.' });
export const TIME = z.iso.datetime().meta({ description: 'RFC 3339 in UTC.' });
export const KEY_ID = z.string().regex(/^key_[0-9a-z]{13}$/);
export const CALL_ID = z.string().regex(/^call_[0-9a-z]{13}$/);

/** A page of a list. */
export function listOf(item: z.ZodType) {
  return z.strictObject({ data: z.array(item), next_cursor: z.string().nullable() });
}

export function usdOrNull(amount: Micros | null): unknown {
  return amount === null ? null : usdJson(amount);
}

export function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : rfc3339(ms);
}

// ---------------------------------------------------------------- keys

const BUDGET = z.strictObject({
  kind: z.enum(['daily', 'total']),
  cap_usd: USD,
  spent_usd: USD,
  held_usd: USD,
  remaining_usd: USD,
  window_start: TIME,
  window_end: TIME.nullable(),
});

const PARAM_RULE = z.strictObject({
  in: z.array(z.string()).optional(),
  max: z.number().optional(),
  min: z.number().optional(),
  prefix: z.array(z.string()).optional(),
  domain: z.array(z.string()).optional(),
});

/** What a run may know of its own key. */
const OWN_KEY_FIELDS = {
  id: KEY_ID,
  agent_run_label: z.string(),
  state: z.enum(['live', 'revoked', 'expired']),
  vendor: z.string().nullable().meta({ description: 'Null when the key is for several vendors.' }),
  vendors: z.array(z.string()),
  account: z.string(),
  daily_usd_cap: USD.nullable(),
  total_usd_cap: USD.nullable(),
  per_call_usd_cap: USD.nullable(),
  max_calls: z.int().nullable(),
  rate_limit: z.string().nullable(),
  allowed_endpoints: z.array(z.string()).nullable(),
  params: z.record(z.string(), PARAM_RULE),
  on_behalf_of: z.array(z.string()),
  prices: z.array(z.strictObject({ endpoint: z.string(), price_usd: USD })),
  may_delegate: z.boolean(),
  mode: z.enum(['enforce', 'shadow']),
  expires_at: TIME.nullable(),
  issued_at: TIME,
  calls: z.int().meta({ description: 'Calls that were admitted.' }),
  spent_usd: USD.meta({ description: 'Settled since issue, by keys below this one too.' }),
  held_usd: USD.meta({ description: 'Counted and not settled yet.' }),
  remaining_usd: USD.nullable().meta({ description: 'The least left on the budgets it draws on.' }),
  budgets: z.array(BUDGET),
};

export const OWN_KEY = z.strictObject(OWN_KEY_FIELDS).meta({ id: 'OwnKey' });

const KEY_FIELDS = {
  ...OWN_KEY_FIELDS,
  parent: KEY_ID.nullable(),
  metadata: z.record(z.string(), z.string()),
  issued_by: z.string(),
  revoked_at: TIME.nullable(),
  revoked_reason: z.string().nullable(),
  history: z.array(
    z.strictObject({
      at: TIME,
      by: z.string(),
      changes: z.record(z.string(), z.strictObject({ from: z.unknown(), to: z.unknown() })),
    }),
  ),
};

export const KEY = z.strictObject(KEY_FIELDS).meta({ id: 'Key' });

export const ISSUED_KEY = z
  .strictObject({
    vault_key: z.string().meta({ description: 'The credential; shown this once.' }),
    ...KEY_FIELDS,
  })
  .meta({ id: 'IssuedKey' });

/** For the run itself. `now` decides whether the key has expired. */
export function ownKeyView(
  key: KeyView,
  now: number,
): Record<keyof typeof OWN_KEY_FIELDS, unknown> {
  const { policy } = key;
  return {
    id: handle('key', key.id),
    agent_run_label: key.label,
    state: keyState(key, now),
    vendor: policy.vendors.length === 1 ? policy.vendors[0] : null,
    vendors: policy.vendors,
    account: policy.account,
    daily_usd_cap: usdOrNull(policy.dailyCap),
    total_usd_cap: usdOrNull(policy.totalCap),
    per_call_usd_cap: usdOrNull(policy.perCallCap),
    max_calls: policy.maxCalls,
    rate_limit: policy.rateLimit && rateLimitText(policy.rateLimit),
    allowed_endpoints: policy.allowedEndpoints,
    params: policy.params,
    on_behalf_of: policy.onBehalfOf,
    prices: Object.entries(policy.prices).map(([endpoint, price]) => ({
      endpoint,
      price_usd: usdJson(price),
    })),
    may_delegate: policy.mayDelegate,
    mode: policy.mode,
    expires_at: timeOrNull(policy.expiresAt),
    issued_at: rfc3339(key.issuedAt),
    calls: key.calls,
    spent_usd: usdJson(key.spent),
    held_usd: usdJson(key.held),
    remaining_usd: usdOrNull(key.remaining),
    budgets: key.budgets.map(budgetView),
  };
}

/** For management keys. */
export function keyView(key: KeyView, now: number): Record<keyof typeof KEY_FIELDS, unknown> {
  return {
    ...ownKeyView(key, now),
    parent: key.parentId === null ? null : handle('key', key.parentId),
    metadata: key.metadata,
    issued_by: key.issuedBy,
    revoked_at: timeOrNull(key.revokedAt),
    revoked_reason: key.revokedReason,
    history: key.history.map(({ at, by, changes }) => ({
      at: rfc3339(at),
      by,
      changes: Object.fromEntries(Object.entries(changes).map(changeView)),
    })),
  };
}

/** The ledger keeps changes under the policy's own names, amounts as text of micro-dollars. */
const CHANGED: Record<string, readonly [name: string, view: (value: unknown) => unknown]> = {
  dailyCap: ['daily_usd_cap', (micros) => usdJson(BigInt(String(micros)))],
  totalCap: ['total_usd_cap', (micros) => usdJson(BigInt(String(micros)))],
  perCallCap: ['per_call_usd_cap', (micros) => usdJson(BigInt(String(micros)))],
  maxCalls: ['max_calls', (value) => value],
  allowedEndpoints: ['allowed_endpoints', (value) => value],
  expiresAt: ['expires_at', (ms) => rfc3339(Number(ms))],
};

function changeView([field, { from, to }]: [string, { from: unknown; to: unknown }]) {
  const [name, view] = CHANGED[field] ?? [field, (value: unknown) => value];
  const shown = (value: unknown) => (value === null ? null : view(value));
  return [name, { from: shown(from), to: shown(to) }];
}

export function keyState(key: KeyView, now: number): 'live' | 'revoked' | 'expired' {
  if (key.revokedAt !== null) return 'revoked';
  const { expiresAt } = key.policy;
  return expiresAt !== null && expiresAt <= now ? 'expired' : 'live';
}

function budgetView(budget: BudgetView) {
  const left = budget.cap - budget.spent - budget.held;
  return {
    kind: budget.kind,
    cap_usd: usdJson(budget.cap),
    spent_usd: usdJson(budget.spent),
    held_usd: usdJson(budget.held),
    remaining_usd: usdJson(left > 0n ? left : 0n),
    window_start: rfc3339(budget.windowStart),
    window_end: timeOrNull(budget.windowEnd),
  };
}

// ---------------------------------------------------------------- calls

const TEXT = z.string().nullable();

/** The columns of the audit, in the order in which every format has them. */
export const CALL_COLUMNS = {
  id: [CALL_ID, (row: CallRow) => handle('call', row.id)],
  at: [TIME, (row: CallRow) => rfc3339(row.at)],
  node: [z.int(), (row: CallRow) => row.node],
  vault_key_id: [KEY_ID, (row: CallRow) => handle('key', row.keyId)],
  agent_run_label: [z.string(), (row: CallRow) => row.label],
  agent_run_id: [TEXT, (row: CallRow) => row.runId],
  task_id: [TEXT, (row: CallRow) => row.taskId],
  task_name: [TEXT, (row: CallRow) => row.taskName],
  attempt: [z.int().nullable(), (row: CallRow) => row.attempt],
  trace_id: [TEXT, (row: CallRow) => row.traceId],
  vendor: [z.string(), (row: CallRow) => row.vendor],
  account: [z.string(), (row: CallRow) => row.account],
  method: [z.string(), (row: CallRow) => row.method],
  path: [z.string(), (row: CallRow) => row.path],
  operation: [TEXT, (row: CallRow) => row.operation],
  customer_scope_id: [TEXT, (row: CallRow) => row.customer],
  policy_verdict: [
    z.enum(['allow', 'refuse', 'would_refuse']),
    (row: CallRow) => row.policyVerdict,
  ],
  verdict_reason: [TEXT, (row: CallRow) => row.verdictReason],
  state: [
    z.enum(['refused', 'held', 'settled', 'released', 'unknown', 'replayed']),
    (row: CallRow) => row.state,
  ],
  quote_kind: [z.string(), (row: CallRow) => row.quoteKind],
  quote_usd: [USD, (row: CallRow) => usdJson(row.quote)],
  cost_usd: [USD.nullable(), (row: CallRow) => usdOrNull(row.cost)],
  currency: [TEXT, (row: CallRow) => row.currency],
  amount: [
    z.number().nullable().meta({ description: 'In minor units of the currency, as on the wire.' }),
    (row: CallRow) => (row.amount === null ? null : JSON.rawJSON(row.amount.toString())),
  ],
  cap_usage_after_usd: [USD.nullable(), (row: CallRow) => usdOrNull(row.capUsageAfter)],
  idempotency_key: [TEXT, (row: CallRow) => row.idempotencyKey],
  fingerprint: [TEXT, (row: CallRow) => row.fingerprint],
  http_status: [z.int().nullable(), (row: CallRow) => row.httpStatus],
  vendor_request_id: [TEXT, (row: CallRow) => row.vendorRequestId],
  vendor_object_id: [TEXT, (row: CallRow) => row.vendorObjectId],
  replay_of: [
    CALL_ID.nullable(),
    (row: CallRow) => (row.replayOf === null ? null : handle('call', row.replayOf)),
  ],
  latency_ms: [z.number().nullable(), (row: CallRow) => row.latencyMs],
  upstream_ms: [z.number().nullable(), (row: CallRow) => row.upstreamMs],
  settled_at: [TIME.nullable(), (row: CallRow) => timeOrNull(row.settledAt)],
  rate_date: [
    TEXT.meta({ description: 'The day of the rate by which the amount was counted.' }),
    (row: CallRow) => row.rateDate,
  ],
  on_behalf_of: [
    TEXT.meta({ description: 'The connected account that the call acted for.' }),
    (row: CallRow) => row.onBehalfOf,
  ],
  resolved_by: [
    TEXT.meta({ description: 'Who said what became of it: `vendor`, or a management key.' }),
    (row: CallRow) => row.resolvedBy,
  ],
  resolution: [
    TEXT.meta({ description: 'Why they said so; of an open call, why nobody could yet.' }),
    (row: CallRow) => row.resolution,
  ],
} as const satisfies Record<string, readonly [z.ZodType, (row: CallRow) => unknown]>;

const COLUMNS = Object.entries(CALL_COLUMNS);

export const CALL = z
  .strictObject(Object.fromEntries(COLUMNS.map(([name, [schema]]) => [name, schema])))
  .meta({ id: 'Call' });

export function callView(row: CallRow): Record<string, unknown> {
  return Object.fromEntries(COLUMNS.map(([name, [, read]]) => [name, read(row)]));
}
