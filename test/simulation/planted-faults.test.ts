/**
 * The simulation can fail: with each safeguard that is taken away, a run breaks the promise that it
 * was there for, and breaks it again in the same way when it is replayed.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulateMany } from '../../simulation/many.ts';
import { SABOTAGES, type SabotageName } from '../../simulation/sabotage.ts';

/** Runs in which a fault must show. */
const WITHIN = 600;

for (const fault of Object.keys(SABOTAGES) as SabotageName[]) {
  const { breaks } = SABOTAGES[fault];
  test(`with the fault "${fault}" the simulation sees promise ${breaks.join(' or ')} broken`, async () => {
    const { failure } = await simulateMany({ from: 1, runs: WITHIN, fault });
    assert.ok(failure, `nothing was seen in ${WITHIN} runs`);
    assert.ok(
      (breaks as readonly number[]).includes(failure.invariant),
      `promise ${failure.invariant} is seen broken: ${failure.what}`,
    );
    const again = await simulateMany({ from: failure.seed, runs: 1, fault });
    assert.deepEqual(again.failure, failure);
  });
}
