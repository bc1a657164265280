/**
 * What belongs to the account: keys and domains. They answer as if they had done it, and keep
 * nothing: they are here so that a test can show that a request for a new key never arrived.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { type Context, created, found, list, type Outcome } from './context.ts';
import { timestamp } from './email.ts';
import { missing } from './errors.ts';
import { isObject } from './read-email.ts';

/** The token is what a run must never be given: it would reach Resend without any cap. */
export function createApiKey(context: Context): Outcome {
  requireName(context);
  return created({ id: randomUUID(), token: `re_${randomBytes(18).toString('hex')}` });
}

export function listApiKeys(context: Context): Outcome {
  const created_at = timestamp(context.now);
  return list(context, [{ id: ACCOUNT_ID, name: 'sandbox', created_at, last_used_at: created_at }]);
}

export function deleteApiKey(): Outcome {
  return found({});
}

export function createDomain(context: Context): Outcome {
  const name = requireName(context);
  const made = domain(randomUUID(), name, context.now);
  return created({ ...made, status: 'not_started', records: [] });
}

export function listDomains(context: Context): Outcome {
  return list(context, [domain(ACCOUNT_ID, 'example.com', context.now)]);
}

export function retrieveDomain({ names, now }: Context): Outcome {
  const shown = domain(names[0] ?? '', 'example.com', now);
  return found({ object: 'domain', ...shown, records: [] });
}

export function changeDomain({ names }: Context): Outcome {
  return found({ object: 'domain', id: names[0] });
}

export function deleteDomain({ names }: Context): Outcome {
  return found({ object: 'domain', id: names[0], deleted: true });
}

const ACCOUNT_ID = '4dd369bc-aa82-4ff3-97de-514ae3000ee0';

function domain(id: string, name: string, now: number) {
  return {
    id,
    name,
    status: 'verified',
    created_at: timestamp(now),
    region: 'us-east-1',
    capabilities: { sending: 'enabled', receiving: 'disabled' },
  };
}

function requireName({ json }: Context): string {
  const name = isObject(json) ? json.name : undefined;
  if (typeof name !== 'string' || name === '') throw missing('name');
  return name;
}
