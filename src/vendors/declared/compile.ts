/**
 * A description to a vendor: an object like those written by hand, of pure functions over the
 * description's rules.
 */
import type { Learned, Reading, Vendor } from '../vendor.ts';
import { conclude } from './conclude.ts';
import { firstLook, investigate } from './look.ts';
import { outbound } from './outbound.ts';
import { read } from './read.ts';
import { renderRefusal } from './refusal.ts';
import type { Description } from './schema.ts';
import { rulesOf } from './vendor-rules.ts';

/** Bodies of a description that names no limit, in bytes: as Stripe's. */
const BODY_LIMIT = 1 << 20;

export function compile(description: Description): Vendor {
  const rules = rulesOf(description);
  const { vendor, base_url, credentials, auth_in, body_limit, idempotency, headers } = description;
  const idempotent = typeof idempotency === 'object' ? idempotency : null;
  return {
    name: vendor,
    baseUrl: base_url,
    credentialFields: Object.keys(credentials),
    publicFields: Object.keys(credentials).filter((name) => credentials[name]!.public),
    ...(auth_in ? { keyPlaces: auth_in } : {}),
    ...(idempotent ? { idempotencyHeader: idempotent.header } : {}),
    bodyLimit: body_limit ?? BODY_LIMIT,
    idempotencyWindowMs: idempotent?.window ?? 0,
    firstLookMs: { held: firstLook(rules), unknown: null },
    identityHeaders: [...(headers?.identity ?? []), ...(headers?.on_behalf_of ?? [])],
    read: (request, tariff) => read(rules, request, tariff),
    outbound: (request, destination, key) => outbound(rules, request, destination, key),
    conclude: (reading, reply, tariff) => conclude(rules, reading, reply, tariff),
    learn,
    investigate: (...looking) => investigate(rules, ...looking),
    renderRefusal: (refusal, callId) => renderRefusal(description.errors, refusal, callId),
    checkCredentials: (fields) => checkCredentials(description, fields),
  };
}

/** No description asks a vendor for a price before a call. */
function learn(reading: Reading): Learned {
  return { quote: reading.quote };
}

/** Shorter ones would be struck out of every reply wherever they stand by chance. */
const SHORTEST_SECRET = 8;

/** The first that has not its form; its value is never repeated. */
function checkCredentials(
  { credentials }: Description,
  fields: Readonly<Record<string, string>>,
): string | null {
  for (const [name, { form, says, public: isPublic }] of Object.entries(credentials)) {
    const text = fields[name];
    if (!text) return `${name} is missing${says ? `: ${says}` : ''}`;
    if (/[^\x21-\x7e]/.test(text))
      return `${name} has a blank or another character that no header takes`;
    if (form && !form.test(text)) {
      return `${name} must be ${says ?? 'of the form that its description says'}`;
    }
    if (!isPublic && text.length < SHORTEST_SECRET) {
      return `${name} has fewer than ${SHORTEST_SECRET} characters, which is no secret`;
    }
  }
  return null;
}
