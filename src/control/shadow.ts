/**
 * /vault/shadow-report: what keys in shadow mode would have been refused, and why, so that a cap can
 * be tried on a run before it can stop one.
 */
import { z } from 'zod';
import { rfc3339 } from '../clock.ts';
import { handle } from '../ids.ts';
import { usdJson } from '../money.ts';
import { checkWindow, filterFields, filterOf } from './calls.ts';
import type { ControlDeps } from './deps.ts';
import { json, type Route, route } from './route.ts';
import { CALL_ID, TIME, USD } from './views.ts';

const COUNTS = {
  calls: z.int(),
  amount_usd: USD.meta({ description: 'What they cost, or hold.' }),
};

export function shadowRoutes(deps: ControlDeps): Route[] {
  const {
    state: _,
    code: __,
    verdict: ___,
    unresolved: ____,
    ...filters
  } = filterFields([...deps.vendors.keys()]);
  return [
    route({
      method: 'GET',
      path: '/vault/shadow-report',
      summary: 'What keys in shadow mode would have been refused, by reason and endpoint',
      access: 'auditor',
      query: filters,
      answers: {
        200: {
          description: 'A row for each reason and endpoint, the dearest first; and all calls made.',
          json: z.strictObject({
            data: z.array(
              z.strictObject({
                ...{ code: z.string(), endpoint: z.string(), ...COUNTS },
                ...{ first_at: TIME, last_at: TIME, example: CALL_ID },
              }),
            ),
            would_refuse: z.strictObject(COUNTS),
            allowed: z.strictObject(COUNTS),
          }),
        },
      },
      check({ query }, faults): undefined {
        checkWindow(query, faults);
      },
      async run({ query }) {
        const report = await deps.ledger.shadowReport(filterOf(query));
        return json(200, {
          data: report.rows.map((row) => ({
            ...{ code: row.code, endpoint: row.endpoint, calls: row.calls },
            amount_usd: usdJson(row.micros),
            ...{ first_at: rfc3339(row.firstAt), last_at: rfc3339(row.lastAt) },
            example: handle('call', row.example),
          })),
          would_refuse: {
            calls: report.rows.reduce((sum, { calls }) => sum + calls, 0),
            amount_usd: usdJson(report.rows.reduce((sum, { micros }) => sum + micros, 0n)),
          },
          allowed: {
            calls: report.allowed.calls,
            amount_usd: usdJson(report.allowed.micros),
          },
        });
      },
    }),
  ];
}
