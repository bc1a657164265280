/**
 * How a server stops: SIGTERM finishes what is under way and nothing else, and no client can hold
 * it up. The vendor keeps the calls waiting until the test has seen what it wants to see.
 */
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SERVER_LIMITS } from '../src/server.ts';
import { type HeldVendor, startHeldVendor } from './support/held-vendor.ts';
import { ownFolder, type SpawnedKeybrake, serverIn, startKeybrake } from './support/keybrake.ts';
import { auditRows, countStates, issueKey, keySpend } from './support/management.ts';
import { charging, type Run, runWith } from './support/run.ts';

/** Far above what a stop takes, and below the 75 s for which an idle connection is kept. */
const SOON = { timeout: 30_000 };

interface Scene {
  vendor: HeldVendor;
  dataDir: string;
  server: SpawnedKeybrake;
  run: Run;
  restart(): Promise<SpawnedKeybrake>;
}

async function scene(t: TestContext): Promise<Scene> {
  const vendor = await startHeldVendor(t);
  const dataDir = ownFolder(t);
  const start = () => serverIn(t, dataDir, vendor.settings);
  const server = await start();
  const key = await issueKey(server);
  return { vendor, dataDir, server, run: runWith(t, server, key), restart: start };
}

/** Sends SIGTERM and waits until the server has heard it. */
async function stopping(server: SpawnedKeybrake): Promise<void> {
  server.process.kill('SIGTERM');
  await printed(server, 'Stopping');
}

async function printed(server: SpawnedKeybrake, text: string): Promise<void> {
  while (!server.output().includes(text)) {
    assert.equal(server.process.exitCode, null, server.output());
    await sleep(5);
  }
}

/** Bytes on a connection of their own; nobody reads the answer. */
async function connection(url: string, bytes: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.resume();
  if (bytes) await new Promise((resolve) => socket.write(bytes, resolve));
  return socket;
}

function head(vaultKey: string, length: number): string {
  return [
    'POST /v1/payment_intents HTTP/1.1',
    'host: keybrake',
    `authorization: Bearer ${vaultKey}`,
    'content-type: application/x-www-form-urlencoded',
    `content-length: ${length}`,
    '\r\n',
  ].join('\r\n');
}

test(
  'SIGTERM: calls in flight are finished and settled, new ones are refused, the status is 0',
  SOON,
  async (t) => {
    const { vendor, server, run, restart } = await scene(t);
    const calls = Array.from({ length: 20 }, () => run.charge(100));
    await vendor.waiting(20);
    await stopping(server);
    await assert.rejects(runWith(t, server, run).charge(100), { code: 'ECONNREFUSED' });
    vendor.letIn();
    for (const answer of await Promise.all(calls)) assert.equal(answer.status, 200);
    assert.equal(await server.ended, 0, server.output());
    assert.equal(vendor.sandbox.stripe.requests, 20);

    const next = await restart();
    assert.doesNotMatch(next.output(), /under way/);
    const rows = await auditRows(next, { key: run.id });
    assert.deepEqual(countStates(rows), { settled: 20 });
    const { spent_usd, held_usd } = await keySpend(next, run.id);
    assert.deepEqual([spent_usd, held_usd], [20, 0]);
  },
);

test(
  'a call whose client has hung up is finished and settled before the server ends',
  SOON,
  async (t) => {
    const { vendor, server, run, restart } = await scene(t);
    const { sent, body } = run.open({ fields: charging(100) });
    sent.on('error', () => undefined);
    sent.end(body);
    await vendor.waiting(1);
    sent.destroy();
    await stopping(server);
    vendor.letIn();
    assert.equal(await server.ended, 0, server.output());
    const rows = await auditRows(await restart(), { key: run.id });
    assert.deepEqual(countStates(rows), { settled: 1 });
    assert.equal(vendor.sandbox.stripe.movedCents(), 100n);
  },
);

test(
  'a request that comes on an open connection after SIGTERM does not reach the vendor',
  SOON,
  async (t) => {
    const { vendor, server, run } = await scene(t);
    const charge = 'amount=100&currency=usd&confirm=true&payment_method=pm_card_visa';
    const request = head(run.vault_key, charge.length) + charge;
    const socket = await connection(server.url, request);
    await vendor.waiting(1);
    await stopping(server);
    socket.write(request);
    // Its answer stands behind the first one's, so only the log tells of it by now.
    await printed(server, 'ledger_unavailable');
    vendor.letIn();
    assert.equal(await server.ended, 0, server.output());
    assert.equal(vendor.sandbox.stripe.requests, 1);
  },
);

test(
  'a second SIGTERM ends the server at once, and the next one finds its calls as unknown',
  SOON,
  async (t) => {
    const { vendor, server, run, restart } = await scene(t);
    const calls = [1, 2, 3].map(() => run.charge(100).catch((error: Error) => error));
    await vendor.waiting(3);
    await stopping(server);
    server.process.kill('SIGTERM');
    assert.equal(await server.ended, 1);
    for (const answer of await Promise.all(calls)) assert.ok(answer instanceof Error);
    const next = await restart();
    await printed(next, '3 calls were under way when the last process ended');
    assert.deepEqual(countStates(await auditRows(next, { key: run.id })), { unknown: 3 });
    const { spent_usd, held_usd } = await keySpend(next, run.id);
    assert.deepEqual([spent_usd, held_usd], [0, 3]);
  },
);

test(
  'a look at a vendor that does not answer does not hold a stop up, and is made again',
  SOON,
  async (t) => {
    const { vendor, server, run, restart } = await scene(t);
    const lost = run.charge(100).catch((error: Error) => error);
    await vendor.waiting(1);
    server.process.kill('SIGKILL');
    await Promise.all([lost, server.ended]);
    const next = await restart();
    await vendor.waiting(2);
    await stopping(next);
    await assert.rejects(runWith(t, next, run).charge(100), { code: 'ECONNREFUSED' });
    assert.equal(await next.ended, 0, next.output());
    // The look that was broken off has said nothing: the next start looks at once.
    const last = await restart();
    await vendor.waiting(3);
    assert.deepEqual(countStates(await auditRows(last, { key: run.id })), { unknown: 1 });
  },
);

test(
  'connections that are idle, silent or half-way through a head do not hold a stop up',
  SOON,
  async (t) => {
    const { vendor, server, run } = await scene(t);
    const idle = runWith(t, server, run);
    assert.equal((await idle.call({ method: 'GET', path: '/vault/self' })).status, 200);
    await connection(server.url, '');
    await connection(server.url, 'POST /v1/payment_intents HTT');
    await connection(server.url, 'GET /healthz HTTP/1.1\r\nhost: x\r\n');
    // This one is busy when the signal comes, and its client would keep it for the next call.
    const busy = run.charge(100);
    await vendor.waiting(1);
    await stopping(server);
    vendor.letIn();
    const answer = await busy;
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.connection, 'close');
    assert.equal(await server.ended, 0, server.output());
  },
);

test(
  'a body that never ends holds a stop up no longer than any request may take',
  SOON,
  async (t) => {
    const serverLimits = { ...SERVER_LIMITS, headersMs: 300, requestMs: 300 };
    const keybrake = await startKeybrake({ serverLimits });
    const key = await issueKey(keybrake, { account: 'sandbox' });
    const begun = new Promise<void>((resolve) => {
      subscribe('keybrake:step', function heard(message) {
        if ((message as { step: string }).step !== 'authenticated') return;
        unsubscribe('keybrake:step', heard);
        resolve();
      });
    });
    const socket = await connection(keybrake.url, `${head(key.vault_key, 100)}amount=`);
    t.after(() => socket.destroy());
    await begun;
    await keybrake.close();
    assert.equal(keybrake.sandbox.stripe.requests, 0);
  },
);
