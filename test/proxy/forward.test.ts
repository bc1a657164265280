/** What leaves for a vendor, as a socket sees it that answers nothing. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { Upstream } from '../../src/proxy/forward.ts';

test('a vendor is offered HTTP/1.1 alone: over HTTP/2 undici sends refused requests again', async (t) => {
  let hello = Buffer.alloc(0);
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (bytes) => {
      hello = bytes;
      socket.destroy();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const upstream = new Upstream();
  t.after(async () => {
    await upstream.close();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const result = await upstream.send(
    {
      baseUrl: `https://127.0.0.1:${port}`,
      method: 'POST',
      path: '/v1/payment_intents',
      headers: {},
      body: Buffer.from('amount=1'),
    },
    () => assert.fail('nothing may start before the connection is made'),
  );
  assert.equal(result.kind, 'not_sent');
  // The names of a ClientHello's ALPN extension stand in clear, each after its length.
  assert.ok(hello.length > 0);
  assert.ok(!hello.includes('\x02h2', 'latin1'), 'h2 is offered');
});
