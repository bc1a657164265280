/**
 * Debian's packages, for programs that a test needs and the machine lacks. Installs only where it
 * may (root, apt-get), and says why where it may not, so that the test can be skipped with a reason.
 */
import { underLock } from './lock.ts';
import { type Finished, run } from './process.ts';

/** What apt-get prints when the archive cannot be reached, as opposed to a broken installation. */
const UNREACHABLE =
  /Temporary failure resolving|Could not resolve|Could not connect|Cannot initiate the connection|Failed to fetch|Network is unreachable/;

/** Whether the program is on the PATH and starts. */
export async function present(command: string, args = ['--version']): Promise<boolean> {
  return (await run(command, args)).code === 0;
}

/**
 * Installs packages. Returns null when they are there, or the reason to skip when they cannot be
 * had. Throws when the archive was reached and the installation failed all the same.
 */
export async function installDebian(...packages: string[]): Promise<string | null> {
  const names = packages.join(' ');
  if (!(await present('apt-get'))) return `${names} is missing and there is no apt-get`;
  if (process.getuid?.() !== 0) return `${names} is missing and only root can install it`;
  const result = await underLock('debian', () => aptGet(packages));
  if (result.code === 0) return null;
  const output = result.stdout + result.stderr;
  if (UNREACHABLE.test(output)) return `${names} is missing and Debian's archive is out of reach`;
  throw new Error(`apt-get could not install ${names}:\n${output}`);
}

async function aptGet(packages: string[]): Promise<Finished> {
  const env = { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };
  const options = ['-qq', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=2'];
  const install = [...options, 'install', '-y', '--no-install-recommends', ...packages];
  const first = await run('apt-get', install, { env, timeoutMs: 600_000 });
  if (first.code === 0) return first;
  // The lists of a fresh image are empty or old.
  const update = await run('apt-get', [...options, 'update'], { env, timeoutMs: 300_000 });
  const second = await run('apt-get', install, { env, timeoutMs: 600_000 });
  return { ...second, stderr: update.stderr + second.stderr };
}
