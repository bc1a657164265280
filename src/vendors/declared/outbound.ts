/**
 * The request as it goes out to a described vendor: the client's headers, less those that stay, with
 * the real credentials where the description puts them. The only place of this folder where they are
 * in clear.
 */
import { forwardable } from '../headers.ts';
import type { Credentials, Destination, Outbound, VendorRequest } from '../vendor.ts';
import { fill, type Template } from './template.ts';
import type { Rules } from './vendor-rules.ts';

export function outbound(
  rules: Rules,
  request: VendorRequest,
  destination: Destination,
  idempotencyKey: string | null,
): Outbound {
  const { description, authHeaders } = rules;
  const { auth_out, idempotency } = description;
  const headers = forwardable(request.headers);
  for (const name of authHeaders) delete headers[name];
  for (const name of description.headers?.drop ?? []) delete headers[name];
  if (typeof idempotency === 'object') {
    delete headers[idempotency.header];
    if (idempotencyKey !== null) headers[idempotency.header] = idempotencyKey;
  }
  const filled = (template: Template) => filledIn(template, destination.credentials);
  if (auth_out.bearer) headers.authorization = `Bearer ${filled(auth_out.bearer)}`;
  if (auth_out.basic) {
    const { user, password } = auth_out.basic;
    const pair = Buffer.from(`${filled(user)}:${filled(password)}`).toString('base64');
    headers.authorization = `Basic ${pair}`;
  }
  for (const [name, template] of Object.entries(auth_out.headers ?? {})) {
    headers[name] = filled(template);
  }
  const { path, query, body } = request;
  const to = hostOf(rules, path, destination.baseUrl);
  return { ...to, path: query ? `${to.path}?${query}` : to.path, headers, body };
}

function filledIn(template: Template, credentials: Credentials): string {
  return fill(template, (name) => credentials[name]!.reveal());
}

/**
 * The host that the path's first segment stands for. An account with an address of its own sends
 * everything there, as it came: its secret must not go where the operator did not say.
 */
function hostOf({ description }: Rules, path: string, baseUrl: string) {
  if (baseUrl !== description.base_url) return { baseUrl, path };
  const prefix = `/${path.split('/', 2)[1] ?? ''}`;
  const host = Object.hasOwn(description.hosts ?? {}, prefix) ? description.hosts![prefix]! : null;
  return host === null
    ? { baseUrl, path }
    : { baseUrl: host, path: path.slice(prefix.length) || '/' };
}
