/**
 * /vault/keys: issue, list, show, change, revoke. The credential of a key leaves in the answer to
 * its issue and at no other time; only its hash goes to the ledger.
 */
import { z } from 'zod';
import { rfc3339 } from '../clock.ts';
import { credentialHash, handle, newVaultKey } from '../ids.ts';
import type { KeyPatch, KeyView, Policy } from '../ledger/ledger.ts';
import type { Caller } from './auth.ts';
import type { ControlDeps } from './deps.ts';
import { label, labelPrefix, reason, vendorName } from './fields.ts';
import { changeFields, issueFields } from './key-fields.ts';
import { patchOf, policyOf } from './key-policy.ts';
import { pageFields, pageQuery, pageView } from './paging.ts';
import { notFound, pathId } from './path-ids.ts';
import { revoke } from './revoke.ts';
import { json, type Route, route } from './route.ts';
import { CALL_ID, ISSUED_KEY, KEY, KEY_ID, keyView, listOf, TIME } from './views.ts';

const PATH = '/vault/keys/{id}';

export const REVOKED_KEY = z.strictObject({
  id: KEY_ID,
  revoked_at: TIME,
  already_revoked: z.boolean(),
  in_flight: z.array(CALL_ID).meta({ description: 'Calls that were at the vendor already.' }),
});

export function keyRoutes(deps: ControlDeps): Route[] {
  return [issue(deps), list(deps), show(deps), change(deps), revokeOne(deps)];
}

function issue(deps: ControlDeps): Route {
  return route({
    method: 'POST',
    path: '/vault/keys',
    summary: 'Issue a vault key to a run',
    access: 'issuer',
    body: issueFields([...deps.vendors.keys()]),
    answers: { 201: { description: 'The key, with its credential this once.', json: ISSUED_KEY } },
    check: ({ body }, faults) => policyOf(deps, body, faults),
    run: ({ body, caller, checked: policy }) =>
      issueKey(deps, body, body.parent ?? null, policy, caller),
  });
}

/** Issues the key and answers, with its credential this once. */
export async function issueKey(
  deps: ControlDeps,
  { agent_run_label, metadata = {} }: KeyName,
  parentId: bigint | null,
  policy: Policy,
  { by, keyId }: Caller,
): Promise<Response> {
  const text = newVaultKey(policy.account === 'sandbox');
  const key = await deps.ledger.issueKey({
    ...{ id: deps.ids.next(), hash: credentialHash(text), label: agent_run_label, parentId },
    ...{ policy, metadata, issuedAt: deps.clock.now() },
    ...{ issuedBy: by, byRun: keyId !== null },
  });
  return json(201, { vault_key: text, ...keyView(key, deps.clock.now()) });
}

interface KeyName {
  agent_run_label: string;
  metadata?: Record<string, string> | undefined;
}

function list(deps: ControlDeps): Route {
  return route({
    method: 'GET',
    path: '/vault/keys',
    summary: 'List and filter vault keys, newest first',
    access: 'auditor',
    query: {
      label: label.optional(),
      label_prefix: labelPrefix.optional(),
      vendor: vendorName([...deps.vendors.keys()]).optional(),
      state: z.enum(['live', 'revoked', 'expired']).optional(),
      ...pageFields('key'),
    },
    answers: { 200: { description: 'A page of keys.', json: listOf(KEY) } },
    async run({ query }) {
      const { label, label_prefix, vendor, state } = query;
      const now = deps.clock.now();
      const filter = {
        ...(label !== undefined && { label }),
        ...(label_prefix !== undefined && { labelPrefix: label_prefix }),
        ...(vendor !== undefined && { vendor }),
        ...(state !== undefined && { state }),
      };
      const page = await deps.ledger.keys(filter, pageQuery(query), now);
      return json(
        200,
        pageView('key', page, (key) => keyView(key, now)),
      );
    },
  });
}

function show(deps: ControlDeps): Route {
  return route({
    method: 'GET',
    path: PATH,
    summary: 'Show a vault key with its budgets, spend and history',
    access: 'auditor',
    answers: { 200: { description: 'The key.', json: KEY } },
    async run({ params }) {
      return json(200, keyView(await existing(deps, params.id!), deps.clock.now()));
    },
  });
}

function change(deps: ControlDeps): Route {
  return route({
    method: 'PATCH',
    path: PATH,
    summary: 'Change caps, expiry or endpoints of a vault key; spend and history stay',
    access: 'admin',
    body: changeFields,
    answers: { 200: { description: 'The key as it is now.', json: KEY } },
    async check({ params, body }, faults): Promise<KeyPatch> {
      const key = await existing(deps, params.id!);
      const now = deps.clock.now();
      const parent = key.parentId === null ? undefined : await deps.ledger.key(key.parentId, now);
      const patch = patchOf(deps, body, key, parent, faults);
      if (Object.keys(patch).length === 0 && faults.isEmpty) {
        faults.add('body', `must change something: ${Object.keys(changeFields).join(', ')}`);
      }
      return patch;
    },
    async run({ params, caller, checked: patch }) {
      const id = pathId('key', params.id!);
      const key = await deps.ledger.changeKey(id, patch, caller.by, deps.clock.now());
      if (!key) throw notFound('key');
      return json(200, keyView(key, deps.clock.now()));
    },
  });
}

function revokeOne(deps: ControlDeps): Route {
  return route({
    method: 'DELETE',
    path: PATH,
    summary: 'Revoke a vault key and the keys below it; idempotent',
    access: 'issuer',
    query: { reason: reason.optional() },
    answers: { 200: { description: 'It holds everywhere.', json: REVOKED_KEY } },
    async run({ params, query, caller }) {
      return revokeKey(deps, pathId('key', params.id!), query.reason ?? null, caller.by);
    },
  });
}

/** Revokes one key and answers. Throws Problem `not_found`. */
export async function revokeKey(
  deps: ControlDeps,
  id: bigint,
  why: string | null,
  by: string,
): Promise<Response> {
  const { ids, at, inFlight } = await revoke(deps, { key: id }, why, by);
  if (ids.length === 0) throw notFound('key');
  const revokedAt = (await deps.ledger.key(id, at))?.revokedAt ?? at;
  return json(200, {
    id: handle('key', id),
    revoked_at: rfc3339(revokedAt),
    already_revoked: revokedAt !== at,
    in_flight: inFlight,
  });
}

async function existing(deps: ControlDeps, text: string): Promise<KeyView> {
  const key = await deps.ledger.key(pathId('key', text), deps.clock.now());
  if (!key) throw notFound('key');
  return key;
}
