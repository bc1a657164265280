/** What `keybrake doctor` looks at in the data folder, where that is on this machine. Reads only. */
import { stat, statfs } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Finding } from './finding.ts';

const DISK_WARN_BYTES = 1_000_000_000;
const DISK_FAIL_BYTES = 50_000_000;

/** Its rights, and the room beside it. */
export async function dataFolder(data: string): Promise<Finding[]> {
  const path = resolve(data);
  const folder = await stat(path).catch(() => undefined);
  if (!folder) {
    const found = `${path} is not on this machine; not looked at`;
    return [{ check: 'data', verdict: 'ok', found }];
  }
  return [mode(path, folder.mode), await disk(path)];
}

function mode(path: string, bits: number): Finding {
  const check = 'data';
  const permissions = (bits & 0o777).toString(8).padStart(4, '0');
  if ((bits & 0o077) === 0) return { check, verdict: 'ok', found: `${path}, mode ${permissions}` };
  return {
    check,
    verdict: 'fail',
    found: `${path} has mode ${permissions}: other users can reach the master key`,
    remedy: `chmod 700 ${path}`,
  };
}

async function disk(path: string): Promise<Finding> {
  const check = 'disk';
  const { bavail, bsize } = await statfs(path);
  const free = bavail * bsize;
  const found = `${(free / 1e9).toFixed(1)} GB free`;
  if (free >= DISK_WARN_BYTES) return { check, verdict: 'ok', found };
  const remedy = 'Make room: when the ledger cannot be written, every call is refused.';
  return { check, verdict: free < DISK_FAIL_BYTES ? 'fail' : 'warn', found, remedy };
}
