/**
 * A control plane on a real ledger in a folder of its own, with a clock that stands still until a
 * test moves it. Everything that was logged is kept, so that tests can search it for secrets.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import type { Hono } from 'hono';
import { AccountBook } from '../../src/accounts.ts';
import { systemClock } from '../../src/clock.ts';
import { createControl } from '../../src/control/control.ts';
import type { ControlDeps } from '../../src/control/deps.ts';
import { credentialHash, IdSource, newApiKey } from '../../src/ids.ts';
import type { Admission, Ledger, Role, Settlement } from '../../src/ledger/ledger.ts';
import { openSqliteLedger } from '../../src/ledger/sqlite.ts';
import { RunningCalls } from '../../src/proxy/running.ts';
import { stripe } from '../../src/vendors/stripe/stripe.ts';
import type { Vendor } from '../../src/vendors/vendor.ts';

export const REAL_SECRET = 'sk_test_4eC39HqLyjWDarjtT1zdp7dc';

/** Stripe, and the same rules under another name, for keys of several vendors. */
const VENDORS: ReadonlyMap<string, Vendor> = new Map([
  ['stripe', stripe],
  ['second', { ...stripe, name: 'second', credentialFields: ['user', 'password'] }],
]);

export interface House {
  deps: ControlDeps & { ledger: Ledger };
  app: Hono;
  keys: Record<Role, string>;
  clock: { now(): number; ms: number };
  /** Everything that was logged, as text. */
  logged: string[];
  /** Sends a request as the administrator, or under another Authorization. */
  ask(method: string, path: string, body?: unknown, options?: AskOptions): Promise<Answer>;
  /** Issues a key with a budget of $100; `fields` replace or add. */
  issue(fields?: object): Promise<Json & { id: string; vault_key: string }>;
  /** How many vault keys are stored. */
  keyCount(): Promise<number>;
  close(): Promise<void>;
}

export interface AskOptions {
  /** Null sends none. */
  authorization?: string | null;
  headers?: Record<string, string>;
}

export type Json = Record<string, unknown>;

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  json: Json;
  /** The problem's fields with their messages. */
  fields: Record<string, string>;
}

/** Closed after the file's tests. */
export async function openHouse(change: (deps: ControlDeps) => ControlDeps = (deps) => deps) {
  const dataDir = await mkdtemp(join(tmpdir(), 'keybrake-control-'));
  const clock = { ms: Date.parse('2026-11-22T09:00:00.000Z'), now: () => clock.ms };
  const ledger = await openSqliteLedger({ dataDir });
  const ids = new IdSource(clock, 0, ledger.lastId);
  const accounts = await AccountBook.open(ledger, randomBytes(32), clock);
  accounts.addBuiltIn(stripe, 'sandbox', 'http://127.0.0.1:1', { secret: 'sk_test_sandbox' });
  await accounts.put(stripe, 'default', stripe.baseUrl, { secret: REAL_SECRET });
  const second = VENDORS.get('second')!;
  await accounts.put(second, 'default', second.baseUrl, { user: 'u', password: 'p' });
  const logged: string[] = [];
  const log = (fields: object, message: string) => {
    logged.push(JSON.stringify(fields, (_, v) => (v instanceof Error ? v.stack : v)) + message);
  };
  const deps = change({
    ledger,
    accounts,
    running: new RunningCalls(systemClock),
    vendors: VENDORS,
    ids,
    clock,
    metrics: { contentType: 'text/plain; version=0.0.4', render: async () => 'up 1\n' },
    ready: () => null,
    log: { info: log, error: log },
  });
  const keys = { admin: '', issuer: '', auditor: '' };
  for (const role of ['admin', 'issuer', 'auditor'] as const) {
    keys[role] = newApiKey(role);
    const key = { id: ids.next(), name: role, role, createdAt: clock.now() };
    await ledger.addApiKey(key, credentialHash(keys[role]));
  }
  const house: House = {
    deps,
    app: createControl(deps),
    keys,
    clock,
    logged,
    ask: (method, path, body, options) => ask(house, method, path, body, options),
    async issue(fields = {}) {
      const answer = await house.ask('POST', '/vault/keys', { ...KEY, ...fields });
      assert.equal(answer.status, 201, answer.text);
      return answer.json as Json & { id: string; vault_key: string };
    },
    async keyCount() {
      return (await ledger.keys({}, { limit: 200 }, clock.now())).rows.length;
    },
    async close() {
      await ledger.close();
      await rm(dataDir, { recursive: true });
    },
  };
  after(() => house.close());
  return house;
}

/** The least that a key needs. */
export const KEY = { vendor: 'stripe', total_usd_cap: 100, agent_run_label: 'run-1' };

async function ask(
  house: House,
  method: string,
  path: string,
  body?: unknown,
  options: AskOptions = {},
): Promise<Answer> {
  const { authorization = `Bearer ${house.keys.admin}` } = options;
  const response = await house.app.request(path, {
    method,
    headers: {
      ...(authorization !== null && { authorization }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return answerOf(response);
}

export async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '') && text.startsWith('{');
  const json =
    isJson && !/ndjson/.test(response.headers.get('content-type')!) ? JSON.parse(text) : {};
  const errors = (json.errors ?? []) as { field: string; message: string }[];
  const fields = Object.fromEntries(errors.map(({ field, message }) => [field, message]));
  return { status: response.status, headers: response.headers, text, json, fields };
}

/** A call that asks for `micros`; `over` replaces fields. */
export function admission(keyId: bigint, id: bigint, at: number, over: Partial<Admission> = {}) {
  const call: Admission = {
    id,
    at,
    keyId,
    vendor: 'stripe',
    account: 'default',
    method: 'POST',
    path: '/v1/payment_intents',
    operation: 'payment_intents.create',
    class: 'priced',
    quote: { kind: 'exact', micros: 1_000_000n },
    amount: 100n,
    currency: 'usd',
    objectId: null,
    customer: null,
    idempotencyKey: null,
    fingerprint: null,
    idempotencyWindowMs: 0,
    refusal: null,
    unheard: false,
    waited: false,
    ...{ onBehalfOf: null, rateDate: null, clue: null, facts: [], canAsk: false, holds: 'refuse' },
    runId: null,
    taskId: null,
    taskName: null,
    attempt: null,
    traceId: null,
    ...over,
  };
  return call;
}

export function settlement(id: bigint, at: number, cost: bigint): Settlement {
  return {
    id,
    at,
    outcome: 'settled',
    cost,
    objects: [],
    sealedReply: null,
    keepIdentity: false,
    replayedByVendor: false,
    refused: null,
    httpStatus: 200,
    vendorRequestId: 'req_1',
    vendorObjectId: 'pi_1',
    latencyMs: 12,
    upstreamMs: 10,
    lookAt: null,
  };
}
