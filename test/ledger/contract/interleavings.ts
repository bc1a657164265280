/**
 * Any interleaving: random batches of everything at once, on keys with parents, with time passing
 * and processes ending in between, held against a model after each batch. fast-check prints the seed
 * of a run that fails.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type KeyView, LedgerConflict } from '../../../src/ledger/ledger.ts';
import type { AtDesk } from '../contract.ts';
import { admission, codeOf, DAY, type Desk, HOUR, settlement } from '../desk.ts';
import { type Caps, type End, Model, WINDOW_MS } from '../model.ts';

const RUNS = 60;
/** Bounds the search for a smaller failing case, too. */
const PATIENCE_MS = 40_000;
const KEYS = 4;

type Step =
  | { do: 'admit'; key: number; needed: bigint; name: string | null; body: string; waited: boolean }
  | { do: 'settle'; call: number; end: End['outcome']; cost: number; keep: boolean }
  | { do: 'revoke'; key: number }
  | { do: 'change'; key: number; kind: keyof Caps; cap: bigint | null }
  | { do: 'wait'; ms: number };

const key = fc.nat(KEYS - 1);
const micros = (max: number) => fc.nat(max).map(BigInt);
const cap = fc.oneof(
  { weight: 5, arbitrary: micros(20) },
  { weight: 1, arbitrary: fc.constant(null) },
);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('admit' as const),
      key,
      needed: micros(6),
      name: fc.option(fc.constantFrom('a', 'b')),
      body: fc.constantFrom('x', 'x', 'x', 'y'),
      waited: fc.boolean(),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      call: fc.nat(),
      end: fc.constantFrom('settled', 'settled', 'released', 'unknown', 'held'),
      // In thirds of the quote: nothing, part, all, and more than was quoted.
      cost: fc.constantFrom(0, 1, 3, 3, 4),
      keep: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('revoke' as const), key }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('change' as const),
      key,
      kind: fc.constantFrom('total', 'daily'),
      cap,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.constantFrom(1, HOUR, WINDOW_MS, DAY),
    }),
  },
);

/** The caps of the four keys: one, its child, its grandchild, and one apart. */
const start = fc.tuple(
  ...Array.from({ length: KEYS }, () => fc.record({ total: cap, daily: cap })),
);
const batches = fc.array(
  fc.record({
    steps: fc.array(step, { minLength: 1, maxLength: 6 }),
    crash: fc.integer({ min: 0, max: 24 }).map((n) => n === 0),
  }),
  { maxLength: 14 },
);

export function interleavingContract(name: string, at: AtDesk): void {
  test(`${name}: any interleaving of callers, ends, revokes, changes, days and crashes counts as the model does`, async () => {
    await fc.assert(
      fc.asyncProperty(start, batches, async (caps, each) => {
        const run = await Run.begin(at(), caps);
        for (const { steps, crash } of each) {
          await run.batch(steps);
          if (crash) await run.crash();
          await run.check();
        }
      }),
      { numRuns: RUNS, interruptAfterTimeLimit: PATIENCE_MS },
    );
  });
}

interface Sent {
  id: bigint;
  needed: bigint;
}

class Run {
  readonly #desk: Desk;
  readonly #model = new Model();
  readonly #keys: KeyView[] = [];
  readonly #sent: Sent[] = [];

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  static async begin(desk: Desk, caps: readonly Caps[]): Promise<Run> {
    const run = new Run(desk);
    for (const [index, each] of caps.entries()) {
      const parent = index === 1 || index === 2 ? index - 1 : null;
      const parentId = parent === null ? null : run.#keys[parent]!.id;
      const fields = { parentId, totalCap: each.total, dailyCap: each.daily };
      run.#keys.push(await desk.issue(fields));
      run.#model.issue(parent, desk.now, each);
    }
    return run;
  }

  /**
   * The steps are asked for in one turn, so they share commits; the answers are compared after. A
   * revoke may overtake what was asked for before it, so that is waited for.
   */
  async batch(steps: Step[]): Promise<void> {
    let answers: [expected: string, actual: Promise<string>][] = [];
    const compare = async () => {
      for (const [expected, actual] of answers) assert.equal(await actual, expected);
      answers = [];
    };
    for (const step of steps) {
      if (step.do === 'revoke') await compare();
      const answer = this.#take(step);
      if (answer) answers.push(answer);
    }
    await compare();
  }

  #take(step: Step): [string, Promise<string>] | undefined {
    const { ledger, now } = this.#desk;
    switch (step.do) {
      case 'admit': {
        const id = this.#desk.nextId();
        this.#sent.push({ id, needed: step.needed });
        const expected = this.#model.admit({ ...step, id, at: now });
        const call = admission(id, now, this.#keys[step.key]!.id, 0, {
          quote: { kind: 'estimated', micros: step.needed },
          idempotencyKey: step.name,
          fingerprint: step.body,
          idempotencyWindowMs: WINDOW_MS,
          waited: step.waited,
        });
        return [expected, ledger.admit(call).then(codeOf)];
      }
      case 'settle': {
        // Any call of this run: most are under way, some have ended, some never were let in.
        const sent = this.#sent[step.call % Math.max(1, this.#sent.length)];
        if (!sent) return undefined;
        const cost = (sent.needed * BigInt(step.cost)) / 3n;
        const keep = step.keep || step.end === 'unknown';
        this.#model.settle(sent.id, { at: now, outcome: step.end, cost, keep });
        ledger.settle(
          settlement(sent.id, now, {
            outcome: step.end,
            cost: step.end === 'settled' ? cost : null,
            keepIdentity: keep,
            sealedReply: keep && step.end !== 'unknown' ? Buffer.from('reply') : null,
          }),
        );
        return undefined;
      }
      case 'revoke': {
        this.#model.revoke(step.key);
        const { id } = this.#keys[step.key]!;
        return ['done', ledger.revoke({ key: id }, null, 'test', now).then(() => 'done')];
      }
      case 'change': {
        const expected = this.#model.change(step.key, { [step.kind]: step.cap });
        const patch = { [step.kind === 'total' ? 'totalCap' : 'dailyCap']: step.cap };
        const changed = ledger.changeKey(this.#keys[step.key]!.id, patch, 'test', now).then(
          () => 'changed',
          (error) => (error instanceof LedgerConflict ? 'conflict' : Promise.reject(error)),
        );
        return [expected ? 'changed' : 'conflict', changed];
      }
      case 'wait':
        this.#desk.clock.advance(step.ms);
    }
    return undefined;
  }

  async crash(): Promise<void> {
    await this.#desk.reopen();
    this.#model.crash();
  }

  async check(): Promise<void> {
    const { now } = this.#desk;
    const views = await Promise.all(this.#keys.map((each) => this.#desk.view(each)));
    for (const [index, view] of views.entries()) {
      const key = this.#model.keys[index]!;
      assert.deepEqual({ spent: view.spent, held: view.held }, key.total, `key ${index}`);
      assert.equal(view.calls, key.calls);
      assert.equal(view.remaining, this.#model.remaining(index, now));
      assert.deepEqual(
        view.budgets.map(({ cap, spent, held }) => [cap, { spent, held }]),
        this.#model.budgets(key, now),
      );
    }
    const rows = await Promise.all(
      this.#keys.map(({ id }) => this.#desk.ledger.spend('key', { keyId: id })),
    );
    for (const index of [2, 3]) {
      // No other key draws on these two, so their rows are all that they count.
      const { spent, held } = rows[index]![0] ?? { spent: 0n, held: 0n };
      assert.deepEqual({ spent, held }, this.#model.keys[index]!.total);
    }
  }
}
