/**
 * `npm run simulate`: many short runs, or as many as go into some minutes. When one breaks a
 * promise, it says which one, what led to it, and how to see exactly that again.
 */
import { parseArgs } from 'node:util';
import { type Failure, simulateMany } from './many.ts';
import { SABOTAGES, type SabotageName } from './sabotage.ts';

const HELP = `npm run simulate -- [options]

  --seed N       the first seed; a random one when not given
  --runs N       how many, each with the next seed; 1000 when not given
  --minutes N    as many runs as go into that time, instead of --runs
  --steps N      what clients and operators do in one run; 8 to 24 when not given
  --threads N    one for each processor when not given
  --fault NAME   plants a fault; the simulation must notice. One of:
                 ${Object.keys(SABOTAGES).join(', ')}
  --lines N      of what led to a broken promise; 60 when not given
`;

/** How often it is said how far it is, in milliseconds. */
const EVERY_MS = 5_000;

class UsageError extends Error {}

interface Options {
  readonly seed: number;
  readonly runs: number;
  readonly minutes: number | null;
  readonly steps: number | undefined;
  readonly threads: number | undefined;
  readonly fault: SabotageName | undefined;
  readonly lines: number;
}

function readOptions(): Options | null {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      ...{ seed: text, runs: text, minutes: text, steps: text, threads: text, fault: text },
      ...{ lines: text, help: { type: 'boolean' } },
    },
  });
  if (values.help) return null;
  const count = (name: 'seed' | 'runs' | 'minutes' | 'steps' | 'threads' | 'lines') => {
    const given = values[name];
    if (given === undefined) return undefined;
    if (!/^\d{1,10}$/.test(given)) throw new UsageError(`--${name} must be a whole number`);
    // Of no run at all it would be said that every promise was kept.
    const isCount = name !== 'seed' && name !== 'lines';
    if (isCount && Number(given) === 0) throw new UsageError(`--${name} must be at least 1`);
    return Number(given);
  };
  const { fault } = values;
  if (fault !== undefined && !Object.hasOwn(SABOTAGES, fault)) {
    throw new UsageError(`--fault must be one of ${Object.keys(SABOTAGES).join(', ')}`);
  }
  const minutes = count('minutes') ?? null;
  return {
    seed: count('seed') ?? Math.floor(Math.random() * 1_000_000_000),
    runs: minutes === null ? (count('runs') ?? 1_000) : Number.MAX_SAFE_INTEGER / 2,
    minutes,
    ...{ steps: count('steps'), threads: count('threads'), fault: fault as SabotageName },
    lines: count('lines') ?? 60,
  };
}

async function main(options: Options): Promise<number> {
  const { seed, runs, minutes, steps, threads, fault } = options;
  const began = performance.now();
  let toldAt = began;
  const { failure, ...total } = await simulateMany({
    ...{ from: seed, runs, steps, fault },
    ...(threads === undefined ? {} : { threads }),
    onProgress(done, calls) {
      const now = performance.now();
      const seconds = (now - began) / 1000;
      if (now - toldAt >= EVERY_MS) {
        toldAt = now;
        const of = minutes === null ? ` of ${runs}` : '';
        say(`${done}${of} runs, ${calls} calls, ${Math.round(done / seconds)} runs a second`);
      }
      return minutes === null || seconds < minutes * 60;
    },
  });
  if (failure === null) {
    say(`${total.runs} runs from seed ${seed}, ${total.calls} calls: every promise was kept`);
    return 0;
  }
  tell(failure, options);
  return 1;
}

function tell({ seed, invariant, what, trace }: Failure, { steps, fault, lines }: Options): void {
  const again = ['npm run simulate --', `--seed ${seed}`, '--runs 1'];
  if (steps !== undefined) again.push(`--steps ${steps}`);
  if (fault !== undefined) again.push(`--fault '${fault}'`);
  say(`\n${trace.slice(-lines).join('\n')}\n`);
  say(`seed ${seed} breaks promise ${invariant}: ${what}`);
  say(`to see it again: ${again.join(' ')}`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

try {
  const options = readOptions();
  if (options === null) say(HELP);
  else process.exitCode = await main(options);
} catch (error) {
  const usage =
    error instanceof UsageError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS');
  if (!usage) throw error;
  process.stderr.write(`${(error as Error).message}\n\n${HELP}`);
  process.exitCode = 2;
}
