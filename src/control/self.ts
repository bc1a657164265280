/**
 * /vault/self: what a run may do with its own vault key and nothing else: see how much is left, and
 * give the key up as its last step.
 */
import { rfc3339 } from '../clock.ts';
import { CHALLENGE } from './auth.ts';
import type { ControlDeps } from './deps.ts';
import { REVOKED_KEY, revokeKey } from './keys.ts';
import { notFound } from './path-ids.ts';
import { Problem } from './problem.ts';
import { json, type Route, route } from './route.ts';
import { keyState, OWN_KEY, ownKeyView } from './views.ts';

export function selfRoutes(deps: ControlDeps): Route[] {
  return [
    route({
      method: 'GET',
      path: '/vault/self',
      summary: "The run's own key: caps, spend and expiry",
      access: 'run',
      answers: { 200: { description: 'The key.', json: OWN_KEY } },
      async run({ caller }) {
        const now = deps.clock.now();
        const key = await deps.ledger.key(caller.keyId!, now);
        if (!key) throw notFound('key');
        const { revokedAt, revokedReason, policy } = key;
        if (keyState(key, now) === 'revoked') {
          const why = revokedReason === null ? '' : ` (${revokedReason})`;
          throw ended('key_revoked', `the key was revoked at ${rfc3339(revokedAt!)}${why}`);
        }
        if (keyState(key, now) === 'expired') {
          throw ended('key_expired', `the key expired at ${rfc3339(policy.expiresAt!)}`);
        }
        return json(200, ownKeyView(key, now));
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
  ];
}

function ended(code: 'key_revoked' | 'key_expired', detail: string): Problem {
  return new Problem(code, detail, { headers: CHALLENGE });
}
