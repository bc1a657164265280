/**
 * The sandbox as its own process, so that the vendor and its books outlive a proxy that is killed.
 * Prints one line of JSON, `{"stripe_url", "books_url", "secret"}`, and ends on SIGTERM or SIGINT.
 */
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { listenForControl } from './control.ts';
import { startSandbox } from './server.ts';

const USAGE = `usage: node src/sandbox/main.ts [options]
  --port N              the vendor's port; default any free one
  --books-port N        the port of books and faults; default any free one
  --secret-stdin        read the secret to accept from the first line of standard input
  --until-stdin-ends    end when standard input does, so that no killed parent leaves this behind
  --keep-log N          requests kept in the log; default 10000
  --keep-objects N      objects and replies kept; default 50000
  --latency-ms N        how long the vendor takes; default 0
`;

const { values: flags } = parseArgs({
  options: {
    port: { type: 'string' },
    'books-port': { type: 'string' },
    'secret-stdin': { type: 'boolean' },
    'until-stdin-ends': { type: 'boolean' },
    'keep-log': { type: 'string' },
    'keep-objects': { type: 'string' },
    'latency-ms': { type: 'string' },
    help: { type: 'boolean' },
  },
});

if (flags.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}

const numbers = (name: 'port' | 'books-port' | 'keep-log' | 'keep-objects' | 'latency-ms') => {
  const text = flags[name];
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text)) throw new Error(`--${name} must be a whole number`);
  return Number(text);
};

const lines = createInterface({ input: process.stdin });
const inputEnded = new Promise<void>((resolve) => lines.once('close', resolve));
const secret = flags['secret-stdin']
  ? await new Promise<string>((resolve, reject) => {
      lines.once('line', resolve);
      void inputEnded.then(() => reject(new Error('no secret on standard input')));
    })
  : undefined;

const options = {
  port: numbers('port'),
  secret,
  keepLog: numbers('keep-log'),
  keepObjects: numbers('keep-objects'),
  latencyMs: numbers('latency-ms'),
};
const sandbox = await startSandbox(options);
const control = await listenForControl(sandbox, numbers('books-port'));

let stopping = false;
const stop = async () => {
  if (stopping) return;
  stopping = true;
  await Promise.all([sandbox.close(), control.close()]);
  process.exit(0);
};
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
if (flags['until-stdin-ends']) void inputEnded.then(stop);

process.stdout.write(
  `${JSON.stringify({
    stripe_url: sandbox.stripeUrl,
    books_url: control.url,
    secret: sandbox.secret,
  })}\n`,
);
