/**
 * Every code of the data plane, driven through the official SDK: that it can be produced at all, and
 * that it arrives as the exception, the status and the headers that docs/errors.md promises.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import Stripe from 'stripe';
import { CATALOGUE, type ErrorCode, isCapHit } from '../src/errors.ts';
import { newVaultKey } from '../src/ids.ts';
import { type Keybrake, startKeybrake } from './support/keybrake.ts';
import { issueKey, putAccount, revokeKey } from './support/management.ts';
import { manualClock } from './support/manual-clock.ts';

const clock = manualClock();
let server: Keybrake;
before(async () => {
  server = await startKeybrake({ clock, coalesceMs: 20 });
});
after(() => server.close());

const CHARGE = { amount: 1_000, currency: 'usd' };

function sdk(vaultKey: string, from: Keybrake = server): Stripe {
  const { hostname, port } = new URL(from.url);
  return new Stripe(vaultKey, { host: hostname, port, protocol: 'http', maxNetworkRetries: 0 });
}

async function keyWith(fields: object): Promise<Stripe> {
  return sdk((await issueKey(server, fields)).vault_key);
}

async function manage(method: string, path: string, body?: object): Promise<void> {
  const reply = await fetch(server.url + path, {
    method,
    headers: { authorization: `Bearer ${server.apiKey}`, 'content-type': 'application/json' },
    body: body ? JSON.stringify(body) : null,
  });
  assert.ok(reply.ok, await reply.text());
}

/** How each code comes about; each ends in a call that is refused with it. */
const WAYS: Partial<Record<ErrorCode, () => Promise<unknown>>> = {
  key_unknown: () => sdk(newVaultKey(true)).paymentIntents.create(CHARGE),

  async key_revoked() {
    const key = await issueKey(server);
    await revokeKey(server, key.id);
    return sdk(key.vault_key).paymentIntents.create(CHARGE);
  },

  async key_expired() {
    const stripe = await keyWith({ expires_in: '1m' });
    clock.advance(60_000);
    return stripe.paymentIntents.create(CHARGE);
  },

  async vendor_not_allowed() {
    await putAccount(server, 'stripe', 'leaving', { secret: 'sk_test_leaving0000000000' });
    const stripe = await keyWith({ account: 'leaving' });
    await manage('DELETE', '/vault/accounts/stripe/leaving');
    return stripe.paymentIntents.create(CHARGE);
  },

  async endpoint_not_allowed() {
    const stripe = await keyWith({ allowed_endpoints: ['payment_intents.create'] });
    return stripe.refunds.create({ payment_intent: 'pi_1' });
  },

  async scope_not_allowed() {
    const stripe = await keyWith({});
    return stripe.paymentIntents.create(CHARGE, { stripeAccount: 'acct_1' });
  },

  async unpriced() {
    return (await keyWith({})).paymentIntents.create({ amount: 1_000, currency: 'eur' });
  },

  async frozen() {
    const stripe = await keyWith({});
    await manage('POST', '/vault/revocations', { freeze: 'stripe' });
    const refused = stripe.paymentIntents.create(CHARGE);
    await refused.catch(() => manage('POST', '/vault/revocations', { unfreeze: 'stripe' }));
    return refused;
  },

  async cap_exceeded() {
    return (await keyWith({ total_usd_cap: 9.99 })).paymentIntents.create(CHARGE);
  },

  async call_cap_exceeded() {
    return (await keyWith({ per_call_usd_cap: 9.99 })).paymentIntents.create(CHARGE);
  },

  async call_limit_reached() {
    const stripe = await keyWith({ max_calls: 1 });
    await stripe.paymentIntents.create(CHARGE);
    return stripe.paymentIntents.create(CHARGE);
  },

  async rate_limited() {
    const stripe = await keyWith({ rate_limit: '1/1h' });
    await stripe.paymentIntents.create(CHARGE);
    return stripe.paymentIntents.create(CHARGE);
  },

  async request_ambiguous() {
    const amount = '1e3' as unknown as number;
    return (await keyWith({})).paymentIntents.create({ ...CHARGE, amount });
  },

  async idempotency_mismatch() {
    const stripe = await keyWith({});
    const options = { idempotencyKey: 'refusals-mismatch' };
    await stripe.paymentIntents.create(CHARGE, options);
    return stripe.paymentIntents.create({ ...CHARGE, amount: 2_000 }, options);
  },

  async idempotency_in_flight() {
    const stripe = await keyWith({});
    const options = { idempotencyKey: 'refusals-in-flight' };
    server.sandbox.faults.next({ do: { kind: 'delay', delayMs: 1_000 } });
    const before = server.sandbox.stripe.requests;
    const first = stripe.paymentIntents.create(CHARGE, options);
    while (server.sandbox.stripe.requests === before) await new Promise(setImmediate);
    const second = stripe.paymentIntents.create(CHARGE, options);
    await second.catch(() => first);
    return second;
  },

  async body_too_large() {
    const description = 'x'.repeat(1 << 20);
    return (await keyWith({})).paymentIntents.create({ ...CHARGE, description });
  },

  async vendor_unreachable() {
    const gone = { secret: 'sk_test_gone000000000000', base_url: 'http://127.0.0.1:1' };
    await putAccount(server, 'stripe', 'gone', gone);
    return (await keyWith({ account: 'gone' })).paymentIntents.create(CHARGE);
  },

  async outcome_unknown() {
    const stripe = await keyWith({});
    server.sandbox.faults.next({ do: { kind: 'hangup', at: 'after' } });
    return stripe.paymentIntents.create(CHARGE);
  },

  async ledger_unavailable() {
    const other = await startKeybrake();
    const stripe = sdk((await issueKey(other)).vault_key, other);
    await other.ledger.close();
    const refused = stripe.paymentIntents.create(CHARGE);
    await refused.catch(() => other.close());
    return refused;
  },
};

/** The exception of stripe-node by the status; what a code is raised as besides. */
const RAISED: Record<number, string> = {
  400: 'StripeInvalidRequestError',
  401: 'StripeAuthenticationError',
  403: 'StripePermissionError',
  409: 'StripeAPIError',
  413: 'StripeAPIError',
  429: 'StripeRateLimitError',
  502: 'StripeAPIError',
  503: 'StripeAPIError',
  504: 'StripeAPIError',
};

/** Only the management API answers with these. */
const CONTROL: readonly ErrorCode[] = [
  ...(['invalid_request', 'unauthorized', 'forbidden', 'not_found', 'method_not_allowed'] as const),
  ...(['conflict', 'internal'] as const),
];

test('each code is either driven here or of the management API', () => {
  assert.deepEqual(Object.keys(CATALOGUE).sort(), [...Object.keys(WAYS), ...CONTROL].sort());
});

for (const [code, way] of Object.entries(WAYS) as [ErrorCode, () => Promise<unknown>][]) {
  test(`${code} is raised by the SDK as what it is`, async () => {
    const executed = server.sandbox.stripe.executions;
    const error = await way().then(
      () => assert.fail('the call went through'),
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof Stripe.errors.StripeError, String(error));
    const { status, retryable, remedy } = CATALOGUE[code];
    assert.equal(error.code, code, error.message);
    assert.equal(error.statusCode, status);
    const raised = code === 'idempotency_mismatch' ? 'StripeIdempotencyError' : RAISED[status];
    assert.equal(error.type, raised);
    const headers = error.headers ?? {};
    assert.equal(headers['x-keybrake-reason'], code);
    assert.equal(headers['x-keybrake-cap-hit'], isCapHit(code) ? 'true' : undefined);
    assert.equal(headers['content-type'], 'application/json');
    if (!retryable) assert.equal(headers['stripe-should-retry'], 'false');
    else assert.notEqual(headers['stripe-should-retry'], 'false');
    if (code === 'rate_limited') assert.match(headers['retry-after'] ?? '', /^[1-9]\d*$/);
    const { vault } = error.raw as { vault: { remedy: string } };
    assert.equal(vault.remedy, remedy);
    assert.ok(server.sandbox.stripe.executions - executed <= 1, 'the vendor executed the refused');
  });
}
