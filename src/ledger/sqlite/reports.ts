/**
 * Reports: lists and totals, read on a connection of their own that sees every commit and delays
 * none. Read-only; a call's money is never decided from what is read here.
 */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { firstIdAt } from '../../ids.ts';
import type { Operation } from '../commit.ts';
import type {
  CallFilter,
  CallRow,
  KeyFilter,
  Page,
  PageQuery,
  ShadowReport,
  SpendGroup,
  SpendRow,
} from '../ledger.ts';
import { type CallTableRow, num, readCall } from './rows.ts';

/** A WHERE clause under construction. */
class Conditions {
  readonly values: SQLInputValue[] = [];
  readonly #parts: string[] = [];

  /** Adds `sql` when the value is given; each `?` in it takes the value. */
  add(sql: string, value: SQLInputValue | undefined): this {
    if (value === undefined) return this;
    this.#parts.push(sql);
    for (const _ of sql.matchAll(/\?/g)) this.values.push(value);
    return this;
  }

  toString(): string {
    return this.#parts.length === 0 ? '' : `WHERE ${this.#parts.join(' AND ')}`;
  }
}

interface ShadowRow {
  code: string | null;
  endpoint: string;
  calls: bigint;
  micros: bigint;
  first_at: bigint;
  last_at: bigint;
  example: bigint;
}

const GROUPS: Record<SpendGroup, string> = {
  label: 'agent_run_label',
  key: 'vault_key_id',
  vendor: 'vendor',
  task: 'task_id',
  endpoint: 'coalesce(operation, method || char(32) || path)',
  hour: "strftime('%Y-%m-%dT%H:00:00Z', at / 1000, 'unixepoch')",
  day: "strftime('%Y-%m-%dT00:00:00Z', at / 1000, 'unixepoch')",
};

export class Reports {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  run([name, args]: Operation): unknown {
    switch (name) {
      case 'calls':
        return this.calls(args[0] as CallFilter, args[1] as PageQuery);
      case 'call':
        return this.call(args[0] as bigint);
      case 'objectsBetween':
        return this.objectsBetween(...(args as [string, string, number, number]));
      case 'shadowReport':
        return this.shadowReport(args[0] as CallFilter);
      case 'spend':
        return this.spend(args[0] as SpendGroup, args[1] as CallFilter);
      case 'keyIds':
        return this.keyIds(args[0] as KeyFilter, args[1] as PageQuery, args[2] as number);
      default:
        throw new Error(`no report ${name}`);
    }
  }

  calls(filter: CallFilter, page: PageQuery): Page<CallRow> {
    const where = callConditions(filter).add('id < ?', page.before);
    // Few are open, and all that ever were would be read to find them in the order of the list.
    const from = filter.unresolved ? 'calls INDEXED BY calls_open' : 'calls';
    const rows = this.#db
      .prepare(`SELECT * FROM ${from} ${where} ORDER BY id DESC LIMIT ?`)
      .all(...where.values, page.limit + 1) as unknown as CallTableRow[];
    return cut(rows.map(readCall), page.limit, (row) => row.id);
  }

  call(id: bigint): CallRow | undefined {
    const row = this.#db.prepare('SELECT * FROM calls WHERE id = ?').get(id);
    return row && readCall(row as unknown as CallTableRow);
  }

  /**
   * By the ids, which are times too, so that no index is needed for it. Who only looked at an object
   * does not answer for it.
   */
  objectsBetween(vendor: string, account: string, from: number, to: number): string[] {
    const rows = this.#db
      .prepare(
        `SELECT DISTINCT vendor_object_id AS id FROM calls WHERE id >= ? AND id < ?
           AND vendor = ? AND account = ? AND vendor_object_id IS NOT NULL AND quote_usd > 0`,
      )
      .all(firstIdAt(from), firstIdAt(to + 1), vendor, account) as { id: string }[];
    return rows.map((row) => row.id);
  }

  spend(group: SpendGroup, filter: CallFilter): SpendRow[] {
    const where = callConditions(filter);
    const rows = this.#db
      .prepare(
        `SELECT ${GROUPS[group]} AS name, count(*) AS calls, sum(state = 'refused') AS refused,
           coalesce(sum(cost_usd), 0) AS spent,
           sum(CASE WHEN state IN ('held', 'unknown') THEN quote_usd ELSE 0 END) AS held
         FROM calls ${where} GROUP BY name ORDER BY spent DESC, name`,
      )
      .all(...where.values) as {
      name: string | bigint | null;
      calls: bigint;
      refused: bigint;
      spent: bigint;
      held: bigint;
    }[];
    return rows.map((row) => ({
      group: row.name === null ? '' : String(row.name),
      calls: num(row.calls),
      refused: num(row.refused),
      spent: row.spent,
      held: row.held,
    }));
  }

  shadowReport(filter: CallFilter): ShadowReport {
    const where = callConditions(filter).add(
      `vault_key_id IN (SELECT id FROM vault_keys WHERE policy ->> '$.mode' = 'shadow')
         AND policy_verdict <> 'refuse' AND ? = 1`,
      1,
    );
    const rows = this.#db
      .prepare(
        `SELECT CASE policy_verdict WHEN 'would_refuse' THEN verdict_reason END AS code,
           ${GROUPS.endpoint} AS endpoint, count(*) AS calls,
           sum(coalesce(cost_usd, CASE state WHEN 'released' THEN 0 ELSE quote_usd END)) AS micros,
           min(at) AS first_at, max(at) AS last_at, max(id) AS example
         FROM calls ${where} GROUP BY 1, 2 ORDER BY micros DESC, calls DESC, 1, 2`,
      )
      .all(...where.values) as unknown as ShadowRow[];
    const allowed = { calls: 0, micros: 0n };
    const refused: ShadowReport['rows'] = [];
    for (const { code, endpoint, calls, micros, first_at, last_at, example } of rows) {
      if (code !== null) {
        const [firstAt, lastAt] = [num(first_at), num(last_at)];
        refused.push({ code, endpoint, calls: num(calls), micros, firstAt, lastAt, example });
      } else {
        allowed.calls += num(calls);
        allowed.micros += micros;
      }
    }
    return { rows: refused, allowed };
  }

  /** Which keys a list shows; the writer, which has their newest state, shows them. */
  keyIds(filter: KeyFilter, page: PageQuery, at: number): Page<bigint> {
    const where = new Conditions()
      .add('agent_run_label = ?', filter.label)
      .add('substr(agent_run_label, 1, length(?)) = ?', filter.labelPrefix)
      .add("EXISTS (SELECT 1 FROM json_each(policy, '$.vendors') WHERE value = ?)", filter.vendor)
      .add('id < ?', page.before);
    if (filter.state === 'revoked') where.add('revoked_at IS NOT NULL AND ? = ?', 1);
    if (filter.state === 'expired') where.add('revoked_at IS NULL AND expires_at <= ?', at);
    if (filter.state === 'live') {
      where.add('revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)', at);
    }
    const rows = this.#db
      .prepare(`SELECT id FROM vault_keys ${where} ORDER BY id DESC LIMIT ?`)
      .all(...where.values, page.limit + 1) as { id: bigint }[];
    const ids = rows.map((row) => row.id);
    return cut(ids, page.limit, (id) => id);
  }
}

function callConditions(filter: CallFilter): Conditions {
  return new Conditions()
    .add('vault_key_id = ?', filter.keyId)
    .add('vault_key_id IN (SELECT id FROM vault_keys WHERE agent_run_label = ?)', filter.label)
    .add(
      `vault_key_id IN (SELECT id FROM vault_keys
         WHERE substr(agent_run_label, 1, length(?)) = ?)`,
      filter.labelPrefix,
    )
    .add('task_id = ?', filter.taskId)
    .add('vendor = ?', filter.vendor)
    .add('state = ?', filter.state)
    .add('verdict_reason = ?', filter.code)
    .add('policy_verdict = ?', filter.verdict)
    .add(
      `state IN ('held', 'unknown') AND running_id IS NULL AND replay_of IS NULL
         AND quote_usd > 0 AND look_at IS NULL AND (state = 'unknown' OR looks > 0) AND ? = 1`,
      filter.unresolved && 1,
    )
    .add('at >= ?', filter.since)
    .add('at < ?', filter.until);
}

function cut<T>(rows: T[], limit: number, idOf: (row: T) => bigint): Page<T> {
  const more = rows.length > limit;
  const shown = more ? rows.slice(0, limit) : rows;
  return { rows: shown, next: more ? idOf(shown.at(-1)!) : null };
}
