/**
 * Foreign programs that the tests run: started in a process group of their own, with what they
 * print kept for the failure's message, and ended by that group's id. Ends nothing it did not start.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Finished {
  /** The exit status; null when a signal ended it or it could not be started. */
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface ProcessOptions {
  cwd?: string;
  /** Added to the test's own environment; undefined removes a name. */
  env?: Record<string, string | undefined>;
  /** After this the process group is killed; in milliseconds. */
  timeoutMs?: number;
}

export interface Running {
  pid: number;
  /** What it has printed so far, both streams. */
  output(): string;
  /** Whether it has ended by itself. */
  ended(): boolean;
  /** Asks it to end (SIGTERM), and after `graceMs` ends its whole group. */
  stop(graceMs?: number): Promise<void>;
}

function start(command: string, args: string[], options: ProcessOptions): ChildProcess {
  return spawn(command, args, {
    cwd: options.cwd,
    // A proxy that the machine has for the internet is not for 127.0.0.1.
    env: { ...process.env, NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1', ...options.env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid) process.kill(-child.pid, signal);
  } catch {
    // The group has ended by itself.
  }
}

/** Runs a program to its end. Never rejects: a program that is missing has code null. */
export async function run(
  command: string,
  args: string[],
  options: ProcessOptions = {},
): Promise<Finished> {
  const child = start(command, args, options);
  const kill = () => killGroup(child, 'SIGKILL');
  process.once('exit', kill);
  const timer = options.timeoutMs ? setTimeout(kill, options.timeoutMs) : undefined;
  const finished: Finished = { code: null, stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    finished.stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    finished.stderr += text;
  });
  child.on('error', (error) => {
    finished.stderr += error.message;
  });
  // `close`, not `exit`: by then both streams have been read to their end.
  await new Promise<void>((resolve) => {
    child.on('close', (code) => {
      finished.code = code;
      resolve();
    });
  });
  clearTimeout(timer);
  process.off('exit', kill);
  return finished;
}

/** Starts a program that stays. It is killed with the test process if nobody stops it before. */
export function stay(command: string, args: string[], options: ProcessOptions = {}): Running {
  const child = start(command, args, options);
  const kill = () => killGroup(child, 'SIGKILL');
  process.once('exit', kill);
  let text = '';
  let ended = false;
  const keep = (chunk: string) => {
    text += chunk;
  };
  child.stdout?.setEncoding('utf8').on('data', keep);
  child.stderr?.setEncoding('utf8').on('data', keep);
  child.on('error', (error) => keep(error.message));
  const gone = new Promise<void>((resolve) => {
    const end = () => {
      ended = true;
      resolve();
    };
    child.on('exit', end).on('error', end);
  });
  return {
    pid: child.pid ?? 0,
    output: () => text,
    ended: () => ended,
    async stop(graceMs = 10_000) {
      child.kill('SIGTERM');
      await Promise.race([gone, sleep(graceMs, undefined, { ref: false })]);
      kill();
      await gone;
      process.off('exit', kill);
    },
  };
}

/** A port of 127.0.0.1 that was free a moment ago, for programs that cannot choose one themselves. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Waits until something listens on the port. Rejects with what the program printed. */
export async function listening(port: number, program: Running, withinMs = 60_000): Promise<void> {
  for (const end = Date.now() + withinMs; Date.now() < end; await sleep(50)) {
    if (program.ended()) break;
    const socket = connect(port, '127.0.0.1');
    const open = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (open) return;
  }
  await program.stop(0);
  throw new Error(`nothing listens on port ${port}:\n${program.output()}`);
}
