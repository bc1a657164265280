/** `keybrake vendors`, and how a server with a wrong description does not start. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { EXAMPLE } from '../vendors/declared.ts';
import { keybrake } from './cli.ts';

let folder: string;
const file = (name: string) => join(folder, name);
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keybrake-vendors-test-'));
  await mkdir(file('good'));
  await mkdir(file('bad'));
  await writeFile(file('good/printshop.yaml'), EXAMPLE);
  await writeFile(file('good/notes.txt'), 'no description');
  // Before its vendor by name, and read after it.
  await writeFile(file('good/a-prices.yaml'), 'prices_of: printshop\nprices: { page: 0.03 }\n');
  await mkdir(file('prices'));
  const prices = (of: string, more = '') =>
    `# ours\nprices_of: ${of}\nprices:\n  email: 0.0009\n${more}`;
  await writeFile(file('prices/a.yaml'), prices('sendgrid'));
  await writeFile(file('prices/b.yaml'), prices('sendgrid'));
  await writeFile(file('prices/c.yaml'), prices('postmark', '  stamp: 1\n'));
  await writeFile(file('prices/d.yaml'), prices('stripe'));
  const wrong = EXAMPLE.replace('body: json', 'body: xml').replace('usd: 30', 'usd: 30.0000001');
  await writeFile(file('bad/wrong.yaml'), wrong);
  await writeFile(file('bad/stripe.yaml'), EXAMPLE.replace('vendor: printshop', 'vendor: stripe'));
  await writeFile(file('bad/zz.yml'), 'vendor: [\n');
});
after(() => rm(folder, { recursive: true }));

test('a right file is shown with the class and the price of every endpoint', async () => {
  const { code, stdout, stderr } = await keybrake([
    'vendors',
    'check',
    file('good/printshop.yaml'),
  ]);
  assert.equal(code, 0, stderr);
  assert.equal(stderr, '');
  const lines = stdout.split('\n');
  assert.equal(lines[0], `printshop (${file('good/printshop.yaml')})`);
  const row = (call: string) =>
    lines
      .find((line) => line.includes(call))
      ?.trim()
      .split(/ {2,}/);
  assert.deepEqual(row('POST /v1/letters'), [
    'POST /v1/letters',
    'letters.create',
    'priced',
    'pages × page $0.04 + recipients[*] × stamp $0.85',
  ]);
  assert.deepEqual(row('/v1/parcels')?.slice(2), ['priced', '$30.00 (bounded)']);
  assert.deepEqual(row('/v1/proofs')?.at(-1), 'sheets × $0.50 for 1000 (estimated)');
  assert.deepEqual(row('/v1/vouchers')?.at(-1), 'value.amount in value.currency');
  assert.deepEqual(row('/v1/subscriptions'), [
    'POST /v1/subscriptions',
    '-',
    'unpriced',
    'by the key',
  ]);
  assert.deepEqual(row('/v1/keys'), ['/v1/keys/**', '-', 'withheld', '-']);
});

test('a wrong file is told as file:line: reason, every fault of it, and the status is 1', async () => {
  const names = ['bad/wrong.yaml', 'bad/stripe.yaml', 'bad/zz.yml', 'gone.yaml', 'good'].map(file);
  const { code, stdout, stderr } = await keybrake(['vendors', 'check', ...names]);
  assert.equal(code, 1);
  const line = (text: string) => EXAMPLE.slice(0, EXAMPLE.indexOf(text)).split('\n').length;
  const told = stdout.trimEnd().split('\n');
  assert.deepEqual(told.slice(0, 3), [
    `${names[0]}:${line('body: json')}: body must be "json" or "form"`,
    `${names[0]}:${line('usd: 30')}: endpoints[3].quote.usd must not be finer than a micro-dollar ` +
      '(six decimals); round it first',
    `${names[1]}:1: vendor stripe is there already, in Keybrake itself; name it otherwise`,
  ]);
  assert.match(told[3]!, /bad\/zz\.yml:\d: /);
  assert.equal(told.at(-2), `${names[3]}: cannot be read (it is not there)`);
  assert.equal(told.at(-1), `${names[4]}: cannot be read (it is a folder)`);
  assert.equal(stderr, `keybrake: ${told.length} faults.\n`);
});

test('the same is to be had as JSON', async () => {
  const files = [file('good/printshop.yaml'), file('bad/wrong.yaml')];
  const { code, stdout } = await keybrake(['vendors', 'check', '--json', ...files]);
  assert.equal(code, 1);
  const { data } = JSON.parse(stdout);
  assert.deepEqual(
    [data[0].vendor, data[0].faults.length, data[1].vendor, data[1].faults.length],
    ['printshop', 0, null, 2],
  );
  assert.deepEqual(data[0].endpoints[3], {
    match: 'POST /v1/parcels',
    operation: 'parcels.create',
    class: 'priced',
    costs: '$30.00 (bounded)',
  });
});

test('the list has the vendors of Keybrake, those of its files and those of the folder', async () => {
  const listed = await keybrake(['vendors', 'list', '--vendors', file('good')]);
  assert.equal(listed.code, 0, listed.stderr);
  for (const vendor of ['stripe', 'postmark', 'sendgrid', 'printshop']) {
    assert.match(listed.stdout, new RegExp(`^${vendor} `, 'm'));
  }
  assert.match(
    listed.stdout,
    /printshop +https:\/\/api\.printshop\.example +secret, shop_id +\S+\/good\/printshop\.yaml/,
  );
  const env = { KEYBRAKE_VENDORS: file('good') };
  const { stdout } = await keybrake(['vendors', 'list', '--json'], { env });
  const { data } = JSON.parse(stdout) as { data: { vendor: string; credentials: string[] }[] };
  assert.deepEqual(data.find(({ vendor }) => vendor === 'printshop')?.credentials, [
    'secret',
    'shop_id',
  ]);
  const wrong = await keybrake(['vendors', 'list', '--vendors', file('bad')]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /bad\/stripe\.yaml:1: vendor stripe is there already/);
});

test('a file of prices replaces what its vendor’s file says, and only what is there', async () => {
  const checked = await keybrake([
    'vendors',
    'check',
    file('good/a-prices.yaml'),
    file('good/printshop.yaml'),
  ]);
  assert.equal(checked.code, 0, checked.stdout);
  assert.match(checked.stdout, /pages × page \$0\.03 \+ recipients/);
  const shipped = await keybrake(['vendors', 'check', file('prices/a.yaml')]);
  assert.match(shipped.stdout, /POST \/v3\/mail\/send .* × email \$0\.0009$/m);
  const { code, stderr } = await keybrake(['vendors', 'list', '--vendors', file('prices')]);
  assert.equal(code, 2);
  assert.deepEqual(stderr.replaceAll(`${folder}/`, '').trimEnd().split('\n'), [
    'keybrake: prices/b.yaml:2: prices_of sendgrid has prices in another file too',
    'prices/c.yaml:5: prices.stamp is no price of postmark; there are email',
    'prices/d.yaml:2: prices_of must be a vendor of a file; there are postmark, sendgrid',
  ]);
});

test('with a wrong file no server starts: each fault is named with file and line, status 2', async () => {
  // Below a file, so that a server which begins to make it fails for that instead.
  const data = join(import.meta.filename, 'data');
  const { code, stdout, stderr } = await keybrake([
    ...['serve', '--vendors', file('bad'), '--data', data],
  ]);
  assert.equal(code, 2, stderr);
  assert.equal(stdout, '');
  assert.match(stderr, /^keybrake: The configuration has \d+ faults:$/m);
  assert.match(stderr, /bad\/wrong\.yaml:\d+: body must be "json" or "form"/);
  assert.match(stderr, /bad\/stripe\.yaml:1: vendor stripe is there already/);
  assert.match(stderr, /bad\/zz\.yml:\d+: /);
  const gone = await keybrake(['serve', '--vendors', file('gone'), '--data', data]);
  assert.equal(gone.code, 2);
  assert.match(gone.stderr, /KEYBRAKE_VENDORS must name a folder .*it is not there/);
});
