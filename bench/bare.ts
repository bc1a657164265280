/**
 * The yardstick: what node:http and undici cost by themselves. Forwards everything, decides
 * nothing, writes nothing down. Prints its address.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';
import { Pool } from 'undici';

const upstream = new Pool(process.argv[2]!, { connections: 256, pipelining: 1 });
const authorization = `Bearer ${process.env.VENDOR_SECRET}`;

const server = createServer(async (request, response) => {
  const { host: _host, connection: _connection, ...headers } = request.headers;
  try {
    const reply = await upstream.request({
      method: request.method as 'POST',
      path: request.url!,
      headers: { ...headers, authorization },
      body: request,
    });
    response.writeHead(reply.statusCode, reply.headers);
    pipeline(reply.body, response, () => undefined);
  } catch {
    response.writeHead(502).end();
  }
});
server.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
