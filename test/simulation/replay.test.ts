/** A run is its seed and nothing else: not the time, not the runs before it, not the thread. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDatabase } from '../../simulation/disk.ts';
import { simulate } from '../../simulation/run.ts';

const SEEDS = Array.from({ length: 20 }, (_, index) => 31 * index + 7);

test('the same seed is the same run, event by event, whatever ran before it', async () => {
  const db = openDatabase();
  const first: string[] = [];
  for (const seed of SEEDS) first.push((await simulate({ seed, db })).digest);
  assert.equal(new Set(first).size, SEEDS.length);
  // Backwards, and in another database.
  const other = openDatabase();
  for (const [index, seed] of [...SEEDS.entries()].reverse()) {
    assert.equal((await simulate({ seed, db: other })).digest, first[index], `seed ${seed}`);
  }
});

test('a run that is longer begins like the short one', async () => {
  const db = openDatabase();
  const [short, long] = [
    await simulate({ seed: 5, db, steps: 10 }),
    await simulate({ seed: 5, db, steps: 60 }),
  ];
  assert.deepEqual(long.trace.slice(0, 15), short.trace.slice(0, 15));
  assert.ok(long.calls > short.calls);
});
