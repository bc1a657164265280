/**
 * What every reader of a request body needs, whatever the body's form: the bytes as text, and the
 * refusal of what two programs could read as two requests. Nothing is repaired here.
 */
import { isUtf8 } from 'node:buffer';
import { type Refusal, refusal } from '../errors.ts';

/** Text from bytes; null when they are not UTF-8. A byte order mark is kept, and fails as syntax. */
export function textOf(bytes: Uint8Array): string | null {
  if (!isUtf8(bytes)) return null;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}

/** `why` says what it is and the plain way to write it, without a full stop. */
export function ambiguous(why: string): Refusal {
  return refusal('request_ambiguous', `The request was not sent: ${why}.`);
}

export function faultInEncoding(headers: ReadonlyMap<string, string>): string | null {
  const encoding = headers.get('content-encoding');
  if (encoding === undefined || encoding === 'identity') return null;
  return 'the body is compressed; send it without `content-encoding`';
}
