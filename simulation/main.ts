/**
 * `npm run simulate`: runs from a seed on, until one breaks a promise or all have passed. What fails
 * is printed with its story and with the command that plays it again.
 */
import { parseArgs } from 'node:util';
import { openDatabase } from './disk.ts';
import { simulate } from './run.ts';
import { SABOTAGES, type SabotageName } from './sabotage.ts';

const USAGE = `Plays the whole data plane from a seed: time, store, vendors and clients are simulated, and crash,
lose, repeat, delay and reorder. After each step the promises of ARCHITECTURE.md are checked.

usage: npm run simulate -- [options]
  --seed N        the first seed (default: the time, printed)
  --runs M        how many seeds from there on (default: 1000)
  --minutes N     the long mode: goes on for so long, whatever --runs says
  --steps N       what clients and operators do in each run (default: 10 to 30, by the seed)
  --sabotage NAME plays with a safeguard taken away: ${Object.keys(SABOTAGES).join(', ')}
  --trace         print the whole story of a run that fails, not its end alone

Exit status: 0 all passed, 1 a promise was broken, 2 wrong usage.
`;

/** Lines of the story that are printed of a run that failed. */
const STORY = 60;

function usage(wrong: string): never {
  process.stderr.write(`${wrong}\n\n${USAGE}`);
  process.exit(2);
}

function options() {
  try {
    return parseArgs({
      options: {
        seed: { type: 'string' },
        runs: { type: 'string' },
        minutes: { type: 'string' },
        steps: { type: 'string' },
        sabotage: { type: 'string' },
        trace: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    return usage((error as Error).message);
  }
}

const flags = options();
if (flags.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}

function whole(name: 'seed' | 'runs' | 'minutes' | 'steps'): number | undefined {
  const text = flags[name];
  if (text === undefined) return undefined;
  if (!/^\d{1,10}$/.test(text)) usage(`--${name} must be a whole number.`);
  return Number(text);
}

const first = whole('seed') ?? Date.now() % 1_000_000_000;
const steps = whole('steps');
const minutes = whole('minutes');
const runs = minutes === undefined ? (whole('runs') ?? 1_000) : Number.POSITIVE_INFINITY;
const until = minutes === undefined ? Number.POSITIVE_INFINITY : minutes * 60_000;
const { sabotage: name } = flags;
if (name !== undefined && !Object.hasOwn(SABOTAGES, name)) usage(`There is no sabotage "${name}".`);
const sabotage = name === undefined ? undefined : SABOTAGES[name as SabotageName];

const db = openDatabase();
const startedAt = performance.now();
let drawnAt = startedAt;
let done = 0;
let calls = 0;
for (let seed = first; done < runs && performance.now() - startedAt < until; seed++) {
  const result = await simulate({ seed, db, steps, sabotage });
  done += 1;
  calls += result.calls;
  if (result.violation) {
    progress('');
    const story = flags.trace ? result.trace : result.trace.slice(-STORY);
    const { invariant, what } = result.violation;
    const again = [
      `npm run simulate -- --seed ${seed} --runs 1 --trace`,
      ...(steps === undefined ? [] : [`--steps ${steps}`]),
      ...(name === undefined ? [] : [`--sabotage '${name}'`]),
    ];
    process.stdout.write(
      `${story.join('\n')}\n\nseed ${seed} breaks promise ${invariant}: ${what}\n` +
        `Play it again: ${again.join(' ')}\n`,
    );
    process.exit(1);
  }
  if (performance.now() - drawnAt > 500) progress(`  ${done} runs, ${calls} calls, seed ${seed}`);
}
progress('');
const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
process.stdout.write(
  `seeds ${first} to ${first + done - 1}: ${done} runs, ${calls} calls, no promise broken, ${seconds} s\n`,
);

/** One line on a terminal's stderr, drawn over the one before. */
function progress(line: string): void {
  drawnAt = performance.now();
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
}
