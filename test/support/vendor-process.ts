/**
 * The sandbox vendor as a process of its own, with its books over HTTP: it outlives a server that is
 * killed, and what it received is the truth that the ledger is held against.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { FaultRule } from '../../src/sandbox/faults.ts';
import type { ReceivedRequest } from '../../src/sandbox/stripe/books.ts';
import { isLookUp } from './agreement.ts';

export interface VendorProcess {
  /** What a server needs to use it as the account `default`. */
  settings: Record<string, string>;
  /** Every request of a run that it received, oldest first; Keybrake's own questions are left out. */
  received(): Promise<ReceivedRequest[]>;
  /** Replaces the faults; none: it behaves. */
  faults(rules: FaultRule[]): Promise<void>;
  stop(): Promise<void>;
}

const SECRET = 'sk_test_the_vendor_process_knows_this';

export async function startVendorProcess(latencyMs = 0): Promise<VendorProcess> {
  const script = new URL('../../src/sandbox/main.ts', import.meta.url).pathname;
  const flags = ['--secret-stdin', '--until-stdin-ends', '--keep-log', '1000000'];
  const child = spawn(process.execPath, [script, ...flags, '--latency-ms', String(latencyMs)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  child.stdin.write(`${SECRET}\n`);
  const line = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line').then(([text]) => text as string),
    ended.then(() => assert.fail('the vendor did not start')),
  ]);
  const { stripe_url: url, books_url: books } = JSON.parse(line) as Record<string, string>;
  return {
    settings: { KEYBRAKE_STRIPE_SECRET: SECRET, KEYBRAKE_STRIPE_BASE_URL: url! },
    async received() {
      const text = await (await fetch(`${books}/books/requests`)).text();
      return text
        .split('\n')
        .filter(Boolean)
        .map((entry) => JSON.parse(entry) as ReceivedRequest)
        .filter((request) => !isLookUp(request));
    },
    async faults(rules) {
      const reply = await fetch(`${books}/faults`, {
        method: 'PUT',
        body: JSON.stringify(rules),
      });
      assert.equal(reply.status, 204);
    },
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}
