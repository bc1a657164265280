/**
 * The control plane: every route there is, served. It owns what all requests have in common (who
 * asks, what happens when nothing fits, what is logged) and no rule of any resource.
 */
import { type Context, Hono } from 'hono';
import { accountRoutes } from './accounts.ts';
import { apiKeyRoutes } from './api-keys.ts';
import { authenticate } from './auth.ts';
import { callRoutes } from './calls.ts';
import type { ControlDeps } from './deps.ts';
import { healthRoutes } from './health.ts';
import { keyRoutes } from './keys.ts';
import { openApiRoute } from './openapi.ts';
import { Problem, problemOf, problemResponse } from './problem.ts';
import { resolutionRoutes } from './resolution.ts';
import { revocationRoutes } from './revocations.ts';
import type { Route } from './route.ts';
import { selfRoutes } from './self.ts';
import { shadowRoutes } from './shadow.ts';
import { spendRoutes } from './spend.ts';
import { vendorRoutes } from './vendors.ts';

export type { ControlDeps, Log } from './deps.ts';

const BODY_TIMEOUT_MS = 10_000;

/** Every route, each declared once. */
export function controlRoutes(deps: ControlDeps): Route[] {
  const routes = [
    ...keyRoutes(deps),
    ...revocationRoutes(deps),
    ...callRoutes(deps),
    ...resolutionRoutes(deps),
    ...shadowRoutes(deps),
    ...spendRoutes(deps),
    ...vendorRoutes(deps),
    ...accountRoutes(deps),
    ...apiKeyRoutes(deps),
    ...selfRoutes(deps),
    ...healthRoutes(deps),
  ];
  return [...routes, openApiRoute(routes)];
}

export function createControl(deps: ControlDeps): Hono {
  const app = new Hono();
  const routes = controlRoutes(deps);
  for (const each of routes) {
    app.on(each.method, honoPath(each.path), (context) => serve(deps, each, context));
  }
  for (const [path, methods] of methodsByPath(routes)) {
    app.all(honoPath(path), () => methodNotAllowed(methods));
  }
  app.notFound(({ req }) => nothingHere(req.path));
  app.onError((thrown, context) => problemFor(deps, thrown, context));
  return app;
}

async function serve(deps: ControlDeps, each: Route, context: Context): Promise<Response> {
  const { req } = context;
  const caller = await authenticate(deps.ledger, each.access, req.header('authorization') ?? null);
  const queries = req.queries();
  const response = await each.handle(req.raw, {
    caller,
    params: req.param(),
    query: req.query(),
    repeated: Object.keys(queries).filter((name) => queries[name]!.length > 1),
    bodyTimeoutMs: deps.bodyTimeoutMs ?? BODY_TIMEOUT_MS,
  });
  if (each.method !== 'GET') {
    // The declared path: the one that was sent may hold a credential in the wrong place.
    const what = { by: caller.by, method: each.method, path: each.path, status: response.status };
    deps.log.info(what, 'control');
  }
  return response;
}

/**
 * Outside of /vault it may be a vendor call whose credential is no vault key: the vendor's own, or a
 * setting that is empty. Without an `error` stripe-node takes any answer for success, whatever its
 * status, and a run would go on as if it had charged.
 */
function nothingHere(path: string): Response {
  if (path === '/vault' || path.startsWith('/vault/')) {
    return problemResponse(
      new Problem('not_found', 'there is no such path; see /vault/openapi.json'),
    );
  }
  const message =
    'there is no such path here, and a call to a vendor needs a vault key (vault_key_…) as its ' +
    'credential; the management API is at /vault/openapi.json';
  const error = { type: 'invalid_request_error', code: 'not_found', message };
  return problemResponse(new Problem('not_found', message), undefined, { error });
}

function methodNotAllowed(methods: readonly string[]): Response {
  const allow = methods.join(', ');
  return problemResponse(
    new Problem('method_not_allowed', `this path has ${allow}`, { headers: { allow } }),
  );
}

/** A fault of ours is logged under an id and answered with that id alone. */
function problemFor(deps: ControlDeps, thrown: unknown, context: Context): Response {
  const problem = problemOf(thrown);
  if (problem) return problemResponse(problem);
  const requestId = deps.ids.next().toString(36);
  deps.log.error({ err: thrown, requestId, method: context.req.method }, 'control request failed');
  return problemResponse(new Problem('internal', 'a fault of Keybrake; see its log'), requestId);
}

function honoPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}

function methodsByPath(routes: readonly Route[]): Map<string, string[]> {
  const byPath = new Map<string, string[]>();
  for (const { path, method } of routes) {
    const methods = byPath.get(path) ?? [];
    methods.push(...(method === 'GET' ? ['GET', 'HEAD'] : [method]));
    byPath.set(path, methods);
  }
  return byPath;
}
