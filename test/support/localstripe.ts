/**
 * localstripe: a stateful stand-in for Stripe that nobody here wrote. It runs as an installed tool
 * (GPL-3.0-or-later), bound to 127.0.0.1; nothing of it is part of this repository.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, listening, stay } from './process.ts';
import { python } from './python.ts';

export interface Localstripe {
  url: string;
  close(): Promise<void>;
}

/** Starts one with an empty store, or says why there cannot be one here. */
export async function startLocalstripe(): Promise<Localstripe | { skip: string }> {
  const environment = await python('localstripe');
  if ('skip' in environment) return environment;
  const launcher = join(import.meta.dirname, 'python', 'serve_localstripe.py');
  const folder = await mkdtemp(join(tmpdir(), 'keybrake-localstripe-'));
  const port = await freePort();
  const server = stay(environment.bin('python'), [launcher, String(port)], {
    cwd: folder,
    env: { TMPDIR: folder },
  });
  await listening(port, server);
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
