/** The commands against a real server with the sandbox, as child processes on real sockets. */
import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { keybrake, type RunningServer, startServer } from './cli.ts';

let server: RunningServer;

before(async () => {
  server = await startServer();
});
after(() => server.remove());

const ISSUE = ['keys', 'issue', '--vendor', 'stripe', '--account', 'sandbox'];

/** A key for the sandbox; returns its id and text. */
async function issue(label: string, more: string[] = ['--total-usd-cap', '50']) {
  const { code, stdout, stderr } = await server.cli([
    ...ISSUE,
    '--label',
    label,
    '--json',
    ...more,
  ]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as { id: string; vault_key: string; total_usd_cap: number };
}

async function pay(vaultKey: string, cents: number): Promise<Response> {
  const form = { amount: String(cents), currency: 'usd', payment_method: 'pm_card_visa' };
  return fetch(`${server.url}/v1/payment_intents`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${vaultKey}` },
    body: new URLSearchParams({ ...form, confirm: 'true' }),
  });
}

test('the banner has the address, the data folder, the sandbox and the first API key', async () => {
  assert.match(server.banner, /^keybrake \d+\.\d+\.\d+ listens on http:\/\/127\.0\.0\.1:\d+$/m);
  assert.ok(server.banner.includes(server.data));
  assert.match(server.banner, /sandbox +on/);
  assert.equal(server.banner.split(server.apiKey).length, 2);
  const kept = await readFile(join(server.data, 'api-key'), 'utf8');
  assert.equal(kept.trim(), server.apiKey);
});

test('the lines of the banner work as they are printed, and the second payment is refused', async () => {
  const [issueLine, payLine] = server.banner.split('\n').filter((line) => line.includes('curl '));
  const script = `${issueLine}\n${payLine}\n${payLine}\n`;
  const shell = await import('../support/process.ts');
  const { code, stdout, stderr } = await shell.run('bash', ['-c', script]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /HTTP\/1\.1 200/);
  assert.match(stdout, /"status": ?"succeeded"/);
  assert.match(stdout, /HTTP\/1\.1 429/);
  assert.match(stdout, /x-keybrake-cap-hit: true/i);
});

test('a piped `keys issue` prints the vault key alone on stdout, and -q nothing beside it', async () => {
  const piped = await server.cli([...ISSUE, '--label', 'piped', '--total-usd-cap', '5']);
  assert.match(piped.stdout, /^vault_key_sandbox_[0-9a-z]+\n$/);
  assert.match(piped.stderr, /^issued key_\w+ for piped: \$5\.00/);
  const quiet = await server.cli([...ISSUE, '--label', 'quiet', '--total-usd-cap', '5', '-q']);
  assert.match(quiet.stdout, /^vault_key_sandbox_[0-9a-z]+\n$/);
  assert.equal(quiet.stderr, '');
});

test('a key can be issued with every rule, shown, listed and revoked', async () => {
  const label = 'round-trip/1';
  const { id, vault_key } = await issue(label, [
    ...['--total-usd-cap', '12.50', '--daily-usd-cap', '10', '--per-call-usd-cap', '5'],
    ...['--max-calls', '100', '--rate-limit', '100/1m', '--expires-in', '2h'],
    ...['--endpoint', 'POST /v1/payment_intents', '--endpoint', 'payment_intents.*'],
    ...[
      '--params',
      '{"currency":{"in":["usd"]}}',
      '--metadata',
      'team=billing',
      '--mode',
      'enforce',
    ],
  ]);
  assert.equal((await pay(vault_key, 250)).status, 200);

  const show = await server.cli(['keys', 'show', id]);
  for (const text of [label, 'live', '$12.50', '$2.50', 'POST /v1/payment_intents', '100/1m']) {
    assert.ok(show.stdout.includes(text), `${text} in ${show.stdout}`);
  }
  assert.ok(!show.stdout.includes(vault_key));
  const shown = JSON.parse((await server.cli(['keys', 'show', id, '--json'])).stdout);
  assert.equal(shown.spent_usd, 2.5);
  assert.deepEqual(shown.metadata, { team: 'billing' });

  const list = await server.cli(['keys', 'list', '--label', label]);
  const [title, row, ...rest] = list.stdout.trimEnd().split('\n');
  assert.match(title!, /^ID +LABEL +VENDOR +STATE +CAP +SPENT +HELD +LEFT +CALLS +EXPIRES$/);
  assert.ok(row!.startsWith(id) && /\$12\.50 \+ \$10\.00\/d/.test(row!), row);
  assert.deepEqual(rest, []);

  const revoke = await server.cli(['keys', 'revoke', id, '--reason', 'done']);
  assert.equal(revoke.stdout, `revoked ${id}: no call starts any more\n`);
  assert.equal((await pay(vault_key, 100)).status, 401);
  const again = await server.cli(['keys', 'revoke', id]);
  assert.match(again.stdout, /it was before/);
  assert.match((await server.cli(['keys', 'show', id])).stdout, /revoked .+\n +reason +done/);
});

test('--label-prefix revokes every key it names, those that it does not name go on', async () => {
  const one = await issue('many/1');
  const two = await issue('many/2');
  const other = await issue('other/1');
  const ended = await server.cli(['keys', 'revoke', '--label-prefix', 'many/', '--yes']);
  assert.match(ended.stdout, /^revoked 2 keys: /);
  assert.equal((await pay(one.vault_key, 100)).status, 401);
  assert.equal((await pay(two.vault_key, 100)).status, 401);
  assert.equal((await pay(other.vault_key, 100)).status, 200);
});

test('--json of every reading command is JSON', async () => {
  const { id } = await issue('json/1');
  for (const command of [
    ['keys', 'list'],
    ['keys', 'show', id],
    ['accounts', 'list'],
    ['calls', 'export'],
    ['doctor'],
  ]) {
    const { stdout } = await server.cli([...command, '--json']);
    assert.doesNotThrow(() => JSON.parse(stdout), `${command.join(' ')}: ${stdout}`);
  }
  const { stdout } = await server.cli(['calls', 'tail', '--json', '-n', '2']);
  for (const line of stdout.trimEnd().split('\n')) JSON.parse(line);
});

test('amounts are passed on and shown to the micro-dollar', async () => {
  const { id } = await issue('exact', ['--total-usd-cap', '999999999.000001']);
  const { stdout } = await server.cli(['keys', 'show', id, '--json']);
  assert.match(stdout, /"total_usd_cap": 999999999\.000001,/);
  assert.match((await server.cli(['keys', 'show', id])).stdout, /\$999,999,999\.000001/);
});

test('a refusal of the server is a sentence that names every field, and status 1', async () => {
  const { code, stdout, stderr } = await server.cli([
    ...['keys', 'issue', '--vendor', 'nobody', '--label', 'x', '--total-usd-cap', '5'],
    ...['--expires-in', '2 hours'],
  ]);
  assert.equal(code, 1);
  assert.equal(stdout, '');
  assert.match(stderr, /^keybrake: The request is not valid:\n/);
  assert.match(stderr, /^ {2}vendor must be a vendor/m);
  assert.match(stderr, /^ {2}expires_in must be/m);
});

test('the wrong management key is refused, and not shown', async () => {
  const env = { KEYBRAKE_API_KEY: 'keybrake_wrong_0123456789abcdef' };
  const { code, stderr } = await server.cli(['keys', 'list'], { env });
  assert.equal(code, 1);
  assert.match(stderr, /No valid management key/);
  assert.ok(!stderr.includes(env.KEYBRAKE_API_KEY));
});

test('an account is stored from standard input, listed, replaced and removed; its secret never shows', async () => {
  const secret = `sk_${'test'}_cliSecret0123456789`;
  const add = ['accounts', 'add', 'stripe', '--account', 'eu'];
  const seen: string[] = [];
  const step = async (args: string[], input?: string) => {
    const ended = await server.cli(args, { ...(input && { input }) });
    seen.push(ended.stdout, ended.stderr);
    return ended;
  };
  const stored = await step(add, `${secret}\n`);
  assert.equal(stored.stdout, 'stored stripe/eu, sent to https://api.stripe.com\n');
  const twice = await step(add, `${secret}\n`);
  assert.equal(twice.code, 1);
  assert.match(twice.stderr, /--replace replaces it/);
  const replaced = await step([...add, '--replace'], `${secret}2\n`);
  assert.match(replaced.stdout, /^replaced stripe\/eu/);
  const list = await step(['accounts', 'list']);
  assert.match(list.stdout, /^stripe +eu +https:\/\/api\.stripe\.com +vault /m);
  assert.match(list.stdout, /^stripe +sandbox +http:\/\/127\.0\.0\.1:\d+ +server /m);
  const removed = await step(['accounts', 'remove', 'stripe', '--account', 'eu', '--yes']);
  assert.equal(removed.stdout, 'removed stripe/eu\n');
  assert.ok(!(await step(['accounts', 'list'])).stdout.includes('eu '));
  assert.ok(!seen.join('').includes('cliSecret'));
});

test('an empty or many-worded secret is refused and nothing is stored', async () => {
  for (const input of ['\n', 'two words\n', '']) {
    const { code, stderr } = await server.cli(['accounts', 'add', 'stripe'], { input });
    assert.equal(code, 2);
    assert.match(stderr, /nothing was stored/);
  }
  assert.doesNotMatch((await server.cli(['accounts', 'list'])).stdout, /^stripe +default/m);
});

test('an export has every row, in each format the same as the API has', async () => {
  const { vault_key } = await issue('export/1', ['--total-usd-cap', '7']);
  for (let i = 0; i < 5; i++) await pay(vault_key, 200);
  const query = 'label=export%2F1';
  const headers = { Authorization: `Bearer ${server.apiKey}` };
  const reply = await fetch(`${server.url}/vault/calls?${query}`, { headers });
  const { data } = (await reply.json()) as { data: { state: string }[] };
  assert.deepEqual(
    data.map(({ state }) => state),
    ['refused', 'refused', 'settled', 'settled', 'settled'],
  );

  const filter = ['--label', 'export/1'];
  const json = await server.cli(['calls', 'export', '--format', 'json', ...filter]);
  assert.deepEqual(JSON.parse(json.stdout), data);
  const ndjson = await server.cli(['calls', 'export', '--format', 'ndjson', ...filter]);
  const lines = ndjson.stdout.trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    data,
  );

  const csv = await fetch(`${server.url}/vault/calls?${query}`, {
    headers: { ...headers, Accept: 'text/csv' },
  });
  const folder = await mkdtemp(join(tmpdir(), 'keybrake-cli-test-'));
  try {
    const file = join(folder, 'calls.csv');
    const { stdout, stderr } = await server.cli(['calls', 'export', '--output', file, ...filter]);
    assert.equal(stdout, '');
    assert.match(stderr, /^wrote \d+ bytes to /);
    assert.equal(await readFile(file, 'utf8'), await csv.text());
    assert.deepEqual(await readdir(folder), ['calls.csv']);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('an export of nothing is an empty array, not an empty file', async () => {
  const { stdout } = await server.cli(['calls', 'export', '--format', 'json', '--label', 'nobody']);
  assert.deepEqual(JSON.parse(stdout), []);
});

test('`calls tail` shows the latest calls, the newest last, and why one was refused', async () => {
  const { vault_key } = await issue('tail/1', ['--total-usd-cap', '3']);
  for (const cents of [100, 150, 900]) await pay(vault_key, cents);
  const { stdout } = await server.cli(['calls', 'tail', '--label', 'tail/1']);
  const [title, ...rows] = stdout.trimEnd().split('\n');
  assert.match(title!, /^TIME +STATE +AMOUNT +STATUS +CALL TO +MS +WHY OR TASK +LABEL +CALL$/);
  assert.match(rows[0]!, /settled +\$1\.00 +200 +payment_intents\.create/);
  assert.match(rows[1]!, /settled +\$1\.50 +200/);
  assert.match(rows[2]!, /refused +\$9\.00 +429 .*cap_exceeded +tail\/1 +call_\w+$/);
  const last = await server.cli(['calls', 'tail', '--label', 'tail/1', '-n', '1']);
  // Columns are as wide as what stands in them, which another table's rows decide.
  const words = (row: string) => row.trim().split(/ +/);
  assert.deepEqual(words(last.stdout.trimEnd().split('\n')[1]!), words(rows[2]!));
});

test('`calls show` has what the row has, by the names of the audit', async () => {
  const { vault_key } = await issue('show/1', ['--total-usd-cap', '3']);
  const reply = await pay(vault_key, 900);
  const id = reply.headers.get('x-keybrake-call-id')!;
  const { code, stdout } = await server.cli(['calls', 'show', id]);
  assert.equal(code, 0);
  for (const line of [`id +${id}`, 'state +refused', 'verdict_reason +cap_exceeded']) {
    assert.match(stdout, new RegExp(`^  ${line}$`, 'm'));
  }
  assert.match(stdout, /^ {2}quote_usd +\$9\.00$/m);
  assert.doesNotMatch(stdout, /vendor_object_id|null/);
  const { stdout: json } = await server.cli(['calls', 'show', id, '--json']);
  assert.equal(JSON.parse(json).quote_usd, 9);
});

test('a key in shadow mode is listed as that, and a daily cap shown with its window', async () => {
  const more = ['--daily-usd-cap', '4', '--mode', 'shadow'];
  const { id, vault_key } = await issue('shadow/1', more);
  assert.equal((await pay(vault_key, 100)).status, 200);
  const list = await server.cli(['keys', 'list', '--label', 'shadow/1']);
  assert.match(list.stdout, /stripe\/sandbox +shadow +\$4\.00\/d/);
  const { stdout } = await server.cli(['keys', 'show', id]);
  assert.match(stdout, /^ {2}daily cap +\$4\.00, \$3\.00 left until \d{4}-\S+ \S+Z$/m);
  assert.match(stdout, /^ {2}mode +shadow: nothing is refused$/m);
});

test('doctor is satisfied with a fresh server, and says how to go on', async () => {
  const { code, stdout } = await server.cli(['doctor']);
  assert.equal(code, 0, stdout);
  for (const check of ['server', 'version', 'clock', 'ready', 'api key', 'data', 'disk']) {
    assert.match(stdout, new RegExp(`^ok +${check} `, 'm'));
  }
  assert.match(stdout, /^warn +accounts +only the sandbox: .*stripe\/sandbox/m);
});

test('doctor warns of exchange rates before they are too old, and says when there are none', async () => {
  assert.match((await server.cli(['doctor'])).stdout, /^ok +rates +none: other currencies/m);
  const folder = await mkdtemp(join(tmpdir(), 'keybrake-cli-test-'));
  const file = join(folder, 'rates.json');
  const date = new Date(Date.now() - 6 * 86_400_000).toISOString().slice(0, 10);
  await writeFile(file, JSON.stringify({ date, base: 'USD', rates: { EUR: 0.92 } }));
  const own = await startServer(['--rates', file, '--rates-max-age', '30d']);
  try {
    const { code, stdout } = await own.cli(['doctor']);
    assert.equal(code, 0);
    assert.match(stdout, /^warn +rates +of a day that began [67] d ago$/m);
  } finally {
    await own.remove();
    await rm(folder, { recursive: true });
  }
});

test('doctor fails with status 1 on a wrong key, an open data folder, and a server that is away', async () => {
  const wrong = await server.cli(['doctor'], { env: { KEYBRAKE_API_KEY: 'x'.repeat(20) } });
  assert.equal(wrong.code, 1);
  assert.match(wrong.stdout, /^fail +api key /m);

  await chmod(server.data, 0o755);
  const open = await server.cli(['doctor']);
  await chmod(server.data, 0o700);
  assert.equal(open.code, 1);
  assert.match(open.stdout, /^fail +data .+ mode 0755/m);
  assert.match(open.stdout, /chmod 700/);

  const away = await keybrake(['doctor', '--url', 'http://127.0.0.1:1', '--data', server.data]);
  assert.equal(away.code, 1);
  assert.match(away.stdout, /^fail +server /m);
});

test('a second server on the same data folder is one line, status 1, and harms nothing', async () => {
  const args = ['serve', '--listen', '127.0.0.1:0', '--data', server.data];
  const { code, stdout, stderr } = await keybrake(args);
  assert.equal(code, 1);
  assert.equal(stdout, '');
  assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
  assert.ok(stderr.startsWith('keybrake: ') && stderr.includes(server.data), stderr);
  assert.equal((await server.cli(['doctor'])).code, 0);
});

test('a port that is taken is one line with what to do, status 1', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'keybrake-cli-test-'));
  try {
    const { host } = new URL(server.url);
    const ended = await keybrake(['serve', '--listen', host, '--data', folder]);
    assert.equal(ended.code, 1);
    assert.match(ended.stderr, new RegExp(`^keybrake: Something listens on ${host} already`));
    assert.equal(ended.stderr.trimEnd().split('\n').length, 1, ended.stderr);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('SIGTERM ends the server with status 0, its log is JSON lines without the key, its folder is private', async () => {
  const own = await startServer();
  try {
    assert.equal((await stat(own.data)).mode & 0o777, 0o700);
    const ended = await own.stop();
    assert.equal(ended.code, 0);
    for (const line of ended.stderr.trimEnd().split('\n').filter(Boolean)) JSON.parse(line);
    assert.ok(!ended.stderr.includes(own.apiKey));
  } finally {
    await own.remove();
  }
});
