/**
 * One run from its seed: clients and an operator at work in bad weather, then quiet, then the books
 * and the ledger side by side.
 */
import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { Outgoing } from '../src/proxy/answer.ts';
import { Clients, type Order, textOf } from './clients.ts';
import { holdOf } from './model.ts';
import { ACCOUNTS, type SimulatedNode } from './node.ts';
import { type IssuedKey, issueJanitor, issueKeys, Operator, unresolved } from './operator.ts';
import { NONE, type Sabotage } from './sabotage.ts';
import { calm } from './weather.ts';
import { type Violation, World } from './world.ts';

export interface RunOptions {
  seed: number;
  db: DatabaseSync;
  /** Things that clients and operators do. */
  steps?: number;
  sabotage?: Sabotage;
}

export interface RunResult {
  readonly violation: Violation | null;
  readonly trace: readonly string[];
  /** Of everything that happened: equal for two runs of one seed. */
  readonly digest: string;
  readonly calls: number;
}

export async function simulate(options: RunOptions): Promise<RunResult> {
  const run = new Run(options);
  await run.go();
  const { violation, trace, disk } = run.world;
  const digest = createHash('sha256').update(trace.join('\n')).digest('hex');
  return { violation, trace, digest, calls: disk.rows.size };
}

class Run {
  readonly world: World;
  readonly #steps: number;

  constructor({ seed, db, steps, sabotage = NONE }: RunOptions) {
    this.world = new World(seed, db, sabotage);
    this.#steps = steps ?? this.world.dice.between(10, 30);
  }

  async go(): Promise<void> {
    const { world } = this;
    const { dice, timeline, weather, model } = world;
    // The keys are issued before anything goes wrong.
    const bad = { ...weather };
    calm(weather);
    world.boot();
    if (!(await world.run(() => world.node !== null))) return;
    const keys = await this.#wait(issueKeys(dice, world.node!));
    const janitors = await this.#wait(
      Promise.all(Object.keys(ACCOUNTS).map((account) => issueJanitor(world.node!, account))),
    );
    if (!keys || !janitors) return;
    for (const key of [...keys, ...janitors]) model.issued(key);
    Object.assign(weather, bad);

    const operator = new Operator({
      ...{ dice, keys },
      node: () => world.node,
      truth: (id) => this.#truth(id),
      onRevoked: (ids) => {
        world.note(`revoked: ${ids.join(' ')}`);
        model.revoked(ids);
      },
      onFrozen: (is) => model.frozen(is),
      onReleased: (id) => model.startsOver(id),
      onFault: (what) => world.violate(0, what),
      note: (text) => world.note(text),
    });
    world.onCrash = () => operator.crashed();
    const clients = new Clients({
      ...{ dice, timeline, weather, credentials: keys },
      call: (incoming, answer) => world.call(incoming, answer),
      onAnswer: (order, outgoing) => this.#answered(order, outgoing),
    });
    let left = this.#steps;
    const tempo = dice.pick([5, 200, 5_000]);
    const next = () => {
      if (left-- <= 0) return;
      if (dice.chance(0.12)) operator.step();
      else clients.step();
      timeline.after(dice.chance(0.3) ? 0 : dice.between(0, tempo), next);
    };
    next();
    if (!(await world.run(() => left < 0))) return;
    calm(weather);
    world.disk.repair();
    if (!(await this.#quiet())) return;
    await this.#clearUp(operator, janitors);
  }

  /** Time passes until nothing happens any more, and nothing is to be looked for. */
  async #quiet(): Promise<boolean> {
    const { world } = this;
    const { timeline } = world;
    if (!(await world.run(() => world.node !== null))) return false;
    const node = world.node!;
    if ((await this.#wait(node.resolver.stop().then(() => true))) === null) return false;
    if (!(await world.run())) return false;
    for (let looks = 0; looks < 500; looks++) {
      const due = [...world.disk.rows.values()].flatMap((row) => row.lookAt ?? []);
      if (due.length === 0) break;
      const first = due.reduce((least, each) => (each < least ? each : least));
      timeline.pass(Math.max(0, Number(first) - node.clock.now()));
      if ((await this.#wait(node.lookout.round().then(() => true))) === null) return false;
      if (!(await world.run())) return false;
    }
    const { running, waiting } = node;
    if (running.size > 0) world.violate(4, `${running.size} calls never ended`);
    if (waiting.size > 0) world.violate(4, `${waiting.size} calls wait for ever`);
    for (const { id, runningId } of world.disk.rows.values()) {
      if (runningId !== null) world.violate(4, `call ${id} is taken for running`);
    }
    return world.violation === null;
  }

  /** Lets all open payments go, ends what nobody can know, and holds the books and the ledger together. */
  async #clearUp(operator: Operator, janitors: readonly IssuedKey[]): Promise<void> {
    const { world } = this;
    const node = world.node!;
    await this.#wait(operator.unfreeze(node).then(() => true));
    const calls: Promise<void>[] = [];
    for (const [name, stripe] of world.stripes) {
      const janitor = janitors.find(({ account }) => account === name)!;
      for (const { id, status, calls: by } of stripe.payments.values()) {
        const path = `/v1/payment_intents/${id}`;
        const open = status.startsWith('requires_');
        if (open) calls.push(this.#clean(janitor, 'POST', `${path}/cancel`));
        // What the bank has ended, nobody has told the ledger.
        const held = [...world.model.holdersOf(by)].some((row) => holdOf(row) > 0n);
        if (!open && held) calls.push(this.#clean(janitor, 'GET', path));
      }
    }
    await this.#wait(Promise.all(calls));
    if (world.violation !== null) return;
    await this.#listed(node);
    await this.#wait(operator.endUnresolved(node).then(() => true));
    if (world.violation === null) this.#compare();
  }

  #clean(janitor: IssuedKey, method: string, path: string): Promise<void> {
    const { world } = this;
    const rawHeaders = ['Authorization', `Bearer ${janitor.text}`];
    if (method === 'POST') rawHeaders.push('Content-Type', 'application/x-www-form-urlencoded');
    const readBody = async () => new Uint8Array();
    return new Promise((resolve) => {
      world.call({ method, target: path, rawHeaders, readBody }, (outgoing) => {
        if (outgoing?.status === 200) resolve();
        else world.violate(0, `the janitor's ${path} was answered ${outgoing && textOf(outgoing)}`);
      });
    });
  }

  /** Every hold that is left is shown to the operator. */
  async #listed(node: SimulatedNode): Promise<void> {
    const { world } = this;
    const rows = await this.#wait(unresolved(node.ledger));
    const listed = new Set(rows?.map(({ id }) => id));
    for (const row of world.disk.rows.values()) {
      if (holdOf(row) === 0n || listed.has(row.id)) continue;
      world.violate(4, `call ${row.id} holds ${row.quote} for nothing, and no operator is told`);
    }
  }

  /** To the micro-dollar. */
  #compare(): void {
    const { world } = this;
    let moved = 0n;
    for (const { id, micros, calls } of world.moved()) {
      moved += micros;
      const counted = world.model.countedFor(calls);
      if (counted !== micros) world.violate(4, `${id} moved ${micros}; ${counted} is counted`);
    }
    let spent = 0n;
    for (const row of world.disk.rows.values()) {
      if (row.state === 'settled') spent += row.cost!;
      if (holdOf(row) > 0n) world.violate(4, `call ${row.id} still holds ${row.quote}`);
    }
    if (spent !== moved) world.violate(4, `${moved} moved, ${spent} is spent`);
  }

  /** What a call cost by the vendor's books: what is not counted yet of what it was executed on. */
  #truth(id: bigint): bigint | null {
    const { world } = this;
    const tries = [...world.disk.rows.values()].filter(
      (row) => row.id === id || row.replayOf === id,
    );
    if (tries.some((row) => world.network.underWay(row.id))) return null;
    const own = world.disk.rows.get(id)!;
    let cost = 0n;
    for (const { micros, most, calls } of world.moved()) {
      if (!calls.some((call) => tries.some((row) => row.id === call))) continue;
      if (micros !== most) return null;
      const others = world.model.countedFor(calls) - holdOf(own);
      if (micros > others) cost += micros - others;
    }
    return cost;
  }

  #answered({ credential }: Order, outgoing: Outgoing): void {
    const { world } = this;
    const { headers, status } = outgoing;
    const call = headers['x-keybrake-call-id'] ?? '';
    world.note(`answer: key ${credential.id} ${status} ${headers['x-keybrake-reason'] ?? ''}`);
    const text = `${JSON.stringify(headers)}${textOf(outgoing)}`;
    for (const secret of Object.values(ACCOUNTS)) {
      if (text.includes(secret)) world.violate(7, `the answer to ${call} holds the secret`);
    }
  }

  /** The value, while time passes; null: a promise was broken first. */
  async #wait<T>(promise: Promise<T>): Promise<T | null> {
    let value: T | null = null;
    let done = false;
    promise.then(
      (got) => {
        value = got;
        done = true;
      },
      (error: unknown) => this.world.violate(0, `what is asked for in quiet fails: ${error}`),
    );
    await this.world.run(() => done);
    return value;
  }
}
