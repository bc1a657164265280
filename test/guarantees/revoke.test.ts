/**
 * When a revoke has been answered, no call under that key starts; other keys notice nothing. The
 * vendor stamps each request as its headers arrive, on this process's one monotonic clock: what it
 * was sent after the answer must be named in the answer itself, as in flight.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { seededRandom } from '../../src/sandbox/faults.ts';
import { assertAgreement, ownKeyOf, upstreamKeyOf } from '../support/agreement.ts';
import { type Keybrake, ownFolder, startKeybrake } from '../support/keybrake.ts';
import {
  type AuditRow,
  changeKey,
  countStates,
  giveUpKey,
  postRevocation,
  revokeKey,
} from '../support/management.ts';
import { type Answer, type Run, runWith, startRun } from '../support/run.ts';
import { assertRefused, spendOf, start, startAt } from '../support/scene.ts';

const CALLERS = 200;
const OTHERS = 50;
const RICH = { total_usd_cap: 1_000_000 };

const monotonic = () => performance.timeOrigin + performance.now();

interface Way {
  name: string;
  /** Issues the keys that are to end, with labels that begin with `label`. */
  begin(t: TestContext, keybrake: Keybrake, label: string): Promise<Doomed>;
  status: number;
  code: string;
}

interface Doomed {
  runs: Run[];
  /** Ends them; returns the calls in flight, as answered. */
  end(): Promise<string[]>;
}

const labelled = (label: string) => ({ ...RICH, agent_run_label: label });
const revoked = { status: 401, code: 'key_revoked' };

const WAYS: Way[] = [
  {
    ...revoked,
    name: 'DELETE of a key',
    async begin(t, keybrake, label) {
      const run = await startRun(t, keybrake, labelled(label));
      return { runs: [run], end: () => revokeKey(keybrake, run.id) };
    },
  },
  {
    ...revoked,
    name: 'DELETE of the parent of a key',
    async begin(t, keybrake, label) {
      const parent = await startRun(t, keybrake, labelled(label));
      const child = await startRun(t, keybrake, { ...labelled(label), parent: parent.id });
      return { runs: [child], end: () => revokeKey(keybrake, parent.id) };
    },
  },
  {
    ...revoked,
    name: 'DELETE of a key by the run itself',
    async begin(t, keybrake, label) {
      const run = await startRun(t, keybrake, labelled(label));
      return { runs: [run], end: () => giveUpKey(keybrake, run.vault_key) };
    },
  },
  {
    ...revoked,
    name: 'a revocation of a label prefix',
    async begin(t, keybrake, label) {
      const runs = await Promise.all(
        ['x', 'y'].map((name) => startRun(t, keybrake, labelled(`${label}/${name}`))),
      );
      const end = () => postRevocation(keybrake, { label_prefix: `${label}/` });
      return { runs, end: async () => (await end()).in_flight };
    },
  },
];

const never = () => false;

/** Calls one after another until one is refused or `enough` says so; the last answer. */
async function hammer(run: Run, enough: () => boolean, answered?: () => void): Promise<Answer> {
  for (;;) {
    const answer = await run.charge(100);
    answered?.();
    if (answer.status !== 200 || enough()) return answer;
  }
}

/** The rows whose requests the vendor was sent after `instant`. */
function sentAfter(keybrake: Keybrake, instant: number, rows: readonly AuditRow[]): string[] {
  const byKey = new Map(rows.map((row) => [upstreamKeyOf(row), row.id]));
  const late: string[] = [];
  for (const request of keybrake.sandbox.stripe.received) {
    const row = byKey.get(ownKeyOf(request));
    if (row !== undefined && request.at > instant) late.push(row);
  }
  return late;
}

/** One burst, ended at an instant that the seed chooses. */
async function round(t: TestContext, keybrake: Keybrake, way: Way, seed: number): Promise<void> {
  keybrake.sandbox.stripe.reset();
  const label = `burst-${seed}`;
  const { runs, end } = await way.begin(t, keybrake, label);
  const other = await startRun(t, keybrake, labelled(`${label}-other`));
  const endAfter = 1 + Math.floor(seededRandom(seed)() * 400);
  let answers = 0;
  let ended: Promise<{ inFlight: string[]; at: number }> | undefined;
  let over = false;
  const countAnswer = () => {
    if (++answers < endAfter) return;
    ended ??= end().then((inFlight) => ({ inFlight, at: monotonic() }));
  };
  const others = Promise.all(Array.from({ length: OTHERS }, () => hammer(other, () => over)));
  const last = await Promise.all(
    Array.from({ length: CALLERS }, (_, n) => hammer(runs[n % runs.length]!, never, countAnswer)),
  );
  over = true;
  for (const answer of last) assertRefused(answer, way.status, way.code);
  for (const answer of await others) assert.equal(answer.status, 200, answer.body.toString());

  const { inFlight, at } = await ended!;
  const { rows, held } = await assertAgreement(
    keybrake,
    [...runs, other].map(({ id }) => id),
  );
  assert.equal(held, 0n);
  const theirs = rows.filter((row) => row.vault_key_id !== other.id);
  for (const id of sentAfter(keybrake, at, theirs)) {
    assert.ok(inFlight.includes(id), `seed ${seed}: ${id} reached the vendor after the answer`);
  }
}

for (const way of WAYS) {
  test(`after ${way.name} is answered nothing reaches the vendor, and others go on`, async (t) => {
    const keybrake = await start(t, { sandbox: { latencyMs: { min: 0, max: 8 }, latencySeed: 3 } });
    for (const seed of [11, 12, 13]) await round(t, keybrake, way, seed);
  });
}

test('a freeze stops every key of the vendor at once, and unfrozen they go on', async (t) => {
  const keybrake = await start(t, { sandbox: { latencyMs: { min: 0, max: 8 }, latencySeed: 4 } });
  const runs = await Promise.all([1, 2].map((n) => startRun(t, keybrake, labelled(`run-${n}`))));
  for (const seed of [21, 22]) {
    const freezeAfter = 1 + Math.floor(seededRandom(seed)() * 400);
    let answers = 0;
    let frozen: Promise<{ inFlight: string[]; at: number }> | undefined;
    const countAnswer = () => {
      if (++answers < freezeAfter) return;
      frozen ??= postRevocation(keybrake, { freeze: 'stripe', reason: 'audit' }).then((answer) => ({
        inFlight: answer.in_flight,
        at: monotonic(),
      }));
    };
    const last = await Promise.all(
      Array.from({ length: 100 }, (_, n) => hammer(runs[n % 2]!, never, countAnswer)),
    );
    for (const answer of last) assertRefused(answer, 403, 'frozen');
    const { inFlight, at } = await frozen!;
    const { rows } = await assertAgreement(
      keybrake,
      runs.map(({ id }) => id),
    );
    for (const id of sentAfter(keybrake, at, rows)) {
      assert.ok(
        inFlight.includes(id),
        `seed ${seed}: ${id} reached the vendor while it was frozen`,
      );
    }
    await postRevocation(keybrake, { unfreeze: 'stripe' });
    for (const run of runs) assert.equal((await run.charge(100)).status, 200);
  }
});

const FULL: [
  what: string,
  status: number,
  code: string,
  end: (keybrake: Keybrake, run: Run, parent: Run) => Promise<string[]>,
][] = [
  ['a revoke', 401, 'key_revoked', (keybrake, run) => revokeKey(keybrake, run.id)],
  [
    "a revoke of the key's parent",
    401,
    'key_revoked',
    (keybrake, _, parent) => revokeKey(keybrake, parent.id),
  ],
  [
    'a freeze',
    403,
    'frozen',
    async (keybrake) => (await postRevocation(keybrake, { freeze: '*' })).in_flight,
  ],
];

for (const [what, status, code, end] of FULL) {
  test(`${what} stops the calls that wait for a connection, and their holds come back`, async (t) => {
    const keybrake = await start(t, { sandbox: { latencyMs: 1_500 } });
    const { stripe } = keybrake.sandbox;
    const parent = await startRun(t, keybrake, RICH);
    const run = await startRun(t, keybrake, { ...RICH, parent: parent.id });
    // The vendor is slow and takes 256 at a time: the others are admitted and wait.
    const calls = Promise.all(Array.from({ length: 400 }, () => run.charge(100)));
    while (stripe.requests < 256 || (await spendOf(keybrake, run.id))[1] < 400) await nextTurn();
    const inFlight = await end(keybrake, run, parent);
    const at = monotonic();
    const answers = await calls;
    const { rows, held, spent } = await assertAgreement(keybrake, [run.id]);
    const sent = stripe.requests;
    assert.deepEqual(countStates(rows), { settled: sent, refused: 400 - sent });
    assert.ok(sent < 400, 'no call had to wait for a connection');
    for (const id of sentAfter(keybrake, at, rows)) assert.ok(inFlight.includes(id), id);
    assert.deepEqual([spent, held], [BigInt(sent) * 1_000_000n, 0n]);
    const stopped = answers.filter((answer) => answer.status !== 200);
    assert.equal(stopped.length, 400 - sent);
    for (const answer of stopped) {
      assertRefused(answer, status, code);
      assert.equal(answer.headers['x-keybrake-cost-usd'], '0.00');
    }
    for (const row of rows) {
      if (row.state !== 'refused') continue;
      assert.deepEqual([row.verdict_reason, row.upstream_ms], [code, null]);
    }
  });
}

test('a revoke while the vendor is dialled is told as one, also when nobody answers there', async (t) => {
  const dialled = Promise.withResolvers<void>();
  const sockets: Socket[] = [];
  // Takes connections and never ends the TLS handshake.
  const silent = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined).resume());
    dialled.resolve();
  }).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
  const settings = {
    KEYBRAKE_STRIPE_SECRET: 'sk_test_0123456789abcdef',
    KEYBRAKE_STRIPE_BASE_URL: `https://127.0.0.1:${(silent.address() as AddressInfo).port}`,
  };
  const upstreamLimits = {
    ...{ connectMs: 2_000, waitMs: 5_000, replyMs: 2_000 },
    replyBytes: 64 * 1024,
  };
  const keybrake = await start(t, { settings, upstreamLimits });
  const run = await startRun(t, keybrake, { account: 'default' });
  const call = run.charge(100);
  await dialled.promise;
  assert.deepEqual(await revokeKey(keybrake, run.id), [], 'nothing was sent');
  assertRefused(await call, 401, 'key_revoked');
  const { rows, held } = await assertAgreement(keybrake, [run.id]);
  assert.equal(held, 0n);
  const [row] = rows;
  assert.deepEqual([row!.state, row!.verdict_reason], ['refused', 'key_revoked']);
});

test('a call that is at the vendor when its key is revoked is listed, finished and counted', async (t) => {
  const keybrake = await start(t);
  const fault = keybrake.sandbox.faults.next({ do: { kind: 'delay', delayMs: 200 } });
  const run = await startRun(t, keybrake);
  const call = run.charge(2_900);
  while (fault.hits === 0) await nextTurn();
  const inFlight = await revokeKey(keybrake, run.id);
  const answer = await call;
  assert.equal(answer.status, 200);
  assert.deepEqual(inFlight, [answer.headers['x-keybrake-call-id']]);
  assert.deepEqual(await spendOf(keybrake, run.id), [29, 0]);
  assertRefused(await run.charge(100), 401, 'key_revoked');
  await assertAgreement(keybrake, [run.id]);
});

test('a child of a revoked parent is dead, its own children too, and none can be issued', async (t) => {
  const keybrake = await start(t);
  const parent = await startRun(t, keybrake, RICH);
  const child = await startRun(t, keybrake, { parent: parent.id });
  const grandchild = await startRun(t, keybrake, { parent: child.id });
  assert.equal((await grandchild.charge(100)).status, 200);
  await revokeKey(keybrake, parent.id);
  for (const run of [parent, child, grandchild]) {
    assertRefused(await run.charge(100), 401, 'key_revoked');
  }
  await assert.rejects(startRun(t, keybrake, { parent: child.id }), /parent/);
  assert.equal(keybrake.sandbox.stripe.requests, 1);
});

test("a child ends with its parent's expiry, also when that is brought forward later", async (t) => {
  const { clock, keybrake } = await startAt(t, '2026-11-22T09:00:00Z');
  const parent = await startRun(t, keybrake, { ...RICH, expires_in: '2d' });
  const child = await startRun(t, keybrake, { parent: parent.id, expires_in: '1d' });
  await changeKey(keybrake, parent.id, { expires_in: '1h' });
  clock.advance(3_600_000 - 1);
  assert.equal((await child.charge(100)).status, 200);
  clock.advance(1);
  assertRefused(await child.charge(100), 401, 'key_expired');
  assert.equal(keybrake.sandbox.stripe.requests, 1);
});

test('a revoked key is dead after a restart too', async (t) => {
  const dataDir = ownFolder(t);
  const before = await startKeybrake({ dataDir });
  const run = await startRun(t, before);
  assert.equal((await run.charge(100)).status, 200);
  await revokeKey(before, run.id);
  await before.close();
  const keybrake = await start(t, { dataDir });
  assertRefused(await runWith(t, keybrake, run).charge(100), 401, 'key_revoked');
  assert.equal(keybrake.sandbox.stripe.requests, 0);
});
