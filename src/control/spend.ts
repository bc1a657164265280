/** /vault/spend: totals of the audit's calls. Adds up what the ledger says; counts nothing itself. */
import { z } from 'zod';
import { handle } from '../ids.ts';
import type { SpendRow } from '../ledger/ledger.ts';
import { usdJson } from '../money.ts';
import { checkWindow, filterFields, filterOf } from './calls.ts';
import type { ControlDeps } from './deps.ts';
import { json, type Route, route } from './route.ts';
import { USD } from './views.ts';

const SUMS = {
  calls: z.int(),
  refused: z.int(),
  spent_usd: USD,
  held_usd: USD,
};

export function spendRoutes(deps: ControlDeps): Route[] {
  return [
    route({
      method: 'GET',
      path: '/vault/spend',
      summary: 'Totals grouped by label, key, vendor, task, endpoint, hour or day',
      access: 'auditor',
      query: {
        group_by: z.enum(['label', 'key', 'vendor', 'task', 'endpoint', 'hour', 'day']),
        ...filterFields([...deps.vendors.keys()]),
      },
      answers: {
        200: {
          description: 'A row for each group, and their sum.',
          json: z.strictObject({
            data: z.array(z.strictObject({ group: z.string(), ...SUMS })),
            total: z.strictObject(SUMS),
          }),
        },
      },
      check({ query }, faults): undefined {
        checkWindow(query, faults);
      },
      async run({ query }) {
        const rows = await deps.ledger.spend(query.group_by, filterOf(query));
        const data = rows.map((row) => ({
          group: query.group_by === 'key' ? handle('key', BigInt(row.group)) : row.group,
          ...sumsView(row),
        }));
        return json(200, { data, total: sumsView(total(rows)) });
      },
    }),
  ];
}

type Sums = Omit<SpendRow, 'group'>;

function total(rows: readonly SpendRow[]): Sums {
  const sums: Sums = { calls: 0, refused: 0, spent: 0n, held: 0n };
  for (const row of rows) {
    sums.calls += row.calls;
    sums.refused += row.refused;
    sums.spent += row.spent;
    sums.held += row.held;
  }
  return sums;
}

function sumsView({ calls, refused, spent, held }: Sums) {
  return { calls, refused, spent_usd: usdJson(spent), held_usd: usdJson(held) };
}
