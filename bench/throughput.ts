/** Calls a second and CPU time a call at 1, 32 and 128 connections; latency at 1. */
import { fsyncMs } from './fsync.ts';
import { cpuSeconds, median, percentile, type Rig, type Target } from './rig.ts';
import { startBare, startKeybrake, startVendor } from './targets.ts';

const CONNECTIONS = [1, 32, 128];

interface Round {
  rate: number;
  cpuUs: number;
  latenciesUs: number[];
}

export async function measureThroughput(rig: Rig, quick: boolean): Promise<string> {
  const [rounds, ms] = quick ? [2, 700] : [5, 2_000];
  const { vendor, target } = await startVendor(rig);
  const bare = await startBare(rig, vendor);
  const keybrake = await startKeybrake(rig, vendor, 'throughput');
  const targets = [target, bare, keybrake.target];
  const load = rig.loader();
  const measure = async (to: Target, connections: number, time: number): Promise<Round> => {
    const before = cpuSeconds(to.pid);
    const task = { ...to, connections, ms: time, calls: Number.MAX_SAFE_INTEGER };
    const result = await load(task);
    if (result.failures > 0) throw new Error(`${to.name}: ${result.failures} calls failed`);
    const cpuUs = ((cpuSeconds(to.pid) - before) * 1e6) / result.calls;
    return { rate: result.calls / result.seconds, cpuUs, latenciesUs: result.latenciesUs };
  };
  for (const to of targets) await measure(to, 32, quick ? 500 : 3_000); // warm up
  const lines = [
    'Throughput: medians of rounds, [lowest–highest]; CPU time is the process alone',
    '',
  ];
  lines.push('| connections | target | calls/s | × bare | CPU µs/call | × bare |');
  lines.push('| ---: | --- | ---: | ---: | ---: | ---: |');
  const atOne = new Map<string, Round[]>();
  for (const connections of CONNECTIONS) {
    const seen = new Map<string, Round[]>(targets.map(({ name }) => [name, []]));
    for (let round = 0; round < rounds; round++) {
      // The order turns from round to round, so that no target always follows the same one.
      for (let turn = 0; turn < targets.length; turn++) {
        const to = targets[(turn + round) % targets.length]!;
        seen.get(to.name)!.push(await measure(to, connections, ms));
      }
    }
    const yardstick = seen.get(bare.name)!;
    for (const { name } of targets) lines.push(row(connections, name, seen.get(name)!, yardstick));
    if (connections === 1) for (const [name, value] of seen) atOne.set(name, value);
  }
  lines.push('', ...latencyTable(atOne), '', `One fsync here: ${fsyncMs(rig.dataDir)}`, '');
  return lines.join('\n');
}

function row(connections: number, name: string, rounds: Round[], bare: Round[]): string {
  // Ratios are taken round by round: what disturbs the machine disturbs neighbours alike.
  const rates = rounds.map(({ rate }) => rate);
  const cpu = rounds.map(({ cpuUs }) => cpuUs);
  const rateRatio = rounds.map(({ rate }, i) => rate / bare[i]!.rate);
  const cpuRatio = rounds.map(({ cpuUs }, i) => cpuUs / bare[i]!.cpuUs);
  return `| ${connections} | ${name} | ${spread(rates, 0)} | ${spread(rateRatio, 2)} | ${spread(cpu, 0)} | ${spread(cpuRatio, 2)} |`;
}

function latencyTable(atOne: Map<string, Round[]>): string[] {
  const lines = ['Latency at one connection, ms: medians of rounds, [lowest–highest]', ''];
  lines.push('| target | p50 | p95 | p99 |', '| --- | ---: | ---: | ---: |');
  for (const [name, rounds] of atOne) {
    const at = (share: number) =>
      spread(
        rounds.map(({ latenciesUs }) => percentile(latenciesUs, share) / 1000),
        2,
      );
    lines.push(`| ${name} | ${at(0.5)} | ${at(0.95)} | ${at(0.99)} |`);
  }
  return lines;
}

export function spread(values: number[], decimals: number): string {
  const text = (value: number) => value.toFixed(decimals);
  return `${text(median(values))} [${text(Math.min(...values))}–${text(Math.max(...values))}]`;
}
