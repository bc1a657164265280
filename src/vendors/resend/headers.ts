/**
 * The headers of a call to Resend: the client's, less those that stay, with the real secret. The
 * only place of this folder where the secret is in clear.
 */
import { forwardable } from '../headers.ts';
import type { Destination, Outbound, VendorRequest } from '../vendor.ts';

export function outbound(
  request: VendorRequest,
  { baseUrl, credentials }: Destination,
  idempotencyKey: string | null,
): Outbound {
  const headers = forwardable(request.headers);
  headers.authorization = `Bearer ${credentials.secret!.reveal()}`;
  // Who does not name himself is refused before Resend sees it: 403 with `error code: 1010`.
  headers['user-agent'] ||= 'keybrake';
  if (idempotencyKey !== null) headers['idempotency-key'] = idempotencyKey;
  const { path, query, body } = request;
  return { baseUrl, path: query ? `${path}?${query}` : path, headers, body };
}
