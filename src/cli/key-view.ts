/**
 * A vault key as it is shown: one row of a list, or aligned fields. Its text is no part of either.
 */
import { dollars } from './exact-json.ts';
import type { Cell } from './table.ts';
import type { Terminal } from './terminal.ts';
import { distance, shortTime } from './times.ts';

/** A key as the control plane shows it; amounts as text. */
export interface KeyObject {
  id: string;
  vault_key?: string;
  agent_run_label: string;
  vendors: string[];
  account: string;
  state?: string;
  mode: string;
  daily_usd_cap: string | null;
  total_usd_cap: string | null;
  per_call_usd_cap: string | null;
  max_calls: number | null;
  rate_limit: string | null;
  allowed_endpoints: string[] | null;
  params?: Record<string, unknown>;
  on_behalf_of?: string[];
  prices?: { endpoint: string; price_usd: string }[];
  may_delegate?: boolean;
  metadata?: Record<string, string>;
  parent: string | null;
  spent_usd: string;
  held_usd: string;
  remaining_usd: string | null;
  calls: number;
  budgets: { kind: string; remaining_usd: string; window_end: string | null }[];
  issued_at: string;
  expires_at: string | null;
  revoked_at: string | null;
  revoked_reason: string | null;
}

export function stateCell(key: KeyObject, now: number, terminal: Terminal): Cell {
  const expired = key.expires_at !== null && Date.parse(key.expires_at) <= now;
  const state = key.revoked_at ? 'revoked' : expired ? 'expired' : 'live';
  const style = state === 'live' ? 'green' : state === 'revoked' ? 'red' : 'yellow';
  // A live key in shadow mode stops nothing, whatever its cap says.
  const text = state === 'live' && key.mode === 'shadow' ? 'shadow' : state;
  return { text, paint: (padded) => terminal.style(text === 'shadow' ? 'yellow' : style, padded) };
}

/** The caps in one cell: `$500.00`, `$50.00/day`, or both. */
export function capText(key: KeyObject): string {
  const caps = [
    key.total_usd_cap && dollars(key.total_usd_cap),
    key.daily_usd_cap && `${dollars(key.daily_usd_cap)}/d`,
  ];
  return caps.filter(Boolean).join(' + ') || '-';
}

/** Prints one key as aligned fields; what the key does not have takes no line. */
export function printKey(key: KeyObject, terminal: Terminal): void {
  const now = Date.now();
  const time = (text: string | null) => text && `${shortTime(text)}  (${distance(text, now)})`;
  const cap = (text: string | null) => text && dollars(text);
  const today = key.budgets.find(({ kind }) => kind === 'daily');
  const window =
    today && `, ${dollars(today.remaining_usd)} left until ${shortTime(today.window_end)}`;
  const hasEntries = (object: object | undefined) => object && Object.keys(object).length > 0;
  const endpoints = key.allowed_endpoints ?? ['every priced or free endpoint that is not withheld'];
  terminal.printFields([
    ['id', key.id],
    ['label', key.agent_run_label],
    ['state', stateCell(key, now, terminal)],
    ['vendor', `${key.vendors.join(', ')}, account ${key.account}`],
    ['total cap', cap(key.total_usd_cap)],
    ['daily cap', key.daily_usd_cap && `${dollars(key.daily_usd_cap)}${window ?? ''}`],
    ['per-call cap', cap(key.per_call_usd_cap)],
    ['spent', dollars(key.spent_usd)],
    ['held', dollars(key.held_usd)],
    ['left', dollars(key.remaining_usd)],
    ['calls', `${key.calls}${key.max_calls === null ? '' : ` of ${key.max_calls}`}`],
    ['rate limit', key.rate_limit],
    ...endpoints.map((endpoint, i) => [i === 0 ? 'endpoints' : '', endpoint] as const),
    ['params', hasEntries(key.params) ? JSON.stringify(key.params) : null],
    ['acts for', key.on_behalf_of?.join(', ') || null],
    ...(key.prices ?? []).map(
      ({ endpoint, price_usd }, i) =>
        [i === 0 ? 'prices' : '', `${endpoint} costs ${dollars(price_usd)}`] as const,
    ),
    ['delegates', key.may_delegate ? 'may issue narrower keys' : null],
    ['mode', key.mode === 'enforce' ? null : 'shadow: nothing is refused'],
    ['parent', key.parent],
    ['metadata', hasEntries(key.metadata) ? JSON.stringify(key.metadata) : null],
    ['issued', time(key.issued_at)],
    ['expires', time(key.expires_at) ?? 'never'],
    ['revoked', time(key.revoked_at)],
    ['reason', key.revoked_reason],
  ]);
}
