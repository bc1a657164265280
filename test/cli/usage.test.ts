/** What the command line does without a server: help, wrong usage, and secrets as arguments. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { FLAGS } from '../../src/cli/serve.ts';
import { flagOf, SETTINGS, type SettingName } from '../../src/config.ts';
import { newApiKey, newVaultKey } from '../../src/ids.ts';
import { keybrake } from './cli.ts';

const COMMANDS = [
  [],
  ['serve'],
  ['keys', 'issue'],
  ['keys', 'list'],
  ['keys', 'show'],
  ['keys', 'revoke'],
  ['accounts', 'add'],
  ['accounts', 'list'],
  ['accounts', 'remove'],
  ['vendors', 'check'],
  ['vendors', 'list'],
  ['calls', 'tail'],
  ['calls', 'export'],
  ['doctor'],
];

for (const command of COMMANDS) {
  test(`the help of \`keybrake ${command.join(' ')}\` has examples and the exit status`, async () => {
    const { code, stdout, stderr } = await keybrake([...command, '--help']);
    assert.equal(code, 0);
    assert.equal(stderr, '');
    assert.match(stdout, /^Examples:\n {2}\$ /m);
    assert.match(stdout, /^Exit status:\n {2}0 {2}done$/m);
  });
}

test('wrong usage is one sentence, points to the help of that command, and is status 2', async () => {
  const ended = await keybrake(['keys', 'issue', '--vendor', 'stripe']);
  assert.equal(ended.code, 2);
  assert.equal(ended.stdout, '');
  assert.equal(
    ended.stderr,
    "keybrake: required option '--label <label>' not specified\nSee `keybrake keys issue --help`.\n",
  );
});

const WRONG: readonly [args: string[], says: RegExp][] = [
  [['keys', 'issue', '--total-usd-cap', '$5'], /--total-usd-cap must be a plain number/],
  [['keys', 'issue', '--total-usd-cap', '0.0000001'], /--total-usd-cap must not be finer/],
  [['keys', 'issue', '--max-calls', '1.5'], /--max-calls must be a whole number/],
  [['keys', 'issue', '--metadata', 'novalue'], /--metadata must be name=value/],
  [['keys', 'issue', '--params', '[1]'], /must be a JSON object/],
  [['keys', 'revoke'], /Name the keys in one way/],
  [['keys', 'revoke', 'key_1', '--all'], /Name the keys in one way/],
  [['keys', 'revoke', '--all'], /say --yes/],
  [['calls', 'tail', '--since', 'yesterday'], /--since must be a time/],
  [['accounts', 'remove', 'stripe'], /say --yes/],
  [['keys', 'list', '--url', 'nowhere'], /--url must be an address/],
];

for (const [args, says] of WRONG) {
  test(`\`${args.join(' ')}\` is refused before anything is sent, status 2`, async () => {
    const needed = args[1] === 'issue' ? ['--vendor', 'stripe', '--label', 'x'] : [];
    const env = { KEYBRAKE_API_KEY: 'not-used' };
    // Nothing listens on port 1: had it been sent, the status would be 3.
    const url = args.includes('--url') ? [] : ['--url', 'http://127.0.0.1:1'];
    const { code, stderr } = await keybrake([...args, ...needed, ...url], { env });
    assert.match(stderr, says);
    assert.equal(code, 2);
  });
}

test('a server that is not there is one sentence with what to do, and status 3', async () => {
  const env = { KEYBRAKE_API_KEY: 'some-key' };
  const { code, stderr } = await keybrake(['keys', 'list', '--url', 'http://127.0.0.1:1'], { env });
  assert.equal(code, 3);
  assert.match(stderr, /^keybrake: No Keybrake answers at http:\/\/127\.0\.0\.1:1 \(.+\)\. .+\n$/);
  assert.ok(!stderr.includes('some-key'));
});

test('without a management key, the sentence says where one is looked for', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'keybrake-cli-test-'));
  try {
    const { code, stderr } = await keybrake(['keys', 'list', '--data', folder]);
    assert.equal(code, 2);
    assert.match(stderr, /KEYBRAKE_API_KEY/);
    assert.ok(stderr.includes(folder));
  } finally {
    await rm(folder, { recursive: true });
  }
});

const stripeSecret = `sk_${'live'}_51HabcDEFghiJKLmno`;
const LEAKS: readonly [what: string, args: string[]][] = [
  ['a Stripe secret', ['accounts', 'add', 'stripe', stripeSecret]],
  ['a Stripe secret', ['accounts', 'add', 'stripe', `--base-url=${stripeSecret}`]],
  ['a Stripe secret', ['keys', 'issue', '--label', `run-${stripeSecret}`]],
  ['a Resend secret', ['accounts', 'add', 'resend', 're_Ab12Cd34_Ef56Gh78Ij90']],
  ['a SendGrid secret', ['accounts', 'add', 'sendgrid', 'SG.Ab12Cd34Ef56.Gh78Ij90Kl12']],
  ['a vault key', ['keys', 'revoke', newVaultKey(false)]],
  ['a management key', ['keys', 'list', '--api', newApiKey('admin')]],
  ['a database password', ['serve', '--database-url', 'postgres://bob:hunter2@db/keybrake']],
  ['an option with a secret', ['accounts', 'add', 'stripe', '--secret', 'hunter2']],
  ['an option with a secret', ['keys', 'list', '--api-key=hunter2']],
  ['a secret', ['accounts', 'add', 'stripe', 'hunter2']],
];

for (const [what, args] of LEAKS) {
  test(`${what} as an argument is refused, not repeated, and called leaked: ${args[0]} ${args[1]}`, async () => {
    const { code, stdout, stderr } = await keybrake(args, { input: 'sk_test_from_stdin\n' });
    assert.equal(code, 2);
    assert.equal(stdout, '');
    assert.ok(stderr.includes(`looks like ${what}`), stderr);
    assert.match(stderr, /shell's history/);
    for (const text of [stripeSecret, args.at(-1)!, 'hunter2', 'Ab12Cd34']) {
      assert.ok(!stderr.includes(text), stderr);
    }
  });
}

test('no command writes a warning of the runtime', async () => {
  const { stderr } = await keybrake(['--version']);
  assert.equal(stderr, '');
});

test('every setting that may be an argument is an option of `serve`, and no other', () => {
  const available = Object.entries(SETTINGS)
    .filter(([, { flag, help }]) => flag && !/not available yet/i.test(help))
    .map(([name]) => flagOf(name as SettingName));
  assert.deepEqual(FLAGS.map(([name]) => `--${name}`).sort(), available.sort());
});

test('a Stripe secret that can be none is refused as when it is stored, before anything is made', async () => {
  // Below a file, so that a server which begins to make it fails for that instead.
  const folder = join(import.meta.filename, 'data');
  for (const [text, says] of [
    [`pk_${'live'}_51HabcDEFghiJKLmno`, /is a publishable key/],
    [`sk_${'org'}_51HabcDEFghiJKLmno`, /is an organisation key/],
    ['whsec_51HabcDEFghiJKLmno', /must be a Stripe key/],
  ] as const) {
    const env = { KEYBRAKE_STRIPE_SECRET: text };
    const { code, stdout, stderr } = await keybrake(['serve', '--data', folder], { env });
    assert.equal(code, 2, stderr);
    assert.equal(stdout, '');
    assert.match(stderr, /^keybrake: KEYBRAKE_STRIPE_SECRET .*\n$/);
    assert.match(stderr, says);
    assert.ok(!stderr.includes(text), stderr);
  }
});

test('every wrong setting is named, secrets are not repeated, and the status is 2', async () => {
  const env = {
    KEYBRAKE_LISTEN: 'nowhere',
    KEYBRAKE_LISTN: '127.0.0.1:1',
    KEYBRAKE_STRIPE_SECRET: 'short secret',
  };
  const { code, stdout, stderr } = await keybrake(['serve'], { env });
  assert.equal(code, 2);
  assert.equal(stdout, '');
  for (const name of Object.keys(env)) assert.ok(stderr.includes(name), stderr);
  assert.ok(!stderr.includes('short secret'), stderr);
});
