/**
 * /vault/self: what a run may do with its own vault key and nothing else: see how much is left, give
 * the key up as its last step and, where it may delegate, issue and end narrower keys under it.
 */
import { rfc3339 } from '../clock.ts';
import type { KeyView, Policy } from '../ledger/ledger.ts';
import { CHALLENGE } from './auth.ts';
import type { ControlDeps } from './deps.ts';
import { reason } from './fields.ts';
import { childFields } from './key-fields.ts';
import { policyOf } from './key-policy.ts';
import { issueKey, REVOKED_KEY, revokeKey } from './keys.ts';
import { notFound, pathId } from './path-ids.ts';
import { Problem } from './problem.ts';
import { json, type Route, route } from './route.ts';
import { ISSUED_KEY, keyState, OWN_KEY, ownKeyView } from './views.ts';

export function selfRoutes(deps: ControlDeps): Route[] {
  return [
    route({
      method: 'GET',
      path: '/vault/self',
      summary: "The run's own key: caps, spend and expiry",
      access: 'run',
      answers: { 200: { description: 'The key.', json: OWN_KEY } },
      async run({ caller }) {
        return json(200, ownKeyView(await live(deps, caller.keyId!), deps.clock.now()));
      },
    }),
    route({
      method: 'DELETE',
      path: '/vault/self',
      summary: 'Gives the key up; idempotent, also when it has ended already',
      access: 'run',
      answers: { 200: { description: 'It holds everywhere.', json: REVOKED_KEY } },
      run: ({ caller }) => revokeKey(deps, caller.keyId!, 'given up by the run', caller.by),
    }),
    issueChild(deps),
    revokeChild(deps),
  ];
}

function issueChild(deps: ControlDeps): Route {
  return route({
    method: 'POST',
    path: '/vault/self/keys',
    summary: "Issue a narrower key under the run's own; what it does not say is as the parent's",
    access: 'run',
    body: childFields([...deps.vendors.keys()]),
    answers: { 201: { description: 'The key, with its credential this once.', json: ISSUED_KEY } },
    async check({ body, caller }, faults): Promise<Policy> {
      const parent = await live(deps, caller.keyId!);
      if (!parent.policy.mayDelegate) {
        throw new Problem('forbidden', 'this key may not issue others: it has no may_delegate');
      }
      return policyOf(deps, { ...body, parent: parent.id }, faults);
    },
    run: ({ body, caller, checked: policy }) => issueKey(deps, body, caller.keyId!, policy, caller),
  });
}

function revokeChild(deps: ControlDeps): Route {
  return route({
    method: 'DELETE',
    path: '/vault/self/keys/{id}',
    summary: "Revoke a key under the run's own, and the keys below it; idempotent",
    access: 'run',
    query: { reason: reason.optional() },
    answers: { 200: { description: 'It holds everywhere.', json: REVOKED_KEY } },
    async run({ params, query, caller }) {
      await live(deps, caller.keyId!);
      const id = pathId('key', params.id!);
      if (!(await isUnder(deps, id, caller.keyId!))) throw notFound('key');
      return revokeKey(deps, id, query.reason ?? null, caller.by);
    },
  });
}

/** Whether the key was issued under `above`, by however many steps. */
async function isUnder(deps: ControlDeps, id: bigint, above: bigint): Promise<boolean> {
  const now = deps.clock.now();
  for (let key = await deps.ledger.key(id, now); key?.parentId != null; ) {
    if (key.parentId === above) return true;
    key = await deps.ledger.key(key.parentId, now);
  }
  return false;
}

/** The run's key. Throws Problem when it has ended. */
async function live(deps: ControlDeps, id: bigint): Promise<KeyView> {
  const now = deps.clock.now();
  const key = await deps.ledger.key(id, now);
  if (!key) throw notFound('key');
  const { revokedAt, revokedReason, policy } = key;
  if (keyState(key, now) === 'revoked') {
    const why = revokedReason === null ? '' : ` (${revokedReason})`;
    throw ended('key_revoked', `the key was revoked at ${rfc3339(revokedAt!)}${why}`);
  }
  if (keyState(key, now) === 'expired') {
    throw ended('key_expired', `the key expired at ${rfc3339(policy.expiresAt!)}`);
  }
  return key;
}

function ended(code: 'key_revoked' | 'key_expired', detail: string): Problem {
  return new Problem(code, detail, { headers: CHALLENGE });
}
