/**
 * Keeps a real secret out of every reply, also where the vendor's own reply repeats it: each
 * occurrence is overwritten with asterisks, of the same length, so that nothing else moves.
 */
import type { Credentials, Outbound, Vendor, VendorReply } from '../vendors/vendor.ts';

/**
 * The same reply object when it holds none of the secrets, which is to say always. `sent`: the
 * request as it went out, where they may stand in another form, as in HTTP Basic.
 */
export function withoutSecrets(
  reply: VendorReply,
  { publicFields = [] }: Pick<Vendor, 'publicFields'>,
  credentials: Credentials,
  sent: Pick<Outbound, 'headers'>,
): VendorReply {
  let { body, headers } = reply;
  const secrets = Object.keys(credentials)
    .filter((name) => !publicFields.includes(name))
    .map((name) => credentials[name]!.reveal());
  const inBasic = /^Basic (\S+)$/.exec(sent.headers.authorization ?? '')?.[1];
  if (inBasic) secrets.push(inBasic);
  for (const secret of secrets) {
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
