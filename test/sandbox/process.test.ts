/** The books' bounds, and the sandbox as a process of its own. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { failure, paying, sdk, start } from './client.ts';

test('the log keeps the newest requests, and the sums keep all of them', async (t) => {
  const { sandbox, stripe } = await start(t, { keepLog: 3, keepObjects: 4 });
  const first = await stripe.paymentIntents.create(paying(100));
  for (let i = 1; i < 20; i++) await stripe.paymentIntents.create(paying(100));
  assert.deepEqual(
    sandbox.stripe.received.map((request) => request.seq),
    [18, 19, 20],
  );
  assert.equal((await failure(stripe.paymentIntents.retrieve(first.id))).statusCode, 404);
  assert.equal(sandbox.stripe.movedCents(), 2000n);
  assert.equal(sandbox.stripe.executions, 20);
});

test('requests are logged as they came, in order, with times that never go back', async (t) => {
  const { sandbox, stripe } = await start(t);
  const before = performance.timeOrigin + performance.now();
  await Promise.all(
    [1, 2, 3, 4].map((n) =>
      stripe.paymentIntents.create(paying(100 * n), { idempotencyKey: `key-${n}` }),
    ),
  );
  const log = sandbox.stripe.received;
  const times = log.map((request) => request.at);
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
  assert.ok(times[0]! >= before);
  for (const request of log) {
    assert.equal(request.authorization, `Bearer ${sandbox.secret}`);
    assert.match(request.idempotencyKey!, /^key-\d$/);
    assert.match(request.body!, /^amount=\d00&currency=usd/);
    assert.equal(request.status, 200);
    assert.ok(request.answeredAt! >= request.at);
  }
});

test('after a reset the vendor knows nothing, not even a key', async (t) => {
  const { sandbox, stripe } = await start(t);
  const pi = await stripe.paymentIntents.create(paying(100), { idempotencyKey: 'k' });
  sandbox.stripe.reset();
  assert.equal(sandbox.stripe.movedCents(), 0n);
  assert.equal(sandbox.stripe.received.length, 0);
  const again = await stripe.paymentIntents.create(paying(100), { idempotencyKey: 'k' });
  assert.notEqual(again.id, pi.id);
});

test('a vendor with a latency answers all the same', async (t) => {
  const { sandbox, stripe } = await start(t, { latencyMs: { min: 1, max: 5 } });
  await Promise.all([1, 2, 3].map(() => stripe.paymentIntents.create(paying(100))));
  assert.equal(sandbox.stripe.movedCents(), 300n);
});

test('as a process: takes its secret from standard input, shows its books, ends with its parent', async (t) => {
  const child = spawn(
    process.execPath,
    ['src/sandbox/main.ts', '--secret-stdin', '--until-stdin-ends'],
    { cwd: new URL('../..', import.meta.url), stdio: ['pipe', 'pipe', 'inherit'] },
  );
  t.after(() => child.kill('SIGKILL'));
  child.stdin.write('sk_test_given\n');
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const { stripe_url: url, books_url: books, secret } = JSON.parse(line);
  assert.equal(secret, 'sk_test_given');
  const control = (path: string, method = 'GET', body?: string) =>
    fetch(books + path, { method, body: body ?? null });

  const stripe = sdk(url, secret);
  const faults = [{ do: { kind: 'status', status: 503, executes: true } }];
  assert.equal((await control('/faults', 'PUT', JSON.stringify(faults))).status, 204);
  assert.equal((await failure(stripe.paymentIntents.create(paying(700)))).statusCode, 503);
  const asked = await stripe.paymentIntents.create(
    paying(50, { payment_method: 'pm_card_authenticationRequired' }),
  );
  const finished = await control(`/payments/${asked.id}/succeeded`, 'POST');
  assert.equal(finished.status, 204);
  const summary = (await (await control('/books')).json()) as Record<string, unknown>;
  assert.equal(summary.moved_cents, '750');
  assert.equal(summary.requests, 2);
  const log = (await (await control('/books/requests')).text()).trimEnd().split('\n');
  assert.equal(JSON.parse(log[0]!).fault, 'status');
  assert.equal(JSON.parse(log[0]!).executed, true);
  const unknown = await control('/faults', 'PUT', '[{"do":{"kind":"nonsense"}}]');
  assert.equal(unknown.status, 400);
  assert.equal((await control('/books/reset', 'POST')).status, 204);
  assert.equal(await (await control('/books/requests')).text(), '');
  // What a run behind the proxy can reach knows nothing of books and faults.
  assert.equal((await fetch(`${url}/books`)).status, 401);

  const exit = once(child, 'exit');
  child.stdin.end();
  assert.deepEqual(await exit, [0, null]);
});
