/**
 * Every recorded exchange with the real Stripe, in its order, through the whole of Keybrake: what
 * each row says, and what its key has spent and holds at the end of each cassette. The vendor is the
 * recording itself, which answers look-ups from what it shows of the object anywhere in the cassette.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Keybrake, startKeybrake } from '../support/keybrake.ts';
import { auditRows, issueKey, keySpend, putAccount } from '../support/management.ts';
import { data, type Exchange, withoutData } from './stripe-requests.ts';

/** What a preview would have said where no cassette has the invoice: $25 a month, from the plan. */
const PREVIEWS = new Map([
  [
    'test_retriving_a_stripe_subscription',
    { object: 'invoice', amount_due: 2500, currency: 'usd' },
  ],
  [
    'test_stripe_can_retrieve_subscription',
    { object: 'invoice', amount_due: 2500, currency: 'usd' },
  ],
]);

interface Cassette {
  name: string;
  totals: string;
  exchanges: { index: number; row: string }[];
}

/** The table that was checked by hand. */
function expected(): Cassette[] {
  const text = readFileSync(join(import.meta.dirname, 'stripe-recorded.txt'), 'utf8');
  const cassettes: Cassette[] = [];
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [name, totals] = line.split(' | ');
    const [, index, row] = /^(\d+) (.*)$/.exec(line) ?? [];
    if (totals !== undefined) cassettes.push({ name: name!, totals, exchanges: [] });
    else cassettes.at(-1)!.exchanges.push({ index: Number(index), row: row! });
  }
  return cassettes;
}

/** Answers each call as it was answered, and a look-up by what the cassette shows of the object. */
async function startRecording(t: TestContext) {
  const tape = { name: '', all: [] as Exchange[], now: null as Exchange | null, lookUps: 0 };
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const { method, url = '' } = request;
    const { now } = tape;
    if (now && now.request.method === method && now.request.path === url) {
      tape.now = null;
      const { 'content-length': _, ...headers } = now.response.headers;
      response.writeHead(now.response.status, headers).end(JSON.stringify(now.response.body));
      return;
    }
    tape.lookUps++;
    assert.equal(request.headers['idempotency-key'], undefined, 'a look-up has no key');
    const shown = looked(method, url);
    response.writeHead(shown ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(shown ?? { error: { message: 'not on this tape' } }));
  };
  const looked = (method: string | undefined, url: string): unknown => {
    const path = url.split('?', 1)[0]!;
    if (method === 'POST') {
      assert.equal(path, '/v1/invoices/create_preview');
      const invoice = tape.all.find(({ request }) => request.path.startsWith('/v1/invoices/in_'));
      return invoice?.response.body ?? PREVIEWS.get(tape.name);
    }
    const seen = tape.all.find(({ request }) => {
      return request.method === 'GET' && request.path.split('?', 1)[0] === path;
    });
    return seen?.response.body;
  };
  const server = createServer((request, response) => {
    request.resume().on('end', () => answer(request, response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => new Promise((resolve) => server.close(resolve)));
  t.after(() => server.closeAllConnections());
  const { port } = server.address() as AddressInfo;
  return { tape, url: `http://127.0.0.1:${port}` };
}

async function play(keybrake: Keybrake, vaultKey: string, { request }: Exchange): Promise<number> {
  const { 'user-agent': _, 'content-type': type, ...headers } = request.headers;
  const answer = await fetch(keybrake.url + request.path, {
    method: request.method,
    headers: {
      ...headers,
      authorization: `Bearer ${vaultKey}`,
      ...(request.body && type ? { 'content-type': type } : {}),
    },
    body: request.body || null,
  });
  await answer.text();
  return answer.status;
}

const dollars = (usd: number | null): string => (usd === null ? '-' : usd.toFixed(2));

test('every recorded exchange comes to what was checked by hand, and so does each cassette', {
  skip: withoutData,
}, async (t) => {
  const { interactions } = data<{ interactions: Exchange[] }>('recorded.json');
  const cassettes = expected();
  assert.equal(cassettes.flatMap(({ exchanges }) => exchanges).length, interactions.length);
  const { tape, url } = await startRecording(t);
  const keybrake = await startKeybrake();
  t.after(() => keybrake.close());
  await putAccount(keybrake, 'stripe', 'recorded', { secret: 'sk_test_recorded', base_url: url });
  for (const { name, totals, exchanges } of cassettes) {
    const key = await issueKey(keybrake, {
      ...{ account: 'recorded', total_usd_cap: 1000, agent_run_label: name },
      allowed_endpoints: ['/v1/**'],
    });
    tape.name = name;
    tape.all = interactions.filter(({ cassette }) => cassette === name);
    for (const { index } of exchanges) {
      const exchange = interactions[index]!;
      assert.equal(exchange.cassette, name);
      tape.now = exchange;
      const status = await play(keybrake, key.vault_key, exchange);
      assert.equal(status, exchange.response.status, `${index} was answered with ${status}`);
    }
    const rows = await auditRows(keybrake, { key: key.id });
    const found = rows.map((row) => {
      const { operation, vendor_object_id, amount, currency, state, cost_usd } = row;
      const cells = [operation, vendor_object_id, amount, currency, state, dollars(cost_usd)];
      return cells.map((cell) => cell ?? '-').join(' ');
    });
    assert.deepEqual(
      found,
      exchanges.map(({ row }) => row),
      name,
    );
    const { spent_usd, held_usd } = await keySpend(keybrake, key.id);
    const back = rows.filter(({ state }) => state === 'released');
    const released = back.reduce((sum, { quote_usd }) => sum + quote_usd, 0);
    const sums = `settled ${dollars(spent_usd)} held ${dollars(held_usd)} released ${dollars(released)}`;
    assert.equal(sums, totals, name);
  }
  // Of the subscriptions alone: everything else the ledger knew from the calls before.
  assert.equal(tape.lookUps, 7);
});
