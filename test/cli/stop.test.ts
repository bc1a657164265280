/**
 * Stopping runs from the command line, as it is done at 2 a.m.: what was named is stopped and told,
 * and what named nothing never looks like a stop. Against a real server.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type RunningServer, startServer } from './cli.ts';

let server: RunningServer;

before(async () => {
  server = await startServer();
});
after(() => server.remove());

async function issue(label: string, more: string[] = ['--vendor', 'stripe']) {
  const { code, stdout, stderr } = await server.cli([
    ...['keys', 'issue', '--label', label, '--total-usd-cap', '50', '--json'],
    ...more,
  ]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as { id: string; vault_key: string };
}

async function statusOf(vaultKey: string): Promise<number> {
  const headers = { Authorization: `Bearer ${vaultKey}` };
  const reply = await fetch(`${server.url}/stripe/v1/customers`, { headers });
  await reply.arrayBuffer();
  return reply.status;
}

test('a revoke that names no key fails and says so, whatever named it', async () => {
  const { vault_key } = await issue('billing/17');
  for (const [target, said] of [
    [['--label', 'biling/17'], 'there is no key labelled biling/17.'],
    [['--label-prefix', 'biling/'], 'there is no key whose label begins with biling/.'],
    [['--vendor', 'twilio'], 'there is no key for twilio.'],
  ] as const) {
    const { code, stdout, stderr } = await server.cli(['keys', 'revoke', ...target, '--yes']);
    assert.deepEqual({ code, stdout }, { code: 1, stdout: '' });
    assert.equal(stderr, `keybrake: Nothing was revoked: ${said}\n`);
  }
  assert.equal(await statusOf(vault_key), 200);
});

test('an id that is no key keeps no other of a revoke alive', async () => {
  const [one, two] = [await issue('several/1'), await issue('several/2')];
  const wrong = 'key_0000000000000';
  const { code, stdout, stderr } = await server.cli(['keys', 'revoke', one.id, wrong, two.id]);
  assert.equal(await statusOf(two.vault_key), 401);
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`^keybrake: Not revoked: ${wrong}: `));
  const told = [one, two].map(({ id }) => `revoked ${id}: no call starts any more\n`);
  assert.equal(stdout, told.join(''));
});

test('a revoke of a key says how many keys below it ended with it', async () => {
  const parent = await issue('tree/1');
  // Under a parent the vendor may be left out.
  const child = await issue('tree/1/a', ['--parent', parent.id]);
  const grandchild = await issue('tree/1/a/a', ['--parent', child.id]);
  const { stdout } = await server.cli(['keys', 'revoke', parent.id]);
  assert.equal(stdout, `revoked ${parent.id} and 2 keys below it: no call starts any more\n`);
  assert.equal(await statusOf(grandchild.vault_key), 401);
});

test('freeze refuses the calls of a vendor or all, doctor says so, and unfreeze lets them through', async () => {
  const { vault_key } = await issue('frozen/1');
  for (const [target, name] of [
    ['stripe', 'stripe'],
    ['--all', 'everything'],
  ] as const) {
    const froze = await server.cli(['freeze', target, '--reason', 'incident 12']);
    assert.equal(froze.stdout, `froze ${name}: no call starts until it is unfrozen\n`);
    assert.equal(await statusOf(vault_key), 403);
    const { stdout } = await server.cli(['doctor']);
    const since = '\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\dZ';
    assert.match(
      stdout,
      new RegExp(`^warn +frozen +${name}, since ${since} \\(incident 12\\)$`, 'm'),
    );
    const unfroze = await server.cli(['unfreeze', target]);
    assert.equal(unfroze.stdout, `unfroze ${name}\n`);
    assert.equal(await statusOf(vault_key), 200);
    assert.match((await server.cli(['doctor'])).stdout, /^ok +frozen +nothing is$/m);
  }
});

test('unfreeze says what is still frozen', async () => {
  await server.cli(['freeze', '--all']);
  const { stdout } = await server.cli(['unfreeze', 'stripe']);
  assert.match(stdout, /^unfroze stripe\nstill frozen: everything, since \S+ \S+\n$/);
  await server.cli(['unfreeze', '--all']);
});

test('a freeze that names nothing, or two things, freezes nothing', async () => {
  for (const args of [[], ['stripe', '--all']]) {
    const { code, stderr } = await server.cli(['freeze', ...args]);
    assert.equal(code, 2);
    assert.equal(stderr, 'keybrake: Name one vendor, or --all.\n');
  }
  const unknown = await server.cli(['freeze', 'strip']);
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /must be a vendor/);
  assert.match((await server.cli(['doctor'])).stdout, /^ok +frozen +nothing is$/m);
});
