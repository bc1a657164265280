/**
 * The management API as a test uses it: over HTTP, with the management key. What it returns is what
 * the server said; it knows nothing of the server's inside.
 */
import assert from 'node:assert/strict';

export interface Server {
  url: string;
  apiKey: string;
}

export interface IssuedKey {
  id: string;
  vault_key: string;
}

export interface AuditRow {
  id: string;
  vault_key_id: string;
  method: string;
  path: string;
  agent_run_label: string;
  agent_run_id: string | null;
  task_id: string | null;
  task_name: string | null;
  attempt: number | null;
  trace_id: string | null;
  operation: string | null;
  policy_verdict: string;
  verdict_reason: string | null;
  state: string;
  quote_usd: number;
  /** In minor units. */
  amount: number | null;
  rate_date: string | null;
  on_behalf_of: string | null;
  currency: string | null;
  cost_usd: number | null;
  cap_usage_after_usd: number | null;
  idempotency_key: string | null;
  http_status: number | null;
  vendor_object_id: string | null;
  replay_of: string | null;
  /** Null when no byte went to the vendor. */
  upstream_ms: number | null;
  resolved_by: string | null;
  resolution: string | null;
}

export interface KeySpend {
  spent_usd: number;
  held_usd: number;
  /** The least that is left on the budgets that the key draws on. */
  remaining_usd: number;
  calls: number;
  budgets: { kind: string; cap_usd: number; spent_usd: number; held_usd: number }[];
}

export interface Revocations {
  /** Ids of keys: ended by this or before. */
  revoked: string[];
  /** Ids of calls that were at the vendor when it was answered. */
  in_flight: string[];
}

async function ask(server: Server, method: string, path: string, body?: unknown): Promise<unknown> {
  const reply = await fetch(server.url + path, {
    method,
    headers: { authorization: `Bearer ${server.apiKey}`, 'content-type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const text = await reply.text();
  assert.ok(reply.ok, `${method} ${path} answered ${reply.status}: ${text}`);
  return JSON.parse(text);
}

/** Issues a Stripe key, with a budget of $100 and a label unless the fields say otherwise. */
export async function issueKey(server: Server, fields: object = {}): Promise<IssuedKey> {
  const body = { vendor: 'stripe', agent_run_label: 'test', total_usd_cap: 100, ...fields };
  return (await ask(server, 'POST', '/vault/keys', body)) as IssuedKey;
}

/** Revokes a key; returns the calls that were at the vendor when that was answered. */
export async function revokeKey(server: Server, id: string): Promise<string[]> {
  return ((await ask(server, 'DELETE', `/vault/keys/${id}`)) as Revocations).in_flight;
}

/** A run gives its own key up; returns the calls that were at the vendor. */
export async function giveUpKey(server: Server, vaultKey: string): Promise<string[]> {
  const self = { ...server, apiKey: vaultKey };
  return ((await ask(self, 'DELETE', '/vault/self')) as Revocations).in_flight;
}

/** Revokes many, freezes or unfreezes: `{ label_prefix: 'run-' }`, `{ freeze: 'stripe' }`. */
export async function postRevocation(server: Server, body: object): Promise<Revocations> {
  return (await ask(server, 'POST', '/vault/revocations', body)) as Revocations;
}

/** Changes caps, expiry or endpoints. */
export async function changeKey(server: Server, id: string, fields: object): Promise<KeySpend> {
  return (await ask(server, 'PATCH', `/vault/keys/${id}`, fields)) as KeySpend;
}

/** What the key has spent and holds, by id. */
export async function keySpend(server: Server, id: string): Promise<KeySpend> {
  return (await ask(server, 'GET', `/vault/keys/${id}`)) as KeySpend;
}

/** What a run sees of its own key. */
export async function ownSpend(server: Server, vaultKey: string): Promise<KeySpend> {
  return (await ask({ ...server, apiKey: vaultKey }, 'GET', '/vault/self')) as KeySpend;
}

/** The ids of all keys with this label or prefix, newest first. */
export async function keysLabelled(server: Server, prefix: string): Promise<string[]> {
  const path = `/vault/keys?label_prefix=${encodeURIComponent(prefix)}`;
  const { data } = (await ask(server, 'GET', path)) as { data: { id: string }[] };
  return data.map(({ id }) => id);
}

/** Every audit row that the filter matches, oldest first. */
export async function auditRows(
  server: Server,
  filter: Record<string, string>,
): Promise<AuditRow[]> {
  const rows: AuditRow[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query = new URLSearchParams({ ...filter, ...(cursor ? { cursor } : {}) });
    const page = (await ask(server, 'GET', `/vault/calls?${query}`)) as {
      data: AuditRow[];
      next_cursor: string | null;
    };
    rows.push(...page.data);
    cursor = page.next_cursor;
  }
  return rows.reverse();
}

/** How many rows are in each state. */
export function countStates(rows: readonly AuditRow[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { state } of rows) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

/** Stores a vendor account. */
export async function putAccount(
  server: Server,
  vendor: string,
  account: string,
  fields: object,
): Promise<void> {
  await ask(server, 'POST', '/vault/accounts', { vendor, account, ...fields });
}

/** Removes a vendor account. */
export async function removeAccount(server: Server, vendor: string, name: string): Promise<void> {
  const reply = await fetch(`${server.url}/vault/accounts/${vendor}/${name}`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${server.apiKey}` },
  });
  assert.equal(reply.status, 204, await reply.text());
}
