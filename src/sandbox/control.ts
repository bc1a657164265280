/**
 * The books and the faults over HTTP, on a port of their own, for a sandbox that runs as its own
 * process. The vendor's port knows none of it, so nothing behind a proxy can reach it.
 */
import type { FaultRule } from './faults.ts';
import { type Listener, listen } from './listener.ts';
import type { Sandbox } from './server.ts';

/**
 * `GET /books` (totals), `GET /books/requests` (NDJSON, oldest first), `POST /books/reset`,
 * `PUT /faults` (a list of rules replaces all), `DELETE /faults`,
 * `POST /payments/{id}/succeeded` and `/failed` (what the customer does).
 */
export function listenForControl(sandbox: Sandbox, port = 0): Promise<Listener> {
  return listen(port, ({ method, url }, wire) => (body) => {
    let answer: Answer;
    try {
      answer = carryOut(sandbox, `${method} ${url}`, body);
    } catch (error) {
      answer = json(400, { error: (error as Error).message });
    }
    wire.reply(answer.status, ['Content-Type', answer.type], answer.body);
  });
}

interface Answer {
  status: number;
  type: string;
  body: string;
}

const DONE: Answer = { status: 204, type: 'application/json', body: '' };

function carryOut(sandbox: Sandbox, call: string, body: string): Answer {
  switch (call) {
    case 'GET /books':
      return json(200, sandbox.stripe.summary());
    case 'GET /books/requests': {
      const lines = sandbox.stripe.received.map((request) => `${JSON.stringify(request)}\n`);
      return { status: 200, type: 'application/x-ndjson', body: lines.join('') };
    }
    case 'POST /books/reset':
      sandbox.stripe.reset();
      return DONE;
    case 'PUT /faults':
      arm(sandbox, JSON.parse(body));
      return DONE;
    case 'DELETE /faults':
      sandbox.faults.clear();
      return DONE;
  }
  const [, id, outcome] = /^POST \/payments\/(\w+)\/(succeeded|failed)$/.exec(call) ?? [];
  if (!id) return json(404, { error: `no such call: ${call}` });
  sandbox.finishPayment(id, outcome as 'succeeded' | 'failed');
  return DONE;
}

function arm(sandbox: Sandbox, rules: unknown): void {
  if (!Array.isArray(rules)) throw new Error('faults must be a list of rules');
  sandbox.faults.clear();
  for (const rule of rules) sandbox.faults.next(rule as FaultRule);
}

function json(status: number, value: unknown): Answer {
  return { status, type: 'application/json', body: JSON.stringify(value) };
}
