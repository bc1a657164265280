/** Resident memory with 100,000 live keys, and over 200,000 calls that take turns among them. */
import { Pool } from 'undici';
import { type Rig, residentMib, type Target } from './rig.ts';
import { issue, startKeybrake, startVendor } from './targets.ts';

const ISSUERS = 64;
const SAMPLES = 10;

export async function measureMemory(rig: Rig, quick: boolean): Promise<string> {
  const [keyCount, callCount] = quick ? [5_000, 10_000] : [100_000, 200_000];
  const { vendor } = await startVendor(rig);
  const { target } = await startKeybrake(rig, vendor, 'memory');
  const fresh = residentMib(target.pid);
  const keys = await issueMany(target, keyCount);
  const withKeys = residentMib(target.pid);
  const samples: number[] = [];
  for (let i = 0; i < SAMPLES; i++) {
    await callMany(target, keys, callCount / SAMPLES);
    samples.push(residentMib(target.pid));
  }
  const mib = (value: number) => value.toFixed(0);
  return [
    'Resident memory, MiB',
    '',
    `| started | ${keyCount} live keys | ${samples.map((_, i) => `${((i + 1) * callCount) / SAMPLES / 1000}k calls`).join(' | ')} |`,
    `| ${Array.from({ length: SAMPLES + 2 }, () => '---:').join(' | ')} |`,
    `| ${[fresh, withKeys, ...samples].map(mib).join(' | ')} |`,
    '',
  ].join('\n');
}

async function issueMany(target: Target, count: number): Promise<string[]> {
  const keys: string[] = [];
  let issued = 0;
  const issuer = async () => {
    while (issued < count) {
      const { vault_key } = await issue(target.url, `run-${issued++}`);
      keys.push(vault_key);
    }
  };
  await Promise.all(Array.from({ length: ISSUERS }, issuer));
  return keys;
}

async function callMany(target: Target, keys: string[], count: number): Promise<void> {
  const pool = new Pool(target.url, { connections: 32 });
  let made = 0;
  const caller = async () => {
    while (made < count) {
      const serial = made++;
      const key = keys[Math.floor(Math.random() * keys.length)]!;
      const { statusCode, body } = await pool.request({
        method: 'POST',
        path: target.path,
        headers: {
          authorization: `Bearer ${key}`,
          'content-type': 'application/x-www-form-urlencoded',
          'idempotency-key': `memory-${serial}-${performance.now()}`,
        },
        body: 'amount=100&currency=usd&confirm=true&payment_method=pm_card_visa',
      });
      await body.dump();
      if (statusCode !== 200) throw new Error(`a call answered ${statusCode}`);
    }
  };
  await Promise.all(Array.from({ length: 32 }, caller));
  await pool.close();
}
