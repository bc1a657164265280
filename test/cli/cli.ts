/**
 * The command line as its users have it: a child process each time, in an environment without any
 * Keybrake setting of the tester's own; and a real server for it to talk to, started by itself.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface CliOptions {
  env?: Record<string, string>;
  /** What is piped into standard input. */
  input?: string;
  /** The program; default: the command line. */
  main?: string;
}

function environment(env: Record<string, string> = {}): Record<string, string> {
  return { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env };
}

/** Runs one command to its end. */
export async function keybrake(args: readonly string[], options: CliOptions = {}): Promise<Ended> {
  const child = spawn(process.execPath, [options.main ?? MAIN, ...args], {
    env: environment(options.env),
    stdio: 'pipe',
  });
  const ended: Ended = { code: null, stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    ended.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    ended.stderr += text;
  });
  // A command that refuses its arguments has gone before it reads.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  [ended.code] = (await once(child, 'close')) as [number | null];
  return ended;
}

export interface RunningServer {
  url: string;
  data: string;
  /** The first API key, as the banner showed it. */
  apiKey: string;
  banner: string;
  pid: number;
  /** A command against this server. */
  cli(args: readonly string[], options?: CliOptions): Promise<Ended>;
  /** Sends SIGTERM; resolves with how it ended. */
  stop(): Promise<Ended>;
  /** Stops it when it runs, and removes its folder. */
  remove(): Promise<void>;
}

/** `keybrake serve` with the sandbox, on a folder of its own, and with `more` arguments. */
export async function startServer(more: readonly string[] = []): Promise<RunningServer> {
  const folder = await mkdtemp(join(tmpdir(), 'keybrake-cli-test-'));
  const data = join(folder, 'data');
  const args = [
    MAIN,
    'serve',
    '--listen',
    '127.0.0.1:0',
    '--data',
    data,
    '--sandbox',
    '1',
    ...more,
  ];
  const child = spawn(process.execPath, args, { env: environment(), stdio: 'pipe' });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const ended: Ended = { code: null, stdout: '', stderr: '' };
  const closed = once(child, 'close').then(([code]: number[]) => {
    ended.code = code ?? null;
    process.off('exit', kill);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    ended.stderr += text;
  });
  // The banner is whole when the lines to try have come.
  await new Promise<void>((resolve, reject) => {
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => {
      ended.stdout += `${line}\n`;
      if (line.startsWith('curl ')) resolve();
    });
    closed.then(() => reject(new Error(`the server did not start: ${ended.stderr}`)));
  });
  const url = /listens on (\S+)/.exec(ended.stdout)![1]!;
  return {
    url,
    data,
    pid: child.pid!,
    apiKey: /keybrake_admin_\w+/.exec(ended.stdout)![0],
    banner: ended.stdout,
    cli: (command, options) => keybrake([...command, '--url', url, '--data', data], options),
    async stop() {
      child.kill('SIGTERM');
      await closed;
      return ended;
    },
    async remove() {
      child.kill('SIGTERM');
      await closed;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
