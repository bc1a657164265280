/**
 * Who asks: a management key of some role, or a run with its own vault key. Compares hashes that
 * the ledger looks up; a credential that came in is never kept, logged or written back.
 */
import { readCredential } from '../credential.ts';
import { credentialHash, handle } from '../ids.ts';
import type { ApiKey, Ledger, Role } from '../ledger/ledger.ts';
import { Problem } from './problem.ts';

/**
 * Who may use a route: anyone; a run, with its vault key; or the least role of a management key.
 * Each role may do what those before it may: auditor (read), issuer (issue and revoke), admin.
 */
export type Access = 'public' | 'run' | Role;

export interface Caller {
  /** The handle under which what they do is recorded: `apikey_…`, `key_…`, or `public`. */
  by: string;
  role: Role | null;
  /** The vault key of a run. */
  keyId: bigint | null;
}

const RANK: Record<Role, number> = { auditor: 1, issuer: 2, admin: 3 };

const ROLES: Record<Role, string> = {
  auditor: 'auditor, issuer or admin',
  issuer: 'issuer or admin',
  admin: 'admin',
};

/** Throws Problem: unauthorized, key_unknown or forbidden. */
export async function authenticate(
  ledger: Ledger,
  access: Access,
  authorization: string | null,
): Promise<Caller> {
  if (access === 'public') return { by: 'public', role: null, keyId: null };
  if (access === 'run') return authenticateRun(ledger, authorization);
  const apiKey = await managementKey(ledger, authorization);
  requireRole(apiKey.role, access);
  return { by: handle('apikey', apiKey.id), role: apiKey.role, keyId: null };
}

/** Throws Problem when the role is less than is needed. */
export function requireRole(role: Role | null, needed: Role): void {
  if (role !== null && RANK[role] >= RANK[needed]) return;
  throw new Problem(
    'forbidden',
    `this needs a management key of the role ${ROLES[needed]}; this one is ${role ?? 'none'}`,
  );
}

async function managementKey(ledger: Ledger, authorization: string | null): Promise<ApiKey> {
  const text = bearer(authorization);
  if (text === undefined) {
    throw unauthorized('send Authorization: Bearer with a management key');
  }
  if (/^vault_key_/.test(text)) {
    throw unauthorized(
      'this is a vault key; it opens /vault/self and what is below it; the rest needs a management key',
    );
  }
  const apiKey = await ledger.findApiKey(credentialHash(text));
  if (!apiKey) throw unauthorized('there is no such management key');
  return apiKey;
}

async function authenticateRun(ledger: Ledger, authorization: string | null): Promise<Caller> {
  const credential = readCredential(authorization);
  if (!credential) throw unauthorized("send Authorization with the run's vault key");
  const key = await ledger.findKey(credentialHash(credential.key));
  if (!key) throw new Problem('key_unknown', 'there is no such vault key', { headers: CHALLENGE });
  return { by: handle('key', key.id), role: null, keyId: key.id };
}

/** A 401 says which scheme to use (RFC 9110, 11.6.1). */
export const CHALLENGE = { 'www-authenticate': 'Bearer realm="keybrake"' };

function unauthorized(detail: string): Problem {
  return new Problem('unauthorized', detail, { headers: CHALLENGE });
}

function bearer(authorization: string | null): string | undefined {
  return /^bearer +([^\s,]+)$/i.exec(authorization ?? '')?.[1];
}
