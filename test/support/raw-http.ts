/**
 * HTTP as bytes: writes exactly what it is given to a socket and reads the answers strictly. For
 * requests that no client library would send. Knows nothing of Keybrake.
 */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface RawAnswer {
  status: number;
  /** Lower-case names; repeated ones joined with `, `. */
  headers: ReadonlyMap<string, string>;
  body: string;
  /** The body's JSON object; null when it is none. */
  json: Record<string, unknown> | null;
}

/** A pause in what is sent, in milliseconds. */
export interface Pause {
  pauseMs: number;
}

export type Piece = string | Uint8Array | Pause;

/**
 * Sends the pieces and returns every answer that came before the server closed the connection; ends
 * it itself only after `withinMs`, and then throws. Text is written as Latin-1: one character is
 * one byte.
 */
export async function exchange(
  url: string,
  pieces: Piece | readonly Piece[],
  withinMs = 20_000,
): Promise<RawAnswer[]> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: false });
  const chunks: Buffer[] = [];
  const closed = new Promise<void>((resolve) => {
    socket.on('data', (chunk) => chunks.push(chunk));
    // A reset after the answer is the server's way to stop reading what it has refused.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
  });
  for (const piece of [pieces].flat() as Piece[]) {
    if (typeof piece === 'object' && 'pauseMs' in piece) await sleep(piece.pauseMs);
    else if (typeof piece === 'string') socket.write(piece, 'latin1');
    else socket.write(piece);
  }
  const patience = new AbortController();
  const late = sleep(withinMs, 'late', { signal: patience.signal }).catch(() => undefined);
  const end = await Promise.race([closed, late]);
  patience.abort();
  socket.destroy();
  assert.notEqual(end, 'late', `the server kept the connection open for ${withinMs} ms`);
  const bodiless = [pieces].flat()[0]?.toString().startsWith('HEAD ') ?? false;
  return readAnswers(Buffer.concat(chunks), bodiless);
}

/**
 * Every answer in the bytes; throws when they are anything but whole HTTP/1.1 answers. `bodiless`:
 * the answers are to HEAD.
 */
export function readAnswers(bytes: Buffer, bodiless = false): RawAnswer[] {
  const text = bytes.toString('latin1');
  const answers: RawAnswer[] = [];
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\r\n\r\n', at);
    assert.ok(end >= 0, `an answer has no end of its head: ${text.slice(at, at + 200)}`);
    const [line = '', ...fields] = text.slice(at, end).split('\r\n');
    const [, status] = /^HTTP\/1\.1 (\d{3}) [\x20-\x7e]*$/.exec(line) ?? [];
    assert.ok(status, `an answer begins with ${JSON.stringify(line)}`);
    const headers = new Map<string, string>();
    for (const field of fields) {
      const [, name, value] = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*)$/.exec(field) ?? [];
      assert.ok(name !== undefined && value !== undefined, `no header: ${JSON.stringify(field)}`);
      const key = name.toLowerCase();
      const before = headers.get(key);
      headers.set(key, before === undefined ? value : `${before}, ${value}`);
    }
    at = end + 4;
    if (status.startsWith('1')) continue;
    const [body, next] = bodiless ? ['', at] : readBody(text, at, headers);
    at = next;
    const decoded = Buffer.from(body, 'latin1').toString('utf8');
    answers.push({ status: Number(status), headers, body: decoded, json: jsonIn(decoded) });
  }
  return answers;
}

function readBody(
  text: string,
  at: number,
  headers: ReadonlyMap<string, string>,
): [body: string, next: number] {
  if (headers.get('transfer-encoding') === 'chunked') return readChunks(text, at);
  const length = Number(headers.get('content-length') ?? 0);
  assert.ok(at + length <= text.length, 'an answer is shorter than its content-length');
  return [text.slice(at, at + length), at + length];
}

function readChunks(text: string, start: number): [body: string, next: number] {
  let body = '';
  for (let at = start; ; ) {
    const [line, size] = /^([0-9a-fA-F]+)\r\n/.exec(text.slice(at, at + 20)) ?? [];
    assert.ok(line && size, 'an answer has a broken chunk');
    const length = Number.parseInt(size, 16);
    at += line.length;
    body += text.slice(at, at + length);
    at += length + 2;
    if (length === 0) return [body, at];
  }
}

function jsonIn(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
