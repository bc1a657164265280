/** The runs are no idle ones: everything that can become of a call becomes of many. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDatabase } from '../../simulation/disk.ts';
import { simulate } from '../../simulation/run.ts';

test('the runs are worth something: calls are paid, refused, lost, repeated, waited for and found', async () => {
  const db = openDatabase();
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
