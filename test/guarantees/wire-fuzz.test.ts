/**
 * Guarantee: no bytes on the wire break the server or its books. Requests that were right are
 * damaged at random (the seed is in the test's name, so a failure can be had again) and sent over
 * raw sockets. The vendor's log is then held against the rows, request by request.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../src/sandbox/faults.ts';
import type { ReceivedRequest } from '../../src/sandbox/stripe/books.ts';
import { startKeybrake } from '../support/keybrake.ts';
import { amountsRead, pathsRead } from '../support/lenient.ts';
import { type AuditRow, auditRows, issueKey } from '../support/management.ts';
import { exchange, type RawAnswer } from '../support/raw-http.ts';
import { eachOf } from '../support/run.ts';

const SEED = 20261122;
const REQUESTS = 3_000;
/** Many: most of the time goes by waiting for the server to give a damaged request up. */
const AT_ONCE = 96;

/** Short, so that a request that was cut off is answered and its socket closed soon. */
const LIMITS = { headerBytes: 8_192, headersMs: 150, requestMs: 200, keepAliveMs: 100 };

test(`${REQUESTS} damaged requests, seed ${SEED}: the server lives and its books are the vendor's`, async (t) => {
  const server = await startKeybrake({ serverLimits: LIMITS });
  t.after(() => server.close());
  const key = await issueKey(server, { total_usd_cap: 1_000_000, account: 'sandbox' });
  const damage = new Damage(seeds(key.vault_key), SEED);
  const requests = Array.from({ length: REQUESTS }, () => damage.next());

  const heapBefore = heap();
  const answers = (
    await eachOf(requests, AT_ONCE, async (bytes) => {
      const got = await exchange(server.url, bytes);
      for (const answer of got) assertAnswer(answer, bytes);
      return got;
    })
  ).flat();
  const health = await fetch(`${server.url}/healthz`);
  assert.equal(health.status, 200, 'the server does not answer any more');
  assert.ok(heap() - heapBefore < 128 << 20, `the heap grew by ${heap() - heapBefore} bytes`);
  assert.doesNotMatch(server.logged(), /"level":(?:50|60)/, 'a fault of ours was logged');

  const rows = await auditRows(server, { key: key.id, limit: '200' });
  const { received } = server.sandbox.stripe;
  assert.ok(received.length > REQUESTS / 20, `only ${received.length} requests went through`);
  assert.ok(rows.length > received.length, 'nothing was refused');
  assertSameRequests(received, rows);
  assertEachSuccessHasItsRow(answers, rows);
});

/** Whole HTTP (`exchange` saw to that), and an error that stripe-node takes for one. */
function assertAnswer(answer: RawAnswer, bytes: Buffer): void {
  const { status, json, body } = answer;
  if (status < 300 || bytes.subarray(0, 5).toString() === 'HEAD ') return;
  // The management API's problem documents, where the credential was damaged.
  if (answer.headers.get('content-type') === 'application/problem+json') {
    assert.equal(json?.status, status);
    return;
  }
  const message = `${status} ${body.slice(0, 200)}\n${bytes.toString('latin1')}`;
  assert.ok(typeof json?.error === 'object' && json.error !== null, message);
  assert.notEqual(status, 500, message);
}

/** What the vendor read is what the rows say: one row for each, with its path and its amount. */
function assertSameRequests(received: readonly ReceivedRequest[], rows: readonly AuditRow[]): void {
  const sent = rows.filter((row) => row.upstream_ms !== null);
  const told = sent.map((row) => `${row.method} ${row.path} ${row.amount}`).sort();
  assert.deepEqual(
    received.map((request) => `${request.method} ${request.path} ${amountIn(request)}`).sort(),
    told,
  );
  for (const { path } of received) {
    assert.deepEqual([...pathsRead(path)], [decodeURIComponent(path)], `${path} has two readings`);
  }
}

/**
 * The amount under every reading; more than one of them fails the comparison. A customer has none,
 * so a field of that name means nothing there.
 */
function amountIn({ path, query, body }: ReceivedRequest): string {
  if (!/^\/v1\/(?:payment_intents|charges)$/.test(path)) return 'null';
  const amounts = [...amountsRead(query, body ?? '')];
  return amounts.length === 0 ? 'null' : amounts.join(' or ');
}

function assertEachSuccessHasItsRow(answers: RawAnswer[], rows: readonly AuditRow[]): void {
  const byId = new Map(rows.map((row) => [row.id, row]));
  for (const { status, headers, body } of answers) {
    if (status >= 300) continue;
    const row = byId.get(headers.get('x-keybrake-call-id') ?? '');
    assert.ok(row, `${status} without a row: ${body.slice(0, 200)}`);
    assert.ok(['settled', 'held', 'replayed', 'released'].includes(row.state), row.state);
  }
}

function heap(): number {
  return process.memoryUsage().heapUsed;
}

// ---------------------------------------------------------------- damage

/** Requests that are right, of every kind that the damage is to hit. */
function seeds(key: string): Buffer[] {
  const bearer = `Authorization: Bearer ${key}`;
  const basic = `Authorization: Basic ${Buffer.from(`${key}:`).toString('base64')}`;
  const form = 'Content-Type: application/x-www-form-urlencoded';
  const post = (path: string, body: string, ...headers: string[]) =>
    text(`POST ${path} HTTP/1.1`, [form, ...headers, `Content-Length: ${body.length}`], body);
  const chunked = (body: string) => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  const pay = 'amount=100&currency=usd';
  const charge = 'amount=2500&currency=usd&source=tok_visa&description=a%20b';
  return [
    post('/v1/payment_intents', pay, bearer),
    post('/stripe/v1/payment_intents?expand[]=customer', `${pay}&metadata[run]=7`, bearer),
    post('/v1/payment_intents', `${pay}&confirm=true&payment_method=pm_card_visa`, basic),
    post('/v1/charges', charge, bearer, 'Idempotency-Key: fuzz-1'),
    post(
      '/v1/charges',
      charge,
      bearer,
      'Idempotency-Key: fuzz-2',
      'Stripe-Version: 2026-10-28.endive',
    ),
    post('/v1/customers', 'email=a%40b.c&metadata[amount]=9', bearer, 'X-Keybrake-Task-Id: t-1'),
    text(
      'POST /v1/charges HTTP/1.1',
      [form, bearer, 'Transfer-Encoding: chunked'],
      chunked(charge),
    ),
    text('GET /v1/balance HTTP/1.1', [bearer]),
    text('GET /v1/customers?limit=3&expand[]=data.x HTTP/1.1', [basic, 'User-Agent: fuzz']),
  ];
}

function text(line: string, headers: string[], body = ''): Buffer {
  const head = [line, 'Host: keybrake', 'Connection: close', ...headers].join('\r\n');
  return Buffer.from(`${head}\r\n\r\n${body}`);
}

/** What is put in where damage strikes: the pieces that parsers stumble over. */
const PIECES = [
  ...[
    '\r\n',
    '\n',
    '\r',
    '\0',
    ' ',
    '\t',
    ':',
    ';',
    '&',
    '=',
    '%',
    '%2',
    '%00',
    '%2f',
    '%252e',
    '//',
  ],
  ...['/../', '\\', '?', '#', '[]', ']', '[', '~', ',', '"', '\x7f', '\xff', 'é', '-', '0x', '1e9'],
  ...['&amount=1', 'amount[]=1&', '&currency=eur', '&expand[]=', '%26amount=1', ';amount=1'],
  ...['\r\nContent-Length: 0', '\r\nTransfer-Encoding: chunked', '\r\nExpect: x', '\r\n X: y'],
  ...['\r\nAuthorization: Bearer x', '\r\nStripe-Account: acct_1', '\r\nIdempotency-Key: fuzz-1'],
  ...['\r\nConnection: authorization', '\r\nX-HTTP-Method-Override: GET', '\r\nHost:'],
].map((piece) => Buffer.from(piece, 'latin1'));

class Damage {
  readonly #seeds: Buffer[];
  readonly #random: () => number;

  constructor(seeds: Buffer[], seed: number) {
    this.#seeds = seeds;
    this.#random = seededRandom(seed);
  }

  /** One request, damaged in one to four places; one in twenty not at all. */
  next(): Buffer {
    let bytes = this.#one(this.#seeds);
    if (this.#below(20) === 0) return bytes;
    for (let times = 1 + this.#below(4); times > 0; times--) bytes = this.#strike(bytes);
    return bytes;
  }

  #strike(bytes: Buffer): Buffer {
    const at = this.#below(bytes.length + 1);
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
    switch (this.#below(8)) {
      case 0: // a flipped bit
        if (after.length === 0) return bytes;
        return Buffer.concat(
          [before, [after[0]! ^ (1 << this.#below(8))], after.subarray(1)].map(Buffer.from),
        );
      case 1: // cut off; rarely, because the answer has to be waited for
        return this.#below(4) === 0 ? before : bytes;
      case 2: // a stretch gone
        return Buffer.concat([before, after.subarray(this.#below(20))]);
      case 3: // a stretch twice
        return Buffer.concat([before, after.subarray(0, this.#below(60)), after]);
      case 4: // the end of another request
        return Buffer.concat([before, this.#tail(this.#one(this.#seeds))]);
      case 5: // a header line twice
        return this.#lineTwice(bytes);
      default: // something put in, or in place of what was there
        return Buffer.concat([before, this.#one(PIECES), after.subarray(this.#below(3))]);
    }
  }

  #tail(bytes: Buffer): Buffer {
    return bytes.subarray(this.#below(bytes.length));
  }

  #lineTwice(bytes: Buffer): Buffer {
    const lines = bytes.toString('latin1').split('\r\n');
    const line = this.#below(lines.length);
    lines.splice(this.#below(lines.length), 0, lines[line]!);
    return Buffer.from(lines.join('\r\n'), 'latin1');
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #one<Item>(items: readonly Item[]): Item {
    return items[this.#below(items.length)]!;
  }
}
