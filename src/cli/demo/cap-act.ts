/**
 * The first act: the run charges everyone it was handed, under a key that is capped at what it was
 * meant to spend. Returns whether the three sets of books are equal and the cap held.
 */
import type { Terminal } from '../terminal.ts';
import { printBooks } from './books-table.ts';
import type { PlannedCharge } from './charges.ts';
import { centsText, compareBooks, grouped } from './compare.ts';
import { callsOf, type IssuedKey, keySpend } from './ledger.ts';
import { Progress, type Standing, standingParts } from './progress.ts';
import type { Stage } from './stage.ts';
import { bookmark, booksSince } from './vendor-books.ts';
import { charge, newTally, ownWork, stripeThrough, type Tally, workThrough } from './workers.ts';

export interface CapActOptions {
  charges: readonly PlannedCharge[];
  atOnce: number;
  capUsd: number;
  /** What each task does beside its charge, milliseconds on average. */
  ownWorkMs: number;
  /** Falsifies the vendor's books by so much, to show that it is found. */
  plantCents: bigint;
}

const MICROS_PER_CENT = 10_000n;

export async function capAct(
  stage: Stage,
  key: IssuedKey,
  options: CapActOptions,
  terminal: Terminal,
): Promise<boolean> {
  const tally = newTally();
  const mark = bookmark(stage.books);
  const startedAt = performance.now();
  await runCharges(stage, key, options, tally, terminal);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  printOutcome(tally, options, seconds, terminal);

  const told = { ...tally, declined: tally.declined.size, refused: tally.capped.size };
  const ledger = await callsOf(stage.api, key.id);
  const books = booksSince(stage.books, mark);
  const lines = compareBooks(told, ledger, books, { plantCents: options.plantCents });
  terminal.print();
  const equal = printBooks(lines, terminal);
  const withinCap = books.movedCents <= BigInt(options.capUsd) * 100n;
  if (!withinCap) terminal.print(terminal.style('red', '   The cap was passed.'));
  return equal && withinCap && tally.surprises.length === 0;
}

/** Makes every charge, `atOnce` at a time, and draws how it stands meanwhile. */
async function runCharges(
  stage: Stage,
  key: IssuedKey,
  { charges, atOnce, capUsd, ownWorkMs }: CapActOptions,
  tally: Tally,
  terminal: Terminal,
): Promise<void> {
  const stripe = stripeThrough(stage.url, key.vaultKey);
  const progress = new Progress(terminal);
  const standing = async (): Promise<Standing> => {
    const { spent, held } = await keySpend(stage.api, key.id);
    return {
      done: tally.answered,
      total: charges.length,
      cap: BigInt(capUsd) * 100n,
      spent: spent / MICROS_PER_CENT,
      held: held / MICROS_PER_CENT,
      refused: tally.cappedCents,
    };
  };
  const draw = async () => standingParts(await standing(), terminal.columns - 3);
  let running = true;
  const drawing = (async () => {
    while (running) {
      progress.show(await draw(), performance.now());
      await ownWork(80);
    }
  })();
  await workThrough(charges, atOnce, async (planned) => {
    await charge(stripe, planned, tally);
    await ownWork(ownWorkMs);
  });
  running = false;
  await drawing;
  progress.end(await draw());
}

function printOutcome(
  tally: Tally,
  { capUsd, charges }: CapActOptions,
  seconds: string,
  terminal: Terminal,
): void {
  const left = BigInt(capUsd) * 100n - tally.paidCents;
  terminal.print();
  terminal.print(
    `   ${grouped(charges.length)} tasks in ${seconds} s. ${grouped(tally.paid.size)} customers were charged: ` +
      `${centsText(tally.paidCents)} of $${capUsd}.00.`,
  );
  if (tally.declined.size > 0) {
    terminal.print(
      `   ${tally.declined.size} cards were declined; what was held for them came back.`,
    );
  }
  if (tally.capped.size > 0) {
    terminal.print(
      `   ${grouped(tally.capped.size)} calls (${centsText(tally.cappedCents)}) were refused before they left, with 429 and`,
    );
    terminal.print('   X-Keybrake-Cap-Hit: true; stripe-node raised StripeRateLimitError.');
    terminal.print(
      `   ${centsText(left)} is left; the smallest charge refused was ${centsText(BigInt(tally.smallestCappedCents!))}.`,
    );
  }
  for (const surprise of tally.surprises.slice(0, 5)) {
    terminal.print(terminal.style('red', `   unexpected: ${surprise}`));
  }
}
