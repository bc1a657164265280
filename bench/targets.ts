/** The three things that are compared, as processes: vendor, bare proxy, Keybrake. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Rig, Target, Vendor } from './rig.ts';

/** The flags of `npm start`: what is measured is what people run. */
const START_FLAGS = startFlags();

const API_KEY = 'keybrake_bench_admin_key';

export interface Keybrake {
  target: Target;
  apiKey: string;
}

export async function startVendor(rig: Rig): Promise<{ vendor: Vendor; target: Target }> {
  const args = ['--keep-log', '0', '--keep-objects', '1000'];
  const { child, found } = await rig.start('src/sandbox/main.ts', args);
  const vendor = JSON.parse(found) as Vendor;
  const target = {
    ...charge('vendor', child.pid!, vendor.stripe_url),
    path: '/v1/payment_intents',
  };
  return { vendor, target: { ...target, authorization: `Bearer ${vendor.secret}` } };
}

export async function startBare(rig: Rig, vendor: Vendor): Promise<Target> {
  const env = { VENDOR_SECRET: vendor.secret };
  const { child, found } = await rig.start('bench/bare.ts', [vendor.stripe_url], env);
  return { ...charge('bare proxy', child.pid!, found), path: '/v1/payment_intents' };
}

/** A server on its own data folder, with one key that no measurement uses up. */
export async function startKeybrake(rig: Rig, vendor: Vendor, name: string): Promise<Keybrake> {
  const env = {
    KEYBRAKE_LISTEN: '127.0.0.1:0',
    KEYBRAKE_DATA: join(rig.dataDir, name),
    KEYBRAKE_API_KEY: API_KEY,
    KEYBRAKE_STRIPE_SECRET: vendor.secret,
    KEYBRAKE_STRIPE_BASE_URL: vendor.stripe_url,
  };
  const address = (line: string) => /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
  const { child, found } = await rig.start('dist/main.js', ['serve'], env, address, START_FLAGS);
  const key = await issue(found, 'bench');
  const target = { ...charge('keybrake', child.pid!, found), path: '/stripe/v1/payment_intents' };
  return { target: { ...target, authorization: `Bearer ${key.vault_key}` }, apiKey: API_KEY };
}

/** Issues a key that may create payment intents. */
export async function issue(
  url: string,
  label: string,
): Promise<{ id: string; vault_key: string }> {
  const reply = await fetch(`${url}/vault/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      vendor: 'stripe',
      total_usd_cap: 100_000_000,
      allowed_endpoints: ['POST /v1/payment_intents'],
      expires_in: '2h',
      agent_run_label: label,
    }),
  });
  if (reply.status !== 201) throw new Error(`issue answered ${reply.status}`);
  return (await reply.json()) as { id: string; vault_key: string };
}

function charge(name: string, pid: number, url: string): Target {
  return { name, pid, url, path: '', authorization: 'Bearer none' };
}

function startFlags(): string[] {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const words: string[] = manifest.scripts.start.split(' ');
  return words.slice(1, words.indexOf('dist/main.js'));
}
