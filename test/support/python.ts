/**
 * Python environments from PyPI with everything pinned (python/requirements-*.txt), made once for
 * each set of requirements and kept in `.cache/python`. A virtual environment cannot be moved, so it
 * is made in place.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { installDebian } from './debian.ts';
import { CACHE, fillOnce, underLock } from './lock.ts';
import { type Finished, type ProcessOptions, run } from './process.ts';

/**
 * `current`: today's stripe-python. `stripe5`: 5.0.0. Both with Celery and Luigi. `messaging`: the
 * official SDKs of Twilio, Resend, SendGrid and Postmark.
 */
export type Environment = 'current' | 'stripe5' | 'localstripe' | 'messaging';

export interface Python {
  /** A program of the environment: `python`, `celery`, `luigi`. */
  bin(name: string): string;
  /** Runs a Python program to its end. */
  run(args: string[], options?: ProcessOptions): Promise<Finished>;
}

/** The pinned releases ask for 3.11 or newer, and Luigi's for older than 3.14. */
const CANDIDATES = ['python3', 'python3.13', 'python3.12', 'python3.11'];
const SUITABLE = 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))';

/** What pip prints when the index cannot be reached, as opposed to a release that it lacks. */
const UNREACHABLE =
  /NewConnectionError|ConnectTimeoutError|Failed to establish a new connection|Temporary failure in name resolution|Name or service not known|Network is unreachable|ProxyError|Read timed out|ConnectionResetError/;

/** The index was reached and lacks the release: then a pin is wrong, whatever was retried before. */
const LACKING = /\(from versions: (?!none)/;

const PRINT_VERSION = 'import sys; print("%d.%d" % sys.version_info[:2])';

/** The environment, made if need be; or why it cannot be had here. Throws on any other failure. */
export async function python(name: Environment): Promise<Python | { skip: string }> {
  const file = join(import.meta.dirname, 'python', `requirements-${name}.txt`);
  return await underLock('python', async () => {
    const base = await findPython();
    if (typeof base !== 'string') return base;
    const version = (await run(base, ['-c', PRINT_VERSION])).stdout.trim();
    const requirements = await readFile(file);
    const digest = createHash('sha256').update(requirements).update(version).digest('hex');
    const folder = join(CACHE, 'python', digest.slice(0, 16));
    const missing = await fillOnce(folder, () => make(base, folder, file));
    return missing === null ? environment(folder) : { skip: missing };
  });
}

function environment(folder: string): Python {
  const bin = (program: string) => join(folder, 'bin', program);
  return {
    bin,
    run: (args, options = {}) => run(bin('python'), args, { timeoutMs: 120_000, ...options }),
  };
}

async function findPython(): Promise<string | { skip: string }> {
  const suitable = async () => {
    for (const command of CANDIDATES) {
      if ((await run(command, ['-c', `import ensurepip; ${SUITABLE}`])).code === 0) return command;
    }
    return undefined;
  };
  const found = await suitable();
  if (found) return found;
  // Debian's python3 comes without ensurepip, which is what an environment is made with.
  const missing = await installDebian('python3', 'python3-venv');
  if (missing !== null) return { skip: missing };
  return (await suitable()) ?? { skip: 'there is no Python from 3.11 to 3.13 here' };
}

/** Returns null when the environment is complete, or why PyPI could not be reached. */
async function make(base: string, folder: string, file: string): Promise<string | null> {
  const venv = await run(base, ['-m', 'venv', folder]);
  if (venv.code !== 0) throw new Error(`python3 -m venv failed:\n${venv.stdout}${venv.stderr}`);
  const pip = ['-m', 'pip', '--disable-pip-version-check', '--no-input'];
  // No dependency is resolved: what is not in the file is not installed.
  const args = [...pip, 'install', '--retries', '2', '--no-deps', '-r', file];
  const result = await run(join(folder, 'bin', 'python'), args, { timeoutMs: 900_000 });
  if (result.code !== 0) {
    const output = result.stdout + result.stderr;
    if (UNREACHABLE.test(output) && !LACKING.test(output)) return 'PyPI cannot be reached';
    throw new Error(`pip could not install ${file}:\n${output}`);
  }
  return null;
}
