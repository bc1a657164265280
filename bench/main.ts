/**
 * `npm run bench`: the vendor directly, a bare proxy, and Keybrake with everything on, in one run on
 * one machine, in alternating rounds; medians with their spread. Then a revoke under load, and
 * memory. `--quick` makes a short run of the same shape; `--only throughput|revoke|memory`.
 */
import { parseArgs } from 'node:util';
import { measureMemory } from './memory.ts';
import { measureRevoke } from './revoke.ts';
import { Rig } from './rig.ts';
import { measureThroughput } from './throughput.ts';

const { values: flags } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, only: { type: 'string' } },
});
const PARTS = { throughput: measureThroughput, revoke: measureRevoke, memory: measureMemory };

const rig = new Rig();
try {
  for (const [name, measure] of Object.entries(PARTS)) {
    if (flags.only && flags.only !== name) continue;
    console.log(await measure(rig, flags.quick));
  }
} finally {
  await rig.stop();
}
