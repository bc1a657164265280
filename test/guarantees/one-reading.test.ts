/**
 * Guarantee: whatever a client writes, Keybrake and the vendor read the same request. What has two
 * readings is refused and nothing of it reaches the vendor; what passes reaches it in the form that
 * was matched and priced. Every case goes over a real socket; the vendor's log is the truth.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import type { ReceivedRequest } from '../../src/sandbox/stripe/books.ts';
import { type Keybrake, startKeybrake } from '../support/keybrake.ts';
import { amountsRead, pathsRead } from '../support/lenient.ts';
import { issueKey } from '../support/management.ts';
import { exchange, type Piece, type RawAnswer } from '../support/raw-http.ts';

let server: Keybrake;
/** A key for everything but what is withheld, one for all of v1, and one for a single endpoint. */
let open: string;
let wide: string;
let narrow: string;

before(async () => {
  server = await startKeybrake();
  open = (await issueKey(server, { total_usd_cap: 1_000_000 })).vault_key;
  const all = { allowed_endpoints: ['/v1/**'], total_usd_cap: 1_000_000 };
  wide = (await issueKey(server, all)).vault_key;
  const only = { allowed_endpoints: ['POST /v1/payment_intents'], total_usd_cap: 1_000_000 };
  narrow = (await issueKey(server, only)).vault_key;
});
after(() => server.close());

const FORM = 'Content-Type: application/x-www-form-urlencoded';
const BODY = 'amount=100&currency=usd';

interface Sent {
  method?: string;
  target?: string;
  headers?: string[];
  /** In Latin-1: one character is one byte. */
  body?: string;
  key?: string;
}

interface Outcome {
  answer: RawAnswer;
  reached: ReceivedRequest[];
}

function bytesOf({ method = 'POST', target = '/v1/payment_intents', ...rest }: Sent): string {
  const { headers = [FORM], body = BODY, key = open } = rest;
  const head = [
    `${method} ${target} HTTP/1.1`,
    'Host: keybrake',
    'Connection: close',
    `Authorization: Bearer ${key}`,
    ...headers,
    ...(body === '' ? [] : [`Content-Length: ${body.length}`]),
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

async function sendBytes(bytes: Piece): Promise<Outcome> {
  const { stripe } = server.sandbox;
  const before = stripe.received.length;
  const [answer, ...more] = await exchange(server.url, bytes);
  assert.ok(answer, 'there is no answer');
  assert.deepEqual(more, [], 'there is more than one answer');
  return { answer, reached: stripe.received.slice(before) };
}

const send = (sent: Sent): Promise<Outcome> => sendBytes(bytesOf(sent));

/** Nothing reached the vendor, and stripe-node would raise an exception. */
function assertRefused({ answer, reached }: Outcome, what: string, codes: string[]): void {
  assert.deepEqual(reached, [], `${what} reached the vendor`);
  assert.ok(answer.status >= 400, `${what} was answered ${answer.status}`);
  const error = answer.json?.error as { code: string; message: string } | undefined;
  assert.ok(error, `${what}: ${answer.body}`);
  assert.ok(codes.includes(error.code), `${what} was refused as ${error.code}: ${error.message}`);
  assert.equal(answer.headers.get('stripe-should-retry'), 'false', what);
}

const AMBIGUOUS = ['request_ambiguous'];

/** It went through as one call; gives the vendor's request and Keybrake's row. */
async function assertPassed({ answer, reached }: Outcome, what: string) {
  assert.equal(reached.length, 1, `${what} was answered ${answer.status}: ${answer.body}`);
  const row = await rowOf(answer);
  const { path, method } = reached[0]!;
  assert.deepEqual([path, method], [row.path, row.method], `${what}: the row is another request`);
  return { received: reached[0]!, row };
}

async function rowOf(answer: RawAnswer) {
  const id = answer.headers.get('x-keybrake-call-id');
  const headers = { authorization: `Bearer ${server.apiKey}` };
  const reply = await fetch(`${server.url}/vault/calls/${id}`, { headers });
  return (await reply.json()) as {
    method: string;
    path: string;
    operation: string | null;
    amount: number | null;
    state: string;
  };
}

// ---------------------------------------------------------------- paths

/** Spellings of a path that some server between here and the books would take for it. */
function spellings(path: string): string[] {
  const last = path.lastIndexOf('/');
  const [above, leaf] = [path.slice(0, last), path.slice(last + 1)];
  return [
    ...[`${above}/./${leaf}`, `${above}/x/../${leaf}`, `${above}//${leaf}`, `/${path}`],
    ...[`${path}/`, `${path}//`, `${path}/.`, `${path}/x/..`, `/x/..${path}`, `/..${path}`],
    ...[`${above}/%2e/${leaf}`, `${above}/x/%2e%2e/${leaf}`, `${above}/x/%2E./${leaf}`],
    ...[`${above}%2f${leaf}`, `${above}%2F${leaf}`, `${above}%5c${leaf}`, `${above}\\${leaf}`],
    ...[`${above}/x/..%2f${leaf}`, `${above}/x%2f..%2f${leaf}`, `${above}/x/..\\${leaf}`],
    ...[`${above};x/${leaf}`, `${path};x=1`, `${path};`, `${above}/;/${leaf}`, `${path}%3bx`],
    ...[`${above}/%252e%252e/${leaf}`, `${above}%252f${leaf}`, `${path}%2500`, `${path}%25`],
    ...[`${above}/%c0%ae%c0%ae/${leaf}`, `${above}%c0%af${leaf}`, `${above}/%e0%80%ae/${leaf}`],
    ...[
      `${path}%00`,
      `${path}%00.json`,
      `${path}%0a`,
      `${path}%0d%0ax`,
      `${path}%09`,
      `${path}%7f`,
    ],
    ...[
      `${path}#`,
      `${path}#/x`,
      `${path}%23`,
      `${path}%3fx`,
      `${path}%`,
      `${path}%2`,
      `${path}%zz`,
    ],
    ...[`${path}"`, `${path}<x>`, `${path}{x}`, `${path}|`, `${path}^`, `${path}\``, `${path}[0]`],
    ...[`http://api.stripe.com${path}`, `https://api.stripe.com${path}`, `HTTP://x${path}`],
    ...[`//api.stripe.com${path}`, `/\\api.stripe.com${path}`, `api.stripe.com${path}`, `*`],
    ...[`${path.slice(1)}`, `?${path}`, `@x${path}`, `stripe:${path}`],
  ];
}

test('a path that some server may read otherwise is refused, and nothing reaches the vendor', async () => {
  for (const path of ['/v1/payment_intents', '/stripe/v1/payment_intents']) {
    for (const target of spellings(path)) {
      assertRefused(await send({ target }), target, AMBIGUOUS);
    }
  }
});

test('bytes that no request target may have are refused before anything is read', async () => {
  for (const char of [' ', '\t', '\0', '\x7f', '\xe9', '\xc0\xae', '\r']) {
    const target = `/v1/payment_intents${char}x`;
    assertRefused(await send({ target }), JSON.stringify(target), AMBIGUOUS);
  }
});

test('another case of a path is another path, which nobody knows', async () => {
  for (const target of ['/V1/payment_intents', '/v1/Payment_Intents', '/v1/PAYMENT_INTENTS']) {
    assertRefused(await send({ target }), target, ['endpoint_not_allowed', 'unpriced']);
    assertRefused(await send({ target, key: narrow }), target, ['endpoint_not_allowed']);
  }
  for (const target of ['/Stripe/v1/payment_intents', '/STRIPE/v1/payment_intents']) {
    assertRefused(await send({ target }), target, ['endpoint_not_allowed', 'unpriced']);
  }
});

test('a path with escapes that mean themselves is sent as the one form that was matched', async () => {
  const sent: [target: string, canonical: string][] = [
    ['/v1/%70ayment_intents', '/v1/payment_intents'],
    ['/%76%31/payment%5fintents', '/v1/payment_intents'],
    ['/stripe/v1/payment%5Fintents', '/v1/payment_intents'],
    ['/%73tripe/v1/payment_intents', '/v1/payment_intents'],
  ];
  for (const [target, canonical] of sent) {
    for (const key of [open, narrow]) {
      const { received, row } = await assertPassed(await send({ target, key }), target);
      assert.equal(received.path, canonical);
      assert.equal(row.operation, 'payment_intents.create');
    }
  }
  const read: [target: string, canonical: string][] = [
    ['/v1/customers/cus%c3%a9', '/v1/customers/cus%C3%A9'],
    ['/v1/customers/cus_%7E%2d', '/v1/customers/cus_~-'],
    ['/v1/customers/cus%20x', '/v1/customers/cus%20x'],
  ];
  for (const [target, canonical] of read) {
    const outcome = await send({ method: 'GET', target, headers: [], body: '' });
    assert.equal((await assertPassed(outcome, target)).received.path, canonical);
  }
});

test('a key for creating payments reaches no capture, however it is spelled', async () => {
  const body = `${BODY}&confirm=true&payment_method=pm_card_visa&capture_method=manual`;
  const { answer } = await send({ body, key: narrow });
  const { id, status } = answer.json as { id: string; status: string };
  assert.equal(status, 'requires_capture');

  const capture = `/v1/payment_intents/${id}/capture`;
  const codes = [...AMBIGUOUS, 'endpoint_not_allowed'];
  const further = [
    ...[capture, `/stripe${capture}`, `/v1/payment_intents/${id}`, `/v1/payment_intents/`],
    ...[`/v1/payment_intents/${id}/%63apture`, `/v1/payment%5fintents/${id}/capture`],
    ...[`/v1/payment_intents?/${id}/capture`, `/v1/payment_intents?id=${id}&action=capture`],
    ...[`/v1/payment_intents%3f/../${id}/capture`, `/v1/payment_intentsx`, `/v1/payment_intent`],
  ];
  for (const target of [...further, ...spellings(capture)]) {
    assertRefused(await send({ target, key: narrow, body: '' }), target, codes);
  }
  for (const method of ['GET', 'DELETE', 'PUT', 'PATCH', 'post', 'POST1']) {
    assertRefused(await send({ method, key: narrow, body: '' }), method, codes);
  }
  assert.equal(server.sandbox.stripe.find('payment_intent', id)?.status, 'requires_capture');
});

test('any target that passes is the same path for every reader', async () => {
  const piece = fc.constantFrom(
    ...['/', '/', 'v1', 'payment_intents', 'customers', 'balance', 'cus_1', 'stripe', '.', '..'],
    ...['%2e', '%2f', '%5c', '%252e', '%70', '%c3%a9', '%c0%ae', '\\', ';', '?', '#', '//', '%00'],
    ...['~', '+', '@', ':', 'A', '%41', '%25', '*', 'expand[]=x', '%', ','],
  );
  const target = fc.array(piece, { maxLength: 9 }).map((pieces) => `/v1/${pieces.join('')}`);
  let passed = 0;
  await fc.assert(
    fc.asyncProperty(target, async (target) => {
      const outcome = await send({ method: 'GET', target, key: wide, headers: [], body: '' });
      if (outcome.reached.length === 0) return assertRefused(outcome, target, REFUSALS);
      const { received, row } = await assertPassed(outcome, target);
      passed++;
      const meant = decodeURIComponent(row.path);
      assert.deepEqual([...pathsRead(received.path)], [meant], target);
      assert.deepEqual(
        [...pathsRead(target.split('?', 1)[0]!.replace(/^\/stripe\//, '/'))],
        [meant],
      );
    }),
    { numRuns: 400, seed: 6, examples: [['/v1/balance'], ['/v1/customers/cus_1?expand[]=x']] },
  );
  assert.ok(passed > 20, `only ${passed} targets passed: the property says little`);
});

const REFUSALS = [...AMBIGUOUS, 'unpriced', 'endpoint_not_allowed', 'scope_not_allowed'];

// ---------------------------------------------------------------- parameters

test('a parameter that is given twice, or in a second place, is refused', async () => {
  const bodies = [
    ...['amount=100&amount=5', 'amount=100&amount=100', 'amount=100&amount[]=5'],
    ...['amount[]=100', 'amount[0]=100', 'amount[a]=100', 'amount[][]=100', 'amount%5B%5D=100'],
    ...['[amount]=100', 'amount]=100', '[]amount=100', ' amount=100', 'amount =100', '+amount=100'],
    ...['%20amount=100', 'amount%20=100', 'amount%00=100', 'amount%00x=100', '%00amount=100'],
    ...['amount%0a=100', 'amount=100&AMOUNT=5', 'amount=100&Amount=5', 'amount=100&%61mount=5'],
    ...['amount=100&%2561mount=5', 'amount=100&amount%5B%5D=5', 'amount=100&amount%255B%255D=5'],
    ...[
      'amount=100&[amount]=5',
      'amount=100&amount]=5',
      'amount=100& amount=5',
      'amount=100&amount',
    ],
    ...['amount=100&_amount=5', 'amount=100&a=1;amount=5', 'amount=100;amount=5', 'amount=100&'],
    ...[
      'amount=100&&x=1',
      '&amount=100',
      'amount=100&=5',
      'amount=100&=',
      'amount=100&\r\namount=5',
    ],
    ...['amount=100&ａmount=5', 'amount=100&%ef%bd%81mount=5', 'amount=100&amount.x=5'],
    ...['amount=100&amount_to_capture=5', 'amount=100&amount_to_confirm=5'],
    ...['amount=100&x=%ff', 'amount=100&%ff=1', 'amount=100&x=%', 'amount=100&x=%c0%af'],
    ...['amount=100&x=\xff', '\xef\xbb\xbfamount=100', 'amount=100&x[=1', 'amount=100&x]=1'],
    ...['amount=100&x[a]=1&x[]=2', 'amount=100&x=1&x[a]=2', 'amount=100&x[]=1&x[0]=2'],
    ...['amount=100&currency=eur', 'amount=100&currency[]=usd', 'amount=100&_method=DELETE'],
    ...['amount=100&key=sk_live_x', 'amount=100&_stripe_account=acct_1'],
    `amount=100&${'[a]'.repeat(40)}=1`,
    `amount=100&${Array.from({ length: 1100 }, (_, i) => `m[${i}]=`).join('&')}`,
  ];
  for (const start of bodies) {
    const body = `${start}&currency=usd`;
    assertRefused(await send({ body }), start, AMBIGUOUS);
  }
});

test('an amount in any but the one plain spelling is refused', async () => {
  const amounts = [
    ...[
      '1e3',
      '1E3',
      '1.0',
      '1.5',
      '.5',
      '+5',
      '-5',
      '-0',
      '--5',
      '0x10',
      '0b1',
      '0o7',
      '0100',
      '00',
    ],
    ...[
      '1_000',
      '1,000',
      '1 000',
      ' 100',
      '100 ',
      '%20100',
      '100%20',
      '100%0a',
      '100%00',
      '%09100',
    ],
    ...['%EF%BC%90', '%D9%A1', '１００', '100%C2%A0', 'NaN', 'Infinity', '1n', 'true', '"100"', ''],
    ...['%2531', '100%', '9999999999999', '99999999999999999999', '1e400', '$100', '100usd', '½'],
  ];
  for (const amount of amounts) {
    const body = `amount=${amount}&currency=usd`;
    assertRefused(await send({ body: Buffer.from(body).toString('latin1') }), body, AMBIGUOUS);
  }
  for (const currency of ['us', 'usdx', 'usd ', ' usd', 'u%00d', '%75%73%64%00', 'ＵＳＤ', '$']) {
    const body = `amount=100&currency=${currency}`;
    assertRefused(await send({ body: Buffer.from(body).toString('latin1') }), body, AMBIGUOUS);
  }
});

test('a POST says nothing in its query but what the reply is to show', async () => {
  const queries = [
    ...[
      'amount=5',
      'amount[]=5',
      '%61mount=5',
      'currency=usd',
      'x=1',
      'expand=x&amount=5',
      'expand',
    ],
    ...['expand[]=x&amount=5', 'expand[]=x;amount=5', 'expand[]=x&expand[]=y&AMOUNT=5', 'a?b=1'],
    ...['expand%5B%5D=x&%2561mount=5', 'payment_method=pm_card_visa', 'confirm=true', '&', '?'],
  ];
  for (const query of queries) {
    for (const body of [BODY, '']) {
      const target = `/v1/payment_intents?${query}`;
      assertRefused(await send({ target, body }), `${query} + ${body}`, AMBIGUOUS);
    }
  }
  const target = '/v1/payment_intents?expand[]=customer&expand%5B%5D=latest_charge';
  const { received, row } = await assertPassed(await send({ target }), target);
  assert.equal(received.query, 'expand[]=customer&expand%5B%5D=latest_charge');
  assert.equal(row.amount, 100);
});

test('any fields that pass are the same amount for every reader', async () => {
  const name = fc.constantFrom(
    ...['amount', 'amount', 'currency', 'Amount', 'amount[]', '[amount]', 'amount]', '%61mount'],
    ...['%2561mount', ' amount', '+amount', 'amount%00', 'metadata[amount]', 'metadata[a]'],
    ...['description', 'expand[]', 'transfer_data[amount]', 'amount%5B0%5D', 'x[amount', ''],
  );
  const value = fc.constantFrom(
    ...['100', '100', '200', '5', '05', '1e3', '%31', '%2531', '+7', ' 7', '7%00', '0x7', 'usd'],
    ...['usd', '%26amount%3D5', '%3Bamount=5', 'x', '', '-1', '１'],
  );
  const harmless = fc.constantFrom(
    ...['metadata[amount]=5', 'description=%26amount%3D5', 'transfer_data[amount]=7', 'expand[]=x'],
    ...['description=amount', 'statement_descriptor=%3Bamount%3D5', 'metadata[x]=%2526amount%3D5'],
  );
  const any = fc.tuple(name, value).map(([name, value]) => `${name}=${value}`);
  const pair = fc.oneof({ weight: 2, arbitrary: harmless }, any);
  const fields = fc
    .tuple(fc.array(pair, { maxLength: 4 }), fc.constantFrom('&', '&', '&', ';', '&&'))
    .map(([pairs, separator]) => pairs.join(separator));
  const good = fc.constant('amount=100&currency=usd');
  const body = fc
    .tuple(fc.boolean(), good, fields)
    .map(([whole, start, more]) => (whole ? (more === '' ? start : `${start}&${more}`) : more))
    .map((text) => Buffer.from(text).toString('latin1'));
  const query = fc.constantFrom('', '', '', 'expand[]=x', 'amount=5');
  let passed = 0;
  await fc.assert(
    fc.asyncProperty(query, body, async (query, body) => {
      const target = `/v1/payment_intents${query && '?'}${query}`;
      const outcome = await send({ target, body });
      const what = `${query} + ${body}`;
      if (outcome.reached.length === 0) return assertRefused(outcome, what, REFUSALS);
      const { received, row } = await assertPassed(outcome, what);
      passed++;
      assert.equal(row.operation, 'payment_intents.create');
      const read = amountsRead(received.query, received.body!);
      assert.deepEqual([...read], [String(row.amount)], what);
    }),
    {
      numRuns: 500,
      seed: 6,
      examples: [
        ['', BODY],
        ['expand[]=x', `${BODY}&description=%26amount%3D5`],
      ],
    },
  );
  assert.ok(passed > 50, `only ${passed} bodies passed: the property says little`);
});

// ---------------------------------------------------------------- bodies and headers

test('a body that is not one plain form is refused', async () => {
  const multipart = '--x\r\nContent-Disposition: form-data; name="amount"\r\n\r\n5\r\n--x--\r\n';
  const types = [
    ...['application/json', 'text/plain', 'multipart/form-data; boundary=x', 'application/xml'],
    ...['application/x-www-form-urlencoded; charset=utf-16', 'application/x-www-form-urlencoded;x'],
    ...['application/x-www-form-urlencoded, multipart/form-data; boundary=x', 'x', ''],
    ...['application/x-www-form-urlencodedx', 'application/x-www-form-urlencoded; charset=utf-7'],
    ...['multipart/form-data; boundary=x; application/x-www-form-urlencoded'],
  ];
  for (const type of types) {
    for (const body of [BODY, '{"amount":100,"currency":"usd"}', multipart]) {
      const outcome = await send({ headers: [`Content-Type: ${type}`], body });
      assertRefused(outcome, `${type}: ${body}`, AMBIGUOUS);
    }
  }
  assertRefused(await send({ headers: [] }), 'no content type', AMBIGUOUS);
  const zipped = gzipSync(BODY).toString('latin1');
  for (const coding of ['gzip', 'br', 'deflate', 'identity, gzip', 'x-unknown']) {
    for (const body of [BODY, zipped]) {
      const outcome = await send({ headers: [FORM, `Content-Encoding: ${coding}`], body });
      assertRefused(outcome, coding, AMBIGUOUS);
    }
  }
  const get = { method: 'GET', target: '/v1/customers', headers: [FORM] };
  assertRefused(await send({ ...get, body: 'limit=1' }), 'a GET with a body', AMBIGUOUS);
});

test('a header that came twice, or that names a second method, is refused', async () => {
  const twice = [
    ...['Authorization: Bearer x', 'authorization: Basic x', 'Content-Type: text/plain', FORM],
    ...['Host: other', 'Content-Encoding: identity\r\nContent-Encoding: gzip'],
    ...['Idempotency-Key: a\r\nIdempotency-Key: b', 'Idempotency-Key: a\r\nidempotency-key: a'],
    ...['Stripe-Version: 2020-08-27\r\nStripe-Version: 2026-10-28.endive'],
    ...['X-Keybrake-Task-Id: a\r\nX-Keybrake-Task-Id: b', 'User-Agent: a\r\nUser-Agent: b'],
    ...['X-HTTP-Method-Override: DELETE', 'X-Method-Override: GET', 'X-HTTP-Method: PUT'],
  ];
  for (const header of twice) {
    assertRefused(await send({ headers: [FORM, header] }), header, AMBIGUOUS);
  }
});

test('headers that choose whose money it is are refused', async () => {
  for (const header of ['Stripe-Account: acct_1', 'stripe-account:', 'STRIPE-CONTEXT: acct_1/x']) {
    const outcome = await send({ headers: [FORM, header] });
    assertRefused(outcome, header, ['scope_not_allowed']);
  }
});

test('no Connection header takes away the secret, the idempotency key or the content type', async () => {
  const names =
    'authorization, Idempotency-Key, content-type, content-length, host, stripe-version';
  for (const name of ['Connection', 'Proxy-Connection', 'Keep-Alive']) {
    const key = `one-reading-${name}`;
    const headers = [FORM, `Idempotency-Key: ${key}`, 'Stripe-Version: 2026-10-28.endive'];
    const bytes = bytesOf({ headers: [...headers, 'TE: trailers', `${name}: ${names}`] });
    const lines = name === 'Connection' ? bytes.replace('Connection: close\r\n', '') : bytes;
    const closing = lines.replace(`Connection: ${names}`, `Connection: close, ${names}`);
    const { received } = await assertPassed(await sendBytes(closing), name);
    assert.equal(received.authorization, `Bearer ${server.sandbox.secret}`);
    assert.equal(received.idempotencyKey, key);
    assert.equal(received.headers['content-type'], 'application/x-www-form-urlencoded');
    assert.equal(received.body, BODY);
    for (const hop of ['te', 'keep-alive', 'proxy-connection', 'upgrade']) {
      assert.equal(received.headers[hop], undefined, `${hop} was forwarded`);
    }
  }
});

test('what belongs to the run or its network is not forwarded', async () => {
  const stays = [
    ...['X-Keybrake-Task-Id: t', 'X-Keybrake-Anything: x', 'X-Agent-Run-Id: r', 'Cookie: a=1'],
    ...['X-Forwarded-For: 10.0.0.1', 'X-Forwarded-Host: evil', 'Forwarded: for=x', 'Via: 1.1 x'],
    ...['Proxy-Authorization: Basic x', 'X-Stripe-Client-Telemetry: {}', 'Accept-Encoding: gzip'],
    ...[`traceparent: 00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, 'X-Real-IP: 10.0.0.1'],
  ];
  const { received } = await assertPassed(await send({ headers: [FORM, ...stays] }), 'the call');
  const names = Object.keys(received.headers).sort();
  const own = ['accept-encoding', 'authorization', 'connection', 'content-length', 'content-type'];
  assert.deepEqual(names, [...own, 'host', 'idempotency-key']);
  assert.equal(received.headers['accept-encoding'], 'identity');
  assert.equal(received.headers.host, new URL(server.sandbox.stripeUrl).host);
  assert.equal(received.rawHeaders.filter((name) => /^authorization$/i.test(name)).length, 1);
});

// ---------------------------------------------------------------- framing

const HEAD = (...lines: string[]) =>
  ['POST /v1/payment_intents HTTP/1.1', 'Host: x', `Authorization: Bearer ${open}`, FORM, ...lines]
    .join('\r\n')
    .concat('\r\n\r\n');
const CHUNKED = `17\r\n${BODY}\r\n0\r\n\r\n`;

test('a body with two lengths, or none that is sure, is refused', async () => {
  const length = `Content-Length: ${BODY.length}`;
  const framed: [string, string][] = [
    ['two lengths', HEAD(length, 'Content-Length: 5') + BODY],
    ['the same length twice', HEAD(length, length) + BODY],
    ['a list of lengths', HEAD('Content-Length: 23, 23') + BODY],
    ['a signed length', HEAD('Content-Length: +23') + BODY],
    ['a length in hexadecimal', HEAD('Content-Length: 0x17') + BODY],
    ['a length and chunks', HEAD(length, 'Transfer-Encoding: chunked') + CHUNKED],
    ['chunks and a length', HEAD('Transfer-Encoding: chunked', length) + CHUNKED],
    ['chunked twice', HEAD('Transfer-Encoding: chunked, chunked') + CHUNKED],
    ['two codings', HEAD('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked') + CHUNKED],
    ['chunked, then another', HEAD('Transfer-Encoding: chunked, identity') + CHUNKED],
    ['compressed chunks', HEAD('Connection: close', 'Transfer-Encoding: gzip, chunked') + CHUNKED],
    ['an unknown coding', HEAD('Transfer-Encoding: xchunked') + CHUNKED],
    ['a coding with a blank before it', HEAD('Transfer-Encoding : chunked') + CHUNKED],
    ['a coding with a tab in it', HEAD('Transfer-Encoding: \x0bchunked') + CHUNKED],
    ['a chunk of no size', `${HEAD('Transfer-Encoding: chunked')}\r\n${BODY}\r\n0\r\n\r\n`],
    ['a chunk longer than said', `${HEAD('Transfer-Encoding: chunked')}5\r\n${BODY}\r\n0\r\n\r\n`],
    ['a folded header', HEAD('X-A: 1\r\n Idempotency-Key: x', length) + BODY],
    ['a folded credential', HEAD(length).replace(FORM, ' x') + BODY],
    ['a bare line feed', HEAD(length).replaceAll('\r\n', '\n') + BODY],
    ['a bare carriage return', HEAD('X-A: 1\rIdempotency-Key: x', length) + BODY],
    ['a NUL in a header', HEAD('X-A: a\0b', length) + BODY],
    ['a header without a name', HEAD(': x', length) + BODY],
    ['a header without a colon', HEAD('Idempotency-Key', length) + BODY],
    ['HTTP/3.0', HEAD(length).replace('HTTP/1.1', 'HTTP/3.0') + BODY],
    ['two versions', HEAD(length).replace('HTTP/1.1', 'HTTP/1.1 HTTP/1.1') + BODY],
    ['a preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ];
  for (const [what, bytes] of framed) assertRefused(await sendBytes(bytes), what, AMBIGUOUS);
});

test('methods that are no calls are refused', async () => {
  for (const method of ['HEAD', 'PUT', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND', 'MKCOL']) {
    const { answer, reached } = await send({ method, body: '', headers: [] });
    assert.deepEqual([answer.status, reached], [400, []], method);
    assert.equal(answer.headers.get('x-keybrake-reason'), 'request_ambiguous');
  }
  const tunnel = `CONNECT api.stripe.com:443 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${open}\r\n\r\n`;
  assertRefused(await sendBytes(tunnel), 'CONNECT', AMBIGUOUS);
  assertRefused(await send({ headers: [FORM, 'Expect: the-impossible'] }), 'Expect', AMBIGUOUS);
});

test('framing with one reading reaches the vendor as one plain body', async () => {
  const chunked = 'Transfer-Encoding: chunked';
  const framed: [string, string][] = [
    ['chunks', HEAD('Connection: close', chunked) + CHUNKED],
    ['many chunks', HEAD('Connection: close', chunked) + chunksOf(BODY)],
    ['chunk extensions', HEAD('Connection: close', chunked) + CHUNKED.replace('17', '17;a=b;c')],
    [
      'trailers',
      HEAD('Connection: close', chunked) +
        CHUNKED.replace(/\r\n$/, 'Idempotency-Key: x\r\nAuthorization: Bearer x\r\n\r\n'),
    ],
    ['HTTP/1.0', HEAD(`Content-Length: ${BODY.length}`).replace('HTTP/1.1', 'HTTP/1.0') + BODY],
    ['Expect', bytesOf({ headers: [FORM, 'Expect: 100-continue'] })],
    ['Upgrade', bytesOf({ headers: [FORM, 'Upgrade: h2c, websocket'] })],
    ['an empty line before', `\r\n${bytesOf({})}`],
  ];
  for (const [what, bytes] of framed) {
    const { received, row } = await assertPassed(await sendBytes(bytes), what);
    assert.equal(received.body, BODY, what);
    assert.equal(received.headers['content-length'], String(BODY.length), what);
    assert.equal(received.headers['transfer-encoding'], undefined, what);
    assert.equal(received.headers.upgrade, undefined, what);
    assert.notEqual(received.idempotencyKey, 'x', `${what}: a trailer was taken for a header`);
    assert.equal(row.amount, 100, what);
  }
});

function chunksOf(text: string): string {
  return `${[...text].map((char) => `1\r\n${char}\r\n`).join('')}0\r\n\r\n`;
}

test('a request inside the body of another is a body, and nothing else', async () => {
  const inner = bytesOf({ body: 'amount=99900&currency=usd' });
  const body = `amount=100&currency=usd&description=${encodeURIComponent(inner.replace(open, 'x'))}`;
  assert.equal((await assertPassed(await send({ body }), 'encoded')).received.body, body);
  assertRefused(await send({ body: `${BODY}\r\n\r\n${inner}` }), 'raw', AMBIGUOUS);
  // Longer than its content-length: the rest is a second request, with a row and a price of its own.
  const { stripe } = server.sandbox;
  const before = stripe.received.length;
  const both = bytesOf({}).replace('Connection: close\r\n', '') + inner;
  const answers = await exchange(server.url, both);
  const reached = stripe.received.slice(before);
  assert.deepEqual(
    reached.map(({ body }) => body),
    [BODY, 'amount=99900&currency=usd'],
  );
  const rows = await Promise.all(answers.map(rowOf));
  assert.deepEqual(
    rows.map(({ amount }) => amount),
    [100, 99900],
  );
});
