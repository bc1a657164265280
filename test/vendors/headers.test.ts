import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '../../src/seal.ts';
import { stripe } from '../../src/vendors/stripe/stripe.ts';
import { request } from './stripe-requests.ts';

const ACCOUNT = {
  baseUrl: 'https://api.stripe.com',
  credentials: { secret: new Secret('sk_test_real') },
};

function sent(headers: Record<string, string>, idempotencyKey: string | null = null) {
  return stripe.outbound(request('POST', '/v1/charges', '', headers), ACCOUNT, idempotencyKey)
    .headers;
}

test('what is the vendor’s goes on, with the real secret', () => {
  const headers = sent({
    authorization: 'Bearer vault_key_x',
    'stripe-version': '2025-10-29.clover',
    'user-agent': 'Stripe/v1 NodeBindings/23.1.0',
    'x-stripe-client-user-agent': '{"lang":"node"}',
    'content-type': 'application/x-www-form-urlencoded',
    'accept-encoding': 'gzip, br',
  });
  assert.deepEqual(headers, {
    'accept-encoding': 'identity',
    authorization: 'Bearer sk_test_real',
    'stripe-version': '2025-10-29.clover',
    'user-agent': 'Stripe/v1 NodeBindings/23.1.0',
    'x-stripe-client-user-agent': '{"lang":"node"}',
    'content-type': 'application/x-www-form-urlencoded',
  });
});

test('credentials, hops, task labels and the client’s network stay here', () => {
  const stays = [
    ...['cookie', 'host', 'content-length', 'connection', 'keep-alive', 'te', 'trailer', 'upgrade'],
    ...['transfer-encoding', 'expect', 'proxy-authorization', 'proxy-connection'],
    ...['x-keybrake-task-id', 'x-keybrake-anything', 'x-agent-run-id', 'traceparent', 'tracestate'],
    ...['x-forwarded-for', 'x-forwarded-host', 'forwarded', 'via', 'x-stripe-client-telemetry'],
  ];
  const headers = sent(Object.fromEntries(stays.map((name) => [name, 'x'])));
  assert.deepEqual(Object.keys(headers).sort(), ['accept-encoding', 'authorization']);
});

test('the idempotency key is the one that was decided on, whatever the client sent', () => {
  assert.equal(sent({ 'idempotency-key': 'theirs' }, 'ours')['idempotency-key'], 'ours');
  assert.equal(sent({ 'idempotency-key': 'theirs' }, null)['idempotency-key'], undefined);
});

test('Connection takes away what it names, but nothing that Keybrake adds', () => {
  const headers = sent(
    {
      connection: 'close, X-Custom , authorization, idempotency-key, content-type, accept-encoding',
      'x-custom': '1',
      'content-type': 'application/x-www-form-urlencoded',
    },
    'ours',
  );
  assert.deepEqual(headers, {
    'accept-encoding': 'identity',
    'content-type': 'application/x-www-form-urlencoded',
    authorization: 'Bearer sk_test_real',
    'idempotency-key': 'ours',
  });
});
