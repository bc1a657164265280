/**
 * A client may hang up at any point of its call. Before its request is whole nothing has happened;
 * after it the call is finished and settled all the same, and the next one finds everything in order.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { assertAgreement } from '../support/agreement.ts';
import type { Keybrake } from '../support/keybrake.ts';
import { auditRows, revokeKey } from '../support/management.ts';
import { type Run, startRun } from '../support/run.ts';
import { spendOf, start } from '../support/scene.ts';

const BODY = 'amount=2900&currency=usd&confirm=true&payment_method=pm_card_visa';

function headOf(run: Run, length = BODY.length): string {
  return (
    'POST /v1/payment_intents HTTP/1.1\r\nHost: keybrake\r\nIdempotency-Key: order-1\r\n' +
    `Authorization: Bearer ${run.vault_key}\r\nContent-Length: ${length}\r\n` +
    'Content-Type: application/x-www-form-urlencoded\r\n\r\n'
  );
}

async function dial(t: TestContext, keybrake: Keybrake): Promise<Socket> {
  const socket = connect(Number(new URL(keybrake.url).port), '127.0.0.1');
  t.after(() => socket.destroy());
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Writes, and waits until the bytes have left this process. */
function write(socket: Socket, text: string): Promise<void> {
  return new Promise((resolve) => socket.write(text, () => resolve()));
}

/** Ends the connection in the middle of things: in order, or with a reset. */
async function hangUp(socket: Socket, reset: boolean): Promise<void> {
  if (reset) socket.resetAndDestroy();
  else socket.destroy();
  await once(socket, 'close');
}

/** Waits until the run's first call has ended. */
async function settled(keybrake: Keybrake, run: Run): Promise<void> {
  for (;;) {
    const rows = await auditRows(keybrake, { key: run.id });
    if (rows[0] && rows[0].http_status !== null) return;
    await nextTurn();
  }
}

for (const reset of [false, true]) {
  const how = reset ? 'resets' : 'hangs up';

  for (const [when, bytes] of [
    ['before a byte', () => ''],
    ['in the midst of its headers', (run: Run) => headOf(run).slice(0, 120)],
    ['after its headers', (run: Run) => headOf(run)],
    ['in the midst of its body', (run: Run) => headOf(run) + BODY.slice(0, 20)],
  ] as const) {
    test(`a client that ${how} ${when}: no row, no money, nothing at the vendor`, async (t) => {
      const keybrake = await start(t);
      const run = await startRun(t, keybrake);
      const socket = await dial(t, keybrake);
      await write(socket, bytes(run));
      await hangUp(socket, reset);
      const after = await run.charge(100);
      assert.equal(after.status, 200);
      assert.equal(keybrake.sandbox.stripe.requests, 1);
      const { rows } = await assertAgreement(keybrake, [run.id]);
      assert.equal(rows.length, 1);
      assert.doesNotMatch(keybrake.logged(), /"level":[56]0/);
    });
  }

  test(`a client that ${how} while the vendor works: the call is finished and a retry is told`, async (t) => {
    const keybrake = await start(t);
    const run = await startRun(t, keybrake);
    const fault = keybrake.sandbox.faults.next({ do: { kind: 'delay', delayMs: 100 } });
    const socket = await dial(t, keybrake);
    await write(socket, headOf(run) + BODY);
    while (fault.hits === 0) await nextTurn();
    await hangUp(socket, reset);
    await settled(keybrake, run);
    assert.deepEqual(await spendOf(keybrake, run.id), [29, 0]);
    const retry = await run.charge(2_900, { idempotencyKey: 'order-1' });
    assert.equal(retry.status, 200);
    assert.equal(retry.headers['x-keybrake-replayed'], 'true');
    assert.equal(keybrake.sandbox.stripe.requests, 1);
    await assertAgreement(keybrake, [run.id]);
    assert.doesNotMatch(keybrake.logged(), /"level":[56]0/);
  });

  test(`a client that ${how} while its reply is written: the call was settled before`, async (t) => {
    const keybrake = await start(t);
    const run = await startRun(t, keybrake);
    for (let n = 0; n < 20; n++) await run.charge(100);
    const socket = await dial(t, keybrake);
    // A list of some 30 KB, of which the client takes the first bytes.
    const list = headOf(run, 0)
      .replace('POST /v1/payment_intents', 'GET /v1/payment_intents?limit=100')
      .replace('Content-Length: 0\r\n', '');
    await write(socket, list + headOf(run) + BODY);
    await once(socket, 'data');
    await hangUp(socket, reset);
    const retry = await run.charge(2_900, { idempotencyKey: 'order-1' });
    assert.equal(retry.status, 200);
    assert.equal(keybrake.sandbox.stripe.movedCents(), 4_900n);
    await assertAgreement(keybrake, [run.id]);
    assert.doesNotMatch(keybrake.logged(), /"level":[56]0/);
  });
}

test('twenty clients hang up while they wait for one execution: it is one, and it is settled', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake);
  const fault = keybrake.sandbox.faults.next({ do: { kind: 'delay', delayMs: 150 } });
  const sockets = await Promise.all(Array.from({ length: 20 }, () => dial(t, keybrake)));
  await Promise.all(sockets.map((socket) => write(socket, headOf(run) + BODY)));
  while (fault.hits === 0) await nextTurn();
  await Promise.all(sockets.map((socket, n) => hangUp(socket, n % 2 === 0)));
  await settled(keybrake, run);
  const retry = await run.charge(2_900, { idempotencyKey: 'order-1' });
  assert.equal(retry.headers['x-keybrake-replayed'], 'true');
  assert.equal(keybrake.sandbox.stripe.requests, 1);
  const { spent } = await assertAgreement(keybrake, [run.id]);
  assert.equal(spent, 29_000_000n);
});

test('a client that goes on too slowly is turned away, and no call is made of it', async (t) => {
  const serverLimits = { headerBytes: 16_384, headersMs: 200, requestMs: 300, keepAliveMs: 5_000 };
  const keybrake = await start(t, { serverLimits });
  const run = await startRun(t, keybrake);
  for (const bytes of [headOf(run).slice(0, 100), headOf(run) + BODY.slice(0, 20)]) {
    const socket = await dial(t, keybrake);
    await write(socket, bytes);
    const answer = Buffer.concat(await socket.toArray()).toString();
    assert.match(answer, /^HTTP\/1\.1 408 /);
    assert.match(answer, /"error":\{/);
  }
  assert.equal(keybrake.sandbox.stripe.requests, 0);
  assert.deepEqual(await auditRows(keybrake, { key: run.id }), []);
  assert.equal((await run.charge(100)).status, 200);
});

test('a key that is revoked while its client still sends the body is refused', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake);
  assert.equal((await run.charge(100)).status, 200);
  const socket = await dial(t, keybrake);
  await write(socket, headOf(run) + BODY.slice(0, 20));
  await revokeKey(keybrake, run.id);
  await write(socket, BODY.slice(20));
  const [answer] = (await once(socket, 'data')) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1\.1 401 /);
  assert.equal(keybrake.sandbox.stripe.requests, 1);
  await assertAgreement(keybrake, [run.id]);
});
