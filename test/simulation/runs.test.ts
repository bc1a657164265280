/**
 * Eleven thousand short runs of the simulated data plane: ten thousand whose seeds are always the
 * same, and a thousand that nobody has seen before. The command is the one that a developer uses.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';

const MAIN = join(import.meta.dirname, '../../simulation/main.ts');
const EACH = 1_000;

async function play(seed: number, ...more: string[]): Promise<{ code: number; output: string }> {
  const args = [MAIN, '--seed', String(seed), '--runs', String(EACH), ...more];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  process.once('exit', () => child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const [code] = (await once(child, 'close')) as [number];
  return { code, output };
}

describe('no seed breaks a promise', { concurrency: availableParallelism() }, () => {
  const unseen = (Date.now() % 1_000_000) * 1_000 + 1_000_000;
  const firsts = Array.from({ length: 10 }, (_, n) => 1 + n * EACH);
  for (const seed of [...firsts, unseen]) {
    test(`seeds ${seed} to ${seed + EACH - 1}`, async () => {
      const { code, output } = await play(seed);
      assert.equal(code, 0, output);
      assert.match(output, new RegExp(`: ${EACH} runs, \\d{4,} calls, no promise broken`));
    });
  }
});

test('a run that fails says its seed, the promise, and how to play it again', async () => {
  const { code, output } = await play(1, '--sabotage', 'no fsync');
  assert.equal(code, 1, output);
  const [, seed] = /^seed (\d+) breaks promise 2: /m.exec(output) ?? [];
  assert.ok(seed, output);
  const again = `npm run simulate -- --seed ${seed} --runs 1 --trace --sabotage 'no fsync'`;
  assert.ok(output.includes(`Play it again: ${again}`), output);
});

test('wrong usage is told, with the status 2', async () => {
  for (const [wrong, says] of [
    [['--sabotage', 'nothing'], /There is no sabotage "nothing"/],
    [['--steps', 'many'], /--steps must be a whole number/],
    [['--speed', '3'], /--speed/],
  ] as const) {
    const { code, output } = await play(1, ...wrong);
    assert.equal(code, 2, output);
    assert.match(output, says);
  }
});
