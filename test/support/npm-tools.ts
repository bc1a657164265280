/**
 * Fakes and official SDKs from npm that the tests run and Keybrake does not depend on, so that they
 * are in no lock file of its own: pinned with their whole tree by npm/package-lock.json and kept in
 * `.cache/npm`. None of their install scripts is run: of 265 packages only @scarf/scarf, which comes
 * with Prism, has one, and it reports the installation to its maker.
 *
 * To change a version: edit npm/package.json, then `npm install --package-lock-only` beside it.
 */
import { createHash } from 'node:crypto';
import { copyFile, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { CACHE, fillOnce, underLock } from './lock.ts';
import { run } from './process.ts';

export interface NpmTools {
  /** The folder that has them in its `node_modules`. */
  folder: string;
  /** A program of theirs, to be run by Node: `prism`. */
  bin(name: string): string;
  /** What `require` gives for a package. tsc knows nothing of it: the caller states the type. */
  load(name: string): unknown;
}

const FILES = ['package.json', 'package-lock.json'];

/** What npm prints when the registry cannot be reached, as opposed to a release that it lacks. */
const UNREACHABLE =
  /\b(?:EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|ERR_SOCKET_TIMEOUT)\b/;

/** The installed tools, or why they cannot be had here. Throws on any other failure. */
export async function npmTools(): Promise<NpmTools | { skip: string }> {
  const source = join(import.meta.dirname, 'npm');
  return await underLock('npm', async () => {
    const hash = createHash('sha256');
    for (const file of FILES) hash.update(await readFile(join(source, file)));
    const folder = join(CACHE, 'npm', hash.digest('hex').slice(0, 16));
    const missing = await fillOnce(folder, () => install(source, folder));
    return missing === null ? tools(folder) : { skip: missing };
  });
}

function tools(folder: string): NpmTools {
  return {
    folder,
    bin: (name) => join(folder, 'node_modules', '.bin', name),
    load: createRequire(join(folder, 'package.json')),
  };
}

/** Returns null when they are installed, or why the registry could not be reached. */
async function install(source: string, folder: string): Promise<string | null> {
  for (const file of FILES) await copyFile(join(source, file), join(folder, file));
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
  const result = await run('npm', args, { cwd: folder, timeoutMs: 600_000 });
  if (result.code === 0) return null;
  const output = result.stdout + result.stderr;
  if (UNREACHABLE.test(output)) return 'the npm registry cannot be reached';
  throw new Error(`npm could not install the tools of ${source}:\n${output}`);
}
