/**
 * A real Redis for Celery: Debian's redis-server on a free port of 127.0.0.1, nothing kept on disk,
 * in a folder of its own that is removed again.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installDebian, present } from './debian.ts';
import { freePort, listening, run, stay } from './process.ts';

export interface Redis {
  /** `redis://127.0.0.1:…/0` */
  url: string;
  close(): Promise<void>;
}

/** Starts a server, or says why there cannot be one here. */
export async function startRedis(): Promise<Redis | { skip: string }> {
  const missing = await install();
  if (missing !== null) return { skip: missing };
  const folder = await mkdtemp(join(tmpdir(), 'keybrake-redis-'));
  const port = await freePort();
  const args = ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder];
  const server = stay('redis-server', [...args, '--save', '', '--appendonly', 'no']);
  await listening(port, server);
  return {
    url: `redis://127.0.0.1:${port}/0`,
    async close() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Returns null when the program is there, or why it cannot be had. */
async function install(): Promise<string | null> {
  if (await present('redis-server')) return null;
  const missing = await installDebian('redis-server');
  // Where systemd runs, the package has just started a service on Redis's fixed port.
  if (missing === null) await run('systemctl', ['disable', '--now', 'redis-server']);
  return missing;
}
