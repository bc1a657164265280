/**
 * Keybrake as a test uses it: in this process, or as a process of its own that can be killed. On
 * SQLite in a folder that goes with it, with the sandbox vendors, on a free port of loopback.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { readConfig } from '../../src/config.ts';
import * as server from '../../src/keybrake.ts';
import { openLog } from '../../src/log.ts';
import type { Sandbox } from '../../src/sandbox/server.ts';
import { CACHE } from './lock.ts';

export interface StartOptions extends server.KeybrakeOptions {
  /** Kept by the caller when given; else made, and removed on close. */
  dataDir?: string;
  /** Further settings, by name. */
  settings?: Record<string, string>;
}

export interface Keybrake extends server.Keybrake {
  apiKey: string;
  sandbox: Sandbox;
  dataDir: string;
  /** Every line of the log so far. */
  logged(): string;
}

const API_KEY = 'keybrake_test_admin_key';

export function makeDataDir(): string {
  return mkdtempSync(join(tmpdir(), 'keybrake-test-'));
}

/** A data folder that is gone when the test ends. */
export function ownFolder(t: TestContext): string {
  const folder = makeDataDir();
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** A server in this process. */
export async function startKeybrake(options: StartOptions = {}): Promise<Keybrake> {
  const dataDir = options.dataDir ?? makeDataDir();
  const lines: string[] = [];
  const config = readConfig({
    KEYBRAKE_LISTEN: '127.0.0.1:0',
    KEYBRAKE_DATA: dataDir,
    KEYBRAKE_API_KEY: API_KEY,
    KEYBRAKE_SANDBOX: '1',
    ...options.settings,
  });
  const log = options.log ?? openLog('info', { write: (line) => void lines.push(line) });
  // Looks at the vendor would use up the faults that a test has armed for its own calls.
  const quiet = { resolvePauseMs: 3_600_000, ...options, log };
  const started = await server.startKeybrake(config, quiet);
  assert.ok(started.sandbox, 'tests run on the sandbox');
  return {
    ...started,
    sandbox: started.sandbox,
    apiKey: API_KEY,
    dataDir,
    logged: () => lines.join(''),
    close: async () => {
      await started.close();
      if (!options.dataDir) rmSync(dataDir, { recursive: true });
    },
  };
}

export interface SpawnedKeybrake {
  url: string;
  apiKey: string;
  process: ChildProcess;
  /** Everything it wrote so far, on both streams. */
  output(): string;
  /** Resolves with the exit status or the signal. */
  ended: Promise<number | string>;
}

/** `npm start` as a process of its own; `nodeArguments` come before the script's name. */
export async function spawnKeybrake(
  dataDir: string,
  settings: Record<string, string> = {},
  nodeArguments: string[] = [],
): Promise<SpawnedKeybrake> {
  const script = new URL('../../src/main.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [...nodeArguments, script, 'serve'], {
    env: {
      PATH: process.env.PATH,
      KEYBRAKE_LISTEN: '127.0.0.1:0',
      KEYBRAKE_DATA: dataDir,
      KEYBRAKE_API_KEY: API_KEY,
      // Half of a start is the stripping of types; a server that ends by itself leaves the result.
      NODE_COMPILE_CACHE: join(CACHE, 'compiled'),
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  // A test that fails half-way must not leave a server behind.
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
  const ended = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string);
  const url = await Promise.race([
    new Promise<string>((resolve) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const found = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
        if (found) resolve(found);
      });
    }),
    ended.then((end) => {
      throw new Error(`the server ended with ${end}:\n${output}`);
    }),
  ]);
  return { url, apiKey: API_KEY, process: child, output: () => output, ended };
}

/** The same, gone when the test ends. */
export async function serverIn(
  t: TestContext,
  folder: string,
  settings: Record<string, string> = {},
  nodeArguments: string[] = [],
): Promise<SpawnedKeybrake> {
  const server = await spawnKeybrake(folder, settings, nodeArguments);
  t.after(async () => {
    server.process.kill('SIGKILL');
    await server.ended;
  });
  return server;
}

/** Ends it by SIGTERM, which must succeed. */
export async function stop(server: SpawnedKeybrake): Promise<void> {
  server.process.kill('SIGTERM');
  assert.equal(await server.ended, 0, server.output());
}
