/**
 * `npm run demo`: the incident of a billing run gone wrong, as a story one can watch. It ends with
 * the ledger beside the vendor's own books, and with status 1 if a single line of them differs.
 */
import { randomBytes } from 'node:crypto';
import { Command, CommanderError } from 'commander';
import { countOption } from '../options.ts';
import { Terminal } from '../terminal.ts';
import { capAct } from './cap-act.ts';
import { costWithoutBrake, planCharges } from './charges.ts';
import { centsText, grouped } from './compare.ts';
import { issueKey } from './ledger.ts';
import { revokeAct } from './revoke-act.ts';
import { type Stage, setStage } from './stage.ts';

const CAP_USD = 500;

/** Slow enough for the eye, money in flight included; and what a test has time for. */
const WATCHABLE = { latencyMs: { min: 300, max: 700 }, ownWorkMs: 500, hammerMs: 4_000 };
const FAST = { latencyMs: { min: 20, max: 30 }, ownWorkMs: 0, hammerMs: 400 };

interface DemoOptions {
  charges: string;
  atOnce: string;
  fast?: boolean;
  plantCents: string;
}

const program = new Command('demo')
  .description('Plays the billing run of 3,000 charges against a sandbox Stripe, on this machine.')
  .option('--charges <n>', 'how many charges the broken run makes', '3000')
  .option('--at-once <n>', 'how many at a time', '200')
  .option('--fast', 'leave out the pauses that make it watchable')
  .option('--plant-cents <n>', "falsify Stripe's books by so much, to see it found", '0')
  .addHelpText(
    'after',
    `
Examples:
  $ npm run demo
  $ npm run demo -- --charges 300 --at-once 50 --fast
  $ npm run demo -- --plant-cents 1      # the books differ by a cent: status 1

Exit status: 0 the books are equal, 1 they differ or something failed, 2 wrong usage`,
  )
  .exitOverride();

process.exitCode = await main();

async function main(): Promise<number> {
  const terminal = new Terminal();
  try {
    const options = program.parse().opts<DemoOptions>();
    const stage = await setStage(options.fast ? FAST.latencyMs : WATCHABLE.latencyMs);
    try {
      return (await play(stage, options, terminal)) ? 0 : 1;
    } finally {
      await stage.strike();
    }
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    terminal.note(`demo: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

async function play(stage: Stage, options: DemoOptions, terminal: Terminal): Promise<boolean> {
  const count = countOption('--charges', options.charges)!;
  const atOnce = countOption('--at-once', options.atOnce)!;
  const label = `celery-billing/${randomBytes(2).toString('hex')}`;
  const charges = planCharges(count, label);
  const heading = (text: string) => terminal.print(`\n${terminal.style('bold', text)}`);
  const say = (...lines: string[]) => {
    for (const line of lines) terminal.print(`   ${line}`);
  };

  heading(`The billing run that charged ${grouped(count)} customers`);
  say(
    'Every night a Celery chord bills the customers that are due, some 250, for',
    `$500. Tonight the pipeline lost its filter and hands it all ${grouped(count)}. Workers`,
    `take ${atOnce} tasks at a time. All of it runs here, against a sandbox Stripe.`,
  );

  heading('1  Without a brake');
  say(
    `${grouped(count)} charges, ${centsText(costWithoutBrake(charges))}. Celery shows the states of tasks, not dollars;`,
    'nothing in it would have stopped before the last customer.',
  );

  heading('2  With a vault key');
  const key = await issueKey(stage.api, label, CAP_USD);
  say(
    `Issued ${key.id} to the run ${label}:`,
    `a cap of $${CAP_USD}.00, POST /v1/payment_intents and nothing else, for 2 hours.`,
    "The workers get this key and Keybrake's address, never Stripe's secret.",
    '',
  );
  const { ownWorkMs, hammerMs } = options.fast ? FAST : WATCHABLE;
  const plantCents = BigInt(options.plantCents);
  const capped = await capAct(
    stage,
    key,
    { charges, atOnce, capUsd: CAP_USD, ownWorkMs, plantCents },
    terminal,
  );

  heading('3  Revoked in full flight');
  say(
    `Another run of ${atOnce} callers, with a cap it will not reach. An operator revokes`,
    'its key; the callers do not know and go on. A run beside it must not notice.',
    '',
  );
  const revoked = await revokeAct(
    stage,
    { label, callers: atOnce, beforeMs: hammerMs, afterMs: hammerMs },
    terminal,
  );

  terminal.print();
  if (capped && revoked) {
    terminal.print(
      terminal.style('green', 'Both acts held, and every line of the books is equal.'),
    );
  } else terminal.print(terminal.style('red', 'Something differs; see the red lines above.'));
  return capped && revoked;
}
