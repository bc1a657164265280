/**
 * localstripe as the vendor: a stateful server that nobody here wrote, behind an unmodified
 * stripe-node. Its own books, asked for past Keybrake, are what the ledger is held against.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import Stripe from 'stripe';
import { type Keybrake, startKeybrake } from '../support/keybrake.ts';
import { type Localstripe, startLocalstripe } from '../support/localstripe.ts';
import {
  auditRows,
  countStates,
  type IssuedKey,
  issueKey,
  keySpend,
  putAccount,
} from '../support/management.ts';

/** localstripe takes any secret of this form. */
const SECRET = 'sk_test_localstripe';

function client(url: string, key: string): Stripe {
  const { hostname, port } = new URL(url);
  // Without the SDK's own retries: every answer is seen.
  const where = { host: hostname, port: Number(port), protocol: 'http' } as const;
  return new Stripe(key, { ...where, maxNetworkRetries: 0 });
}

const vendor = await startLocalstripe();
describe('localstripe behind Keybrake', () => {
  if ('skip' in vendor) test('runs', { skip: vendor.skip }, () => {});
  else guarantees(vendor);
});

function guarantees(vendor: Localstripe): void {
  let keybrake: Keybrake;
  /** Past Keybrake, with the real secret. */
  let books: Stripe;
  let card: Stripe.PaymentMethod;

  before(async () => {
    keybrake = await startKeybrake();
    await putAccount(keybrake, 'stripe', 'local', { base_url: vendor.url, secret: SECRET });
    books = client(vendor.url, SECRET);
    card = await books.paymentMethods.create({
      type: 'card',
      card: { number: '4242424242424242', exp_month: 12, exp_year: 2040, cvc: '123' },
    });
  });
  after(async () => {
    await keybrake?.close();
    await vendor.close();
  });

  async function issue(capUsd: number, label: string): Promise<IssuedKey> {
    const fields = { account: 'local', total_usd_cap: capUsd, agent_run_label: label };
    return await issueKey(keybrake, fields);
  }

  const spent = async (key: IssuedKey) => {
    const { spent_usd, held_usd } = await keySpend(keybrake, key.id);
    return spent_usd + held_usd;
  };

  test('create, confirm and refund go through, and each is counted once', async () => {
    // Room for the payment and the refund, and for nothing that is counted twice meanwhile.
    const key = await issue(25, 'lifecycle');
    const stripe = client(keybrake.url, key.vault_key);
    const made = await stripe.paymentIntents.create({
      amount: 2000,
      currency: 'usd',
      payment_method: card.id,
    });
    assert.equal(made.status, 'requires_confirmation');
    assert.equal(await spent(key), 20);

    const paid = await stripe.paymentIntents.confirm(made.id);
    assert.equal(paid.status, 'succeeded');
    assert.equal(await spent(key), 20, 'the confirmation of what was counted counts nothing more');

    const refund = await stripe.refunds.create({ payment_intent: made.id, amount: 500 });
    assert.equal(refund.status, 'succeeded');
    assert.equal(await spent(key), 25, 'a refund moves money out and counts');

    const theirs = await books.paymentIntents.retrieve(made.id);
    assert.deepEqual([theirs.amount, theirs.status], [2000, 'succeeded']);
    const { data: refunds } = await books.refunds.list();
    assert.deepEqual(
      refunds.map(({ id, amount }) => [id, amount]),
      [[refund.id, 500]],
    );
  });

  test('the cap holds over concurrent calls, and the vendor’s list agrees with the ledger', async () => {
    const key = await issue(50, 'burst');
    const stripe = client(keybrake.url, key.vault_key);
    const earlier = new Set((await listAll(books)).map(({ id }) => id));
    const results = await Promise.allSettled(
      Array.from({ length: 30 }, () =>
        stripe.paymentIntents.create({
          amount: 500,
          currency: 'usd',
          payment_method: card.id,
          confirm: true,
        }),
      ),
    );
    const refusals = results.flatMap((r) => (r.status === 'rejected' ? [r.reason] : []));
    assert.equal(refusals.length, 20);
    for (const refusal of refusals) {
      assert.ok(refusal instanceof Stripe.errors.StripeRateLimitError, String(refusal));
      assert.equal(refusal.headers?.['x-keybrake-cap-hit'], 'true');
    }

    const theirs = (await listAll(books)).filter(({ id }) => !earlier.has(id));
    assert.equal(theirs.length, 10);
    assert.ok(theirs.every(({ status, amount }) => status === 'succeeded' && amount === 500));
    assert.equal(await spent(key), 50);
    const rows = await auditRows(keybrake, { label: 'burst' });
    assert.deepEqual(countStates(rows), { settled: 10, refused: 20 });
    const ours = rows.filter(({ state }) => state === 'settled').map((row) => row.vendor_object_id);
    assert.deepEqual(ours.sort(), theirs.map(({ id }) => id).sort());
  });

  test('one idempotency key is one payment, though this vendor deduplicates nothing', async () => {
    const key = await issue(100, 'twins');
    const stripe = client(keybrake.url, key.vault_key);
    const earlier = (await listAll(books)).length;
    const params = { amount: 700, currency: 'usd', payment_method: card.id, confirm: true };
    const twins = await Promise.all(
      Array.from({ length: 5 }, () =>
        stripe.paymentIntents.create(params, { idempotencyKey: 'order-1' }),
      ),
    );
    assert.equal(new Set(twins.map(({ id }) => id)).size, 1);
    assert.equal((await listAll(books)).length, earlier + 1);
    assert.equal(await spent(key), 7);
  });
}

async function listAll(books: Stripe): Promise<Stripe.PaymentIntent[]> {
  const { data, has_more } = await books.paymentIntents.list({ limit: 100 });
  assert.equal(has_more, false);
  return data;
}
