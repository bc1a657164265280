/**
 * Serves vendors of emulate on 127.0.0.1, as a process of its own. Its command (0.11.2) has no option
 * for the address, and neither has its API: both listen on every address of the machine.
 *
 * Usage: serve-emulate.ts FOLDER_OF_THE_TOOLS VENDOR=PORT...
 */
import { Server } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

interface Emulate {
  createEmulator(options: { service: string; port: number }): Promise<unknown>;
}

const [folder = '', ...vendors] = process.argv.slice(2);

// Every server of this process, whatever it asks for.
const { listen } = Server.prototype;
Server.prototype.listen = function (this: Server, port: number) {
  return listen.call(this, { port, host: '127.0.0.1' });
} as typeof listen;

const api = pathToFileURL(join(folder, 'node_modules', 'emulate', 'dist', 'api.js'));
const emulate = (await import(api.href)) as Emulate;
for (const vendor of vendors) {
  const [service = '', port] = vendor.split('=');
  await emulate.createEmulator({ service, port: Number(port) });
}
