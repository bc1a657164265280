/**
 * /vault/revocations: ends many keys at once, and freezes. A freeze stops a vendor (or everything)
 * without ending any key: unfrozen, the keys work as before. Freezing is the administrator's alone.
 */
import { z } from 'zod';
import { rfc3339 } from '../clock.ts';
import { handle } from '../ids.ts';
import type { Freeze, RevocationTarget } from '../ledger/ledger.ts';
import { requireRole } from './auth.ts';
import type { ControlDeps } from './deps.ts';
import { label, labelPrefix, reason, vendorName } from './fields.ts';
import type { Read, Shape } from './read-fields.ts';
import { EVERYTHING, freeze, revoke } from './revoke.ts';
import { json, type Route, route } from './route.ts';
import { CALL_ID, KEY_ID, TIME } from './views.ts';

const PATH = '/vault/revocations';

const FREEZE = z.strictObject({
  vendor: z.string().meta({ description: 'A vendor, or * for everything.' }),
  at: TIME,
  by: z.string(),
  reason: z.string().nullable(),
});

const ANSWER = z.strictObject({
  revoked: z.array(KEY_ID).meta({ description: 'Revoked by this or before.' }),
  in_flight: z.array(CALL_ID).meta({ description: 'Calls that were at the vendor already.' }),
  freezes: z.array(FREEZE).meta({ description: 'What is frozen now.' }),
});

function fields(vendors: readonly string[]) {
  const frozen = vendorName([...vendors, EVERYTHING]).optional();
  return {
    label: label.optional(),
    label_prefix: labelPrefix.optional(),
    vendor: vendorName(vendors).optional(),
    all: z.literal(true).optional(),
    freeze: frozen,
    unfreeze: frozen,
    reason: reason.optional(),
  } satisfies Shape;
}

const CHOICES = ['label', 'label_prefix', 'vendor', 'all', 'freeze', 'unfreeze'] as const;

type Body = Read<ReturnType<typeof fields>>;

export function revocationRoutes(deps: ControlDeps): Route[] {
  return [revokeMany(deps), listFreezes(deps)];
}

function revokeMany(deps: ControlDeps): Route {
  return route({
    method: 'POST',
    path: PATH,
    summary: 'Revoke many keys, or freeze or unfreeze a vendor; takes exactly one target',
    access: 'issuer',
    body: fields([...deps.vendors.keys()]),
    answers: { 200: { description: 'It holds everywhere.', json: ANSWER } },
    check({ body, caller }, faults): undefined {
      const given = CHOICES.filter((name) => body[name] !== undefined || faults.has(name));
      if (given.length === 0) faults.add('label', `or one of ${CHOICES.join(', ')} is required`);
      for (const name of given.slice(1)) faults.add(name, `must not be given beside ${given[0]}`);
      if (given.includes('freeze') || given.includes('unfreeze')) requireRole(caller.role, 'admin');
    },
    async run({ body, caller }) {
      const why = body.reason ?? null;
      const target = targetOf(body);
      const done = target
        ? await revoke(deps, target, why, caller.by)
        : { ids: [], inFlight: await setFreeze(deps, body, why, caller.by) };
      return json(200, {
        revoked: done.ids.map((id) => handle('key', id)),
        in_flight: done.inFlight,
        freezes: (await deps.ledger.freezes()).map(freezeView),
      });
    },
  });
}

function listFreezes(deps: ControlDeps): Route {
  return route({
    method: 'GET',
    path: PATH,
    summary: 'What is frozen now',
    access: 'auditor',
    answers: {
      200: { description: 'The freezes.', json: z.strictObject({ freezes: z.array(FREEZE) }) },
    },
    async run() {
      return json(200, { freezes: (await deps.ledger.freezes()).map(freezeView) });
    },
  });
}

function targetOf(body: Body): RevocationTarget | undefined {
  if (body.label !== undefined) return { label: body.label };
  if (body.label_prefix !== undefined) return { labelPrefix: body.label_prefix };
  if (body.vendor !== undefined) return { vendor: body.vendor };
  return body.all ? { all: true } : undefined;
}

/** Freezes or unfreezes; returns the calls that a freeze came too late for. */
async function setFreeze(
  deps: ControlDeps,
  body: Body,
  why: string | null,
  by: string,
): Promise<string[]> {
  if (body.unfreeze !== undefined) {
    await deps.ledger.removeFreeze(body.unfreeze);
    return [];
  }
  return freeze(deps, body.freeze!, why, by);
}

function freezeView({ vendor, at, by, reason }: Freeze) {
  return { vendor, at: rfc3339(at), by, reason };
}
