/**
 * /vault/calls/{id}/resolution: an operator says what became of a call that nobody could find out.
 * The money moves by that word alone, so it takes an admin and a reason, which stays on the row.
 */
import { z } from 'zod';
import type { ControlDeps } from './deps.ts';
import { reason, usd } from './fields.ts';
import { notFound, pathId } from './path-ids.ts';
import { json, type Route, route } from './route.ts';
import { CALL, callView } from './views.ts';

export function resolutionRoutes(deps: ControlDeps): Route[] {
  return [
    route({
      method: 'POST',
      path: '/vault/calls/{id}/resolution',
      summary: 'Settle or release a call that is open, with the reason; once',
      access: 'admin',
      body: {
        outcome: z.enum(['settled', 'released']).meta({
          description: '`settled`: it cost money. `released`: it is certain that none moved.',
        }),
        cost_usd: usd.optional().meta({
          description: 'With `settled`: what it cost; what is held for it when it is not given.',
        }),
        reason,
      },
      answers: { 200: { description: 'The call as it is now.', json: CALL } },
      check({ body }, faults): undefined {
        if (body.outcome !== 'released' || body.cost_usd === undefined) return;
        faults.add('cost_usd', 'must not be given with released: nothing moved');
      },
      async run({ params, body, caller }) {
        const id = pathId('call', params.id!);
        const row = await deps.ledger.call(id);
        if (!row) throw notFound('call');
        const settled = body.outcome === 'settled';
        const resolved = await deps.ledger.resolve({
          ...{ id, at: deps.clock.now(), outcome: body.outcome, by: caller.by, why: body.reason },
          cost: settled ? (body.cost_usd ?? row.quote) : null,
          ...{ objects: [], vendorObjectId: null, sealedReply: null, lookAt: null },
        });
        if (!resolved) throw notFound('call');
        return json(200, callView(resolved));
      },
    }),
  ];
}
