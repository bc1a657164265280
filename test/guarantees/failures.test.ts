/**
 * Whatever the vendor does to a call, the process lives, the client is told what is known, and the
 * hold ends where it must: given back on proof that no money moved, settled when the cost is known,
 * kept when nobody knows.
 */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import {
  type AddressInfo,
  createServer as createSocketServer,
  type Server,
  type Socket,
} from 'node:net';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { Fault } from '../../src/sandbox/faults.ts';
import { startSandbox } from '../../src/sandbox/server.ts';
import { assertAgreement } from '../support/agreement.ts';
import type { Keybrake } from '../support/keybrake.ts';
import { type Answer, type CallOptions, charging, startRun } from '../support/run.ts';
import { assertRefused, spendOf, start } from '../support/scene.ts';

const LIMITS = { connectMs: 1_000, waitMs: 5_000, replyMs: 400, replyBytes: 64 * 1024 };
const CENTS = 2_900;

/** What the client must be told, how the row must end, and what the vendor must have moved. */
interface Expected {
  status: number;
  /** Keybrake's own code; null: the vendor's reply was passed on. */
  code: 'outcome_unknown' | null;
  state: 'settled' | 'unknown';
  moved: boolean;
  /** What a retry with the same key is answered; default 200. */
  retry?: number;
}

const LOST = { status: 504, code: 'outcome_unknown', state: 'unknown' } as const;
const PAID: Expected = { status: 200, code: null, state: 'settled', moved: true };
const UNREADABLE: Expected = { status: 200, code: null, state: 'unknown', moved: true };

const failing = (status: number, moved: boolean): Expected => ({
  ...{ status, code: null, state: 'unknown', moved },
});

const FAULTS: [what: string, fault: Fault, expected: Expected][] = [
  ['hangs up before it carries out', { kind: 'hangup', at: 'before' }, { ...LOST, moved: false }],
  ['resets before it', { kind: 'hangup', at: 'before', reset: true }, { ...LOST, moved: false }],
  ['hangs up after it has carried out', { kind: 'hangup', at: 'after' }, { ...LOST, moved: true }],
  ['resets after it', { kind: 'hangup', at: 'after', reset: true }, { ...LOST, moved: true }],
  [
    'hangs up half-way through its reply',
    { kind: 'hangup', at: 'midway' },
    { ...LOST, moved: true },
  ],
  ['stalls before it carries out', { kind: 'stall', at: 'before' }, { ...LOST, moved: false }],
  ['stalls after it has carried out', { kind: 'stall', at: 'after' }, { ...LOST, moved: true }],
  ['answers too slowly', { kind: 'slowBody', bytes: 8, everyMs: 50 }, { ...LOST, moved: true }],
  ['answers slowly', { kind: 'slowBody', bytes: 512, everyMs: 5 }, PAID],
  ['takes its time', { kind: 'delay', delayMs: 50 }, PAID],
  ['answers text', { kind: 'garbage', as: 'text' }, UNREADABLE],
  ['answers JSON of another shape', { kind: 'garbage', as: 'wrong_type' }, UNREADABLE],
  ['answers nothing at all', { kind: 'garbage', as: 'empty' }, UNREADABLE],
  ['answers what is no HTTP', { kind: 'garbage', as: 'broken_http' }, { ...LOST, moved: true }],
  ['promises a terabyte', { kind: 'garbage', as: 'absurd_length' }, { ...LOST, moved: true }],
  ['sends a header of 256 KiB', { kind: 'garbage', as: 'huge_header' }, { ...LOST, moved: true }],
  ['answers 500 before', { kind: 'status', status: 500 }, failing(500, false)],
  ['answers 502 after', { kind: 'status', status: 502, executes: true }, failing(502, true)],
  ['answers 503 before', { kind: 'status', status: 503 }, failing(503, false)],
  [
    'breaks after the money moved, and says so again',
    { kind: 'status', status: 500, executes: true, stored: true },
    { ...failing(500, true), retry: 500 },
  ],
  [
    'breaks before, and says so again',
    { kind: 'status', status: 500, stored: true },
    { ...failing(500, false), retry: 500 },
  ],
  ['answers gzip that nobody asked for', { kind: 'gzip' }, PAID],
  ['sets cookies', { kind: 'headers', headers: { 'set-cookie': ['a=1', 'b=2'] } }, PAID],
];

async function strike(
  t: TestContext,
  keybrake: Keybrake,
  withKey: boolean,
  row: (typeof FAULTS)[0],
) {
  const [, fault, expected] = row;
  const { stripe, faults } = keybrake.sandbox;
  stripe.reset();
  faults.clear();
  const run = await startRun(t, keybrake);
  const handle = faults.next({ do: fault });
  const options = withKey ? { idempotencyKey: 'order-1' } : {};

  const answer = await run.charge(CENTS, options);
  assert.equal(handle.hits, 1);
  assert.equal(answer.status, expected.status, answer.body.toString());
  assert.equal(answer.headers['x-keybrake-reason'] ?? null, expected.code);
  if (expected.code !== null) assertRefused(answer, expected.status, expected.code);
  assert.equal(answer.headers['x-keybrake-cost-usd'], '29.00');
  assert.equal(answer.headers['x-keybrake-remaining-usd'], '71.00');
  assert.equal(answer.headers['set-cookie'], undefined);
  assert.equal(stripe.movedCents(), expected.moved ? BigInt(CENTS) : 0n);
  const known = expected.state === 'settled';
  assert.deepEqual(await spendOf(keybrake, run.id), known ? [29, 0] : [0, 29]);
  const { rows } = await assertAgreement(keybrake, [run.id], { unknown: !known });
  assert.equal(rows[0]!.state, expected.state);
  assert.equal(rows[0]!.http_status, expected.status);

  assert.equal((await run.charge(100)).status, 200, 'a following call does not go through');
  const retry = await run.charge(CENTS, options);
  assert.equal(retry.status, withKey ? (expected.retry ?? 200) : 200);
  const resolved = known || (withKey && expected.retry === undefined);
  const executions = withKey ? 2 : expected.moved || expected.retry ? 3 : 2;
  assert.equal(stripe.executions, executions);
  const { held } = await assertAgreement(keybrake, [run.id], { unknown: !resolved });
  assert.equal(held, resolved ? 0n : 29_000_000n);
  return answer;
}

for (const withKey of [true, false]) {
  const kind = withKey ? 'with an idempotency key' : 'without an idempotency key';
  test(`a call ${kind}, whatever the vendor does`, async (t) => {
    const keybrake = await start(t, { upstreamLimits: LIMITS });
    for (const row of FAULTS) {
      await t.test(`the vendor ${row[0]}`, async (t) => {
        await strike(t, keybrake, withKey, row);
      });
    }
  });
}

test('a compressed reply reaches the client as it came', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake);
  keybrake.sandbox.faults.next({ do: { kind: 'gzip' } });
  const answer = await run.charge(CENTS);
  assert.equal(answer.headers['content-encoding'], 'gzip');
  assert.equal(JSON.parse(gunzipSync(answer.body).toString()).status, 'succeeded');
});

test("the vendor's words about Keybrake or the connection do not reach the client", async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake);
  const headers = {
    'X-Keybrake-Cost-Usd': '0.00',
    'X-Keybrake-Cap-Hit': 'true',
    'Proxy-Authenticate': 'Basic',
    'X-Kept': 'yes',
  };
  keybrake.sandbox.faults.next({ do: { kind: 'headers', headers } });
  const answer = await run.charge(CENTS);
  assert.equal(answer.headers['x-keybrake-cost-usd'], '29.00');
  assert.equal(answer.headers['x-keybrake-cap-hit'], undefined);
  assert.equal(answer.headers['proxy-authenticate'], undefined);
  assert.equal(answer.headers['x-kept'], 'yes');
});

test('a redirect is passed on and not followed: the secret goes nowhere else', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake);
  let visits = 0;
  const elsewhere = await listening(
    t,
    createServer((_, response) => {
      visits++;
      response.end();
    }),
  );
  const location = `http://127.0.0.1:${elsewhere}/v1/payment_intents`;
  for (const status of [301, 302, 303, 307, 308]) {
    keybrake.sandbox.faults.next({ do: { kind: 'redirect', location, status } });
    const answer = await run.charge(100);
    assert.equal(answer.status, status);
    assert.equal(answer.headers.location, location);
  }
  assert.equal(visits, 0);
  // A redirect proves nothing about the money.
  assert.deepEqual(await spendOf(keybrake, run.id), [0, 5]);
  await assertAgreement(keybrake, [run.id], { unknown: true });
});

test('a reply over the limit is cut off and its outcome is not known', async (t) => {
  const keybrake = await start(t, { upstreamLimits: { ...LIMITS, replyBytes: 500 } });
  const run = await startRun(t, keybrake);
  assertRefused(await run.charge(CENTS), 504, 'outcome_unknown');
  assert.deepEqual(await spendOf(keybrake, run.id), [0, 29]);
  await assertAgreement(keybrake, [run.id], { unknown: true });
});

test('a lost reply to a read holds nothing', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake);
  keybrake.sandbox.faults.next({ do: { kind: 'hangup', at: 'after' } });
  const answer = await run.call({ method: 'GET', path: '/v1/balance' });
  assertRefused(answer, 504, 'outcome_unknown');
  assert.equal(answer.headers['x-keybrake-cost-usd'], '0.00');
  assert.match(toldIn(answer), /nothing stays counted\.$/);
  const { rows, held } = await assertAgreement(keybrake, [run.id]);
  assert.equal(held, 0n);
  assert.equal(rows[0]!.state, 'released');
});

function toldIn(answer: Answer): string {
  return (answer.json.error as { message: string }).message;
}

function remedyIn(answer: Answer): string {
  return (answer.json.error as { vault: { remedy: string } }).vault.remedy;
}

test('a lost reply tells whether a retry is safe: only with an idempotency key of its own', async (t) => {
  const keybrake = await start(t);
  const run = await startRun(t, keybrake);
  const lose = (options: CallOptions) => {
    keybrake.sandbox.faults.next({ do: { kind: 'hangup', at: 'after' } });
    return run.call({ fields: charging(CENTS), ...options });
  };
  const known = await lose({ idempotencyKey: 'order-1' });
  assert.equal(known.headers['stripe-should-retry'], undefined);
  assert.match(remedyIn(known), /^Retry with the same idempotency key/);
  assert.match(
    toldIn(known),
    /amount stays counted .* same Idempotency-Key, or by the next attempt of its task, is safe\.$/,
  );
  const unsafe = await lose({});
  assert.equal(unsafe.headers['stripe-should-retry'], 'false');
  assert.match(remedyIn(unsafe), /^Look at the vendor/);
  assert.match(toldIn(unsafe), /amount stays counted .* a retry would be a new call/);
  const free = toldIn(await lose({ path: '/v1/customers', fields: { name: 'Jenny' } }));
  assert.match(free, /nothing stays counted\. .* a retry would be a new call/);
});

/** The port on which a server of this test listens; it and its connections end with the test. */
async function listening(t: TestContext, server: Server): Promise<number> {
  const open = new Set<Socket>();
  server.on('connection', (socket) => open.add(socket));
  t.after(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** A port where nobody listens. */
async function closedPort(): Promise<number> {
  const server = createSocketServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const UNREACHABLE: [what: string, baseUrl: (t: TestContext) => Promise<string>][] = [
  ['refuses connections', async () => `http://127.0.0.1:${await closedPort()}`],
  [
    'speaks no TLS',
    async (t) => {
      const plain = await startSandbox();
      t.after(() => plain.close());
      return plain.stripeUrl.replace('http:', 'https:');
    },
  ],
  [
    'never ends the TLS handshake',
    async (t) => {
      const sockets = createSocketServer((socket) => socket.on('error', () => {}).resume());
      return `https://127.0.0.1:${await listening(t, sockets)}`;
    },
  ],
  ['has no address', async () => 'https://api.vendor.invalid'],
];

for (const [what, baseUrl] of UNREACHABLE) {
  test(`a vendor that ${what}: nothing was sent, nothing is counted, the key stays free`, async (t) => {
    const settings = {
      KEYBRAKE_STRIPE_SECRET: 'sk_test_0123456789abcdef',
      KEYBRAKE_STRIPE_BASE_URL: await baseUrl(t),
    };
    const keybrake = await start(t, { settings, upstreamLimits: { ...LIMITS, connectMs: 300 } });
    const run = await startRun(t, keybrake, { account: 'default' });
    const answers: Answer[] = [];
    for (const options of [{ idempotencyKey: 'order-1' }, { idempotencyKey: 'order-1' }, {}]) {
      answers.push(await run.charge(CENTS, options));
    }
    for (const answer of answers) {
      assertRefused(answer, 502, 'vendor_unreachable');
      assert.equal(answer.headers['x-keybrake-cost-usd'], '0.00');
      assert.equal(answer.headers['x-keybrake-remaining-usd'], '100.00');
    }
    assert.deepEqual(await spendOf(keybrake, run.id), [0, 0]);
    const { rows } = await assertAgreement(keybrake, [run.id]);
    assert.deepEqual(
      rows.map(({ state, upstream_ms, http_status }) => [state, upstream_ms, http_status]),
      Array.from({ length: 3 }, () => ['released', null, 502]),
    );
    const other = await startRun(t, keybrake, { account: 'sandbox' });
    assert.equal((await other.charge(CENTS)).status, 200);
  });
}

test('a vendor that comes back is reached by the same key', async (t) => {
  const port = await closedPort();
  const secret = 'sk_test_0123456789abcdef';
  const settings = {
    KEYBRAKE_STRIPE_SECRET: secret,
    KEYBRAKE_STRIPE_BASE_URL: `http://127.0.0.1:${port}`,
  };
  const keybrake = await start(t, { settings, upstreamLimits: LIMITS });
  const run = await startRun(t, keybrake, { account: 'default' });
  const options = { idempotencyKey: 'order-1' };
  assertRefused(await run.charge(CENTS, options), 502, 'vendor_unreachable');
  const vendor = await startSandbox({ port, secret });
  t.after(() => vendor.close());
  assert.equal((await run.charge(CENTS, options)).status, 200);
  await assertAgreement({ ...keybrake, sandbox: vendor }, [run.id]);
});

test('a path in the configured address stands in front of every call', async (t) => {
  const vendor = await startSandbox();
  t.after(() => vendor.close());
  const settings = {
    KEYBRAKE_STRIPE_SECRET: vendor.secret,
    KEYBRAKE_STRIPE_BASE_URL: `${vendor.stripeUrl}/mock/`,
  };
  const keybrake = await start(t, { settings });
  const run = await startRun(t, keybrake, { account: 'default' });
  assert.equal((await run.charge(CENTS)).status, 404); // the sandbox knows no such path
  assert.equal(vendor.stripe.received[0]!.path, '/mock/v1/payment_intents');
});

test('a call that finds no free connection in time is not sent, and counts nothing', async (t) => {
  const upstreamLimits = { ...LIMITS, waitMs: 300, replyMs: 3_000 };
  const keybrake = await start(t, { upstreamLimits });
  keybrake.sandbox.faults.next({ count: 'always', do: { kind: 'stall', at: 'before' } });
  const run = await startRun(t, keybrake, { total_usd_cap: 100_000 });
  const answers = await Promise.all(Array.from({ length: 260 }, () => run.charge(CENTS)));
  const codes = answers.map(({ headers }) => headers['x-keybrake-reason']);
  assert.equal(codes.filter((code) => code === 'vendor_unreachable').length, 4);
  assert.equal(codes.filter((code) => code === 'outcome_unknown').length, 256);
  assert.equal(keybrake.sandbox.stripe.requests, 256, 'one for each connection');
  assert.deepEqual(await spendOf(keybrake, run.id), [0, 256 * 29]);
});
