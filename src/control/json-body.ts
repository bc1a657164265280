/**
 * Reads a JSON request body exactly: bounded, strict UTF-8, no name twice, and amounts of dollars
 * as the text they were written in. An amount never becomes a floating point number here.
 */
import { JsonFault, parseJson } from '../json-scan.ts';
import { Problem } from './problem.ts';

/** The largest body of a management request, in bytes; 200 endpoints and 50 metadata fit. */
export const BODY_LIMIT = 64 * 1024;

/** Fields whose numbers stay text. */
const AMOUNT = /_usd(_cap)?$/;

/** Throws Problem when the body is not one JSON object, too large, or late. */
export async function readJsonObject(
  request: Request,
  timeoutMs: number,
): Promise<Record<string, unknown>> {
  const type = request.headers.get('content-type') ?? '';
  if (!/^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i.test(type.trim())) {
    throw new Problem('invalid_request', 'the body must be sent as content-type: application/json');
  }
  const bytes = await readBytes(request, timeoutMs);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Problem('invalid_request', 'the body is not UTF-8 text');
  }
  const parsed = parseExactly(text);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new Problem('invalid_request', 'the body must be one JSON object');
  }
  return parsed as Record<string, unknown>;
}

/** JSON text to values, with amounts as NumberText. Throws Problem that names the position. */
export function parseExactly(text: string): unknown {
  try {
    return parseJson(text, (name) => AMOUNT.test(name));
  } catch (fault) {
    if (!(fault instanceof JsonFault)) throw fault;
    throw new Problem(
      'invalid_request',
      `the body is not valid JSON: ${fault.message}, at character ${fault.position}`,
    );
  }
}

async function readBytes(request: Request, timeoutMs: number): Promise<Uint8Array> {
  const tooLarge = () =>
    new Problem('body_too_large', `the body must not exceed ${BODY_LIMIT} bytes`, {
      headers: { connection: 'close' },
    });
  if (Number(request.headers.get('content-length') ?? 0) > BODY_LIMIT) throw tooLarge();
  const reader = request.body?.getReader();
  if (!reader) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const detail = `the body did not arrive within ${timeoutMs} ms`;
    late.reject(new Problem('invalid_request', detail, { headers: { connection: 'close' } }));
  }, timeoutMs);
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), late.promise]);
      if (done) return Buffer.concat(chunks);
      size += value.byteLength;
      if (size > BODY_LIMIT) throw tooLarge();
      chunks.push(value);
    }
  } catch (cause) {
    reader.cancel().catch(() => undefined);
    if (cause instanceof Problem) throw cause;
    throw new Problem('invalid_request', 'the body ended before it was complete');
  } finally {
    clearTimeout(timer);
  }
}
