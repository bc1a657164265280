/** How long a DELETE of a key takes to be answered while 32 connections keep the server busy. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { percentile, type Rig } from './rig.ts';
import { issue, startKeybrake, startVendor } from './targets.ts';

export async function measureRevoke(rig: Rig, quick: boolean): Promise<string> {
  const times = quick ? 50 : 300;
  const { vendor } = await startVendor(rig);
  const { target, apiKey } = await startKeybrake(rig, vendor, 'revoke');
  const load = rig.loader();
  const keys = [];
  for (let i = 0; i < times; i++) keys.push(await issue(target.url, `revoke-${i}`));
  const busy = load({ ...target, connections: 32, ms: times * 40 + 2_000, calls: 1e9 });
  await sleep(1_500);
  const pool = new Pool(target.url, { connections: 1 });
  const taken: number[] = [];
  for (const { id } of keys) {
    const before = performance.now();
    const { statusCode, body } = await pool.request({
      method: 'DELETE',
      path: `/vault/keys/${id}`,
      headers: { authorization: `Bearer ${apiKey}` },
    });
    await body.dump();
    taken.push(performance.now() - before);
    if (statusCode !== 200) throw new Error(`revoke answered ${statusCode}`);
    await sleep(20);
  }
  await pool.close();
  const { calls, seconds } = await busy;
  taken.sort((a, b) => a - b);
  const at = (share: number) => `${percentile(taken, share).toFixed(2)} ms`;
  return [
    `Revoke under load (${times} revokes beside ${Math.round(calls / seconds)} calls/s at 32 connections)`,
    '',
    '| p50 | p95 | p99 | longest |',
    '| ---: | ---: | ---: | ---: |',
    `| ${at(0.5)} | ${at(0.95)} | ${at(0.99)} | ${at(1)} |`,
    '',
  ].join('\n');
}
