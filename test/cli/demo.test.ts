/** The demo, short: it ends with equal books and status 0, with a falsified book and status 1. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { keybrake } from './cli.ts';

const main = fileURLToPath(new URL('../../src/cli/demo/main.ts', import.meta.url));
const SHORT = ['--charges', '400', '--at-once', '50', '--fast'];

test('the books are equal on every line, nothing arrives after the revoke, and nothing is left', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'keybrake-cli-test-'));
  const { code, stdout, stderr } = await keybrake(SHORT, { main, env: { TMPDIR: folder } });
  const left = await readdir(folder);
  await rm(folder, { recursive: true });
  assert.equal(code, 0, stdout + stderr);
  assert.equal(stderr, '');
  assert.doesNotMatch(stdout, /DIFFERS|unexpected/);
  assert.match(stdout, /refused, never sent .* 0 arrived +equal/);
  assert.match(stdout, / 0 {2}were started after it/);
  assert.match(stdout, /Both acts held/);
  assert.deepEqual(left, []);
});

test('one falsified cent in the vendor’s books is found, and the status is 1', async () => {
  const { code, stdout } = await keybrake([...SHORT, '--plant-cents', '1'], { main });
  assert.equal(code, 1);
  assert.match(stdout, /money moved .*DIFFERS/);
  assert.match(stdout, /same id and amount: pi_\w+ is \$\d+\.\d\d at Stripe/);
});
