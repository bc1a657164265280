/**
 * kill -9 at any instant. The vendor, the server and the callers are three processes; the server is
 * killed again and again, at every step of a call, inside its commits and at random times, while
 * callers charge through stripe-node and retry with the same idempotency key until they are told
 * what became of it. The vendor's log is the truth.
 *
 * What a kill cannot show is whether a commit was fsynced: the kernel keeps a dead process's writes.
 *
 * KILL_SEED=n asks for the kills and charges of a run that printed that seed; how 30 callers and
 * three processes interleave stays the machine's.
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import Stripe from 'stripe';
import { STEPS } from '../../src/proxy/steps.ts';
import { seededRandom } from '../../src/sandbox/faults.ts';
import type { ReceivedRequest } from '../../src/sandbox/stripe/books.ts';
import { sdk } from '../sandbox/client.ts';
import { ownKeyOf } from '../support/agreement.ts';
import { ownFolder, type SpawnedKeybrake, spawnKeybrake } from '../support/keybrake.ts';
import { type AuditRow, issueKey, type KeySpend, keySpend } from '../support/management.ts';
import { startVendorProcess, type VendorProcess } from '../support/vendor-process.ts';

const SEED = Number(process.env.KILL_SEED ?? randomInt(2 ** 31));
const CALLERS = 30;
/** A moment that is not reached by then is none that calls pass. */
const NEVER_MS = 60_000;
const PRELOAD = new URL('../support/kill-at-step.ts', import.meta.url).pathname;

/** Kills at each moment: how many, and the most occurrences it waits for. */
const KILLS: readonly [moment: string, kills: number, upTo: number][] = [
  ...STEPS.map((step) => [step, 4, 60] as [string, number, number]),
  ['writing', 5, 150],
  ['committing', 4, 20],
  ['committed', 4, 20],
  ['elapsed', 3, 300], // while starting
  ['any time', 8, 150], // from outside, in milliseconds after the first call
];

type KeyName = 'tight' | 'roomy' | 'keyless';

/** Dollars. `tight` is used up half-way; `keyless` is for calls that carry no idempotency key. */
const CAPS: Record<KeyName, number> = { tight: 1_500, roomy: 1_000_000, keyless: 1_000_000 };

interface Key {
  id: string;
  secret: string;
  capCents: number;
}

/** One charge that a caller wants to happen once. */
interface Intent {
  name: string;
  key: KeyName;
  cents: number;
  card: string;
  attempts: number;
  /** `lost`: it carried no key, so nobody may try again, and nobody knows. */
  answer: 'paid' | 'declined' | 'refused' | 'lost' | null;
}

interface World {
  vendor: VendorProcess;
  dataDir: string;
  keys: Record<KeyName, Key>;
  intents: Intent[];
  /** The server that takes calls now; replaced at each start. */
  server: SpawnedKeybrake | null;
  /** The last one that was started. */
  living: SpawnedKeybrake | null;
  /** Resolves at the next start. */
  opened: PromiseWithResolvers<void>;
  /** No more kills: callers finish what they have. */
  finishing: boolean;
  /** The test has ended, perhaps by failing: callers stop where they are. */
  over: boolean;
  random: () => number;
}

test('kill -9 at every step, 59 times: nothing is lost, nothing is charged twice, no cap is passed', {
  timeout: 300_000,
}, async (t) => {
  t.diagnostic(`KILL_SEED=${SEED}`);
  const random = seededRandom(SEED);
  const world = await makeWorld(t, random);
  const callers = Array.from({ length: CALLERS }, () => callAndCall(world));
  const ended = Promise.all(callers);
  ended.catch(() => undefined);
  const killed = new Map<string, number>();
  for (const plan of shuffled(plans(random), random)) {
    const moment = await Promise.race([liveUntilKilled(world, plan), ended.then(stopped)]);
    killed.set(moment, (killed.get(moment) ?? 0) + 1);
  }
  for (const [moment, kills] of KILLS) assert.equal(killed.get(moment), kills, moment);

  world.finishing = true;
  const last = await startLife(world, 'never:0');
  openFor(world, last);
  await ended;
  await checkBooks(world, last);
  last.process.kill('SIGTERM');
  assert.equal(await last.ended, 0, last.output());

  const afterwards = await startLife(world, 'never:0');
  assert.doesNotMatch(afterwards.output(), /under way when the last process ended/);
  await checkEnd(t, world, afterwards);
  afterwards.process.kill('SIGTERM');
  assert.equal(await afterwards.ended, 0);
});

function stopped(): never {
  throw new Error('the callers ended before the kills did');
}

async function makeWorld(t: TestContext, random: () => number): Promise<World> {
  const vendor = await startVendorProcess(3);
  t.after(() => vendor.stop());
  const dataDir = ownFolder(t);
  const keys = {} as Record<KeyName, Key>;
  const world: World = {
    ...{ vendor, dataDir, keys, random },
    ...{
      intents: [],
      server: null,
      living: null,
      opened: Promise.withResolvers(),
      finishing: false,
      over: false,
    },
  };
  t.after(() => {
    world.over = true;
    world.opened.resolve();
    world.living?.process.kill('SIGKILL');
  });
  const first = await startLife(world, 'never:0');
  for (const name of Object.keys(CAPS) as KeyName[]) {
    const caps = name === 'roomy' ? { daily_usd_cap: CAPS[name] } : {};
    const key = await issueKey(first, {
      agent_run_label: name,
      total_usd_cap: CAPS[name],
      ...caps,
    });
    keys[name] = { id: key.id, secret: key.vault_key, capCents: CAPS[name] * 100 };
  }
  first.process.kill('SIGTERM');
  await first.ended;
  return world;
}

function plans(random: () => number): string[] {
  return KILLS.flatMap(([moment, kills, upTo]) =>
    Array.from({ length: kills }, () => `${moment}:${1 + Math.floor(random() * upTo)}`),
  );
}

function shuffled<T>(items: T[], random: () => number): T[] {
  return items
    .map((item) => [random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}

/** A server's life; nobody calls it yet. Rejects when it ends before it is up. */
async function startLife(world: World, killAt: string): Promise<SpawnedKeybrake> {
  const settings = { ...world.vendor.settings, KILL_AT: killAt };
  world.living = await spawnKeybrake(world.dataDir, settings, ['--import', PRELOAD]);
  return world.living;
}

/** Starts a server, holds its ledger against the vendor, lets the callers in, until it is killed. */
async function liveUntilKilled(world: World, plan: string): Promise<string> {
  const [moment, count] = plan.split(':') as [string, string];
  const fromOutside = moment === 'any time';
  let server: SpawnedKeybrake;
  try {
    server = await startLife(world, fromOutside ? 'never:0' : plan);
  } catch (error) {
    if (/killed at/.test(String(error))) return moment; // before it was up
    throw error;
  }
  const never = sleep(NEVER_MS, undefined, { ref: false });
  const ended = Promise.race([
    server.ended.then((end) => assert.equal(end, 'SIGKILL', server.output())),
    never.then(() => assert.fail(`nobody came to ${plan}`)),
  ]);
  await checkBooks(world, server).catch(async (error: unknown) => {
    if (error instanceof assert.AssertionError) throw error;
    await ended; // a report commits too, so a kill may come as early as this
  });
  openFor(world, server);
  if (fromOutside || moment === 'elapsed') {
    await sleep(fromOutside ? Number(count) : 0);
    server.process.kill('SIGKILL');
  }
  await ended;
  world.server = null;
  world.opened = Promise.withResolvers();
  if (moment !== 'elapsed' && !fromOutside) assert.match(server.output(), /^killed at /m);
  return moment;
}

function openFor(world: World, server: SpawnedKeybrake): void {
  world.server = server;
  world.opened.resolve();
}

// ---------------------------------------------------------------- the callers

async function callAndCall(world: World): Promise<void> {
  while (!world.finishing && !world.over) {
    const intent = newIntent(world);
    world.intents.push(intent);
    while (intent.answer === null && !world.over) {
      await world.opened.promise;
      if (world.server && !world.over) await attempt(world, intent, world.server);
    }
  }
}

function newIntent({ intents, random }: World): Intent {
  const draw = random();
  return {
    name: `charge-${intents.length}`,
    key: draw < 0.4 ? 'tight' : draw < 0.9 ? 'roomy' : 'keyless',
    cents: 100 + Math.floor(random() * 2_900),
    card: random() < 0.08 ? 'pm_card_chargeDeclined' : 'pm_card_visa',
    attempts: 0,
    answer: null,
  };
}

async function attempt(world: World, intent: Intent, server: SpawnedKeybrake): Promise<void> {
  const stripe = sdk(server.url, world.keys[intent.key].secret);
  const attempt = ++intent.attempts;
  const { cents, card, name } = intent;
  const charge = { amount: cents, currency: 'usd', confirm: true, payment_method: card };
  try {
    await stripe.rawRequest('POST', '/v1/payment_intents', charge, {
      ...(intent.key === 'keyless' ? {} : { idempotencyKey: name }),
      additionalHeaders: {
        'X-Keybrake-Task-Id': name,
        'X-Keybrake-Attempt': String(attempt),
        // Goes on to the vendor, so that each request there can be told from its twins.
        'X-Attempt': `${name}/${attempt}`,
      },
    });
    intent.answer = 'paid';
  } catch (error) {
    intent.answer = whatItMeans(error as Stripe.errors.StripeError);
    if (intent.answer !== null) return;
    if (intent.key === 'keyless') intent.answer = 'lost';
    else await sleep(10);
  }
}

/** Null: nothing definite; try again with the same key. */
function whatItMeans(error: Stripe.errors.StripeError): Intent['answer'] {
  assert.ok(error instanceof Stripe.errors.StripeError, String(error));
  if (error instanceof Stripe.errors.StripeCardError) return 'declined';
  if (error.headers?.['x-keybrake-cap-hit'] === 'true') return 'refused';
  const indefinite =
    error instanceof Stripe.errors.StripeConnectionError ||
    [409, 502, 503, 504].includes(error.statusCode ?? 0);
  assert.ok(indefinite, `an answer that nobody expects: ${error.statusCode} ${error.message}`);
  return null;
}

// ---------------------------------------------------------------- what must hold

/** After each start, before anybody calls; and at the end. */
async function checkBooks(world: World, server: SpawnedKeybrake): Promise<void> {
  // First the vendor: what it executes later is not in this log, and the ledger only counts more.
  const received = await world.vendor.received();
  const { rows, spends } = await oneStanding(world, server);
  checkRows(received, rows);
  checkExecutions(received);
  // Nobody calls now, so no call is under way; these charges have no other way to stay open.
  for (const row of rows) assert.notEqual(row.state, 'held', `${row.task_id} is held by nobody`);
  for (const [name, key] of Object.entries(world.keys)) {
    const { spent_usd, held_usd } = spends.get(name)!;
    const [spent, held] = [toCents(spent_usd), toCents(held_usd)];
    const charged = chargedCents(received, world, name);
    assert.ok(charged <= spent + held, `${name}: ${charged} charged, ${spent} + ${held} counted`);
    assert.ok(spent + held <= key.capCents, `${name}: ${spent} + ${held} is over the cap`);
    const own = rows.filter((row) => row.agent_run_label === name);
    assert.equal(spent, sum(own.map((row) => toCents(row.cost_usd ?? 0))), `${name}: spent`);
    assert.equal(
      held,
      sum(own.filter(holds).map((row) => toCents(row.quote_usd))),
      `${name}: held`,
    );
  }
}

/** Rows and keys of one instant: what a start has found unknown is looked for, and ends meanwhile. */
async function oneStanding(world: World, server: SpawnedKeybrake) {
  for (;;) {
    const rows = await allRows(server);
    const spends = new Map<string, KeySpend>();
    for (const [name, key] of Object.entries(world.keys)) {
      spends.set(name, await keySpend(server, key.id));
    }
    const after = await allRows(server);
    if (JSON.stringify(after) === JSON.stringify(rows)) return { rows, spends };
  }
}

/** Each request that the vendor saw has a row of its own. */
function checkRows(received: ReceivedRequest[], rows: AuditRow[]): void {
  const sent = new Map<string, AuditRow[]>();
  for (const row of rows) {
    const name = `${row.task_id}/${row.attempt}`;
    sent.set(name, [...(sent.get(name) ?? []), row]);
  }
  for (const [name, own] of sent) assert.equal(own.length, 1, `${name} has more than one row`);
  for (const request of received) {
    const name = request.headers['x-attempt']!;
    const [row] = sent.get(name) ?? [];
    assert.ok(row, `the vendor saw ${name} and the ledger has no row of it`);
    assert.notEqual(row.state, 'refused', `${name} is refused by its row and the vendor saw it`);
    assert.equal(row.idempotency_key ?? `keybrake-${row.id}`, ownKeyOf(request));
  }
  const seen = new Set(received.map((request) => request.headers['x-attempt']));
  assert.equal(seen.size, received.length, 'an attempt reached the vendor twice');
}

/** No idempotency key was executed twice. */
function checkExecutions(received: ReceivedRequest[]): void {
  const executed = received.filter((request) => request.executed).map((r) => r.idempotencyKey);
  assert.equal(new Set(executed).size, executed.length);
}

/** When everybody has an answer. */
async function checkEnd(t: TestContext, world: World, server: SpawnedKeybrake): Promise<void> {
  await checkBooks(world, server);
  const received = await world.vendor.received();
  const paid = new Set(received.filter(tookMoney).map(intentName));
  for (const intent of world.intents) {
    if (intent.answer === 'lost') continue;
    assert.equal(paid.has(intent.name), intent.answer === 'paid', JSON.stringify(intent));
  }
  // A kill may take the end of a call that was answered, or the answer of a call that nobody can
  // send again. Its row stays unknown then, and its hold covers whatever the vendor did.
  const rows = await allRows(server);
  for (const row of rows.filter((each) => each.replay_of === null)) {
    if (row.state === 'settled')
      assert.ok(paid.has(row.task_id!), `${row.task_id} was not charged`);
    if (row.state === 'released') assert.ok(!paid.has(row.task_id!), `${row.task_id} was charged`);
  }
  for (const [name, key] of Object.entries(world.keys)) {
    const { spent_usd, held_usd } = await keySpend(server, key.id);
    const unknown = rows.filter((row) => row.agent_run_label === name && holds(row));
    const idle = unknown.filter((row) => !paid.has(row.task_id!));
    const charged = chargedCents(received, world, name);
    const more = sum(idle.map((row) => toCents(row.quote_usd)));
    assert.equal(toCents(spent_usd) + toCents(held_usd), charged + more, name);
  }
  const count = (answer: string) => world.intents.filter((i) => i.answer === answer).length;
  const { length: unknown } = rows.filter((row) => holds(row) && row.replay_of === null);
  const answers = ['paid', 'declined', 'refused', 'lost'].map((a) => `${count(a)} ${a}`);
  const resent = received.length - received.filter((request) => request.executed).length;
  t.diagnostic(`${answers.join(', ')}; ${unknown} unknown; ${resent} sent again`);
  for (const answer of ['paid', 'declined', 'refused', 'lost'])
    assert.ok(count(answer) > 0, answer);
  assert.ok(resent > 0, 'no call was sent again, so the kills never came between sent and told');
}

const holds = (row: AuditRow) => row.state === 'held' || row.state === 'unknown';
const tookMoney = (request: ReceivedRequest) => request.executed && request.status !== 402;
const intentName = (request: ReceivedRequest) => request.headers['x-attempt']!.split('/')[0]!;
const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
/** All amounts here are whole cents below 2^53. */
const toCents = (usd: number) => Math.round(usd * 100);

/** What the vendor took from a key so far, in cents. */
function chargedCents(received: ReceivedRequest[], world: World, key: string): number {
  const byName = new Map(world.intents.map((intent) => [intent.name, intent]));
  return sum(
    received
      .filter(tookMoney)
      .filter((request) => byName.get(intentName(request))!.key === key)
      .map((request) => Number(new URLSearchParams(request.body!).get('amount'))),
  );
}

async function allRows(server: SpawnedKeybrake): Promise<AuditRow[]> {
  const reply = await fetch(`${server.url}/vault/calls`, {
    headers: { authorization: `Bearer ${server.apiKey}`, accept: 'application/x-ndjson' },
  });
  const text = await reply.text();
  assert.equal(reply.status, 200, text);
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as AuditRow);
}
