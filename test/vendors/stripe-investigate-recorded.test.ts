/** What the real Stripe made, as if its answer had been lost: found again by its event, at its cost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concluded, lost, NOW, T } from './stripe-open-calls.ts';
import { CENT, data, withoutData } from './stripe-requests.ts';

test('the objects of recorded traffic, lost and found by their events', {
  skip: withoutData,
}, () => {
  interface Exchange {
    request: { method: string; path: string; headers: Record<string, string> };
    response: { status: number; body: Record<string, unknown> };
  }
  const { interactions } = data<{ interactions: Exchange[] }>('recorded.json');
  const { resources } = data<{ resources: { event: object } }>('fixtures3.json');
  const totals: Record<string, bigint> = {};
  for (const { request, response } of interactions) {
    const path = request.path.split('?')[0]!;
    const resource = path.replace(/^\/v1\//, '');
    if (request.method !== 'POST' || !['payment_intents', 'refunds'].includes(resource)) continue;
    const { expand: _, ...body } = response.body;
    const { id, amount, currency } = body as { id: string; amount: number; currency: string };
    const key = request.headers['idempotency-key']!;
    const type = resource === 'refunds' ? 'refund' : 'payment_intent';
    const shape = { ...resources.event, id: 'evt_1', type: `${type}.created`, created: T };
    const listed = {
      ...shape,
      data: { object: body },
      request: { id: null, idempotency_key: key },
    };
    const call = lost({
      ...{ path, operation: `${resource}.create`, idempotencyKey: key, currency },
      ...{ amount: BigInt(amount), quote: BigInt(amount) * CENT },
    });
    const found = concluded(call, NOW, { events: [listed], objects: { [id]: body } });
    assert.equal(found.vendorObjectId, id);
    const moved = found.objects[0]?.moved ?? 0n;
    totals[resource] = (totals[resource] ?? 0n) + moved;
  }
  // Two paid at once and two authorised only, and two refunds.
  assert.deepEqual(totals, { payment_intents: 2900n + 3000n, refunds: 1000n + 500n });
});
