/**
 * What the engineer at 2 a.m. does with calls that nobody knows the end of, and with a run in shadow
 * mode: on the command line, against a real server and a vendor that hangs up.
 */
import assert from 'node:assert/strict';
import { type AddressInfo, createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { type RunningServer, startServer } from './cli.ts';

const MAIL = JSON.stringify({
  from: { email: 'a@example.com' },
  subject: 'Hello',
  personalizations: [{ to: [{ email: 'b@example.com' }] }],
  content: [{ type: 'text/plain', value: 'Hello' }],
});

let server: RunningServer;
/** Takes every request and ends the connection instead of answering. */
const vendor = createServer((socket) => {
  socket.on('data', () => socket.destroy());
  socket.on('error', () => undefined);
});

before(async () => {
  await new Promise<void>((resolve) => vendor.listen(0, '127.0.0.1', resolve));
  server = await startServer();
  const url = `http://127.0.0.1:${(vendor.address() as AddressInfo).port}`;
  const stored = await server.cli(['accounts', 'add', 'sendgrid', '--base-url', url], {
    input: `SG.${'x'.repeat(22)}.${'y'.repeat(43)}\n`,
  });
  assert.equal(stored.code, 0, stored.stderr);
});

after(async () => {
  await server.remove();
  vendor.close();
});

/** Sends a mail that is never answered; returns the call's id. */
async function lose(label: string): Promise<string> {
  const key = await server.cli([
    ...['keys', 'issue', '--vendor', 'sendgrid', '--label', label, '--total-usd-cap', '1', '-q'],
  ]);
  assert.equal(key.code, 0, key.stderr);
  const reply = await fetch(`${server.url}/sendgrid/v3/mail/send`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key.stdout.trim()}`, 'content-type': 'application/json' },
    body: MAIL,
  });
  assert.equal(reply.status, 504, await reply.text());
  return reply.headers.get('x-keybrake-call-id')!;
}

test('an unresolved call is listed with its age, its money and why; settling it takes it off the list', async () => {
  const id = await lose('mails/1');
  const list = await server.cli(['calls', 'unresolved', '--label', 'mails/1']);
  assert.equal(list.code, 0, list.stderr);
  const [title, row] = list.stdout.split('\n');
  assert.match(title!, /^CALL +AGE +LABEL +CALL TO +HELD +VENDOR ID +WHY NOT RESOLVED/);
  assert.match(row!, new RegExp(`^${id} .* mails/1 +sendgrid .*\\$0\\.0`));
  const doctor = await server.cli(['doctor']);
  assert.match(doctor.stdout, /^warn +unresolved +1 call whose outcome nobody could find out/m);
  const settled = await server.cli([
    ...['calls', 'settle', id, '--cost-usd', '0.0004', '--reason', 'in the activity feed'],
  ]);
  assert.equal(settled.code, 0, settled.stderr);
  assert.equal(settled.stdout, `settled ${id}: it cost $0.0004\n`);
  const empty = await server.cli(['calls', 'unresolved']);
  assert.equal(empty.stdout, '');
  assert.match(empty.stderr, /No call is left that needs you/);
});

test('a released call gives its money back, and neither can be said twice or without a reason', async () => {
  const id = await lose('mails/2');
  const bare = await server.cli(['calls', 'release', id]);
  assert.equal(bare.code, 2);
  assert.match(bare.stderr, /--reason/);
  const released = await server.cli(['calls', 'release', id, '--reason', 'not in the feed']);
  assert.equal(released.code, 0, released.stderr);
  assert.match(released.stdout, new RegExp(`^released ${id}: \\$[0-9.]+ came back\\n$`));
  const again = await server.cli(['calls', 'settle', id, '--reason', 'it was there']);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /the call is released; only one that is open can be resolved/);
  const none = await server.cli(['calls', 'settle', 'call_0000000000000', '--reason', 'x']);
  assert.equal(none.code, 1);
  const amount = await server.cli([
    ...['calls', 'settle', id, '--cost-usd', '1e-3', '--reason', 'x'],
  ]);
  assert.equal(amount.code, 2);
  assert.match(amount.stderr, /--cost-usd must be a plain number/);
});

test('settling for more than was held says so, and `calls show` has the reason', async () => {
  const id = await lose('mails/3');
  const settled = await server.cli([
    ...['calls', 'settle', id, '--cost-usd', '0.5', '--reason', 'on the invoice'],
  ]);
  assert.equal(settled.code, 0, settled.stderr);
  assert.match(settled.stderr, /^That is more than the \$0\.0\d+ that was held/);
  const { stdout } = await server.cli(['calls', 'show', id]);
  assert.match(stdout, /^ {2}cost_usd +\$0\.50$/m);
  assert.match(stdout, /^ {2}resolved_by +apikey_\w+$/m);
  assert.match(stdout, /^ {2}resolution +on the invoice$/m);
});

test('the shadow report says what would have been refused, and for how much', async () => {
  const key = await server.cli([
    ...['keys', 'issue', '--vendor', 'stripe', '--account', 'sandbox', '--label', 'trial/1'],
    ...['--total-usd-cap', '20', '--mode', 'shadow', '-q'],
  ]);
  for (let n = 0; n < 3; n++) {
    const paid = await fetch(`${server.url}/v1/payment_intents`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key.stdout.trim()}` },
      body: new URLSearchParams({
        ...{ amount: '900', currency: 'usd', confirm: 'true', payment_method: 'pm_card_visa' },
      }),
    });
    assert.equal(paid.status, 200, await paid.text());
  }
  const report = await server.cli(['calls', 'shadow-report', '--label', 'trial/1']);
  assert.equal(report.code, 0, report.stderr);
  assert.match(report.stdout, /^cap_exceeded +payment_intents\.create +1 +\$9\.00 +call_\w{13}$/m);
  assert.match(
    report.stderr,
    /^1 call for \$9\.00 would have been refused, 2 calls for \$18\.00 let through\.$/m,
  );
});

test('an account of several secrets takes each from a line of its own, and no more', async () => {
  const add = (input: string) =>
    server.cli(['accounts', 'add', 'stripe', '--account', 'x'], { input });
  const two = await add(`sk_${'test'}_51HabcDEFghiJKLmno\nsecond\n`);
  assert.equal(two.code, 2);
  assert.match(two.stderr, /more lines than secret of stripe\/x/);
  const nobody = await server.cli(['accounts', 'add', 'nobody'], { input: 'x\n' });
  assert.equal(nobody.code, 1);
  assert.match(nobody.stderr, /no vendor that the server knows: .*stripe.*sendgrid/);
});
