/** All three vendors as one process: addresses, secrets, and the books and faults of each. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';
import { email, resendOf, sms, twilioOf } from './wire.ts';

test('as a process: each vendor has its own address, secret, books and faults', async (t) => {
  const child = spawn(
    process.execPath,
    ['src/sandbox/main.ts', '--until-stdin-ends', '--twilio-price-after-ms', '0'],
    { cwd: new URL('../..', import.meta.url), stdio: ['pipe', 'pipe', 'inherit'] },
  );
  t.after(() => child.kill('SIGKILL'));
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const printed = JSON.parse(line) as Record<string, string>;
  assert.match(printed.twilio_account_sid!, /^AC[0-9a-f]{32}$/);
  assert.match(printed.resend_secret!, /^re_/);
  const vendors = {
    twilioUrl: printed.twilio_url,
    twilioAccountSid: printed.twilio_account_sid,
    twilioAuthToken: printed.twilio_auth_token,
    resendUrl: printed.resend_url,
    resendSecret: printed.resend_secret,
  } as Sandbox;
  const control = (path: string, method = 'GET', body?: string) =>
    fetch(printed.books_url + path, { method, body: body ?? null });
  const books = async (path: string) =>
    (await (await control(path)).json()) as Record<string, unknown> & {
      totals: Record<string, Record<string, string>>;
    };

  const fault = JSON.stringify([{ do: { kind: 'status', status: 503, executes: true } }]);
  assert.equal((await control('/twilio/faults', 'PUT', fault)).status, 204);
  assert.equal((await twilioOf(vendors)('POST', '/Messages.json', sms())).status, 503);
  const twilio = await books('/twilio/books');
  assert.deepEqual([twilio.requests, twilio.executions], [1, 1]);
  assert.deepEqual(twilio.totals['billed.sms'], { count: '1', segments: '1', micros: '8300' });

  assert.equal((await control('/resend/faults', 'PUT', fault)).status, 204);
  assert.equal((await control('/resend/faults', 'DELETE')).status, 204);
  assert.equal((await resendOf(vendors)('POST', '/emails', email())).status, 200);
  assert.deepEqual((await books('/resend/books')).totals.billed, { emails: '1', recipients: '1' });
  const log = await (await control('/resend/books/requests')).text();
  assert.equal(JSON.parse(log).path, '/emails');

  assert.equal((await control('/resend/books/reset', 'POST')).status, 204);
  assert.equal((await books('/resend/books')).requests, 0);
  assert.equal((await books('/twilio/books')).requests, 1);
  assert.equal((await books('/stripe/books')).requests, 0);
  assert.deepEqual(await books('/books'), await books('/stripe/books'));
  assert.equal((await control('/twilio/payments/pi_1/succeeded', 'POST')).status, 404);
  // What a run behind the proxy can reach knows nothing of books and faults.
  assert.equal((await fetch(`${printed.twilio_url}/twilio/books`)).status, 401);

  const exit = once(child, 'exit');
  child.stdin.end();
  assert.deepEqual(await exit, [0, null]);
});

test('a port that is taken: an error, and nothing stays open', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const address = taken.address();
  assert.ok(address !== null && typeof address === 'object');
  const free = createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const { port } = free.address() as { port: number };
  free.close();
  await once(free, 'close');
  const starting = startSandbox({ port, twilioPort: address.port });
  await assert.rejects(starting, /EADDRINUSE/);
  // The fake Stripe had its port, and gave it back.
  const again = await startSandbox({ port });
  await again.close();
});
