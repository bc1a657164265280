/**
 * /vault/openapi.json: the description of the API, made from the same declarations that serve it.
 * Nothing is described here by hand except what all routes have in common.
 */
import { z } from 'zod';
import { CATALOGUE } from '../errors.ts';
import type { Access } from './auth.ts';
import type { Shape } from './read-fields.ts';
import { type Described, json, type Route, route } from './route.ts';

type Json = Record<string, unknown>;

const PROBLEM = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.enum(Object.keys(CATALOGUE) as [string, ...string[]]),
    detail: z.string(),
    errors: z.array(z.strictObject({ field: z.string(), message: z.string() })).optional(),
    request_id: z.string().optional(),
  })
  .meta({ id: 'Problem' });

const WHO: Record<Access, string> = {
  public: 'Needs no key.',
  run: "Needs the run's vault key, as Bearer or as either half of Basic.",
  auditor: 'Needs a management key of any role.',
  issuer: 'Needs a management key of the role issuer or admin.',
  admin: 'Needs a management key of the role admin.',
};

/** The route that answers with the description of `routes` and of itself. */
export function openApiRoute(routes: readonly Route[]): Route {
  const own: Route = route({
    method: 'GET',
    path: '/vault/openapi.json',
    summary: 'This description',
    access: 'public',
    answers: { 200: { description: 'OpenAPI 3.1.', json: z.looseObject({ openapi: z.string() }) } },
    run: () => json(200, description),
  });
  const description = describe([...routes, own]);
  return own;
}

function describe(routes: readonly Route[]): Json {
  const components = new Components();
  const paths: Record<string, Json> = {};
  for (const each of routes) {
    paths[each.path] ??= {};
    paths[each.path]![each.method.toLowerCase()] = operation(each, components);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Keybrake control plane',
      version: '1',
      description:
        'Amounts named *_usd or *_usd_cap are JSON numbers of at most six decimals, read and ' +
        'written exactly. Times are RFC 3339 in UTC. Unknown fields are an error.',
    },
    paths,
    components: {
      schemas: components.schemas,
      securitySchemes: {
        management: { type: 'http', scheme: 'bearer' },
        run: { type: 'http', scheme: 'bearer' },
        runBasic: { type: 'http', scheme: 'basic' },
      },
    },
  };
}

function operation(each: Route, components: Components): Json {
  const params = [...each.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const responses: Json = {};
  for (const [status, described] of Object.entries(each.answers)) {
    responses[status] = answer(described, components);
  }
  responses.default = {
    description: 'What went wrong (RFC 9457).',
    content: { 'application/problem+json': { schema: components.of(PROBLEM, 'output') } },
  };
  return {
    summary: each.summary,
    description: WHO[each.access],
    security: SECURITY[each.access === 'public' || each.access === 'run' ? each.access : 'key'],
    parameters: [...params, ...queryParameters(each.query, components)],
    ...(each.body && { requestBody: requestBody(each.body, components) }),
    responses,
  };
}

const SECURITY = {
  public: [],
  run: [{ run: [] }, { runBasic: [] }],
  key: [{ management: [] }],
};

function queryParameters(query: Shape, components: Components): Json[] {
  return Object.entries(query).map(([name, schema]) => ({
    name,
    in: 'query',
    required: !schema.safeParse(undefined).success,
    schema: components.of(schema, 'input'),
  }));
}

function requestBody(body: Shape, components: Components): Json {
  const schema = components.of(z.strictObject(body), 'input');
  return { required: true, content: { 'application/json': { schema } } };
}

function answer({ description, json, others = [] }: Described, components: Components): Json {
  const content: Json = {};
  if (json) content['application/json'] = { schema: components.of(json, 'output') };
  for (const type of others) content[type] = { schema: { type: 'string' } };
  return { description, ...(Object.keys(content).length > 0 && { content }) };
}

/** Schemas with a name are written once, under components, and referred to. */
class Components {
  readonly schemas: Json = {};

  of(schema: z.ZodType, io: 'input' | 'output'): Json {
    const text = JSON.stringify(z.toJSONSchema(schema, { io, unrepresentable: 'any' }));
    const whole: Json = JSON.parse(text.replaceAll('"#/$defs/', '"#/components/schemas/'));
    const { $schema: _, $defs, id, ...rest } = whole;
    Object.assign(this.schemas, withoutIds($defs as Record<string, Json> | undefined));
    if (typeof id !== 'string') return rest;
    this.schemas[id] = rest;
    return { $ref: `#/components/schemas/${id}` };
  }
}

function withoutIds(named: Record<string, Json> | undefined): Json {
  const entries = Object.entries(named ?? {});
  return Object.fromEntries(entries.map(([name, { id: _, ...schema }]) => [name, schema]));
}
