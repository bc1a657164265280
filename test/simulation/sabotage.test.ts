/**
 * A simulation that cannot fail proves nothing: with a safeguard taken away it must notice, by the
 * promise that the safeguard keeps. And what it has found it finds again, exactly.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDatabase } from '../../simulation/disk.ts';
import { type RunResult, simulate } from '../../simulation/run.ts';
import { SABOTAGES, type Sabotage } from '../../simulation/sabotage.ts';

/** Seeds tried before a sabotage counts as unnoticed. */
const ENOUGH = 200;

const db = openDatabase();

async function firstFailure(sabotage: Sabotage): Promise<(RunResult & { seed: number }) | null> {
  for (let seed = 1; seed <= ENOUGH; seed++) {
    const result = await simulate({ seed, db, sabotage });
    if (result.violation) return { ...result, seed };
  }
  return null;
}

for (const [name, sabotage] of Object.entries(SABOTAGES) as [string, Sabotage][]) {
  test(`${name}: the simulation fails, by promise ${sabotage.breaks.join(' or ')}, and again from the seed`, async () => {
    const failed = await firstFailure(sabotage);
    assert.ok(failed, `${ENOUGH} seeds passed`);
    const { violation, digest, seed } = failed;
    assert.ok(
      violation && sabotage.breaks.includes(violation.invariant),
      `seed ${seed} broke ${violation?.invariant}: ${violation?.what}`,
    );
    const again = await simulate({ seed, db: openDatabase(), sabotage });
    assert.deepEqual(again.violation, violation);
    assert.equal(again.digest, digest, 'the whole story is the same');
  });
}

test('a seed is one story, whatever ran before it; another seed is another', async () => {
  const digests = new Set<string>();
  for (let seed = 1; seed <= 40; seed++) {
    const result = await simulate({ seed, db });
    assert.equal(result.violation, null, `seed ${seed}: ${result.violation?.what}`);
    const again = await simulate({ seed, db });
    assert.equal(again.digest, result.digest, `seed ${seed} went another way`);
    digests.add(result.digest);
  }
  assert.equal(digests.size, 40);
  const fresh = await simulate({ seed: 7, db: openDatabase() });
  assert.ok(digests.has(fresh.digest), 'in a database of its own');
});

test('the runs are worth something: calls are paid, refused, lost, repeated, waited for and found', async () => {
  const story: string[] = [];
  let calls = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const result = await simulate({ seed, db });
    calls += result.calls;
    story.push(...result.trace);
  }
  assert.ok(calls > 600, `${calls} calls`);
  const text = story.join('\n');
  for (const happened of ['settled', 'released', 'refused', 'unknown', 'replayed', 'held']) {
    const times = text.split(`is ${happened}`).length - 1;
    assert.ok(times > 10, `${happened}: ${times} times`);
  }
});
