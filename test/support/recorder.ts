/**
 * A server on 127.0.0.1 that writes down what a client sends, as it is on the wire, and gives the
 * answer that the test set. For what an SDK really sends and what it makes of an answer.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Recorded {
  method: string;
  /** Path and query as they were sent. */
  target: string;
  /** In the order and the letters in which they were sent. */
  headers: [name: string, value: string][];
  body: string;
}

export interface Answer {
  status: number;
  headers?: Record<string, string>;
  /** Sent as it is when it is text, else as JSON. */
  body: unknown;
}

export interface Recorder {
  url: string;
  /** Every request, oldest first. */
  readonly seen: Recorded[];
  /** What the next request is answered. */
  answer: Answer;
  close(): Promise<void>;
}

export async function startRecorder(): Promise<Recorder> {
  const server = createServer(async (request, response) => {
    const { method = '', url: target = '', rawHeaders } = request;
    const headers: Recorded['headers'] = [];
    for (let i = 0; i < rawHeaders.length; i += 2)
      headers.push([rawHeaders[i]!, rawHeaders[i + 1]!]);
    recorder.seen.push({ method, target, headers, body: await text(request) });
    const { answer } = recorder;
    response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
    response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const recorder: Recorder = {
    url: `http://127.0.0.1:${port}`,
    seen: [],
    answer: { status: 200, body: {} },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  return recorder;
}

/** The value of the one header of this name, whatever its letters; undefined when there is none. */
export function headerOf(recorded: Recorded, name: string): string | undefined {
  const found = recorded.headers.filter(([each]) => each.toLowerCase() === name.toLowerCase());
  if (found.length > 1) throw new Error(`${name} was sent ${found.length} times`);
  return found[0]?.[1];
}
