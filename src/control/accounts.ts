/**
 * /vault/accounts: the vendors' real credentials, write-only. They go from the request to the
 * account book, which seals them; no answer, error or log line holds one.
 */
import { z } from 'zod';
import type { Account } from '../accounts.ts';
import { readBaseUrl } from '../base-url.ts';
import { rfc3339 } from '../clock.ts';
import { LedgerConflict } from '../ledger/ledger.ts';
import { parsed } from '../shape.ts';
import type { Vendor } from '../vendors/vendor.ts';
import type { ControlDeps } from './deps.ts';
import { accountName, vendorName } from './fields.ts';
import { Problem } from './problem.ts';
import type { Faults, Shape } from './read-fields.ts';
import { json, type Route, route } from './route.ts';
import { Turns } from './turns.ts';
import { listOf, TIME, timeOrNull } from './views.ts';

const PATH = '/vault/accounts/{vendor}/{account}';

const ACCOUNT = z
  .strictObject({
    vendor: z.string(),
    account: z.string(),
    base_url: z.string(),
    built_in: z.boolean().meta({ description: 'From the configuration or the sandbox.' }),
    created_at: TIME,
    rotated_at: TIME.nullable(),
  })
  .meta({ id: 'Account' });

const baseUrl = parsed(readBaseUrl, {
  format: 'uri',
  description: "https; http for this machine only. The vendor's own when it is not given.",
});

const credential = parsed(
  (text) => {
    if (text.length > 500) throw new Error('must have at most 500 characters');
    if (!/^[\x21-\x7e]+$/.test(text)) throw new Error('must be plain characters without spaces');
    return text;
  },
  { format: 'password', writeOnly: true },
);

type Given = Readonly<Record<string, unknown>>;

export function accountRoutes(deps: ControlDeps): Route[] {
  // Looking whether an account exists and writing it is one step.
  const turns = new Turns();
  return [store(deps, turns), list(deps), rotate(deps, turns), remove(deps, turns)];
}

/** Every vendor's credential fields; which of them an account needs, its vendor says. */
function credentialFields(deps: ControlDeps): Shape {
  const names = new Set([...deps.vendors.values()].flatMap(fieldsOf));
  return Object.fromEntries([...names].map((name) => [name, credential.optional()]));
}

function fieldsOf({ credentialFields, optionalFields = [] }: Vendor): string[] {
  return [...credentialFields, ...optionalFields];
}

function store(deps: ControlDeps, turns: Turns): Route {
  return route({
    method: 'POST',
    path: '/vault/accounts',
    summary: "Store a vendor's credentials",
    access: 'admin',
    body: {
      vendor: vendorName([...deps.vendors.keys()]),
      account: accountName.optional().meta({ description: '`default` when it is not given.' }),
      base_url: baseUrl.optional(),
      ...credentialFields(deps),
    },
    answers: { 201: { description: 'Stored; the credentials are not shown.', json: ACCOUNT } },
    check({ body }, faults): Record<string, string> {
      if (body.account === 'sandbox') faults.add('account', 'is kept for the built-in vendors');
      const vendor = body.vendor === undefined ? undefined : deps.vendors.get(body.vendor);
      return vendor ? credentialsOf(vendor, body, faults) : {};
    },
    async run({ body, checked: credentials }) {
      const vendor = deps.vendors.get(body.vendor)!;
      const name = body.account ?? 'default';
      const account = await turns.run(async () => {
        if (deps.accounts.get(vendor.name, name)) {
          throw new LedgerConflict(
            `${vendor.name}/${name} exists; PUT /vault/accounts/${vendor.name}/${name} replaces it`,
          );
        }
        return deps.accounts.put(vendor, name, body.base_url ?? vendor.baseUrl, credentials);
      });
      return json(201, accountView(account));
    },
  });
}

function list(deps: ControlDeps): Route {
  return route({
    method: 'GET',
    path: '/vault/accounts',
    summary: 'List the accounts, without their credentials',
    access: 'auditor',
    answers: { 200: { description: 'All of them, on one page.', json: listOf(ACCOUNT) } },
    run: () => json(200, { data: deps.accounts.list().map(accountView), next_cursor: null }),
  });
}

function rotate(deps: ControlDeps, turns: Turns): Route {
  return route({
    method: 'PUT',
    path: PATH,
    summary: "Replace an account's credentials; calls that start afterwards use them",
    access: 'admin',
    body: { base_url: baseUrl.optional(), ...credentialFields(deps) },
    answers: { 200: { description: 'Replaced; the credentials are not shown.', json: ACCOUNT } },
    check({ params, body }, faults): Record<string, string> {
      const { vendor } = replaceable(deps, params);
      return credentialsOf(vendor, body, faults);
    },
    async run({ params, body, checked: credentials }) {
      const account = await turns.run(() => {
        const { vendor, account } = replaceable(deps, params);
        const to = body.base_url ?? account.baseUrl;
        return deps.accounts.put(vendor, account.account, to, credentials);
      });
      return json(200, accountView(account));
    },
  });
}

function remove(deps: ControlDeps, turns: Turns): Route {
  return route({
    method: 'DELETE',
    path: PATH,
    summary: 'Remove an account; keys for it are refused from then on',
    access: 'admin',
    answers: { 204: { description: 'Its credentials are gone.' } },
    async run({ params }) {
      await turns.run(() => {
        const { vendor, account } = changeable(deps, params);
        return deps.accounts.remove(vendor, account);
      });
      return new Response(null, { status: 204 });
    },
  });
}

/**
 * The account of a path, also of a vendor whose description is gone: its secret must be removable.
 * Throws when there is none, or when it is not ours to change.
 */
function changeable(deps: ControlDeps, params: Readonly<Record<string, string>>): Account {
  const account = deps.accounts.get(params.vendor!, params.account!);
  if (!account)
    throw new Problem('not_found', 'there is no such account; GET /vault/accounts lists them');
  if (account.builtIn) {
    throw new LedgerConflict(
      'this account comes from the configuration of the server; change it there',
    );
  }
  return account;
}

/** With the vendor whose credentials they are. */
function replaceable(deps: ControlDeps, params: Readonly<Record<string, string>>) {
  const account = changeable(deps, params);
  const vendor = deps.vendors.get(account.vendor);
  if (vendor) return { vendor, account };
  throw new LedgerConflict(
    `the vendor ${account.vendor} has no description here any more; put its file back, or remove ` +
      'the account',
  );
}

/** The vendor's own fields out of the body; faults for what is missing or not the vendor's. */
function credentialsOf(vendor: Vendor, body: Given, faults: Faults): Record<string, string> {
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries(body)) {
    if (['vendor', 'account', 'base_url'].includes(name)) continue;
    if (fieldsOf(vendor).includes(name)) given[name] = String(value);
    else faults.add(name, `is not a credential of ${vendor.name}`);
  }
  const missing = vendor.credentialFields.filter((name) => given[name] === undefined);
  for (const name of missing) {
    if (!faults.has(name)) faults.add(name, `is required for ${vendor.name}`);
  }
  const wrong = missing.length === 0 ? vendor.checkCredentials(given) : null;
  if (wrong !== null) {
    // What the vendor's rules say is public, unless it were ever to repeat what it was given.
    const repeats = Object.values(given).some((value) => wrong.includes(value));
    const field = fieldsOf(vendor).find((name) => wrong.startsWith(`${name} `));
    const message = repeats
      ? 'is not a valid credential'
      : wrong.slice(field ? field.length + 1 : 0);
    faults.add(field ?? vendor.credentialFields.join(', '), message);
  }
  return given;
}

function accountView(account: Account) {
  return {
    vendor: account.vendor,
    account: account.account,
    base_url: account.baseUrl,
    built_in: account.builtIn,
    created_at: rfc3339(account.createdAt),
    rotated_at: timeOrNull(account.rotatedAt),
  };
}
