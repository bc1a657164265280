/**
 * The description against the server, both ways: what is described is served, what is served is
 * described, and every answer fits the schema that openapi.json itself has for it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { controlRoutes } from '../../src/control/control.ts';
import { handle, parseHandle } from '../../src/ids.ts';
import { type Answer, admission, type Json, KEY, openHouse, settlement } from './house.ts';

const house = await openHouse();

interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Json };
}
interface Operation {
  parameters: { name: string; in: string; required: boolean }[];
  requestBody?: { content: Record<string, { schema: Json }> };
  responses: Record<string, { content?: Record<string, { schema: Json }> }>;
}

const described = (await house.ask('GET', '/vault/openapi.json')).json as unknown as Document;

/** A schema of the document, its references and all, as something that can judge a value. */
function judge(schema: Json): z.ZodType {
  const whole = { ...schema, $defs: described.components.schemas };
  const text = JSON.stringify(whole).replaceAll('#/components/schemas/', '#/$defs/');
  return z.fromJSONSchema(JSON.parse(text));
}

function fits(path: string, method: string, answer: Answer): void {
  const { responses } = described.paths[path]![method.toLowerCase()]!;
  const response = responses[answer.status] ?? responses.default!;
  const type = answer.headers.get('content-type')?.split(';')[0];
  if (!response.content) {
    assert.equal(answer.text, '', 'no body is described');
    return;
  }
  const content = response.content[type!];
  assert.ok(content, `${method} ${path}: ${answer.status} ${type} is not described`);
  if (!/^application\/(problem\+)?json$/.test(type!)) return;
  const judged = judge(content.schema).safeParse(answer.json);
  assert.ok(judged.success, `${method} ${path}: ${judged.error} ${answer.text}`);
}

const parent = await house.issue({
  ...{ daily_usd_cap: 50, rate_limit: '5/1s', max_calls: 9, may_delegate: true },
  prices: [{ endpoint: 'POST /v1/subscriptions', price_usd: 5 }],
});
const key = await house.issue({
  parent: parent.id,
  metadata: { a: 'b' },
  may_delegate: true,
  prices: [{ endpoint: 'POST /v1/subscriptions', price_usd: 5 }],
  params: { amount: { max: 5 } },
  allowed_endpoints: ['POST /v1/payment_intents'],
});
const { ledger, ids } = house.deps;
const callId = ids.next();
const freeze = { freeze: 'second', reason: 'x' };
await ledger.admit(admission(parseHandle('key', key.id)!, callId, house.clock.ms));
ledger.settle(settlement(callId, house.clock.ms, 1_000_000n));
const openId = ids.next();
await ledger.admit(admission(parseHandle('key', key.id)!, openId, house.clock.ms));
ledger.settle({ ...settlement(openId, house.clock.ms, 0n), outcome: 'unknown', cost: null });
const grandchild = await house.issue({ ...KEY, parent: key.id });
const child = { agent_run_label: 'part', total_usd_cap: 1 };
const resolution = { outcome: 'settled', cost_usd: 1.5, reason: 'on the bill' };
const calls = (await house.ask('GET', '/vault/calls')).json.data as { id: string }[];
const apiKey = (await house.ask('POST', '/vault/api-keys', { name: 'x', role: 'auditor' })).json.id;
const secret = 'sk_live_51AbCdEfGhIjKlMnOpQrStUv';

/** A good request for every route, in an order in which each finds what it needs. */
const GOOD: [route: string, path?: string, body?: object][] = [
  ['POST /vault/keys', undefined, KEY],
  ['GET /vault/keys'],
  ['PATCH /vault/keys/{id}', `/vault/keys/${key.id}`, { total_usd_cap: 7 }],
  ['GET /vault/keys/{id}', `/vault/keys/${key.id}`],
  ['GET /vault/calls'],
  ['GET /vault/calls/{id}', `/vault/calls/${calls[0]!.id}`],
  [
    'POST /vault/calls/{id}/resolution',
    `/vault/calls/${handle('call', openId)}/resolution`,
    resolution,
  ],
  ['GET /vault/shadow-report'],
  ['GET /vault/spend', '/vault/spend?group_by=hour'],
  ['GET /vault/vendors'],
  ['POST /vault/accounts', undefined, { vendor: 'stripe', account: 'x', secret }],
  ['GET /vault/accounts'],
  ['PUT /vault/accounts/{vendor}/{account}', '/vault/accounts/stripe/x', { secret }],
  ['DELETE /vault/accounts/{vendor}/{account}', '/vault/accounts/stripe/x'],
  ['POST /vault/api-keys', undefined, { name: 'y', role: 'issuer' }],
  ['GET /vault/api-keys'],
  ['DELETE /vault/api-keys/{id}', `/vault/api-keys/${apiKey}`],
  ['POST /vault/revocations', undefined, freeze],
  ['GET /vault/revocations'],
  ['GET /vault/self'],
  ['POST /vault/self/keys', undefined, child],
  ['DELETE /vault/self/keys/{id}', `/vault/self/keys/${grandchild.id}`],
  ['DELETE /vault/self'],
  ['DELETE /vault/keys/{id}', `/vault/keys/${key.id}`],
  ['GET /healthz'],
  ['GET /readyz'],
  ['GET /metrics'],
  ['GET /vault/openapi.json'],
];

for (const [name, path, body] of GOOD) {
  test(`${name} answers as it is described`, async () => {
    const [method, declared] = name.split(' ') as [string, string];
    const authorization = /\/self(?:$|\/)/.test(declared)
      ? `Bearer ${key.vault_key}`
      : `Bearer ${house.keys.admin}`;
    const answer = await house.ask(method, path ?? declared, body, { authorization });
    assert.ok(answer.status < 300, `${answer.status} ${answer.text}`);
    fits(declared, method, answer);
    if (body) {
      const { requestBody } = described.paths[declared]![method.toLowerCase()]!;
      const schema = judge(requestBody!.content['application/json']!.schema);
      assert.ok(schema.safeParse(body).success, 'the request itself fits what is described');
      assert.ok(!schema.safeParse({ ...body, surplus: 1 }).success, 'unknown fields do not');
    }
    const refused = await house.ask(method, path ?? declared, body, { authorization: 'Bearer x' });
    if (refused.status >= 400) fits(declared, method, refused);
  });
}

test('every route is described, tried here, and nothing else is described', () => {
  const served = controlRoutes(house.deps).map(({ method, path }) => `${method} ${path}`);
  const inDocument = Object.entries(described.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const tried = GOOD.map(([name]) => name);
  assert.deepEqual(inDocument.sort(), served.toSorted());
  assert.deepEqual(tried.sort(), served.toSorted());
});

test('hono serves exactly the routes that are declared', () => {
  const served = new Set(
    house.app.routes
      .filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`),
  );
  const declared = controlRoutes(house.deps).map(({ method, path }) => `${method} ${path}`);
  assert.deepEqual([...served].sort(), declared.sort());
});

test('field errors and not-ready answers fit their schemas too', async () => {
  fits('/vault/keys', 'post', await house.ask('POST', '/vault/keys', { total_usd_cap: -1 }));
  const draining = await openHouse((deps) => ({ ...deps, ready: () => 'shutting down' }));
  fits('/readyz', 'get', await draining.ask('GET', '/readyz'));
});

test('every reference in the document leads somewhere, and every path parameter is declared', () => {
  const text = JSON.stringify(described);
  for (const [, name] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
    assert.ok(Object.hasOwn(described.components.schemas, name!), name);
  }
  assert.ok(!text.includes('$defs'));
  for (const [path, methods] of Object.entries(described.paths)) {
    for (const { parameters } of Object.values(methods)) {
      const names = parameters.filter(({ in: where }) => where === 'path').map(({ name }) => name);
      assert.deepEqual(
        names,
        [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
      );
    }
  }
});

test('what a request must have is said to be required', () => {
  const post = described.paths['/vault/keys']!.post!;
  const schema = post.requestBody!.content['application/json']!.schema;
  assert.deepEqual(schema.required, ['agent_run_label']);
  const group = described.paths['/vault/spend']!.get!.parameters.find(
    ({ name }) => name === 'group_by',
  );
  assert.equal(group?.required, true);
});
