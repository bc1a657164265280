/**
 * /vault/api-keys: management keys. The text of one leaves in the answer that makes it; only its
 * hash is stored. There is always an administrator left.
 */
import { z } from 'zod';
import { rfc3339 } from '../clock.ts';
import { credentialHash, handle, newApiKey } from '../ids.ts';
import { type ApiKey, LedgerConflict } from '../ledger/ledger.ts';
import type { ControlDeps } from './deps.ts';
import { plainText } from './fields.ts';
import { notFound, pathId } from './path-ids.ts';
import { json, type Route, route } from './route.ts';
import { Turns } from './turns.ts';
import { listOf, TIME } from './views.ts';

const role = z.enum(['admin', 'issuer', 'auditor']);

const API_KEY_FIELDS = {
  id: z.string().regex(/^apikey_[0-9a-z]{13}$/),
  name: z.string(),
  role,
  created_at: TIME,
};

const API_KEY = z.strictObject(API_KEY_FIELDS).meta({ id: 'ApiKey' });

export function apiKeyRoutes(deps: ControlDeps): Route[] {
  return [make(deps), list(deps), remove(deps)];
}

function make(deps: ControlDeps): Route {
  return route({
    method: 'POST',
    path: '/vault/api-keys',
    summary: 'Make a management key',
    access: 'admin',
    body: { name: plainText(100), role },
    answers: {
      201: {
        description: 'The key, with its text this once.',
        json: z.strictObject({ api_key: z.string(), ...API_KEY_FIELDS }),
      },
    },
    async run({ body: { name, role } }) {
      const text = newApiKey(role);
      const key = { id: deps.ids.next(), name, role, createdAt: deps.clock.now() };
      await deps.ledger.addApiKey(key, credentialHash(text));
      return json(201, { api_key: text, ...apiKeyView(key) });
    },
  });
}

function list(deps: ControlDeps): Route {
  return route({
    method: 'GET',
    path: '/vault/api-keys',
    summary: 'List the management keys',
    access: 'auditor',
    answers: { 200: { description: 'All of them, on one page.', json: listOf(API_KEY) } },
    async run() {
      const keys = await deps.ledger.apiKeys();
      return json(200, { data: keys.map(apiKeyView), next_cursor: null });
    },
  });
}

function remove(deps: ControlDeps): Route {
  const turns = new Turns();
  return route({
    method: 'DELETE',
    path: '/vault/api-keys/{id}',
    summary: 'Remove a management key; not the last administrator',
    access: 'admin',
    answers: { 204: { description: 'It opens nothing any more.' } },
    async run({ params }) {
      const id = pathId('apikey', params.id!);
      // Two administrators who remove each other at once would leave none.
      await turns.run(async () => {
        const keys = await deps.ledger.apiKeys();
        const gone = keys.find((key) => key.id === id);
        if (!gone) throw notFound('apikey');
        const admins = keys.filter((key) => key.role === 'admin');
        if (gone.role === 'admin' && admins.length === 1) {
          throw new LedgerConflict(
            'this is the last key of the role admin; make another one first',
          );
        }
        await deps.ledger.removeApiKey(id);
      });
      return new Response(null, { status: 204 });
    },
  });
}

function apiKeyView({ id, name, role, createdAt }: ApiKey) {
  return { id: handle('apikey', id), name, role, created_at: rfc3339(createdAt) };
}
