/** The control plane on a real socket: what only a socket can do to it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { getRequestListener } from '@hono/node-server';
import { parseHandle } from '../../src/ids.ts';
import { admission, KEY, openHouse } from './house.ts';

const house = await openHouse((deps) => ({ ...deps, bodyTimeoutMs: 100 }));
const server = createServer(getRequestListener(house.app.fetch));
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
const url = `http://127.0.0.1:${port}`;
after(() => {
  server.closeAllConnections();
  server.close();
});

const headers = {
  authorization: `Bearer ${house.keys.admin}`,
  'content-type': 'application/json',
};
const HEAD = Object.entries(headers)
  .map(([name, value]) => `${name}: ${value}\r\n`)
  .join('');

/** Everything that the server sends until it closes the connection. */
async function closing(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  socket.on('error', () => undefined);
  await once(socket, 'close');
  return text;
}

test('the request of celery.txt works over HTTP, and the key shows', async () => {
  const response = await fetch(`${url}/vault/keys`, {
    method: 'POST',
    headers,
    body: '{"vendor": "stripe", "daily_usd_cap": 500.0, "agent_run_label": "celery-billing/1"}',
  });
  assert.equal(response.status, 201);
  const { vault_key } = (await response.json()) as { vault_key: string };
  const self = await fetch(`${url}/vault/self`, {
    headers: { authorization: `Bearer ${vault_key}` },
  });
  assert.equal(((await self.json()) as { remaining_usd: number }).remaining_usd, 500);
});

test('a body that says it is too large is refused before it is sent', async () => {
  const socket = connect(port, '127.0.0.1');
  socket.write(`POST /vault/keys HTTP/1.1\r\nhost: x\r\n${HEAD}content-length: 10000000\r\n\r\n{`);
  const text = await closing(socket);
  assert.match(text, /^HTTP\/1\.1 413 /);
  assert.match(text, /body_too_large/);
});

test('a body of unsaid length is refused when it has grown too large, and nothing is stored', async () => {
  const before = await house.keyCount();
  const socket = connect(port, '127.0.0.1');
  socket.write(`POST /vault/keys HTTP/1.1\r\nhost: x\r\n${HEAD}transfer-encoding: chunked\r\n\r\n`);
  const chunk = ' '.repeat(16_384);
  for (let sent = 0; sent < 5; sent++) socket.write(`4000\r\n${chunk}\r\n`);
  const text = await closing(socket);
  assert.match(text, /^HTTP\/1\.1 413 /);
  assert.equal(await house.keyCount(), before);
});

test('a body that never ends is given up, and nothing is stored', async () => {
  const before = await house.keyCount();
  const socket = connect(port, '127.0.0.1');
  const body = JSON.stringify(KEY);
  socket.write(
    `POST /vault/keys HTTP/1.1\r\nhost: x\r\n${HEAD}content-length: ${body.length + 1}\r\n\r\n${body}`,
  );
  const text = await closing(socket);
  assert.match(text, /^HTTP\/1\.1 400 /);
  assert.match(text, /did not arrive within 100 ms/);
  assert.equal(await house.keyCount(), before);
});

test('a client that hangs up in the middle of a body leaves nothing and harms nobody', async () => {
  const before = await house.keyCount();
  const socket = connect(port, '127.0.0.1');
  const body = JSON.stringify(KEY);
  socket.write(
    `POST /vault/keys HTTP/1.1\r\nhost: x\r\n${HEAD}content-length: ${body.length + 5}\r\n\r\n${body}`,
  );
  await once(server, 'request');
  socket.destroy();
  const alive = await fetch(`${url}/healthz`);
  assert.equal(alive.status, 200);
  assert.equal(await house.keyCount(), before);
});

test('a body on a request that takes none is refused', async () => {
  const key = await house.issue();
  const response = await fetch(`${url}/vault/keys/${key.id}`, {
    method: 'DELETE',
    headers,
    body: '{"reason":"lost"}',
  });
  assert.equal(response.status, 400);
  const shown = await house.ask('GET', `/vault/keys/${key.id}`);
  assert.equal(shown.json.state, 'live');
});

test('an export is streamed, and a reader that leaves it harms nobody', async () => {
  const key = await house.issue({ total_usd_cap: 1000 });
  const keyId = parseHandle('key', key.id)!;
  const { ledger, ids } = house.deps;
  const calls = Array.from({ length: 450 }, () =>
    admission(keyId, ids.next(), house.clock.ms, { quote: { kind: 'free' } }),
  );
  await Promise.all(calls.map((call) => ledger.admit(call)));
  const accept = { ...headers, accept: 'application/x-ndjson' };
  const whole = await fetch(`${url}/vault/calls?key=${key.id}`, { headers: accept });
  assert.equal(whole.headers.get('transfer-encoding'), 'chunked');
  assert.equal((await whole.text()).trimEnd().split('\n').length, 450);
  const left = await fetch(`${url}/vault/calls?key=${key.id}`, { headers: accept });
  await left.body!.cancel();
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
});
