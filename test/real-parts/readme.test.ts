/**
 * The README's own lines, run as they are printed against a real server: only the port is another.
 * What a reader copies works, or this fails.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { installDebian, present } from '../support/debian.ts';
import { type Keybrake, startKeybrake } from '../support/keybrake.ts';
import { auditRows, issueKey } from '../support/management.ts';
import { type Finished, run } from '../support/process.ts';
import { python } from '../support/python.ts';

const ROOT = join(import.meta.dirname, '../..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

/** The code blocks of one language, in order. */
function blocks(language: string): string[] {
  const found = README.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'));
  return [...found].map(([, code = '']) => code);
}

// Before the first test: `after` runs as soon as no registered test is left.
const PYTHONS = [
  ['current', await python('current')],
  ['stripe5', await python('stripe5')],
] as const;
const noCurl = (await present('curl')) ? null : await installDebian('curl');

let keybrake: Keybrake;
/** Where the reader stands: the server's data folder is ./data here. */
let folder: string;
before(async () => {
  keybrake = await startKeybrake();
  folder = mkdtempSync(join(tmpdir(), 'keybrake-readme-'));
  mkdirSync(join(folder, 'data'), { mode: 0o700 });
  writeFileSync(join(folder, 'data', 'api-key'), `${keybrake.apiKey}\n`);
});
after(async () => {
  await keybrake?.close();
  if (folder) rmSync(folder, { recursive: true });
});

/** The text with this server's port. */
function here(code: string): string {
  return code
    .replaceAll('127.0.0.1:8787', new URL(keybrake.url).host)
    .replaceAll('port: 8787', `port: ${new URL(keybrake.url).port}`);
}

/** Runs shell lines; `keybrake` is the command line of this repository. */
function shell(code: string): Promise<Finished> {
  const command = `'${process.execPath}' '${join(ROOT, 'src/main.ts')}'`;
  const lines = `keybrake() { ${command} "$@" --url ${keybrake.url}; }\n${here(code)}`;
  return run('bash', ['-e', '-o', 'pipefail', '-c', lines], { cwd: folder, timeoutMs: 60_000 });
}

/** The one block of shell lines that contains the text. */
function shellBlock(part: string): string {
  const found = blocks('sh').filter((code) => code.includes(part));
  assert.equal(found.length, 1, `one block has ${part}`);
  return found[0]!;
}

const withCurl = noCurl === null ? {} : { skip: noCurl };

test(
  'the first minute: the first payment goes through, the same line again gets a 429',
  withCurl,
  async () => {
    const code = shellBlock('first-run');
    const again = code.split('\n').find((line) => line.startsWith('curl -i'));
    const { code: status, stdout, stderr } = await shell(`${code}\n${again}`);
    assert.equal(status, 0, stderr);
    const answers = [...stdout.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, number]) => number);
    assert.deepEqual(answers, ['200', '429']);
    assert.match(stdout, /x-keybrake-remaining-usd: 21\.00/);
  },
);

test('the alias finds its data folder and leaves paths to the folder that one is in', async () => {
  const alias = shellBlock('alias keybrake=').trim();
  const lines = [
    'shopt -s expand_aliases',
    alias.replaceAll('$PWD/data', join(folder, 'data')),
    `cd '${folder}' && mkdir -p elsewhere && cd elsewhere`,
    `keybrake calls export --output calls.csv --url ${keybrake.url}`,
  ];
  const { code, stderr } = await run('bash', ['-e', '-c', lines.join('\n')], { cwd: ROOT });
  assert.equal(code, 0, stderr);
  assert.match(readFileSync(join(folder, 'elsewhere', 'calls.csv'), 'utf8'), /^id,at,node/);
});

test('issue, revoke, audit by the command line', async () => {
  const { code, stdout, stderr } = await shell(shellBlock('keybrake keys issue'));
  assert.equal(code, 0, stderr + stdout);
  assert.match(stdout, /^vault_key_sandbox_/m);
  assert.match(stdout, /^revoked 1 key/m);
});

test('issue, revoke, audit by HTTP', withCurl, async () => {
  const { code, stdout, stderr } = await shell(shellBlock('$API/keys'));
  assert.equal(code, 0, stderr);
  assert.match(stdout, /"agent_run_label":"billing\/18"/);
  assert.match(stdout, /id,at,node/);
  assert.match(stdout, /"revoked":\["key_/);
  assert.doesNotMatch(stdout, /"code":/);
});

test('each block for stripe-node pays, and names its task', async () => {
  const all = blocks('js');
  assert.equal(all.length, 2);
  for (const [index, code] of all.entries()) {
    const label = `node/${index}`;
    const key = await issueKey(keybrake, { agent_run_label: label });
    const { code: status, stderr } = await run(
      process.execPath,
      ['--input-type=module', '-e', here(code)],
      { cwd: ROOT, env: { VAULT_KEY: key.vault_key }, timeoutMs: 30_000 },
    );
    assert.equal(status, 0, stderr);
    await assertPaid(label);
  }
});

for (const [name, environment] of PYTHONS) {
  const skip = 'skip' in environment ? { skip: environment.skip } : {};
  test(
    `each block for stripe-python works (${name}), and the cap stops the last`,
    skip,
    async () => {
      assert.ok('run' in environment);
      // The same idempotency keys again, of another SDK: to the vendor they would be other requests.
      keybrake.sandbox.stripe.reset();
      const [plain, client, stopping] = blocks('python');
      assert.ok(plain && client && stopping);
      const order = name === 'current' ? [plain, client] : [plain];
      for (const [index, code] of order.entries()) {
        const label = `${name}/${index}`;
        const key = await issueKey(keybrake, { agent_run_label: label });
        const env = { VAULT_KEY: key.vault_key };
        const paid = await environment.run(['-c', here(code)], { env });
        assert.equal(paid.code, 0, paid.stderr);
        await assertPaid(label);
      }
      const key = await issueKey(keybrake, { agent_run_label: `${name}/stop` });
      const env = { VAULT_KEY: key.vault_key };
      const stopped = await environment.run(['-c', here(`${plain}\n${stopping}`)], { env });
      assert.match(stopped.stderr, /^stopped by the cap: This call needs 10000000\.00 USD/m);
    },
  );
}

async function assertPaid(label: string): Promise<void> {
  const rows = await auditRows(keybrake, { label });
  const said = rows.map(({ state, cost_usd, task_id }) => [state, cost_usd, task_id]);
  assert.deepEqual(said, [['settled', 5, 'task-1']]);
}
