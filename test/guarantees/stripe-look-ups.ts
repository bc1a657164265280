/**
 * A key in front of the sandbox's Stripe, called with the official SDK, beside somebody who calls it
 * past Keybrake; and what of the vendor's books and log is Keybrake's.
 */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type Stripe from 'stripe';
import { sdk } from '../sandbox/client.ts';
import { assertAgreement, type Books, booksOf, isLookUp } from '../support/agreement.ts';
import type { Keybrake } from '../support/keybrake.ts';
import { issueKey } from '../support/management.ts';
import { spendOf, start } from '../support/scene.ts';

export const MANUAL = { capture_method: 'manual' } as const;

export interface Scene {
  keybrake: Keybrake;
  keyId: string;
  /** Through Keybrake. */
  stripe: Stripe;
  /** Past Keybrake, with the real secret. */
  outside: Stripe;
  /** Notes the vendor's books: what stands in them is not the key's. */
  note(): void;
  /** The key has this in dollars, and the vendor's books since they were noted say the same. */
  agrees(spent: number, held?: number): Promise<void>;
  /** Keybrake's own questions since the books were noted. */
  lookUps(): string[];
}

export async function open(t: TestContext, fields: object = {}): Promise<Scene> {
  const keybrake = await start(t);
  const key = await issueKey(keybrake, { total_usd_cap: 1000, ...fields });
  const { stripeUrl, secret, stripe: books } = keybrake.sandbox;
  let since: Books | undefined;
  return {
    keybrake,
    keyId: key.id,
    stripe: sdk(keybrake.url, key.vault_key),
    outside: sdk(stripeUrl, secret),
    note: () => {
      since = booksOf(books);
    },
    agrees: async (spent, held = 0) => {
      assert.deepEqual(await spendOf(keybrake, key.id), [spent, held]);
      await assertAgreement(keybrake, [key.id], since ? { since } : {});
    },
    lookUps: () =>
      books.received
        .slice(since?.requests)
        .filter(isLookUp)
        .map(({ method, path }) => `${method} ${path}`),
  };
}

/** A key that reaches what is withheld from others. */
export const ALL = { allowed_endpoints: ['/v1/**', '/v2/**'] };

/** A draft of one item. */
export async function invoiceOf(client: Stripe, cents: number): Promise<string> {
  const { id } = await client.invoices.create({ customer: 'cus_old' });
  await client.invoiceItems.create({
    ...{ customer: 'cus_old', invoice: id, amount: cents, currency: 'usd' },
  });
  return id;
}

/** Of two things that are paid for each month: $30 and $60. */
export async function pricesOf(outside: Stripe): Promise<{ small: string; large: string }> {
  const product = await outside.products.create({ name: 'Seat' });
  const monthly = async (unit_amount: number) => {
    const recurring = { interval: 'month' } as const;
    const terms = { product: product.id, currency: 'usd', unit_amount, recurring };
    return (await outside.prices.create(terms)).id;
  };
  return { small: await monthly(3000), large: await monthly(6000) };
}
