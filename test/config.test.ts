/**
 * The settings: every fault is named at once, no secret is repeated, and docs/configuration.md says
 * what the code reads. `UPDATE_DOCS=1` in front of the test's command writes the table anew.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { ConfigError, flagOf, readConfig, SETTINGS, type SettingName } from '../src/config.ts';

const PAGE = new URL('../docs/configuration.md', import.meta.url);
const NAMES = Object.keys(SETTINGS) as SettingName[];
/** Known, and refused until there is something behind it. */
const LATER = /not available yet/i;

/** The faults, a line each. */
function faultsOf(env: NodeJS.ProcessEnv, flags: Record<string, string> = {}): string[] {
  try {
    readConfig(env, flags);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message.split('\n');
  }
  return [];
}

test('without any setting the defaults hold: loopback, ./data, Stripe itself', () => {
  assert.deepEqual(readConfig({}), {
    listen: { host: '127.0.0.1', port: 8787 },
    dataDir: './data',
    masterKey: null,
    apiKey: null,
    accounts: [],
    resendEmailPrice: 900n,
    rates: null,
    ratesMaxAgeMs: 4 * 86_400_000,
    vendorsDir: null,
    twilioPrices: null,
    sandbox: null,
  });
});

test('rates come from a file, or from an address by the rules of every address', () => {
  const ratesOf = (text: string) => readConfig({ KEYBRAKE_RATES: text }).rates;
  assert.deepEqual(ratesOf('/etc/keybrake/rates.json'), { file: '/etc/keybrake/rates.json' });
  assert.deepEqual(ratesOf('rates.json'), { file: 'rates.json' });
  const address = 'https://rates.example.com/v1/latest';
  assert.deepEqual(ratesOf(address), { address });
  assert.deepEqual(ratesOf('http://127.0.0.1:9/x'), { address: 'http://127.0.0.1:9/x' });
  const wrong: [text: string, fault: RegExp][] = [
    ['', /must be a file or an address/],
    ['http://rates.example.com/latest', /must be https/],
    ['https://10.0.0.1/latest', /must not be a private/],
    ['https://rates.example.com/latest?key=1', /must not have a query/],
    ['ftp://rates.example.com/latest', /must be an address such as/],
    ['file:///etc/rates.json', /must be an address such as/],
  ];
  for (const [text, fault] of wrong) {
    const [told, ...others] = faultsOf({ KEYBRAKE_RATES: text });
    assert.match(String(told), fault, text);
    assert.deepEqual(others, []);
  }
  assert.equal(readConfig({ KEYBRAKE_RATES_MAX_AGE: '36h' }).ratesMaxAgeMs, 36 * 3_600_000);
  assert.match(faultsOf({ KEYBRAKE_RATES_MAX_AGE: '4' }).join(), /KEYBRAKE_RATES_MAX_AGE must be/);
});

test('other programs’ variables mean nothing here', () => {
  assert.deepEqual(
    faultsOf({ PATH: '/bin', STRIPE_SECRET: 'x', VAULT_URL: 'y', keybrake: '1' }),
    [],
  );
});

test('an unknown name is an error, and the nearest known one is named', () => {
  const misspelt: Record<string, SettingName> = {
    KEYBRAKE_LISTN: 'KEYBRAKE_LISTEN',
    KEYBRAKE_LISTEN_ADDRESS: 'KEYBRAKE_LISTEN',
    KEYBRAKE_SANBDOX: 'KEYBRAKE_SANDBOX',
    KEYBRAKE_STRIPE_SECRETT: 'KEYBRAKE_STRIPE_SECRET',
    KEYBRAKE_API_KEYS: 'KEYBRAKE_API_KEY',
    KEYBRAKE_DATA_DIR: 'KEYBRAKE_DATA',
  };
  for (const [wrong, right] of Object.entries(misspelt)) {
    const expected = [`${wrong} is not a setting; did you mean ${right}?`];
    assert.deepEqual(faultsOf({ [wrong]: '1' }), expected);
    assert.deepEqual(faultsOf({}, { [wrong]: '1' }), expected, 'as a flag');
  }
});

test('a name like no other is answered with all that there are', () => {
  const [fault] = faultsOf({ KEYBRAKE_CAP: '500' });
  for (const name of NAMES) assert.ok(fault!.includes(name), name);
});

test('what this version does not have yet is refused, not ignored', () => {
  const later = NAMES.filter((name) => LATER.test(SETTINGS[name].help));
  assert.ok(later.length > 0);
  for (const name of later) {
    assert.deepEqual(faultsOf({ [name]: 'anything' }), [
      `${name} is not available in this version`,
    ]);
  }
});

test('every fault is reported at once', () => {
  const faults = faultsOf({
    KEYBRAKE_LISTEN: '8787',
    KEYBRAKE_DATA: '',
    KEYBRAKE_MASTER_KEY: 'short',
    KEYBRAKE_STRIPE_BASE_URL: 'http://169.254.169.254',
    KEYBRAKE_SANDBOX: 'yes',
    KEYBRAKE_TYPO: '1',
    KEYBRAKE_RESEND_SECRET: 're_1',
    KEYBRAKE_RESEND_EMAIL_USD: '9e-4',
    KEYBRAKE_TWILIO_ACCOUNT_SID: 'AC00000000000000000000000000000000',
  });
  const named = faults.map((fault) => fault.split(' ', 1)[0]);
  assert.deepEqual(named.sort(), [
    'KEYBRAKE_DATA',
    'KEYBRAKE_LISTEN',
    'KEYBRAKE_MASTER_KEY',
    'KEYBRAKE_RESEND_EMAIL_USD',
    'KEYBRAKE_RESEND_SECRET',
    'KEYBRAKE_SANDBOX',
    'KEYBRAKE_STRIPE_BASE_URL',
    'KEYBRAKE_TWILIO_AUTH_TOKEN',
    'KEYBRAKE_TYPO',
  ]);
});

test('an account of the environment is all of its credentials, at its own address', () => {
  const twilio = {
    KEYBRAKE_TWILIO_ACCOUNT_SID: 'AC00000000000000000000000000000000',
    KEYBRAKE_TWILIO_AUTH_TOKEN: '00000000000000000000000000000000',
  };
  const read = readConfig({ ...twilio, KEYBRAKE_RESEND_SECRET: 're_0123456789abcdef' });
  assert.deepEqual(
    read.accounts.map(({ vendor, baseUrl, fields }) => [vendor, baseUrl, Object.keys(fields)]),
    [
      ['twilio', 'https://api.twilio.com', ['account_sid', 'auth_token']],
      ['resend', 'https://api.resend.com', ['secret']],
    ],
  );
  for (const name of Object.keys(twilio) as (keyof typeof twilio)[]) {
    const [other] = Object.keys(twilio).filter((each) => each !== name);
    assert.deepEqual(faultsOf({ [name]: twilio[name] }), [`${other} is required beside ${name}`]);
  }
});

test('an address is host and port and nothing else', () => {
  const read = (text: string) => readConfig({ KEYBRAKE_LISTEN: text }).listen;
  assert.deepEqual(read('0.0.0.0:80'), { host: '0.0.0.0', port: 80 });
  assert.deepEqual(read('[::1]:8787'), { host: '::1', port: 8787 });
  assert.deepEqual(read('localhost:0'), { host: 'localhost', port: 0 });
  for (const wrong of [
    '8787',
    ':8787',
    '127.0.0.1',
    '127.0.0.1:65536',
    '::1:80',
    'a b:1',
    'h:1/',
  ]) {
    assert.equal(faultsOf({ KEYBRAKE_LISTEN: wrong }).length, 1, wrong);
  }
});

test('a master key is 32 bytes in plain base64', () => {
  const bytes = Buffer.alloc(32, 7);
  const given = readConfig({ KEYBRAKE_MASTER_KEY: bytes.toString('base64') }).masterKey;
  assert.deepEqual(given, bytes);
  const wrong = [Buffer.alloc(31).toString('base64'), bytes.toString('hex'), '!'.repeat(44)];
  for (const text of wrong) assert.equal(faultsOf({ KEYBRAKE_MASTER_KEY: text }).length, 1, text);
});

test('a secret is in no error and in no print of the configuration', () => {
  const secrets = {
    KEYBRAKE_API_KEY: 'an_admin_key_of_ours_0001',
    KEYBRAKE_STRIPE_SECRET: 'sk_live_5up3rs3cr3t00000002',
  };
  const config = readConfig(secrets);
  assert.equal(config.apiKey?.reveal(), secrets.KEYBRAKE_API_KEY);
  assert.equal(config.accounts[0]?.fields.secret?.reveal(), secrets.KEYBRAKE_STRIPE_SECRET);
  const json = JSON.stringify(config, (_, value) => (typeof value === 'bigint' ? '' : value));
  const prints = [inspect(config, { depth: 9, showHidden: true }), json];
  const spoilt = Object.entries({ ...secrets, KEYBRAKE_MASTER_KEY: 'bm90IDMyIGJ5dGVz' }).map(
    ([name, text]) => faultsOf({ [name]: `${text} \n`, KEYBRAKE_TYPO: text }).join('\n'),
  );
  for (const text of [...prints, ...spoilt]) {
    assert.doesNotMatch(text, /an_admin_key|5up3rs3cr3t|bm90IDMy/);
  }
});

test('a flag wins over the environment, and neither changes what it was given', () => {
  const env = { KEYBRAKE_LISTEN: '127.0.0.1:1', KEYBRAKE_DATA: '/env' };
  const config = readConfig(env, { KEYBRAKE_LISTEN: '127.0.0.1:2' });
  assert.equal(config.listen.port, 2);
  assert.equal(config.dataDir, '/env');
  assert.equal(env.KEYBRAKE_LISTEN, '127.0.0.1:1');
  assert.ok(Object.isFrozen(config));
});

test('no setting that holds a secret may be a flag', () => {
  for (const name of NAMES) {
    if (/SECRET|_KEY$|TOKEN|_SID$/.test(name)) assert.equal(SETTINGS[name].flag, false, name);
  }
});

test('the sandbox is on, off, or left to whether a real account is known', () => {
  assert.equal(readConfig({ KEYBRAKE_SANDBOX: '1' }).sandbox, true);
  assert.equal(readConfig({ KEYBRAKE_SANDBOX: '0' }).sandbox, false);
  assert.equal(readConfig({}).sandbox, null);
});

// ---------------------------------------------------------------- docs/configuration.md

const BEGIN = '<!-- settings -->';
const END = '<!-- end of settings -->';

function table(): string {
  const rows = NAMES.map((name) => {
    const { flag, fallback, help }: { flag: boolean; fallback?: string; help: string } =
      SETTINGS[name];
    return [
      `\`${name}\``,
      flag && !LATER.test(help) ? `\`${flagOf(name)}\`` : '',
      fallback ? `\`${fallback}\`` : '',
      help,
    ];
  });
  const all = [['setting', 'flag', 'default', 'meaning'], ['---', '---', '---', '---'], ...rows];
  return all.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

test('docs/configuration.md has every setting, as the code has it', () => {
  const page = readFileSync(PAGE, 'utf8');
  const start = page.indexOf(BEGIN) + BEGIN.length;
  const end = page.indexOf(END);
  assert.ok(start > BEGIN.length && end > start, 'the page has its two markers');
  const expected = `${page.slice(0, start)}\n${table()}\n${page.slice(end)}`;
  if (process.env.UPDATE_DOCS) writeFileSync(PAGE, expected);
  else assert.equal(page, expected);
});
