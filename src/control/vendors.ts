/** /vault/vendors: which vendors this server knows, and what an account of each consists of. */
import { z } from 'zod';
import type { ControlDeps } from './deps.ts';
import { json, type Route, route } from './route.ts';
import { listOf } from './views.ts';

const VENDOR = z
  .strictObject({
    vendor: z.string(),
    base_url: z.string(),
    credential_fields: z.array(z.string()).meta({ description: 'In the order to ask for them.' }),
  })
  .meta({ id: 'Vendor' });

export function vendorRoutes(deps: ControlDeps): Route[] {
  return [
    route({
      method: 'GET',
      path: '/vault/vendors',
      summary: 'List the vendors that the server knows, with what their accounts consist of',
      access: 'auditor',
      answers: { 200: { description: 'All of them, on one page.', json: listOf(VENDOR) } },
      run() {
        const data = [...deps.vendors.values()].map(({ name, baseUrl, credentialFields }) => ({
          ...{ vendor: name, base_url: baseUrl, credential_fields: [...credentialFields] },
        }));
        return json(200, { data, next_cursor: null });
      },
    }),
  ];
}
