/**
 * The official stripe-python, today's and 5.0.0, against a real server: what its caller gets when
 * Keybrake lets a call through, and which exception when it does not.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Keybrake, startKeybrake } from '../support/keybrake.ts';
import { auditRows, issueKey, revokeKey } from '../support/management.ts';
import { type Python, python } from '../support/python.ts';
import { type Relay, startRelay } from '../support/relay.ts';

const CALLS = new URL('../support/python/stripe_calls.py', import.meta.url).pathname;

/** What a call of stripe_calls.py came to. */
interface Outcome {
  id?: string;
  status?: string;
  error?: string;
  http_status?: number;
  headers: Record<string, string>;
  json_body?: { error: { code?: string; type: string } };
  message?: string;
}

const charge = (amount: number, more: object = {}) => [
  'PaymentIntent',
  'create',
  { amount, currency: 'usd', payment_method: 'pm_card_visa', confirm: true, ...more },
];

for (const [name, version] of [
  ['current', '16.1.0'],
  ['stripe5', '5.0.0'],
] as const) {
  const environment = await python(name);
  describe(`stripe-python ${version}`, () => {
    if ('skip' in environment) {
      test('is there', { skip: environment.skip }, () => {});
      return;
    }
    guarantees(environment, version);
  });
}

function guarantees(environment: Python, version: string): void {
  let keybrake: Keybrake;
  let relay: Relay;
  before(async () => {
    keybrake = await startKeybrake();
    relay = await startRelay(keybrake.url);
  });
  after(async () => {
    await relay?.close();
    await keybrake?.close();
  });

  async function call(key: string, ...calls: unknown[]): Promise<Outcome[]> {
    relay.seen.length = 0;
    const order = { base: `${relay.url}/stripe`, key, calls };
    const { code, stdout, stderr } = await environment.run([CALLS, JSON.stringify(order)]);
    assert.equal(code, 0, stderr);
    const printed = JSON.parse(stdout) as { version: string; outcomes: Outcome[] };
    assert.equal(printed.version, version);
    assert.equal(printed.outcomes.length, calls.length);
    return printed.outcomes;
  }

  test('a call within the cap succeeds and tells what is left', async () => {
    const key = await issueKey(keybrake, { total_usd_cap: 50 });
    const [paid] = await call(key.vault_key, charge(2900));
    assert.equal(paid?.status, 'succeeded', paid?.message);
    assert.match(paid.headers['x-keybrake-call-id'] ?? '', /^call_/);
    assert.equal(paid.headers['x-keybrake-cost-usd'], '29.00');
    assert.equal(paid.headers['x-keybrake-remaining-usd'], '21.00');
  });

  test('past the cap the SDK raises RateLimitError after one attempt, and says why', async () => {
    const key = await issueKey(keybrake, { total_usd_cap: 50 });
    const [, refused] = await call(key.vault_key, charge(2900), charge(2900));
    assert.equal(refused?.error, 'RateLimitError');
    assert.equal(refused.http_status, 429);
    assert.equal(refused.headers['x-keybrake-cap-hit'], 'true');
    assert.equal(refused.json_body?.error.code, 'cap_exceeded');
    assert.deepEqual(
      relay.seen.map(({ status }) => status),
      [200, 429],
    );
  });

  test('after a revoke the SDK raises AuthenticationError after one attempt', async () => {
    const key = await issueKey(keybrake);
    await revokeKey(keybrake, key.id);
    const [refused] = await call(key.vault_key, charge(500));
    assert.equal(refused?.error, 'AuthenticationError');
    assert.equal(refused.http_status, 401);
    assert.equal(refused.json_body?.error.code, 'key_revoked');
    assert.equal(relay.seen.length, 1);
  });

  test('outside the allowed endpoints the SDK raises PermissionError after one attempt', async () => {
    const key = await issueKey(keybrake, { allowed_endpoints: ['POST /v1/refunds'] });
    const [refused] = await call(key.vault_key, charge(500));
    assert.equal(refused?.error, 'PermissionError');
    assert.equal(refused.http_status, 403);
    assert.equal(refused.json_body?.error.code, 'endpoint_not_allowed');
    assert.equal(relay.seen.length, 1);
  });

  test('a declined card is the vendor’s CardError, and its money comes back', async () => {
    const key = await issueKey(keybrake, { total_usd_cap: 5, agent_run_label: 'declines' });
    const declined = charge(500, { payment_method: 'pm_card_chargeDeclined' });
    const [refused, paid] = await call(key.vault_key, declined, charge(500));
    assert.equal(refused?.error, 'CardError');
    assert.equal(refused.http_status, 402);
    assert.equal(refused.headers['x-keybrake-cap-hit'], undefined);
    assert.equal(paid?.status, 'succeeded', paid?.message);
  });

  test('a retry with the same idempotency key gets the first reply and costs nothing', async () => {
    const key = await issueKey(keybrake, { total_usd_cap: 5 });
    const once = charge(500, { idempotency_key: `once-${version}` });
    const [first, second] = await call(key.vault_key, once, once);
    assert.ok(first && second);
    assert.equal(first.status, 'succeeded', first.message);
    assert.equal(second.id, first.id);
    assert.equal(first.headers['x-keybrake-replayed'], undefined);
    assert.equal(second.headers['x-keybrake-replayed'], 'true');
    assert.equal(second.headers['x-keybrake-cost-usd'], '0.00');
  });

  test('the task that a call names is on its row, and does not reach the vendor', async () => {
    const label = `tasks-${version}`;
    const key = await issueKey(keybrake, { agent_run_label: label });
    const headers = {
      'X-Keybrake-Task-Id': 'task-7',
      'X-Keybrake-Task-Name': 'billing.charge_customer',
      'X-Keybrake-Attempt': '2',
      'X-Keybrake-Run-Id': 'run-1',
    };
    const [paid] = await call(key.vault_key, charge(500, { headers }));
    assert.equal(paid?.status, 'succeeded', paid?.message);
    const [row] = await auditRows(keybrake, { label });
    assert.equal(row?.task_id, 'task-7');
    assert.equal(row.task_name, 'billing.charge_customer');
    assert.equal(row.attempt, 2);
    assert.equal(row.agent_run_id, 'run-1');
    assert.equal(row.vendor_object_id, paid.id);
    const sent = JSON.stringify(keybrake.sandbox.stripe.received.at(-1)?.headers);
    assert.doesNotMatch(sent, /keybrake|task-7/i);
  });
}
