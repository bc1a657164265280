/**
 * The end of a run: the weather is fine, time goes on until all is quiet, open payments are let go,
 * and whatever is open still is looked for. Then the vendor's books and the ledger must agree to the
 * micro-dollar; what the ledger could not find out it must have told the operator.
 */
import { textOf } from './clients.ts';
import { holdOf } from './model.ts';
import type { SimulatedNode } from './node.ts';
import { type IssuedKey, type Operator, unresolved } from './operator.ts';
import { isOpen } from './payments.ts';
import { calm } from './weather.ts';
import type { World } from './world.ts';

/** Looks at one run's open calls: a month of them, at the pace that the vendors' rules set. */
const HOUR_MS = 3_600_000;
const MOST_LOOKS = 1_000;

export class Reckoning {
  readonly #world: World;
  readonly #operator: Operator;
  readonly #janitors: readonly IssuedKey[];

  constructor(world: World, operator: Operator, janitors: readonly IssuedKey[]) {
    this.#world = world;
    this.#operator = operator;
    this.#janitors = janitors;
  }

  async go(): Promise<void> {
    const world = this.#world;
    calm(world.weather);
    world.disk.repair();
    if (!(await world.run(() => world.node !== null))) return;
    const node = world.node!;
    await world.until(node.resolver.stop());
    await world.run();
    this.#nobodyWaits(node);
    // By then every price has been stated.
    world.timeline.pass(3 * HOUR_MS);
    await world.until(this.#operator.unfreeze(node));
    await this.#letGo();
    await this.#lookForAll(node);
    await this.#allIsListed(node);
    await world.until(this.#operator.endUnresolved(node));
    if (world.violation === null) this.#agree();
  }

  #nobodyWaits({ running, waiting }: SimulatedNode): void {
    const world = this.#world;
    if (running.size > 0) world.violate(4, `${running.size} calls never ended`);
    if (waiting.size > 0) world.violate(4, `${waiting.size} calls wait for ever`);
    for (const { id, runningId } of world.disk.rows.values()) {
      if (runningId !== null) world.violate(4, `call ${id} is taken for running`);
    }
  }

  /** Cancels what can still be paid, so that every payment has an end. */
  async #letGo(): Promise<void> {
    const world = this.#world;
    const calls: Promise<void>[] = [];
    for (const [name, { books }] of world.stripes) {
      const janitor = this.#janitors.find(({ account }) => account === name)!;
      for (const payment of books.payments.values()) {
        if (isOpen(payment)) calls.push(this.#cancel(janitor, payment.id));
      }
    }
    await world.until(Promise.all(calls));
  }

  #cancel(janitor: IssuedKey, id: string): Promise<void> {
    const world = this.#world;
    const form = ['Content-Type', 'application/x-www-form-urlencoded'];
    const incoming = {
      method: 'POST',
      target: `/stripe/v1/payment_intents/${id}/cancel`,
      rawHeaders: ['Authorization', `Bearer ${janitor.text}`, ...form],
      readBody: async () => new Uint8Array(),
      onHangUp: () => undefined,
    };
    return new Promise((resolve) => {
      world.call(incoming, (outgoing) => {
        if (outgoing?.status === 200) resolve();
        else world.violate(0, `cancelling ${id} was answered ${outgoing && textOf(outgoing)}`);
      });
    });
  }

  /** Time jumps from one look that is due to the next, until none is. */
  async #lookForAll(node: SimulatedNode): Promise<void> {
    const world = this.#world;
    for (let looks = 0; world.violation === null; looks++) {
      const due = [...world.disk.rows.values()].flatMap((row) => row.lookAt ?? []);
      if (due.length === 0) return;
      if (looks === MOST_LOOKS) world.violate(4, 'calls are looked for without an end');
      const first = due.reduce((least, each) => (each < least ? each : least));
      world.timeline.pass(Math.max(0, Number(first) - node.clock.now()));
      await world.until(node.lookout.round());
    }
  }

  async #allIsListed(node: SimulatedNode): Promise<void> {
    const world = this.#world;
    const rows = await world.until(unresolved(node.ledger));
    const listed = new Set(rows?.map(({ id }) => id));
    for (const row of world.disk.rows.values()) {
      if (holdOf(row) === 0n || listed.has(row.id)) continue;
      world.violate(4, `call ${row.id} holds ${row.quote} for nothing, and no operator is told`);
    }
  }

  /**
   * To the micro-dollar. Of two keys that had a hand in one payment and both lost their answers,
   * nobody can know which one moved it: it may count on either.
   */
  #agree(): void {
    const world = this.#world;
    let moved = 0n;
    let shared = false;
    for (const { ids, final, calls } of world.moved()) {
      if (final === null) throw new Error(`${ids} has no end, and nobody waits for it`);
      moved += final;
      const { claimed, keys } = world.model.countedFor(ids, calls);
      const onBoth = claimed > final && keys > 1;
      shared ||= onBoth;
      if (claimed !== final && !onBoth) {
        world.violate(4, `${ids} came to ${final}; ${claimed} is counted`);
      }
    }
    let spent = 0n;
    for (const row of world.disk.rows.values()) {
      if (row.state === 'settled') spent += row.cost!;
      if (holdOf(row) > 0n) world.violate(4, `call ${row.id} still holds ${row.quote}`);
    }
    if (spent !== moved && !shared) world.violate(4, `${moved} moved, ${spent} is spent`);
  }
}
