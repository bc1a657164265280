/**
 * The demo's view of the ledger: through the public API alone, as any operator has it. Amounts are
 * read as they were written.
 */
import { type Micros, parseUsd } from '../../money.ts';
import type { Api } from '../api.ts';
import { parseReply } from '../exact-json.ts';
import type { LedgerCall } from './compare.ts';

export interface IssuedKey {
  id: string;
  vaultKey: string;
  label: string;
}

/** Issues a key as the task that dispatches the chord would. `cap` in dollars. */
export async function issueKey(api: Api, label: string, cap: number): Promise<IssuedKey> {
  const { value } = await api.post<{ id: string; vault_key: string }>('/vault/keys', {
    vendor: 'stripe',
    daily_usd_cap: cap,
    allowed_endpoints: ['POST /v1/payment_intents'],
    expires_in: '2h',
    agent_run_label: label,
  });
  return { id: value.id, vaultKey: value.vault_key, label };
}

/** What a key has spent and what it holds now, in micro-dollars. */
export async function keySpend(api: Api, id: string): Promise<{ spent: Micros; held: Micros }> {
  const { value } = await api.get<{ spent_usd: string; held_usd: string }>(`/vault/keys/${id}`);
  return { spent: parseUsd(value.spent_usd), held: parseUsd(value.held_usd) };
}

export interface DemoCall extends LedgerCall {
  /** Milliseconds since 1970. */
  at: number;
  reason: string | null;
}

/** Every row under a key, by the same export that an auditor uses. */
export async function callsOf(api: Api, keyId: string): Promise<DemoCall[]> {
  const stream = await api.stream('/vault/calls', { key: keyId }, 'application/x-ndjson');
  const text = await new Response(stream).text();
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => demoCall(parseReply(line) as Record<string, string | null>));
}

function demoCall(row: Record<string, string | null>): DemoCall {
  const { id, at, state, cost_usd, quote_usd, verdict_reason } = row;
  return {
    id: id!,
    at: Date.parse(at!),
    state: state!,
    cost: cost_usd ? parseUsd(cost_usd) : null,
    quote: parseUsd(quote_usd ?? '0'),
    idempotencyKey: row.idempotency_key ?? null,
    objectId: row.vendor_object_id ?? null,
    reason: verdict_reason ?? null,
  };
}
