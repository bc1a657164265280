/**
 * The second act: a run is revoked while its callers hammer, and another run goes on. The proof is
 * the vendor's own log: what it received after the DELETE had been answered, and whether that had
 * been sent before. Times of the log and of the answer are read from one clock.
 */
import type { Terminal } from '../terminal.ts';
import { printBooks } from './books-table.ts';
import { compareBooks, grouped, type Line } from './compare.ts';
import { callsOf, type DemoCall, type IssuedKey, issueKey } from './ledger.ts';
import { type Part, Progress } from './progress.ts';
import type { Stage } from './stage.ts';
import { bookmark, booksSince } from './vendor-books.ts';
import { charge, newTally, ownWork, stripeThrough, type Tally } from './workers.ts';

export interface RevokeActOptions {
  label: string;
  callers: number;
  /** How long the callers hammer before the revoke, and after it. */
  beforeMs: number;
  afterMs: number;
}

/** A cap that this act never reaches: here it is the revoke that stops the run. */
const AMPLE_USD = 1_000_000;
const BYSTANDERS = 10;
const CENTS = 250;
/** Milliseconds a task works beside its charge. */
const OWN_WORK_MS = 250;

/** Milliseconds since 1970 with fractions, as the sandbox writes its log. */
const now = () => performance.timeOrigin + performance.now();

/** One run: callers that charge again and again until they are told to stop. */
class HammeringRun {
  readonly key: IssuedKey;
  readonly tally: Tally = newTally();
  #stopped = false;
  #done: Promise<unknown> = Promise.resolve();

  constructor(key: IssuedKey) {
    this.key = key;
  }

  start(url: string, callers: number): void {
    const stripe = stripeThrough(url, this.key.vaultKey);
    let next = 0;
    const caller = async () => {
      while (!this.#stopped) {
        const idempotencyKey = `${this.key.label}/charge-${++next}`;
        const planned = {
          customer: `cus_${next}`,
          cents: CENTS,
          card: 'pm_card_visa',
          idempotencyKey,
        };
        await charge(stripe, planned, this.tally);
        await ownWork(OWN_WORK_MS);
      }
    };
    this.#done = Promise.all(Array.from({ length: callers }, caller));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }
}

/** Returns whether nothing reached the vendor that had not been sent before, and books are equal. */
export async function revokeAct(
  stage: Stage,
  options: RevokeActOptions,
  terminal: Terminal,
): Promise<boolean> {
  const { api, books, url } = stage;
  const run = new HammeringRun(await issueKey(api, `${options.label}/runaway`, AMPLE_USD));
  const other = new HammeringRun(await issueKey(api, `${options.label}/other-run`, AMPLE_USD));
  const mark = bookmark(books);
  const progress = new Progress(terminal);
  const parts = (): Part[] => [
    [null, 'runaway: '],
    ['green', `${grouped(run.tally.paid.size).padStart(5)} paid`],
    ['red', `${grouped(run.tally.revoked).padStart(7)} told 401`],
    [null, '     other run: '],
    ['green', `${grouped(other.tally.paid.size).padStart(5)} paid`],
  ];
  const watch = async (ms: number) => {
    for (const end = now() + ms; now() < end; await ownWork(80)) progress.show(parts(), now());
  };

  run.start(url, options.callers);
  other.start(url, BYSTANDERS);
  await watch(options.beforeMs);
  const askedAt = now();
  const { value } = await api.delete<{ in_flight: string[] }>(`/vault/keys/${run.key.id}`);
  const answeredAt = now();
  const othersBefore = other.tally.paid.size;
  await watch(options.afterMs);
  await Promise.all([run.stop(), other.stop()]);
  progress.end(parts());

  const calls = await callsOf(api, run.key.id);
  const arrivals = books.received.filter(({ seq }) => seq > mark.seq);
  const proof = trace(calls, arrivals, new Set(value.in_flight), answeredAt);
  printProof(proof, answeredAt - askedAt, value.in_flight.length, terminal);
  printOther(other.tally, othersBefore, terminal);

  const otherCalls = await callsOf(api, other.key.id);
  const lines = booksOfBoth([run.tally, other.tally], [...calls, ...otherCalls], stage, mark);
  terminal.print();
  const equal = printBooks(lines, terminal);
  const surprises = [...run.tally.surprises, ...other.tally.surprises];
  for (const surprise of surprises.slice(0, 5)) terminal.print(`   unexpected: ${surprise}`);
  const othersWentOn = other.tally.paid.size > othersBefore && other.tally.revoked === 0;
  return equal && proof.started === 0 && othersWentOn && surprises.length === 0;
}

export interface Trace {
  arrivedBefore: number;
  arrivedAfter: number;
  /** Of those after: named by the answer as in flight, so sent before it. */
  sentBefore: number;
  /** Of those after: the rest. Must be none. */
  started: number;
  refused: number;
}

/**
 * Sorts the run's requests by when the vendor received them. A request that arrives after the
 * answer is excused only if the answer itself named its call as in flight.
 */
export function trace(
  calls: readonly DemoCall[],
  arrivals: readonly { at: number; idempotencyKey: string | null }[],
  inFlight: ReadonlySet<string>,
  answeredAt: number,
): Trace {
  const callOf = new Map(calls.map((call) => [call.idempotencyKey, call]));
  const ofRun = arrivals.filter(({ idempotencyKey }) => callOf.has(idempotencyKey));
  const after = ofRun.filter(({ at }) => at > answeredAt);
  const excused = after.filter(({ idempotencyKey }) =>
    inFlight.has(callOf.get(idempotencyKey)!.id),
  );
  return {
    arrivedBefore: ofRun.length - after.length,
    arrivedAfter: after.length,
    sentBefore: excused.length,
    started: after.length - excused.length,
    refused: calls.filter(({ reason }) => reason === 'key_revoked').length,
  };
}

function printProof(proof: Trace, tookMs: number, inFlight: number, terminal: Terminal): void {
  terminal.print();
  terminal.print(`   DELETE /vault/keys/{id} was answered in ${tookMs.toFixed(1)} ms.`);
  terminal.print(
    `   It named ${inFlight} calls in flight: sent before it, so they will end, and count.`,
  );
  terminal.print("   By Stripe's own log, of the requests of the revoked run");
  terminal.print(`   ${grouped(proof.arrivedBefore).padStart(7)}  arrived before the answer`);
  terminal.print(
    `   ${grouped(proof.arrivedAfter).padStart(7)}  arrived after it, ${proof.sentBefore} of them named as in flight`,
  );
  const started = String(proof.started).padStart(7);
  const style = proof.started === 0 ? 'green' : 'red';
  terminal.print(`   ${terminal.style(style, started)}  were started after it`);
  terminal.print(`   Its callers went on: ${grouped(proof.refused)} calls were refused with 401.`);
}

function printOther(tally: Tally, before: number, terminal: Terminal): void {
  const after = tally.paid.size - before;
  terminal.print(
    `   The other run noticed nothing: ${grouped(after)} charges after the revoke, ${tally.surprises.length + tally.revoked} failures.`,
  );
}

function booksOfBoth(
  tallies: readonly Tally[],
  calls: readonly DemoCall[],
  stage: Stage,
  mark: ReturnType<typeof bookmark>,
): Line[] {
  const sum = (pick: (tally: Tally) => number) => tallies.reduce((n, tally) => n + pick(tally), 0);
  const told = {
    attempted: sum(({ attempted }) => attempted),
    paid: new Map(tallies.flatMap(({ paid }) => [...paid])),
    paidCents: tallies.reduce((cents, { paidCents }) => cents + paidCents, 0n),
    declined: sum(({ declined }) => declined.size),
    refused: sum(({ revoked }) => revoked),
  };
  return compareBooks(told, calls, booksSince(stage.books, mark));
}
