/**
 * Prism (Apache-2.0) on a vendor's own API description, on loopback: it answers what the description
 * lets through with an example of the reply, and everything else with an error of its own making. It
 * keeps nothing between requests. Of a form's repeated key it sees only the last, and refuses a list
 * (`MediaUrl`) always; it takes 2 to 4 seconds to start.
 */
import { join } from 'node:path';
import type { NpmTools } from './npm-tools.ts';
import { freePort, listening, stay } from './process.ts';

/** The vendors' API descriptions; beside the repository, as in CI. */
const DATA = join(import.meta.dirname, '..', '..', '..', 'shared', 'data');

export interface Prism {
  url: string;
  /** What it has printed so far: a line for each request, and why it was not let through. */
  output(): string;
  close(): Promise<void>;
}

/** `description`: a file of the data folder, for example `twilio/twilio_api_v2010.json`. */
export async function startPrism(tools: NpmTools, description: string): Promise<Prism> {
  const port = await freePort();
  const args = ['mock', '--host', '127.0.0.1', '--port', String(port), join(DATA, description)];
  const server = stay(process.execPath, [tools.bin('prism'), ...args]);
  await listening(port, server);
  return {
    url: `http://127.0.0.1:${port}`,
    output: server.output,
    close: () => server.stop(),
  };
}
