/**
 * Table rows as SQLite gives them (every INTEGER a bigint) and as the ledger's interface has them.
 * The only place that knows both spellings.
 */
import type {
  CallRow,
  CallState,
  KeyChange,
  KeyIdentity,
  ParamRule,
  Policy,
  Role,
} from '../ledger.ts';

export interface KeyRow {
  id: bigint;
  agent_run_label: string;
  parent_id: bigint | null;
  policy: string;
  metadata: string;
  issued_at: bigint;
  issued_by: string;
  delegated: bigint;
  expires_at: bigint | null;
  revoked_at: bigint | null;
  revoked_reason: string | null;
  rate_tokens: bigint | null;
  rate_at: bigint | null;
}

/** A bigint that is a count or a time, as a number; null stays null. */
export function num(value: bigint): number;
export function num(value: bigint | null): number | null;
export function num(value: bigint | null): number | null {
  return value === null ? null : Number(value);
}

const MONEY_FIELDS = ['dailyCap', 'totalCap', 'perCallCap'] as const;

/** What policies that were written before these fields existed say by their silence. */
const ADDED = { onBehalfOf: [], prices: {}, mayDelegate: false } as const;

/** Policy as JSON text, its amounts as strings of micro-dollars. */
export function writePolicy(policy: Policy): string {
  return JSON.stringify(policy, (_, value) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
}

export function readPolicy(text: string): Policy {
  const policy = { ...ADDED, ...JSON.parse(text) };
  for (const name of MONEY_FIELDS) {
    if (policy[name] !== null) policy[name] = BigInt(policy[name]);
  }
  const prices = Object.entries(policy.prices as Record<string, string>);
  policy.prices = Object.fromEntries(prices.map(([name, micros]) => [name, BigInt(micros)]));
  return policy as Policy;
}

/** `chain`: the key's id, its parent's, and so on. */
export function readIdentity(
  row: Pick<KeyRow, 'id' | 'agent_run_label' | 'policy'>,
  chain: readonly bigint[],
): KeyIdentity {
  const policy = readPolicy(row.policy);
  return {
    id: row.id,
    label: row.agent_run_label,
    vendors: policy.vendors,
    account: policy.account,
    params: policy.params as Record<string, ParamRule>,
    onBehalfOf: policy.onBehalfOf,
    prices: policy.prices,
    chain,
  };
}

export interface ChangeRow {
  at: bigint;
  changed_by: string;
  changes: string;
}

export function readChange(row: ChangeRow): KeyChange {
  return { at: num(row.at), by: row.changed_by, changes: JSON.parse(row.changes) };
}

export interface CallTableRow {
  id: bigint;
  at: bigint;
  node: bigint;
  vault_key_id: bigint;
  agent_run_label: string;
  agent_run_id: string | null;
  task_id: string | null;
  task_name: string | null;
  attempt: bigint | null;
  trace_id: string | null;
  vendor: string;
  account: string;
  method: string;
  path: string;
  operation: string | null;
  customer_scope_id: string | null;
  policy_verdict: CallRow['policyVerdict'];
  verdict_reason: string | null;
  state: CallState;
  quote_kind: string;
  quote_usd: bigint;
  cost_usd: bigint | null;
  currency: string | null;
  amount: bigint | null;
  cap_usage_after_usd: bigint | null;
  idempotency_key: string | null;
  fingerprint: string | null;
  http_status: bigint | null;
  vendor_request_id: string | null;
  vendor_object_id: string | null;
  replay_of: bigint | null;
  latency_ms: number | null;
  upstream_ms: number | null;
  settled_at: bigint | null;
  rate_date: string | null;
  on_behalf_of: string | null;
  resolved_by: string | null;
  resolution: string | null;
}

export function readCall(row: CallTableRow): CallRow {
  return {
    id: row.id,
    at: num(row.at),
    node: num(row.node),
    keyId: row.vault_key_id,
    label: row.agent_run_label,
    runId: row.agent_run_id,
    taskId: row.task_id,
    taskName: row.task_name,
    attempt: num(row.attempt),
    traceId: row.trace_id,
    vendor: row.vendor,
    account: row.account,
    method: row.method,
    path: row.path,
    operation: row.operation,
    customer: row.customer_scope_id,
    policyVerdict: row.policy_verdict,
    verdictReason: row.verdict_reason,
    state: row.state,
    quoteKind: row.quote_kind,
    quote: row.quote_usd,
    cost: row.cost_usd,
    currency: row.currency,
    amount: row.amount,
    capUsageAfter: row.cap_usage_after_usd,
    idempotencyKey: row.idempotency_key,
    fingerprint: row.fingerprint,
    httpStatus: num(row.http_status),
    vendorRequestId: row.vendor_request_id,
    vendorObjectId: row.vendor_object_id,
    replayOf: row.replay_of,
    latencyMs: row.latency_ms,
    upstreamMs: row.upstream_ms,
    settledAt: num(row.settled_at),
    rateDate: row.rate_date,
    onBehalfOf: row.on_behalf_of,
    resolvedBy: row.resolved_by,
    resolution: row.resolution,
  };
}

export interface ApiKeyRow {
  id: bigint;
  hash: Uint8Array;
  name: string;
  role: Role;
  created_at: bigint;
}
