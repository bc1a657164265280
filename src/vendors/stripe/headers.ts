/**
 * The headers of a call to Stripe: the client's, less those that stay, with the real secret. The
 * only place of this folder where the secret is in clear.
 */
import { forwardable } from '../headers.ts';
import type { Destination, Outbound, VendorRequest } from '../vendor.ts';

/** Headers that choose whose money it is (Connect, organisations). */
const ON_BEHALF_OF = ['stripe-account', 'stripe-context'];

export function onBehalfOf(request: VendorRequest): { header: string; value: string }[] {
  return ON_BEHALF_OF.flatMap((header) => {
    const value = request.headers.get(header);
    return value === undefined ? [] : [{ header, value }];
  });
}

export function outbound(
  request: VendorRequest,
  { baseUrl, credentials }: Destination,
  idempotencyKey: string | null,
): Outbound {
  const headers = forwardable(request.headers);
  // Names the request id of the client's previous call, which may be another key's.
  delete headers['x-stripe-client-telemetry'];
  headers.authorization = `Bearer ${credentials.secret!.reveal()}`;
  if (idempotencyKey !== null) headers['idempotency-key'] = idempotencyKey;
  const { path, query, body } = request;
  return { baseUrl, path: query ? `${path}?${query}` : path, headers, body };
}
