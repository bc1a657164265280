/**
 * What replies of all vendors have in common: which status rejects, and a body's JSON, read without
 * trusting it: compressed or not, bounded, of any shape. What cannot be read is null, never an
 * exception.
 */
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import { exactJson } from '../json-scan.ts';
import { textOf } from './one-reading.ts';
import type { VendorReply } from './vendor.ts';

export type Json = Readonly<Record<string, unknown>>;

/** The largest replies, Stripe's lists of 100 expanded objects, stay below 2 MB. */
const LONGEST = 16 << 20;

type Decoder = (body: Uint8Array, options: { maxOutputLength: number }) => Buffer;
const DECODERS: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  ['gzip', gunzipSync],
  ['x-gzip', gunzipSync],
  ['deflate', inflateSync],
  ['br', brotliDecompressSync],
]);

/**
 * A 4xx: the vendor rejected the call, so that nothing moved. But for 408, which comes from what
 * stands in front of the vendor and does not know how far the request came.
 */
export function isRejection({ status }: Pick<VendorReply, 'status'>): boolean {
  return status >= 400 && status < 500 && status !== 408;
}

/** The body's JSON object; null when it is none, is too long, or is encoded in an unknown way. */
export function readJson(reply: VendorReply): Json | null {
  try {
    const body = decoded(reply);
    if (body === null || body.length > LONGEST) return null;
    const text = textOf(body);
    return text === null ? null : objectIn(JSON.parse(text));
  } catch {
    return null;
  }
}

/** The body's JSON value of any kind, its numbers as they were written; undefined when it is none. */
export function readExactJson(reply: VendorReply): unknown {
  try {
    const body = decoded(reply);
    const text = body === null || body.length > LONGEST ? null : textOf(body);
    return text === null ? undefined : exactJson(text, () => true);
  } catch {
    return undefined;
  }
}

function decoded({ headers, body }: VendorReply): Uint8Array | null {
  const encoding = headers.get('content-encoding')?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity' || encoding === '') return body;
  return DECODERS.get(encoding)?.(body, { maxOutputLength: LONGEST }) ?? null;
}

export function objectIn(value: unknown): Json | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Json)
    : null;
}

/** A text that is not empty, else null. */
export function textIn(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** The id of an object that a field names or, when it was expanded, holds. */
export function idIn(value: unknown): string | null {
  return textIn(value) ?? textIn(objectIn(value)?.id);
}

/** A whole number that a double holds exactly, else null. */
export function integerIn(value: unknown): bigint | null {
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : null;
}
