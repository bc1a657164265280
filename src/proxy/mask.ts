/**
 * Keeps a real secret out of every reply, also where the vendor's own reply repeats it: each
 * occurrence is overwritten with asterisks, of the same length, so that nothing else moves.
 */
import type { Credentials, VendorReply } from '../vendors/vendor.ts';

/** The same reply object when it holds none of the secrets, which is to say always. */
export function withoutSecrets(reply: VendorReply, credentials: Credentials): VendorReply {
  let { body, headers } = reply;
  for (const name in credentials) {
    const secret = credentials[name]!.reveal();
    body = maskedBytes(body, secret);
    for (const [header, value] of headers) {
      if (!value.includes(secret)) continue;
      headers = new Map(headers).set(header, value.replaceAll(secret, stars(secret)));
    }
  }
  return body === reply.body && headers === reply.headers ? reply : { ...reply, body, headers };
}

function maskedBytes(body: Uint8Array, secret: string): Uint8Array {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  let at = bytes.indexOf(secret);
  if (at < 0) return body;
  const masked = Buffer.from(bytes);
  for (; at >= 0; at = masked.indexOf(secret, at)) masked.fill('*', at, at + secret.length);
  return masked;
}

function stars(secret: string): string {
  return '*'.repeat(secret.length);
}
