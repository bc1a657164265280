import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type Stripe from 'stripe';
import { CATALOGUE, type ErrorCode, type Refusal } from '../../src/errors.ts';
import { handle } from '../../src/ids.ts';
import { VENDORS } from '../../src/vendors/index.ts';
import { stripe } from '../../src/vendors/stripe/stripe.ts';
import { sdk } from '../sandbox/client.ts';

const CALL = handle('call', 12345n);
const CODES = Object.keys(CATALOGUE) as ErrorCode[];

const CAP: Refusal = {
  code: 'cap_exceeded',
  message: 'This call needs 29.00 USD.',
  cap: {
    kind: 'daily',
    keyId: 7n,
    cap: 500_000_000n,
    spent: 450_000_000n,
    held: 37_600_001n,
    needed: 29_000_000n,
  },
  retryAfterS: 5,
};

test('a refusal has Stripe’s shape, with the numbers as exact decimal text', () => {
  const { headers, body } = stripe.renderRefusal(CAP, CALL);
  assert.deepEqual(JSON.parse(body), {
    error: {
      type: 'invalid_request_error',
      code: 'cap_exceeded',
      message: 'This call needs 29.00 USD.',
      vault: {
        call_id: CALL,
        remedy: CATALOGUE.cap_exceeded.remedy,
        cap_kind: 'daily',
        key: handle('key', 7n),
        cap_usd: '500.00',
        spent_usd: '450.00',
        held_usd: '37.600001',
        needed_usd: '29.00',
        remaining_usd: '12.399999',
        retry_after_s: 5,
      },
    },
  });
  assert.deepEqual(headers, {
    'content-type': 'application/json',
    'request-id': `req_keybrake_${CALL.slice('call_'.length)}`,
    'stripe-should-retry': 'false',
  });
});

test('every refusal has an `error`: without one stripe-node takes it for success', () => {
  for (const code of CODES) {
    const { headers, body } = stripe.renderRefusal({ code, message: 'm' }, CALL);
    const { error } = JSON.parse(body);
    assert.deepEqual([error.code, error.message, typeof error.type], [code, 'm', 'string']);
    assert.notEqual(error.code, 'lock_timeout', 'stripe-ruby retries that one');
    const retry = headers['stripe-should-retry'];
    if (!CATALOGUE[code].retryable) assert.equal(retry, 'false', code);
    else assert.equal(retry, code === 'idempotency_in_flight' ? 'true' : undefined, code);
  }
  const rowless = stripe.renderRefusal({ code: 'key_unknown', message: 'm' }, '');
  assert.equal(rowless.headers['request-id'], undefined);
  assert.equal(JSON.parse(rowless.body).error.vault.call_id, undefined);
});

test('stripe-node raises its own exception for each, and asks again only where that can help', async (t) => {
  const answers = new Map<string, ErrorCode>();
  const attempts = new Map<string, number>();
  const server = createServer((req, res) => {
    const id = req.url!.split('/').at(-1)!;
    attempts.set(id, (attempts.get(id) ?? 0) + 1);
    const code = answers.get(id)!;
    const { headers, body } = stripe.renderRefusal({ code, message: 'no' }, CALL);
    res.writeHead(CATALOGUE[code].status, headers).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => new Promise((resolve) => server.close(resolve)));
  const { port } = server.address() as AddressInfo;
  const client = sdk(`http://127.0.0.1:${port}`, 'vault_key_x', 1);
  t.after(() => server.closeAllConnections());

  const raised: [code: ErrorCode, type: string, attempts: number][] = [
    ['key_unknown', 'StripeAuthenticationError', 1],
    ['key_revoked', 'StripeAuthenticationError', 1],
    ['endpoint_not_allowed', 'StripePermissionError', 1],
    ['unpriced', 'StripePermissionError', 1],
    ['cap_exceeded', 'StripeRateLimitError', 1],
    ['rate_limited', 'StripeRateLimitError', 1],
    ['request_ambiguous', 'StripeInvalidRequestError', 1],
    ['idempotency_mismatch', 'StripeIdempotencyError', 1],
    ['idempotency_in_flight', 'StripeAPIError', 2],
    ['body_too_large', 'StripeAPIError', 1],
    ['vendor_unreachable', 'StripeAPIError', 2],
  ];
  for (const [code, type, times] of raised) {
    const id = `pi_${code}`;
    answers.set(id, code);
    await assert.rejects(client.paymentIntents.retrieve(id), (error: Stripe.errors.StripeError) => {
      assert.deepEqual([error.type, error.code, error.message], [type, code, 'no']);
      return true;
    });
    assert.equal(attempts.get(id), times, code);
  }
});

test('an account is stored only with a key that can be one account’s secret key', () => {
  for (const secret of ['sk_test_4eC39Hq', 'sk_live_51AbC', 'rk_test_1', 'rk_live_1_2']) {
    assert.equal(stripe.checkCredentials({ secret }), null, secret);
  }
  const wrong: [secret: string, says: RegExp][] = [
    ['', /missing/],
    ['pk_test_abc', /publishable/],
    ['sk_org_abc', /organisation/],
    ['sk_test_abc\n', /blank/],
    ['sk_test_ abc', /blank/],
    ['whsec_abc', /must be a Stripe key/],
    ['sk_test_!', /must be a Stripe key/],
    ['vault_key_abc', /must be a Stripe key/],
    ['sk_test_abc"', /must be a Stripe key/],
  ];
  for (const [secret, says] of wrong) {
    assert.match(stripe.checkCredentials({ secret }) ?? 'null', says, JSON.stringify(secret));
    assert.ok(!secret || !stripe.checkCredentials({ secret })!.includes(secret), 'never repeated');
  }
  assert.match(stripe.checkCredentials({}) ?? '', /missing/);
});

test('the registry names each vendor as it names itself', () => {
  assert.ok(VENDORS.has('stripe'));
  for (const [name, vendor] of VENDORS) assert.equal(vendor.name, name);
});
