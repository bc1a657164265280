/**
 * One run from its seed: keys are issued, clients and an operator are at work in whatever weather
 * the seed has, and at the end everybody's books are compared.
 */
import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { Clients } from './clients.ts';
import type { Dice } from './dice.ts';
import { holdOf } from './model.ts';
import { ACCOUNTS } from './node.ts';
import { type IssuedKey, issueJanitor, issueKeys, Operator } from './operator.ts';
import { Reckoning } from './reckoning.ts';
import { NONE, type Sabotage } from './sabotage.ts';
import { calm } from './weather.ts';
import { HOUR_MS, type Violation, World } from './world.ts';

export interface RunOptions {
  seed: number;
  db: DatabaseSync;
  /** Things that clients and operators do; drawn from the seed when not given. */
  steps?: number | undefined;
  sabotage?: Sabotage | undefined;
}

export interface RunResult {
  readonly violation: Violation | null;
  readonly trace: readonly string[];
  /** Of everything that happened: equal for two runs of one seed. */
  readonly digest: string;
  readonly calls: number;
}

export async function simulate({
  seed,
  db,
  steps,
  sabotage = NONE,
}: RunOptions): Promise<RunResult> {
  const world = new World(seed, db, sabotage);
  const keys = await begin(world);
  if (keys) {
    const { operator, clients } = people(world, keys.issued);
    await work(world, operator, clients, steps ?? world.dice.between(8, 24));
    if (world.violation === null) await new Reckoning(world, operator, keys.janitors).go();
    world.secretsStayed();
  }
  const { violation, trace, disk } = world;
  const digest = createHash('sha256').update(trace.join('\n')).digest('hex');
  return { violation, trace, digest, calls: disk.rows.size };
}

/** Starts the process and issues the keys, before anything goes wrong. */
async function begin(world: World): Promise<{ issued: IssuedKey[]; janitors: IssuedKey[] } | null> {
  const { dice, weather } = world;
  const bad = { ...weather };
  calm(weather);
  world.boot();
  if (!(await world.run(() => world.node !== null))) return null;
  const node = world.node!;
  const issued = await world.until(issueKeys(dice, node));
  const accounts = [...new Set(ACCOUNTS.map(({ name }) => name))];
  const janitors = await world.until(
    Promise.all(accounts.map((account) => issueJanitor(node, account))),
  );
  if (!issued || !janitors) return null;
  for (const key of [...issued, ...janitors]) world.model.issued(key);
  Object.assign(weather, bad);
  return { issued, janitors };
}

function people(
  world: World,
  keys: readonly IssuedKey[],
): { operator: Operator; clients: Clients } {
  const { dice, timeline, weather, model } = world;
  const operator = new Operator({
    ...{ dice, keys },
    node: () => world.node,
    truth: (id) => truthOf(world, id),
    onRevoked(ids) {
      world.note(`revoked: ${ids.join(' ')}`);
      model.revoked(ids);
    },
    onFrozen(vendor) {
      world.note(`frozen: ${vendor}`);
      model.frozen(vendor);
    },
    onThawed: (vendor) => model.thawed(vendor),
    onFault: (what) => world.violate(0, what),
    note: (text) => world.note(text),
  });
  world.onCrash = () => operator.crashed();
  const clients = new Clients({
    ...{ dice, timeline, weather, credentials: keys },
    call: (incoming, answer) => world.call(incoming, answer),
    onAnswer: (order, outgoing) => world.answered(order, outgoing),
  });
  return { operator, clients };
}

/** So many things are done, one after the other or at once, by whoever comes. */
async function work(
  world: World,
  operator: Operator,
  clients: Clients,
  steps: number,
): Promise<void> {
  const { dice, timeline } = world;
  const tempo = dice.pick([5, 200, 5_000]);
  let left = steps;
  const next = () => {
    if (left-- <= 0) return;
    const atNight = dice.chance(world.night);
    if (atNight && dice.chance(0.4)) world.crash(undefined, dice.between(1, 25) * HOUR_MS);
    else if (dice.chance(0.12)) operator.step();
    else clients.step();
    const pause = dice.chance(0.3) ? 0 : dice.between(0, tempo);
    timeline.after(atNight ? night(dice) : pause, next);
  };
  next();
  await world.run(() => left < 0);
}

/** Often until the next day: what was answered before is about to be forgotten, or just was. */
function night(dice: Dice): number {
  return dice.between(dice.chance(0.5) ? 24 : 1, 27) * HOUR_MS;
}

/**
 * What a call cost by the vendor's books: what is not counted yet of what it was executed on. Null:
 * it may still be executed, or its money may still move.
 */
function truthOf({ disk, network, model, moved }: World, id: bigint): bigint | null {
  const tries = [...disk.rows.values()].filter((row) => row.id === id || row.replayOf === id);
  if (tries.some((row) => network.underWay(row.id))) return null;
  const own = disk.rows.get(id)!;
  let cost = 0n;
  for (const { ids, final, calls } of moved()) {
    if (!calls.some((call) => tries.some((row) => row.id === call))) continue;
    if (final === null) return null;
    const others = model.countedFor(ids, calls).counted - holdOf(own);
    if (final > others) cost += final - others;
  }
  return cost;
}
