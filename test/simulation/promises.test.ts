/**
 * Ten thousand short runs of the whole data plane, always the same ones, and some that nobody has
 * seen before: clients, an operator, crashes, a store and vendors that fail, and no promise of
 * design section 3 is ever broken.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ManyResult, simulateMany } from '../../simulation/many.ts';

const RUNS = 10_000;
const AT_ONCE = 1_000;
const UNSEEN = 500;

function assertKept({ failure, runs }: ManyResult, expected: number): void {
  if (failure !== null) {
    const { seed, invariant, what, trace } = failure;
    const again = `npm run simulate -- --seed ${seed} --runs 1`;
    const led = trace.slice(-40).join('\n');
    assert.fail(`seed ${seed} breaks promise ${invariant}: ${what}\n${led}\n${again}`);
  }
  assert.equal(runs, expected);
}

for (let from = 1; from <= RUNS; from += AT_ONCE) {
  test(`every promise is kept in the runs of the seeds ${from} to ${from + AT_ONCE - 1}`, async () => {
    assertKept(await simulateMany({ from, runs: AT_ONCE }), AT_ONCE);
  });
}

test('every promise is kept in runs that nobody has seen before', async (t) => {
  const from = Math.floor(Math.random() * 1_000_000_000);
  t.diagnostic(`from seed ${from}`);
  assertKept(await simulateMany({ from, runs: UNSEEN }), UNSEEN);
});
