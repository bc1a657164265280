/**
 * /healthz, /readyz, /metrics: for probes and Prometheus, without a key, because neither can keep
 * one. They tell nothing of any run.
 */
import { z } from 'zod';
import type { ControlDeps } from './deps.ts';
import { json, type Route, route } from './route.ts';

export function healthRoutes(deps: ControlDeps): Route[] {
  return [
    route({
      method: 'GET',
      path: '/healthz',
      summary: 'Whether the process answers',
      access: 'public',
      answers: {
        200: { description: 'It does.', json: z.strictObject({ status: z.literal('ok') }) },
      },
      run: () => json(200, { status: 'ok' }),
    }),
    route({
      method: 'GET',
      path: '/readyz',
      summary: 'Whether calls can be decided now',
      access: 'public',
      answers: {
        200: { description: 'They can.', json: z.strictObject({ status: z.literal('ready') }) },
        503: {
          description: 'They cannot.',
          json: z.strictObject({ status: z.literal('not_ready'), reason: z.string() }),
        },
      },
      run() {
        const reason = deps.ready();
        return reason === null
          ? json(200, { status: 'ready' })
          : json(503, { status: 'not_ready', reason });
      },
    }),
    route({
      method: 'GET',
      path: '/metrics',
      summary: 'Prometheus',
      access: 'public',
      answers: { 200: { description: 'The metrics.', others: ['text/plain'] } },
      async run() {
        const headers = { 'content-type': deps.metrics.contentType, 'cache-control': 'no-store' };
        return new Response(await deps.metrics.render(), { headers });
      },
    }),
  ];
}
