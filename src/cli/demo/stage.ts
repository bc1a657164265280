/**
 * The stage: a sandbox Stripe in this process and Keybrake in a process of its own, on a folder
 * that is thrown away. Whatever way the demo ends, `strike` (or the exit handler) leaves nothing.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { newApiKey } from '../../ids.ts';
import { startSandbox } from '../../sandbox/server.ts';
import type { StripeBooks } from '../../sandbox/stripe/books.ts';
import { Api } from '../api.ts';

export interface Stage {
  /** Keybrake's address. */
  url: string;
  api: Api;
  /** The vendor's own books. */
  books: StripeBooks;
  strike(): Promise<void>;
}

/** More than both acts can make: a comparison with a cut log would prove nothing. */
const KEEP_LOG = 200_000;

/**
 * `latencyMs`: how long the sandbox takes for a payment. Throws when Keybrake does not start; its
 * own words are in the message.
 */
export async function setStage(latencyMs: { min: number; max: number }): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'keybrake-demo-'));
  let child: ChildProcess | undefined;
  // The last resort, for an exception or a signal: synchronous, and harmless when all is gone.
  const sweep = () => {
    child?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', sweep);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => process.exit(130));
  }
  const sandbox = await startSandbox({ latencyMs, keepLog: KEEP_LOG });
  const apiKey = newApiKey('admin');
  child = startServer(folder, sandbox.stripeUrl, sandbox.secret, apiKey);
  const url = await addressOf(child);
  return {
    url,
    api: new Api({ url, data: folder }, { KEYBRAKE_API_KEY: apiKey }),
    books: sandbox.stripe,
    async strike() {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
      await sandbox.close();
      sweep();
      process.off('exit', sweep);
    },
  };
}

function startServer(
  folder: string,
  stripeUrl: string,
  stripeSecret: string,
  apiKey: string,
): ChildProcess {
  const here = import.meta.url;
  const main = fileURLToPath(new URL(`../../main${extname(here)}`, here));
  return spawn(process.execPath, [main, 'serve', '--listen', '127.0.0.1:0', '--data', folder], {
    // Nothing of this shell's own Keybrake settings may reach the demo.
    env: {
      PATH: process.env.PATH ?? '',
      NO_COLOR: '1',
      KEYBRAKE_API_KEY: apiKey,
      KEYBRAKE_SANDBOX: '0',
      KEYBRAKE_STRIPE_SECRET: stripeSecret,
      KEYBRAKE_STRIPE_BASE_URL: stripeUrl,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Waits for the line that says where the server listens. */
async function addressOf(child: ChildProcess): Promise<string> {
  const said: string[] = [];
  createInterface({ input: child.stderr! }).on('line', (line) => said.push(line));
  for await (const line of createInterface({ input: child.stdout! })) {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
    if (url) {
      child.stdout!.resume();
      return url;
    }
  }
  throw new Error(`Keybrake did not start: ${said.slice(-3).join(' ')}`);
}
