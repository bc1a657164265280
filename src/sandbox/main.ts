/**
 * The sandbox as its own process, so that the vendors and their books outlive a proxy that is
 * killed. Prints one line of JSON, the addresses and secrets of the vendors and `books_url`, and
 * ends on SIGTERM or SIGINT.
 */
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { listenForControl } from './control.ts';
import { startSandbox } from './server.ts';

const USAGE = `usage: node src/sandbox/main.ts [options]
  --port N              the fake Stripe's port; default any free one
  --twilio-port N       the fake Twilio's, likewise
  --resend-port N       the fake Resend's, likewise
  --books-port N        the port of books and faults; default any free one
  --secret-stdin        read Stripe's secret from the first line of standard input
  --until-stdin-ends    end when standard input does, so that no killed parent leaves this behind
  --keep-log N          requests kept in the log; default 10000
  --keep-objects N      objects and replies kept; default 50000
  --latency-ms N        how long each vendor takes; default 0
  --twilio-price-after-ms N   when Twilio states a price; default 50
`;

const { values: flags } = parseArgs({
  options: {
    port: { type: 'string' },
    'twilio-port': { type: 'string' },
    'resend-port': { type: 'string' },
    'books-port': { type: 'string' },
    'secret-stdin': { type: 'boolean' },
    'until-stdin-ends': { type: 'boolean' },
    'keep-log': { type: 'string' },
    'keep-objects': { type: 'string' },
    'latency-ms': { type: 'string' },
    'twilio-price-after-ms': { type: 'string' },
    help: { type: 'boolean' },
  },
});

if (flags.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}

type TextFlag = Exclude<keyof typeof flags, 'secret-stdin' | 'until-stdin-ends' | 'help'>;

const numbers = (name: TextFlag) => {
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
  twilioPort: numbers('twilio-port'),
  resendPort: numbers('resend-port'),
  secret,
  keepLog: numbers('keep-log'),
  keepObjects: numbers('keep-objects'),
  latencyMs: numbers('latency-ms'),
  twilioPriceAfterMs: numbers('twilio-price-after-ms'),
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
    secret: sandbox.secret,
    twilio_url: sandbox.twilioUrl,
    twilio_account_sid: sandbox.twilioAccountSid,
    twilio_auth_token: sandbox.twilioAuthToken,
    resend_url: sandbox.resendUrl,
    resend_secret: sandbox.resendSecret,
    books_url: control.url,
  })}\n`,
);
