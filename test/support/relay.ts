/**
 * A relay on 127.0.0.1 between a client and Keybrake, to see what a client really sent (its own
 * retries too) and to lose a reply on the way back, after the call was carried out. Changes nothing
 * else.
 */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';

export interface Seen {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  /** The status that came back; null when the reply was lost on purpose. */
  status: number | null;
}

export interface Relay {
  url: string;
  /** Every request in the order in which its reply came. */
  readonly seen: Seen[];
  /** Decides, once the whole reply is here, whether the client's connection breaks instead. */
  lose: (seen: Seen) => boolean;
  close(): Promise<void>;
}

async function text(stream: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** Relays to `target`, for example `http://127.0.0.1:8787`, or to the whole address that it gives for a path. */
export async function startRelay(target: string | ((path: string) => string)): Promise<Relay> {
  const addressOf = typeof target === 'string' ? (path: string) => target + path : target;
  const relay: Relay = { url: '', seen: [], lose: () => false, close };
  const server = createServer(async (incoming, outgoing) => {
    const { method = '', url: path = '', headers } = incoming;
    const body = await text(incoming);
    const onward = request(addressOf(path), { method, headers, agent: false });
    onward.on('error', () => outgoing.destroy());
    onward.end(body);
    const [reply] = (await once(onward, 'response')) as [IncomingMessage];
    const answer = await text(reply);
    const seen: Seen = { method, path, headers, body, status: reply.statusCode ?? 0 };
    relay.seen.push(seen);
    if (relay.lose(seen)) {
      seen.status = null;
      outgoing.destroy();
      return;
    }
    const { 'transfer-encoding': _chunked, connection: _hop, ...kept } = reply.headers;
    outgoing.writeHead(reply.statusCode ?? 502, {
      ...kept,
      'content-length': Buffer.byteLength(answer),
    });
    outgoing.end(answer);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  relay.url = `http://127.0.0.1:${address.port}`;
  return relay;

  async function close(): Promise<void> {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  }
}
