/**
 * What the sandbox wrote down since a moment, as the comparison takes it. Reads the vendor's books
 * only; nothing of it comes from Keybrake.
 */
import type { StripeBooks } from '../../sandbox/stripe/books.ts';
import type { VendorBooks } from './compare.ts';

/** Where the books stood; what is older belongs to an earlier act. */
export interface Bookmark {
  seq: number;
  intents: ReadonlySet<string>;
  movedCents: bigint;
}

export function bookmark(books: StripeBooks): Bookmark {
  return {
    seq: books.received.at(-1)?.seq ?? -1,
    intents: new Set(books.all('payment_intent').map(({ id }) => id)),
    movedCents: books.movedCents(),
  };
}

export function booksSince(books: StripeBooks, mark: Bookmark): VendorBooks {
  return {
    received: books.received
      .filter(({ seq }) => seq > mark.seq)
      .map(({ idempotencyKey, executed }) => ({ idempotencyKey, executed })),
    intents: books
      .all('payment_intent')
      .filter(({ id }) => !mark.intents.has(id))
      .map(({ id, status, amountReceived }) => ({
        id,
        status,
        receivedCents: BigInt(amountReceived),
      })),
    movedCents: books.movedCents() - mark.movedCents,
  };
}
