/**
 * The books and the faults over HTTP, on a port of their own, for a sandbox that runs as its own
 * process. The vendors' ports know none of it, so nothing behind a proxy can reach it.
 */
import type { Books } from './books.ts';
import type { FaultRule, Faults } from './faults.ts';
import { type Listener, listen } from './listener.ts';
import type { Sandbox } from './server.ts';

/**
 * For each vendor, at `/stripe`, `/twilio` and `/resend`: `GET /books` (totals), `GET
 * /books/requests` (NDJSON, oldest first), `POST /books/reset`, `PUT /faults` (a list of rules
 * replaces all), `DELETE /faults`. Without a vendor in front it is Stripe, and so is
 * `POST /payments/{id}/succeeded` and `/failed` (what the customer does).
 */
export function listenForControl(sandbox: Sandbox, port = 0): Promise<Listener> {
  return listen(port, ({ method, url }, wire) => (body) => {
    let answer: Answer;
    try {
      answer = carryOut(sandbox, method, url, body);
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

function carryOut(sandbox: Sandbox, method: string, url: string, body: string): Answer {
  const [, vendor = 'stripe', path = ''] = /^(?:\/(stripe|twilio|resend))?(\/.*)$/.exec(url) ?? [];
  const { books, faults } = partsOf(sandbox, vendor);
  switch (`${method} ${path}`) {
    case 'GET /books':
      return json(200, books.summary());
    case 'GET /books/requests': {
      const lines = books.received.map((request) => `${JSON.stringify(request)}\n`);
      return { status: 200, type: 'application/x-ndjson', body: lines.join('') };
    }
    case 'POST /books/reset':
      books.reset();
      return DONE;
    case 'PUT /faults':
      arm(faults, JSON.parse(body));
      return DONE;
    case 'DELETE /faults':
      faults.clear();
      return DONE;
  }
  const [, id, outcome] = /^\/payments\/(\w+)\/(succeeded|failed)$/.exec(path) ?? [];
  if (!id || method !== 'POST' || vendor !== 'stripe') {
    return json(404, { error: `no such call: ${method} ${url}` });
  }
  sandbox.finishPayment(id, outcome as 'succeeded' | 'failed');
  return DONE;
}

function partsOf(sandbox: Sandbox, vendor: string): { books: Books; faults: Faults } {
  switch (vendor) {
    case 'twilio':
      return { books: sandbox.twilio, faults: sandbox.twilioFaults };
    case 'resend':
      return { books: sandbox.resend, faults: sandbox.resendFaults };
    default:
      return { books: sandbox.stripe, faults: sandbox.faults };
  }
}

function arm(faults: Faults, rules: unknown): void {
  if (!Array.isArray(rules)) throw new Error('faults must be a list of rules');
  faults.clear();
  for (const rule of rules) faults.next(rule as FaultRule);
}

function json(status: number, value: unknown): Answer {
  return { status, type: 'application/json', body: JSON.stringify(value) };
}
