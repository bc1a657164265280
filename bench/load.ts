/**
 * The load, in a process of its own: N connections, each one call at a time, for a given time.
 * Reads one JSON task a line from standard input and answers with one JSON result a line.
 */
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { Pool } from 'undici';

export interface LoadTask {
  url: string;
  /** `/v1/payment_intents` or behind a prefix. */
  path: string;
  authorization: string;
  connections: number;
  /** Ends after this time or this many calls, whichever comes first. */
  ms: number;
  calls: number;
}

export interface LoadResult {
  calls: number;
  failures: number;
  seconds: number;
  /** Microseconds, sorted; at most 10,000 of them, evenly taken. */
  latenciesUs: number[];
}

const BODY = 'amount=100&currency=usd&confirm=true&payment_method=pm_card_visa&customer=cus_bench';

async function run(task: LoadTask): Promise<LoadResult> {
  const pool = new Pool(task.url, { connections: task.connections, pipelining: 1 });
  const latencies: number[] = [];
  const startedAt = performance.now();
  const endAt = startedAt + task.ms;
  let calls = 0;
  let failures = 0;
  const caller = async () => {
    while (calls < task.calls && performance.now() < endAt) {
      calls++;
      const before = performance.now();
      const ok = await call(pool, task);
      latencies.push((performance.now() - before) * 1000);
      if (!ok) failures++;
    }
  };
  await Promise.all(Array.from({ length: task.connections }, caller));
  const seconds = (performance.now() - startedAt) / 1000;
  await pool.close();
  return { calls, failures, seconds, latenciesUs: thin(latencies.sort((a, b) => a - b)) };
}

async function call(pool: Pool, task: LoadTask): Promise<boolean> {
  const { statusCode, body } = await pool.request({
    method: 'POST',
    path: task.path,
    headers: {
      authorization: task.authorization,
      'content-type': 'application/x-www-form-urlencoded',
      'idempotency-key': `stripe-node-retry-${randomUUID()}`,
      'stripe-version': '2026-10-28.endive',
      'user-agent': 'Stripe/v1 NodeBindings/23.1.0',
    },
    body: BODY,
  });
  await body.dump();
  return statusCode === 200;
}

function thin(sorted: number[]): number[] {
  const step = Math.max(1, Math.ceil(sorted.length / 10_000));
  return sorted.filter((_, index) => index % step === 0);
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await run(JSON.parse(line)))}\n`);
}
